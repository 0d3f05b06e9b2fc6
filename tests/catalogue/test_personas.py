"""The personas of the catalogue: the traits that they were given, words for every occasion, and their records."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_persona, persona_names
from parlay_marl.catalogue.personas import OCCASIONS, VOICE_FIELDS
from parlay_marl.core.style import TRAITS
from parlay_marl.players.persona_numbers import PERSONA_DTYPE, TACTICS
from parlay_marl.players.strategies import NUMBERS
from tests.helpers import PERSONAS

every_persona = pytest.mark.parametrize("name", PERSONAS)

COLUMNS = (
    *("agreeableness", "extraversion", "openness", "conscientiousness", "neuroticism"),
    *("aggression", "patience", "bluff_rate", "mind_reading", "event_sensitivity"),
)
CHARACTERS = {
    "shark": (0.15, 0.85, 0.60, 0.40, 0.20, 0.88, 0.18, 0.72, 0.55, 0.65),
    "diplomat": (0.90, 0.65, 0.70, 0.75, 0.35, 0.20, 0.85, 0.15, 0.80, 0.40),
    "veteran": (0.60, 0.80, 0.55, 0.70, 0.10, 0.50, 0.95, 0.45, 0.92, 0.20),
}
BETAS = {"boulware": 0.2, "linear": 1.0, "conceder": 4.0}


@pytest.mark.parametrize("name", CHARACTERS)
def test_the_three_characters_have_the_traits_that_were_asked_for(name: str) -> None:
    traits = load_persona(name).traits.model_dump()
    assert tuple(traits[column] for column in COLUMNS) == CHARACTERS[name]
    assert {row.name for row in TRAITS} == set(COLUMNS)


@pytest.mark.parametrize("name", BETAS)
def test_the_time_dependent_tactics_have_faratins_exponents(name: str) -> None:
    tactics = load_persona(name).tactics.model_dump()
    assert (tactics["strategy"], tactics["exponent"]) == ("time", BETAS[name])
    plain = {row.name: row.default for row in TACTICS if row.name not in ("strategy", "exponent")}
    assert {key: tactics[key] for key in plain} == plain, "nothing but the curve"


def test_what_each_drifts_on() -> None:
    drifts = {name: load_persona(name).drift for name in PERSONAS}
    assert drifts["shark"].on == ("competition",)
    assert (drifts["diplomat"].tension, drifts["diplomat"].doubted) == (90.0, True)
    assert drifts["veteran"].on == ("power",)
    assert drifts["diplomat"].on == ()
    for name in set(PERSONAS) - set(CHARACTERS):
        assert not drifts[name].traits
        assert not drifts[name].tactics
    for name in CHARACTERS:
        assert drifts[name].traits or drifts[name].tactics


def test_the_catalogue_holds_what_was_asked_for() -> None:
    reference = {"boulware", "conceder", "linear", "tit_for_tat", "micro", "hardliner", "nash", "random"}
    assert set(persona_names()) == set(CHARACTERS) | reference | {"champion"}
    assert persona_names() == sorted(persona_names())
    for name in reference:
        assert load_persona(name).source, "a strategy from the literature names its source"


@every_persona
def test_every_persona_has_words_for_every_occasion(name: str) -> None:
    persona = load_persona(name)
    assert persona.name == name
    assert persona.summary.strip()
    for occasion in OCCASIONS:
        lines = getattr(persona.voice, occasion)
        assert lines, f"{name} says nothing at {occasion}"
        assert len(set(lines)) == len(lines)
        if name in CHARACTERS:
            assert len(lines) == 3, "a character does not repeat itself at once"
        if occasion in ("open", "offer", "hold", "anchor", "claim", "ultimatum"):
            assert all("{price}" in line for line in lines), f"{name} names no price at {occasion}"
        for line in lines:
            assert line.format(**dict.fromkeys(VOICE_FIELDS, "X"))


@every_persona
def test_silence_is_a_stage_direction_and_everything_else_is_said(name: str) -> None:
    voice = load_persona(name).voice
    for occasion in OCCASIONS:
        for line in getattr(voice, occasion):
            assert (line.startswith("(") and line.endswith(")")) == (occasion == "silence"), line


@every_persona
def test_the_record_says_what_the_file_says(name: str) -> None:
    persona = load_persona(name)
    record = persona.record()
    assert record.shape == (1,)
    assert record.dtype == PERSONA_DTYPE
    assert not record.flags.writeable
    numbers = persona.traits.model_dump() | persona.tactics.model_dump()
    drifted = numbers | persona.drift.traits | persona.drift.tactics
    for form, expected in (("base", numbers), ("drifted", drifted)):
        for key, value in expected.items():
            assert record[0][form][key] == (NUMBERS[value] if key == "strategy" else value), key
    assert set(numbers) == {row.name for row in TRAITS + TACTICS}


@every_persona
def test_a_persona_can_be_pickled(name: str) -> None:
    persona = load_persona(name)
    assert pickle.loads(pickle.dumps(persona)) == persona


def test_a_users_own_file_plays_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "clerk.toml"
    path.write_text('title = "The clerk"\nsummary = "By the clock."\n[traits]\nevent_sensitivity = 0.3\n')
    for given in (path, str(path), load_persona(path)):
        env = negotiation_v0.env(seller=given, scenario="complete_information", opener="seller")
        env.reset(seed=0)
        assert env.game.players[1].name == "clerk"
        assert env.game.row["sensitivity"][1] == 0.3
        assert env.game.actions == [negotiation_v0.Action(negotiation_v0.Move.OFFER, 1.0, 0)], (
            "nothing but defaults: the end of the range"
        )


def test_a_persona_that_says_nothing_plays_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mute.toml"
    path.write_text('title = "Mute"\nsummary = "Says nothing."\n')
    env = negotiation_v0.env(seller=path, opener="seller", render_mode="ansi")
    env.reset(seed=0)
    env.step(1)
    assert "mute" in env.render()
