"""`parlay watch`: the transcript."""

from __future__ import annotations

import re

import numpy as np
import pytest

from parlay_marl.catalogue import build_params, load_rules, load_scenario, persona_names, scenario_names
from parlay_marl.cli.console import COLOURS
from parlay_marl.core.outcome import Ending
from parlay_marl.game.text import STYLES
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from tests.cli.conftest import Parlay, start


def test_a_transcript_shows_prices_words_and_the_picture(parlay: Parlay) -> None:
    result = parlay("watch", "shark", "diplomat", "--seed", "3", "--opener", "seller")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[:3] == [
        "An enterprise software contract",
        "USD 110,000 to USD 180,000, 20 rounds, the seller opens; seed 3, game 0",
        "shark (buyer) against diplomat (seller)",
    ]
    assert re.match(r"  1  seller  diplomat  opens at +USD 1\d\d,\d{3} +\d+$", lines[5])
    assert lines[6].strip().startswith('"')
    assert any(re.fullmatch(r" +\d+  \|[-bsX ]{61}\|", line) for line in lines)
    assert "tension" in result.stdout
    assert "b buyer   s seller" in lines[-1]


def test_the_same_seed_tells_the_same_game_and_a_process_tells_it_too(parlay: Parlay) -> None:
    args = ("watch", "veteran", "shark", "--seed", "11", "--game", "4", "-s", "acquisition_terms")
    first = parlay(*args)
    with start(*args) as process:
        out, _ = process.communicate()
    assert first.exit_code == process.returncode == 0
    assert first.stdout == parlay(*args).stdout == out
    assert first.stdout != parlay(*args[:-4], "--game", "5", "-s", "acquisition_terms").stdout


def test_a_random_seed_is_shown_and_repeats_the_game(parlay: Parlay) -> None:
    first = parlay("watch", "shark", "diplomat").stdout
    found = re.search(r"seed (\d+), game 0", first)
    assert found is not None
    assert parlay("watch", "shark", "diplomat", "--seed", found[1]).stdout == first


@pytest.mark.parametrize("opener", ["buyer", "seller"])
@pytest.mark.parametrize("name", scenario_names())
def test_it_is_the_game_that_the_tournament_plays(parlay: Parlay, name: str, opener: str) -> None:
    scenario, seat = load_scenario(name), ["buyer", "seller"].index(opener)
    params = build_params(scenario, load_rules("default"), reward="payoff")
    shark, veteran = as_persona("shark"), as_persona("veteran")
    outcome = play_cell(shark, veteran, params, opener=seat, games=3, seed=5)[2]
    told = parlay("watch", "shark", "veteran", "-s", name, "--seed", "5", "--game", "2", "--opener", opener).stdout
    assert f"in round {outcome['round'] + 1}" in told.replace("\n", " ")
    if outcome["ending"] == Ending.DEAL:
        digits = 0 if scenario.high - scenario.low >= 1000 else 2
        assert f"Deal at USD {scenario.to_currency(float(outcome['price'])):,.{digits}f}" in told
    else:
        assert "No deal." in told
        assert np.isnan(outcome["price"])


@pytest.mark.parametrize("name", scenario_names())
@pytest.mark.parametrize("buyer", persona_names())
def test_no_line_is_wider_than_80_columns(parlay: Parlay, buyer: str, name: str) -> None:
    told = parlay("watch", buyer, "shark", "-s", name, "--seed", "1").stdout
    assert max(len(line) for line in told.splitlines()) <= 80
    assert not any(line.endswith("USD") for line in told.splitlines())  # no price is torn apart


def test_no_words_leaves_the_moves(parlay: Parlay) -> None:
    args = ("watch", "shark", "diplomat", "--seed", "3")
    told, bare = parlay(*args).stdout, parlay(*args, "--no-words").stdout
    assert '"' in told
    assert '"' not in bare
    moves = [line for line in told.splitlines() if re.search(r" (buyer|seller)  ", line)]
    assert [line for line in bare.splitlines() if re.search(r" (buyer|seller)  ", line)] == moves


def test_headlines_come_before_the_round_they_open(parlay: Parlay) -> None:
    lines = parlay("watch", "hardliner", "hardliner", "--seed", "1", "-s", "saas_enterprise").stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "A competitor of the vendor" in line)
    assert lines[at].strip().startswith("***")
    assert next(line for line in lines[at + 1 :] if line.strip()).startswith("  9  ")


def test_rounds_and_rules_are_obeyed(parlay: Parlay) -> None:
    told = parlay("watch", "hardliner", "hardliner", "--seed", "1", "--rounds", "3", "--rules", "seed").stdout
    assert "3 rounds" in told
    assert "No deal. The deadline passes in round 3." in told


def test_long_games_have_a_picture_that_fits(parlay: Parlay) -> None:
    told = parlay(
        "watch", "hardliner", "boulware", "--seed", "1", "--rounds", "200", "-s", "uniform", "--no-words"
    ).stdout
    rows = [line for line in told.splitlines() if re.match(r" *\d+  \|", line)]
    assert len(rows) <= 25


def test_a_terminal_gets_colours_and_no_color_takes_them_away(parlay: Parlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    told = parlay("watch", "shark", "diplomat", "--seed", "3").stdout
    assert "\x1b[36m" in told  # the buyer
    assert "\x1b[35m" in told  # the seller
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[3\d", parlay("watch", "shark", "diplomat", "--seed", "3").stdout)


def test_every_style_of_the_transcripts_has_a_look() -> None:
    assert set(COLOURS) == set(STYLES)
