"""Rules: the presets, mappings of changes, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import RULE_PRESETS, build_params, load_rules, load_scenario
from parlay_marl.core.params import RULE_SECTIONS
from parlay_marl.errors import CatalogueError, ConfigurationError, UnknownNameError

CHOSEN_APART = {("reward", "mode"), ("belief", "tracker")}
ROWS = [
    (section, row)
    for section, table in RULE_SECTIONS.items()
    for row in table
    if (section, row.name) not in CHOSEN_APART
]


@pytest.mark.parametrize("preset", RULE_PRESETS)
def test_a_preset_is_what_the_tables_say(preset: str) -> None:
    rules = load_rules(preset).model_dump()
    for section, row in ROWS:
        expected = row.seed if preset == "seed" and row.seed is not None else row.default
        assert rules[section][row.name] == expected
    assert sum(len(numbers) for numbers in rules.values()) == len(ROWS)


def test_the_seed_preset_turns_off_what_the_seed_did_not_have() -> None:
    rules = load_rules("seed").model_dump()
    assert (rules["tension"]["memory"], rules["tension"]["dig_in_heat"], rules["tension"]["cooling"]) == (0, 0, 0)
    assert rules["erosion"]["of_start_width"] == 1
    assert rules["credibility"]["tolerance_of_truth"] == 1


def test_a_mapping_changes_numbers_of_a_preset() -> None:
    assert load_rules({}) == load_rules("default")
    changed = load_rules({"tension": {"memory": 0.5}}).model_dump()
    assert changed["tension"]["memory"] == 0.5
    assert changed["tension"]["dig_in_heat"] == 6.0
    of_seed = load_rules({"preset": "seed", "tension": {"memory": 0.5}}).model_dump()
    assert of_seed["tension"]["memory"] == 0.5
    assert of_seed["tension"]["dig_in_heat"] == 0.0


def test_rules_are_a_value() -> None:
    rules = load_rules({"tension": {"memory": 0.5}})
    assert load_rules(rules) is rules
    assert load_rules(rules.model_dump()) == rules
    assert pickle.loads(pickle.dumps(rules)) == rules
    with pytest.raises(ValueError, match="frozen"):
        rules.tension = None
    assert negotiation_v0.env(rules=rules).config.rules is rules


def test_every_number_reaches_the_record() -> None:
    for section, row in ROWS:
        value = 0.5 * (row.low + row.high)
        params = build_params(load_scenario("uniform"), load_rules({section: {row.name: value}}))
        assert params[0][section][row.name] == value


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ("sead", UnknownNameError, "unknown rules preset 'sead'; did you mean 'seed'"),
        ({"preset": "sead"}, UnknownNameError, "unknown rules preset 'sead'; did you mean 'seed'"),
        ({"tensions": {}}, UnknownNameError, "unknown section of the rules 'tensions'; did you mean 'tension'"),
        ({"tension": {"memry": 0.5}}, CatalogueError, r"rules: tension\.memry: Extra inputs"),
        ({"tension": {"memory": 1.5}}, CatalogueError, r"rules: tension\.memory: .*less than or equal to 0.99"),
        ({"tension": {"memory": "long"}}, CatalogueError, r"rules: tension\.memory: .*number"),
        ({"tension": {"memory": float("nan")}}, CatalogueError, r"rules: tension\.memory: .*finite"),
        ({"tension": 0.5}, ConfigurationError, r"rules\.tension: give a mapping of numbers, not 0.5"),
        ({"reward": {"mode": 0}}, CatalogueError, r"rules: reward\.mode: Extra inputs"),
        (0.5, ConfigurationError, "rules: give a preset"),
        (None, ConfigurationError, "rules: give a preset"),
        ([("tension", {})], ConfigurationError, "rules: give a preset"),
    ],
)
def test_rules_that_cannot_be_are_refused(rules: Any, error: type[Exception], message: str) -> None:
    for call in (lambda: load_rules(rules), lambda: negotiation_v0.env(rules=rules)):
        with pytest.raises(error, match=message):
            call()
