"""The plan of an arena: the same deals for everybody, both seats, and what two runs must share."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from parlay_marl.catalogue import load_scenario
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.errors import ConfigurationError
from parlay_marl.language.arena.entrants import Model, load_partners
from parlay_marl.language.arena.plan import Match, Plan, difference


def plan(models: tuple[str, ...] = ("m",), partners: tuple[str, ...] = ("shark",), **given: Any) -> Plan:
    scenarios = tuple(load_scenario(name) for name in ("saas_enterprise", "uniform"))
    settings: dict[str, Any] = {
        "games": 3,
        "repeats": 2,
        "seed": 7,
        "opener": None,
        "form": {},
        "each_other": True,
    }
    return Plan(
        tuple(Model(name, {"model": name}, {}) for name in models),
        load_partners(partners, scenarios),
        scenarios,
        load_rules("default"),
        **settings | given,
    )


def test_every_model_meets_every_partner_in_both_seats_of_the_same_deals() -> None:
    made = plan(("m", "n"), ("shark", "linear"))
    matches = list(made.matches())
    assert len(matches) == len(set(matches)) == made.total == 3 * 2 * 2 * (2 * 2 * 2 + 2)
    for model, partner in product(("m", "n"), ("shark", "linear")):
        expected = set(product(("saas_enterprise", "uniform"), range(3), range(2)))
        assert {match[:3] for match in matches if match.names == (model, partner)} == expected
        assert {match[:3] for match in matches if match.names == (partner, model)} == expected
    among = [match for match in matches if set(match.names) == {"m", "n"}]
    assert len(among) == 3 * 2 * 2 * 2


def test_models_need_not_meet_each_other() -> None:
    assert not [match for match in plan(("m", "n"), each_other=False).matches() if set(match.names) == {"m", "n"}]


def test_a_run_that_stops_early_has_whole_deals() -> None:
    numbers = [(match.number, match.repeat) for match in plan().matches()]
    assert numbers == sorted(numbers)


def test_names_of_games_differ() -> None:
    keys = [match.key for match in plan(("m", "n"), ("shark", "linear")).matches()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("models", "partners", "message"),
    [
        (("m", "m"), ("shark",), "the model 'm' is named twice"),
        (("shark",), ("shark",), "the entrant 'shark' is named twice"),
        (("m",), (), "no game is left"),
    ],
)
def test_a_plan_without_sense_is_refused(models: tuple[str, ...], partners: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        plan(models, partners).check()


def test_a_model_as_a_partner_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="name it as a MODEL instead: gpt"):
        load_partners(["chat:gpt"], ())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 8}, "seed is 7 there and 8 here"),
        ({"games": 4}, "games is 3 there and 4 here"),
        ({"opener": "buyer"}, "opener is absent there and 'buyer' here"),
        ({"models": ("m", "n")}, "models n is absent there and {'model': 'n'} here"),
        ({"partners": ("shark", "linear")}, "partners linear is absent there and "),
    ],
)
def test_the_difference_of_two_plans_is_named(change: dict[str, Any], said: str) -> None:
    assert difference(plan().as_dict(), plan(**change).as_dict()).startswith(said)


def test_equal_plans_do_not_differ() -> None:
    assert difference(plan().as_dict(), plan().as_dict()) == ""


def test_games_of_models_with_slashes_have_keys_of_their_own() -> None:
    """Names of models hold slashes: `a/b` against `c` is another game than `a` against `b/c`."""
    assert Match("uniform", 0, 0, "a/b", "c").key != Match("uniform", 0, 0, "a", "b/c").key
    assert Match("uniform", 0, 0, "a%2Fb", "c").key != Match("uniform", 0, 0, "a/b", "c").key


def test_a_match_is_plain_data() -> None:
    match = Match("uniform", 3, 0, "m", "shark")
    assert Match(*list(match)) == match
    assert match.key == "uniform/3/0/m/shark"
