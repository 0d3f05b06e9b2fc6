"""The tables that records, bounds and documentation derive from: parameters, state, observation, outcome, chance."""

import numpy as np
import pytest

from parlay_marl.core.chance import FIXED, FIXED_DTYPE, nothing_fixed
from parlay_marl.core.compiled.memory import LINE
from parlay_marl.core.observation import FIELDS
from parlay_marl.core.outcome import OUTCOME, OUTCOME_DTYPE
from parlay_marl.core.params import PARAMS_DTYPE, RULE_SECTIONS, SCENARIO
from parlay_marl.core.state import PRICE_ONLY_DTYPE, REGISTER, STATE, STATE_DTYPE, cleared_rows
from parlay_marl.core.style import CHOICE, CHOICE_DTYPE, TRAITS, TRIGGERS
from parlay_marl.players.persona_numbers import TACTICS

RECORDS = {
    "state": (STATE, STATE_DTYPE),
    "outcome": (OUTCOME, OUTCOME_DTYPE),
    "fixed": (FIXED, FIXED_DTYPE),
    "choice": (CHOICE, CHOICE_DTYPE),
    "scenario": (SCENARIO, PARAMS_DTYPE["scenario"]),
}
PARAMETERS = RULE_SECTIONS | {"traits": TRAITS, "tactics": TACTICS, "triggers": TRIGGERS}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_has_the_fields_of_its_table(name: str) -> None:
    table, dtype = RECORDS[name]
    assert dtype.names == tuple(field.name for field in table)
    for field in table:
        assert dtype[field.name].base == np.dtype(field.dtype)
        assert dtype[field.name].shape == field.shape


@pytest.mark.parametrize("dtype", [STATE_DTYPE, PRICE_ONLY_DTYPE], ids=["terms", "price"])
def test_no_posterior_of_a_row_begins_within_a_register(dtype: np.dtype[np.void]) -> None:
    posteriors, offset = dtype.fields["posterior"][:2]
    assert dtype.itemsize % REGISTER == 0
    assert [(offset + seat * posteriors.itemsize // 2) % REGISTER for seat in range(2)] == [0, 0]


@pytest.mark.parametrize("packages", [1, 3])
def test_cleared_rows_begin_at_a_line(packages: int) -> None:
    rows = cleared_rows(5, packages)
    assert rows.shape == (5,)
    assert rows.dtype is (PRICE_ONLY_DTYPE if packages == 1 else STATE_DTYPE)
    assert rows.ctypes.data % LINE == 0
    assert not any(rows.tobytes())


@pytest.mark.parametrize("name", [*RECORDS, *PARAMETERS, "observation"])
def test_names_are_unique_identifiers_and_every_field_has_a_meaning(name: str) -> None:
    table = RECORDS[name][0] if name in RECORDS else PARAMETERS.get(name, FIELDS)
    names = [row.name for row in table]
    assert len(names) == len(set(names))
    for row in table:
        assert row.name.isidentifier()
        assert row.meaning
        assert row.meaning == row.meaning.strip()
        assert not row.meaning.endswith(".")


@pytest.mark.parametrize("name", PARAMETERS)
def test_defaults_and_the_seeds_numbers_lie_in_their_bounds(name: str) -> None:
    for parameter in PARAMETERS[name]:
        assert parameter.low < parameter.high
        assert parameter.low <= parameter.default <= parameter.high
        if parameter.seed is not None:
            assert parameter.low <= parameter.seed <= parameter.high
            assert parameter.seed != parameter.default


def test_the_seed_preset_differs_where_the_rules_say_and_nowhere_else() -> None:
    differing = {
        f"{section}.{parameter.name}": parameter.seed
        for section, table in RULE_SECTIONS.items()
        for parameter in table
        if parameter.seed is not None
    }
    assert differing == {
        "tension.memory": 0,
        "tension.dig_in_heat": 0,
        "tension.cooling": 0,
        "erosion.of_start_width": 1,
        "credibility.tolerance_of_truth": 1,
    }


NUMBERS_OF_THE_RULES: dict[str, dict[str, float]] = {
    "tension": {"base": 20, "slope": 60, "anchor_heat": 15, "claim_heat": 10, "silence_heat": 5},
    "credibility": {"start": 100, "regain": 5, "most": 100, "claim_cost": 20, "silence_cost": 5, "claim_minimum": 20},
    "erosion": {"hot_tension": 75, "hot_turns": 3, "rate": 0.02},
    "reward": {"offer_gain": 2, "belief_gain": 5, "concession_cost": 3, "noise_cost": 10, "bluff_gain": 12},
    "drift": {"alternative_shift": 0.10},
}
NUMBERS_OF_THE_RULES["reward"] |= {
    "event_gain": 8,
    "share_gain": 100,
    "speed_gain": 20,
    "answered_gain": 15,
    "discount": 0.05,
}
NUMBERS_OF_THE_RULES["reward"] |= {"capitulation_cost": 200}


@pytest.mark.parametrize("section", NUMBERS_OF_THE_RULES)
def test_the_numbers_of_the_rules_are_the_defaults(section: str) -> None:
    defaults = {parameter.name: parameter.default for parameter in RULE_SECTIONS[section]}
    assert defaults.items() >= NUMBERS_OF_THE_RULES[section].items()


def test_the_record_of_parameters_has_a_section_for_each_concept() -> None:
    assert PARAMS_DTYPE.names == (*RULE_SECTIONS, "scenario", "deal", "family", "form")
    for section, table in RULE_SECTIONS.items():
        assert PARAMS_DTYPE[section].names == tuple(parameter.name for parameter in table)


def test_observed_fields_have_room_and_bounds() -> None:
    for field in FIELDS:
        assert field.width >= 0
        assert field.low < field.high


def test_what_can_be_fixed_is_part_of_the_state() -> None:
    for field in FIXED:
        assert field.name in STATE_DTYPE.names
        assert STATE_DTYPE[field.name].shape == field.shape


def test_nothing_fixed_leaves_everything_to_chance() -> None:
    for field in FIXED:
        value = nothing_fixed()[field.name]
        assert np.isnan(value).all() if field.dtype == "f8" else (value < 0).all()
