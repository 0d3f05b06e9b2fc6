"""A price that is told, at the terminal, in a transcript or by the server, is what is meant: sent back, it stands."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.catalogue import Scenario
from parlay_marl.cli import start as starting
from parlay_marl.core.moves import Move
from parlay_marl.errors import UnclearTextError
from parlay_marl.game import grammar
from parlay_marl.game.action import Action
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.text import price_text
from parlay_marl.game.transcript import transcript
from parlay_marl.players.persona import as_persona
from tests.cli.conftest import Parlay

RANGES: dict[str, dict[str, Any]] = {
    "coin": {"low": 0.00012, "high": 0.00045, "currency": "BTC"},
    "rent": {"low": 1450, "high": 1550},
    "company": {"low": 9e6, "high": 18e6},
    "thousands": {"low": 9e6, "high": 18e6, "unit": 1000},
    "from_zero": {"low": 0, "high": 1},
    "huge": {"low": 0, "high": 1e12, "unit": 10_000},
    "odd": {"low": 1450.25, "high": 2450.75},
    "quarters": {"low": 100, "high": 200, "unit": 0.25},
    "usual": {"low": 110_000, "high": 180_000},
}
PAIRS = [("shark", "diplomat"), ("veteran", "conceder"), ("micro", "linear"), ("random", "nash")]
ranges = pytest.mark.parametrize("name", RANGES)


def deal(name: str) -> Scenario:
    """Return a scenario over a range, with limits that leave a ZOPA of half of it."""
    low, width = RANGES[name]["low"], RANGES[name]["high"] - RANGES[name]["low"]
    limits = {"buyer": low + 0.8 * width, "seller": low + 0.2 * width, "spread": 0.0}
    return Scenario.model_validate(RANGES[name] | {"name": name, "title": name, "reservation": limits})


def written(name: str, folder: Path) -> Path:
    """Return the file of a scenario."""
    scenario, path = deal(name), folder / f"{name}.toml"
    lines = [f'title = "{name}"', f'currency = "{scenario.currency}"', f"low = {scenario.low!r}"]
    lines += [f"high = {scenario.high!r}"] + ([f"unit = {scenario.unit!r}"] if scenario.unit else [])
    limits = scenario.reservation
    lines += ["[reservation]", f"buyer = {limits.buyer!r}", f"seller = {limits.seller!r}", "spread = 0.0"]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def amount_of(text: str, scenario: Scenario) -> float:
    """Return the amount that a told price means when it is typed at the table."""
    action = grammar.read(text, scenario, 0, 0)
    assert action.price is not None
    return scenario.to_currency(action.price)


@ranges
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_every_price_of_a_transcript_is_whole_and_means_itself(name: str, pair: tuple[str, str]) -> None:
    scenario = deal(name)
    for seed in range(3):
        game = Game(make_config(scenario), (as_persona(pair[0]), as_persona(pair[1])))
        game.reset(seed)
        text, outcome = transcript(game), game.outcome()
        for turn in game.turns:
            if turn.price is None:
                continue
            told = price_text(turn.price, scenario)
            amount = amount_of(told, scenario)
            assert amount == scenario.to_currency(turn.price)
            assert Decimal(str(amount)) % Decimal(str(scenario.price_unit)) == 0
            assert told in text
            if f"{scenario.currency} " in turn.words:
                assert told in turn.words
        if outcome.price is not None:
            (shown,) = re.findall(rf"Deal at ({scenario.currency} [\d.,]+\d)", text)
            assert amount_of(shown, scenario) == outcome.price


@ranges
def test_what_play_tells_can_be_typed_and_stands(
    parlay: Parlay, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    games: list[Game] = []
    original = starting.new_game
    monkeypatch.setattr(starting, "new_game", lambda *args: games.append(original(*args)) or games[-1])
    place, scenario = str(written(name, tmp_path)), deal(name)
    table = ("play", "--seed", "4", "--opener", "buyer", "-o", "conceder", "-s", place)
    first = parlay(*table, typed="anchor\nquit\n")
    (told,) = re.findall(rf"their offer +({scenario.currency} [\d.,]+\d)(?: with|;)", first.stdout)
    assert not games[0].is_over
    again = parlay(*table, typed=f"anchor\n{told}\nquit\n")
    assert again.exit_code == 0
    played = games[1].actions[2]
    assert (played.move, scenario.to_currency(played.price)) == (Move.OFFER, amount_of(told, scenario))
    taken = parlay(*table, typed="anchor\naccept\n")
    assert games[2].outcome().price == amount_of(told, scenario)
    assert f"Deal at {told} in round 2." in taken.stdout
    hint = parlay(*table, typed="offer\nquit\n").stdout
    (example,) = re.findall(r"such as `offer ([\d.]+)`", hint)
    assert scenario.low < amount_of(example, scenario) < scenario.high


AMBIGUOUS = [
    (0, 10_000, "5.000", "'5.000' may be 5 or 5000; type one of these."),
    (0, 100, "5.000", "'5.000' may be 5 or 5000; type one of these."),
    (0, 10_000, "offer 1.234", "'1.234' may be 1.234 or 1234"),
    (0, 10_000, "$ 5.000", "may be 5 or 5000"),
]
CLEAR = [
    (0, 10_000, "5,000", 5000.0),
    (0, 10_000, "5 000", 5000.0),
    (0, 10_000, "5'000", 5000.0),
    (0, 10_000, "5000", 5000.0),
    (0, 10_000, "5.000,00", 5000.0),
    (0, 10_000, "5,000.00", 5000.0),
    (0, 100, "5,5", 5.5),
    (1, 3, "1.500", 1.5),
    (0, 100, "5.50", 5.5),
    (1000, 10_000, "5.000", 5000.0),
    (0, 1, "0.125", 0.125),
    (0, 2_000_000, "1.250.000", 1_250_000.0),
    (0, 2_000_000, "1.25m", 1_250_000.0),
    (0, 0.5, "0.125", 0.125),
]


@pytest.mark.parametrize(("low", "high", "typed", "reason"), AMBIGUOUS)
def test_a_separator_that_may_be_either_is_asked_back(low: float, high: float, typed: str, reason: str) -> None:
    with pytest.raises(UnclearTextError) as caught:
        grammar.read(typed, _plain(low, high), 0, 0)
    assert reason in str(caught.value)


@pytest.mark.parametrize(("low", "high", "typed", "amount"), CLEAR)
def test_a_separator_that_can_only_be_one_is_read(low: float, high: float, typed: str, amount: float) -> None:
    scenario = _plain(low, high)
    assert grammar.read(typed, scenario, 0, 0) == Action(Move.OFFER, scenario.normalise(amount), 0)


def _plain(low: float, high: float) -> Scenario:
    figures = {"name": "plain", "title": "Plain", "low": low, "high": high, "reservation": {"distribution": "uniform"}}
    return Scenario.model_validate(figures)


def test_five_thousand_is_not_sold_for_five(parlay: Parlay) -> None:
    result = parlay(
        "play", "--seed", "4", "--role", "seller", "-s", "off_centre", "--opener", "seller", typed="5.000\nquit\n"
    )
    assert "'5.000' may be 5 or 5000; type one of these." in result.stdout
    assert "opens at" not in result.stdout
