"""What is wrong with a scenario, a persona or rules is said: by a warning with figures, or by a refusal when played."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import Scenario, build_params, load_persona, load_rules, load_scenario, scenario_names
from parlay_marl.catalogue.checks import GAMES
from parlay_marl.catalogue.files import still_valid
from parlay_marl.catalogue.scenarios import shares_of
from parlay_marl.errors import CatalogueError, ScenarioWarning
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import PersonaPlayer

RENT = 'title = "Rent"\nlow = 1450\nhigh = 1550\n[reservation]\nbuyer = 1530\nseller = 1470\n'
EVENT = '[[events]]\nround = {}\nheadline = "News."\nbuyer = {{ urgency = 0.1 }}\n'


def file(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# ------------------------------------------------------------------ spread


def test_a_spread_over_more_than_the_range_is_told_once_with_its_figures(tmp_path: Path) -> None:
    path = file(tmp_path, RENT)
    with pytest.warns(ScenarioWarning) as caught:
        rent = load_scenario(path)
    (warning,) = caught
    assert load_scenario(path) == rent  # without another one, which would be an error here
    shares = shares_of(rent)
    assert f"{shares.no_zopa:.0%} of games have no ZOPA" in str(warning.message)
    assert f"{shares.limit_outside:.0%} a limit outside the public range" in str(warning.message)
    assert "reservation.spread = 0.05 is relative to the limit, here up to 76.5 or 76% of the range" in str(
        warning.message
    )


def test_the_figures_are_those_of_the_games(tmp_path: Path) -> None:
    with pytest.warns(ScenarioWarning):
        rent = load_scenario(file(tmp_path, RENT))
    game, without, outside = Game(make_config(rent)), 0, 0
    for number in range(GAMES):
        game.begin(0, number)
        limits = game.row["reservation"]
        without += limits[0] <= limits[1]
        outside += bool(((limits < 0) | (limits > 1)).any())
    assert shares_of(rent) == (without / GAMES, outside / GAMES)
    # both limits uniform, the buyer's over 153, the seller's over 147, with means 60 apart
    low, high = np.array([1530, 1470]) * 0.95, np.array([1530, 1470]) * 1.05
    buyer = np.linspace(low[0], high[0], 20_001)
    expected = np.clip((high[1] - buyer) / (high[1] - low[1]), 0, 1).mean()
    assert without / GAMES == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("name", scenario_names())
def test_scenarios_of_the_catalogue_are_as_they_are_meant(name: str) -> None:
    shares = shares_of(load_scenario(name))
    assert max(shares) < 0.1 or load_scenario(name).reservation.distribution == "uniform"


@pytest.mark.parametrize("more", ["spread = 0.005\n", 'distribution = "uniform"\n'])
def test_what_is_meant_gives_no_warning(tmp_path: Path, more: str) -> None:
    text = RENT + more
    if "uniform" in more:
        text = text.replace("buyer = 1530\nseller = 1470\n", "")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert load_scenario(file(tmp_path, text)).title
    assert caught == []


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            RENT + EVENT.format(20),
            r"events\.0: round 20 comes after the last round, 19 \(rounds = 20, counted from 0\)",
        ),
        ("rounds = 4\n" + RENT + EVENT.format(4), r"events\.0: round 4 comes after the last round, 3"),
        (RENT.replace("1550", "1e300"), "high = 1e[+]300 is too large"),
        (RENT.replace("low = 1450", "low = 1e-300"), "takes 300 decimals|takes .* decimals"),
        (
            RENT + '[[terms]]\nname = "x"\noptions = [{ name = "a" }, { name = "b", buyer = 1e300 }]\n',
            "'b' of 'x' is worth more than 1,000,000 price ranges",
        ),
        (RENT + 'currency = "1€"\n', "currency|Extra"),
        ('currency = "1€"\n' + RENT, "currency: String should match pattern"),
    ],
)
def test_figures_that_cannot_be_played_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason):
        load_scenario(file(tmp_path, text))


def test_an_event_in_the_last_round_is_allowed_and_a_shorter_game_leaves_it_out(tmp_path: Path) -> None:
    text = RENT + "spread = 0.001\n" + EVENT.format(19)
    scenario = load_scenario(file(tmp_path, text))
    game = Game(make_config(scenario, max_rounds=5))
    game.begin(0, 0)
    while not game.is_over:
        game.play(2, 0.5)
    assert game.row["events_fired"] == 0


CHANGED: list[dict[str, Any]] = [
    {"low": 200_000.0},
    {"high": float("inf")},
    {"unit": 7.0},
    {"currency": "\x1b[31m"},
    {"rounds": 3},
    {"title": ""},
    {"terms": "none"},
]


@pytest.mark.parametrize("update", CHANGED, ids=lambda update: next(iter(update)))
def test_a_changed_scenario_that_breaks_a_rule_is_refused_when_played(update: dict[str, Any]) -> None:
    broken = load_scenario("saas_enterprise").model_copy(update=update)
    with pytest.raises(CatalogueError, match="scenario 'saas_enterprise': "):
        negotiation_v0.env(scenario=broken)
    with pytest.raises(CatalogueError, match="scenario 'saas_enterprise': "):
        build_params(broken, load_rules("default"))


def test_a_part_that_was_changed_is_checked_too() -> None:
    scenario = load_scenario("saas_enterprise")
    limits = scenario.reservation.model_copy(update={"buyer": 1.0})
    with pytest.raises(CatalogueError, match=r"reservation\.buyer = 1\.0 lies outside the public range"):
        negotiation_v0.env(scenario=scenario.model_copy(update={"reservation": limits}))


def test_changed_personas_and_rules_are_checked_when_played() -> None:
    shark = load_persona("shark")
    wild = shark.model_copy(update={"traits": shark.traits.model_copy(update={"aggression": 3.0})})
    with pytest.raises(CatalogueError, match=r"persona 'shark': traits\.aggression"):
        PersonaPlayer(wild)
    with pytest.raises(CatalogueError, match=r"persona 'shark': traits\.aggression"):
        negotiation_v0.env(seller=wild)
    rules = load_rules("default")
    broken = rules.model_copy(update={"tension": rules.tension.model_copy(update={"memory": -1.0})})
    with pytest.raises(CatalogueError, match=r"rules: tension\.memory"):
        negotiation_v0.env(rules=broken)


def test_a_change_that_keeps_the_rules_is_played_as_validation_reads_it() -> None:
    scenario = load_scenario("saas_enterprise")
    assert still_valid(scenario, "here") is scenario
    changed = scenario.model_copy(update={"reservation": {"distribution": "uniform"}, "high": 190_000})
    config = make_config(changed)
    assert isinstance(config.scenario, Scenario)
    assert config.scenario.reservation.distribution == "uniform"
    assert config.params[0]["scenario"]["high"] == 190_000.0


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("load", [load_scenario, load_persona])
def test_a_byte_order_mark_is_no_syntax_error(tmp_path: Path, load: Any) -> None:
    text = RENT + "spread = 0.001\n" if load is load_scenario else 'title = "A"\nsummary = "B"\n'
    path = tmp_path / "marked.toml"
    path.write_text(text, encoding="utf-8-sig")
    assert load(path).name == "marked"


@pytest.mark.parametrize("load", [load_scenario, load_persona])
def test_a_name_that_is_the_files_says_so_and_can_be_replaced(tmp_path: Path, load: Any) -> None:
    text = RENT + "spread = 0.001\n" if load is load_scenario else 'title = "A"\nsummary = "B"\n'
    path = file(tmp_path, text, "my flat.toml")
    with pytest.raises(CatalogueError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: name: String should match pattern")
    assert str(caught.value).endswith("; the name is the file's: rename the file, or write `name = ...` into it")
    assert load(file(tmp_path, 'name = "flat"\n' + text, "my flat.toml")).name == "flat"
    with pytest.raises(CatalogueError) as caught:
        load(file(tmp_path, 'name = "a flat"\n' + text, "fine.toml"))
    assert "the file's" not in str(caught.value)
