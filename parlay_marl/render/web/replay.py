"""A game as the data of a replay: every turn with its public and hidden figures, and the end."""

from __future__ import annotations

from typing import Any

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.bargain import worth
from parlay_marl.core.moves import SEATS, ClaimStatus
from parlay_marl.game.figures import figures_of
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.record import GameRecord, RecordedGame
from parlay_marl.render.web.shown import deal_data, turn_data

DIGITS = 4
"""Decimals of drawn points and shares; amounts of currency keep the decimals of the scenario."""
_WORTHS = ("worth", "best_worth", "kalai_smorodinsky_worth", "egalitarian_worth")
"""Figures of an outcome that are normalised worths."""


def replay_data(record: GameRecord) -> dict[str, Any]:
    """Return a game as plain data for a page, including hidden figures; amounts are in currency.

    `moments` are the game before its first turn and after each turn; `turns` are one fewer, or two fewer where a seat
    has forfeited. `outcome` is None for a game that is not over. Pairs are [buyer, seller].
    """
    following = record.moments()
    game = next(following)
    moments = [_moment(game), *map(_moment, following)]
    packages = game.row["package_values"][:, : game.scenario.n_packages]
    width = game.scenario.high - game.scenario.low
    return {
        "deal": deal_data(game.scenario, game.deal.max_rounds),
        "names": list(record.names),
        "opener": SEATS[int(game.row["opener"])],
        "information": game.config.information,
        "seed": str(record.seed),
        "number": record.number,
        "package_worth": [[round(float(each) * width, 6) for each in values] for values in packages],
        "turns": [turn_data(turn, game.scenario) for turn in game.turns],
        "moments": moments,
        "help": [each._asdict() for each in record.help],
        "outcome": outcome_data(game.outcome(), game.scenario) if game.is_over else None,
    }


def _moment(game: RecordedGame) -> dict[str, Any]:
    """Return the figures of both seats at one moment."""
    now, currency = figures_of(game.rows), game.currency
    low, high = (currency.price(each) for each in game.zopa())
    values = game.row["package_values"]

    def offer(seat: int) -> dict[str, Any] | None:
        if not now.offers_made[seat]:
            return None
        price, package = now.offer_price[seat], now.offer_package[seat]
        worths = [worth(each, price, float(values[each][package]), now.reservation[each]) for each in range(2)]
        return {"price": currency.price(price), "package": package, "worth": [currency.worth(w) for w in worths]}

    def claim(seat: int) -> dict[str, Any] | None:
        status = now.claim_status[seat]
        if not status:
            return None
        return {"price": currency.price(now.claim_price[seat]), "status": ClaimStatus(status).name.lower()}

    def belief(seat: int) -> dict[str, Any] | None:
        if game.config.beliefs == "none":
            return None
        told = game.belief(seat)
        return {"mean": told.reservation, "low": told.low, "high": told.high}

    return {
        "round": now.round,
        "tension": round(now.tension, DIGITS),
        "erosions": now.erosion_ticks,
        "credibility": [round(each, DIGITS) for each in now.credibility],
        "urgency": [round(each, DIGITS) for each in now.urgency],
        "alternative": [bool(each) for each in now.alternative],
        "limits": [currency.price(each) for each in now.reservation],
        "zopa": [low, high] if low < high else None,
        "offers": [offer(0), offer(1)],
        "claims": [claim(0), claim(1)],
        "beliefs": [belief(0), belief(1)],
    }


def outcome_data(outcome: Outcome, scenario: Scenario) -> dict[str, Any]:
    """Return an outcome as plain data, with worths in currency."""
    told = {name: value for name, value in outcome.as_dict().items() if name != "scenario"}
    for name in _WORTHS:
        told[name] = None if told[name] is None else [each * (scenario.high - scenario.low) for each in told[name]]
    return told | {"claims": list(told["claims"])}
