"""A scenario whose private figures are recognisable, and a search for them in whatever a server sends."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from parlay_marl.catalogue.scenarios import load_scenario
from parlay_marl.players.persona import as_persona
from parlay_marl.server.game_request import GameRequest
from parlay_marl.server.session import GameSession

PLANTED = """\
title = "Recognisable figures"
currency = "USD"
low = 1_000_000_000
high = 9_876_543_210
opener = "buyer"
value_spread = 0.1
reservation = { buyer = 7_654_321_098.7, seller = 2_345_678_901.2, spread = 0.05 }
urgency = { buyer = 0.123456789, seller = 0.876543211, spread = 0.05 }
alternative = { buyer = 0.5, seller = 0.5 }

[[terms]]
name = "delivery"
options = [{ name = "later" }, { name = "now", buyer = 1_357_913_579.1, seller = -468_024_680.2 }]

[[terms]]
name = "service"
options = [{ name = "none" }, { name = "full", buyer = 246_802_468.3, seller = 1_123_581_321.3 }]
"""
OPPONENT = "hardliner"
"""A persona that never offers its own limit; others may, in the end."""
SEEDS = range(1, 9)
MOST_TICKS = 40
"""Erosions that are reckoned with: each moves both limits."""


@functools.cache
def game_of(scenario: str, number: int) -> GameSession:
    """Return the game of a seed, just begun, as the server has it too."""
    deal = load_scenario(Path(scenario))
    request = GameRequest(scenario=deal.name, seed=number)
    session = GameSession(request.config({deal.name: deal}), (None, as_persona(OPPONENT)))
    session.begin(number)
    return session


@functools.cache
def secret(scenario: str, number: int, seats: tuple[int, ...]) -> re.Pattern[str]:
    """Return what finds any figure of the seats in a text, in all printings: limits, urgency, terms, ZOPA, Nash."""
    session, deal = game_of(scenario, number), load_scenario(Path(scenario))
    row, width = session.game.row, deal.high - deal.low
    limits = [float(x) for x in row["reservation"]]
    shared = [(limits[0] + limits[1]) / 2.0, float(row["start_width"])] if len(seats) == 1 else []
    prices, fractions = [deal.to_currency(shared[0]), shared[1] * width] if shared else [], list(shared)
    for seat in seats:
        for tick in range(MOST_TICKS):
            moved = limits[seat] + (tick if seat else -tick) * 0.02 * deal.nominal_width
            prices.append(deal.to_currency(moved))
            fractions.append(moved)
        worths = [float(value) for value in row["package_values"][seat][: deal.n_packages] if value]
        prices += [value * width for value in worths]
        fractions += [*worths, float(row["urgency"][seat])]
    found = [printed for price in prices if abs(price) > 1e6 for printed in whole_printings(abs(price))]
    found += [printed for x in fractions if 1e-3 < abs(x) < 1.0 for printed in fraction_printings(abs(x))]
    return re.compile(rf"(?<![\d.])(?:{'|'.join(sorted(set(found)))})")


def whole_printings(price: float) -> set[str]:
    """Return expressions for a large number: cut off, rounded, with commas, whatever its decimals."""
    wholes = {int(price), round(price)}
    return {rf"{form}(?!\d)" for whole in wholes for form in (str(whole), f"{whole:,}")}


def fraction_printings(x: float) -> set[str]:
    """Return expressions for a number below 1: with 4 to 6 decimals exactly, or with more."""
    exact = {re.escape(f"{x:.{digits}f}") + r"(?!\d)" for digits in (4, 5, 6)}
    return exact | {re.escape(f"{x:.12f}"[:10]) + r"\d*"}
