"""Suites of the benchmark: their tasks, digests and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from parlay_marl.catalogue import load_any_scenario, load_persona, load_scenario
from parlay_marl.errors import ParlayError
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.studies.benchmark.suite import Suite, check_digest, load_suite, persona_digest, scenario_digest

HEAD = 'name = "tiny"\nseed = 3\n'
UNIFORM = '[[scenarios]]\nname = "uniform"\n'
SHARK = '[[partners]]\nname = "shark"\nkind = "catalogue"\n'


def suite_of(**changes: object) -> Suite:
    parts = {
        "name": "tiny",
        "scenarios": [{"name": "uniform"}, {"name": "off_centre", "set": "held_out"}],
        "partners": [
            {"name": "shark", "kind": "catalogue"},
            {"name": "nash", "kind": "strategies", "set": "held_out"},
            {"name": "negmas:Some", "kind": "negmas", "set": "extra"},
        ],
    }
    return Suite.model_validate(parts | changes)


def test_held_out_scenarios_are_played_with_held_out_partners_only() -> None:
    assert [(task.key, task.set) for task in suite_of().tasks()] == [
        ("uniform/shark", "public"),
        ("uniform/nash", "held_out"),
        ("uniform/negmas:Some", "extra"),
        ("off_centre/nash", "held_out"),
    ]


def test_the_digest_covers_seed_scenarios_and_partners_but_no_other_library_and_no_order() -> None:
    suite = suite_of()
    assert suite.digest == suite_of(partners=suite.partners[1::-1], games=7).digest
    others = [suite_of(seed=1), suite_of(partners=suite.partners[:1]), suite_of(scenarios=suite.scenarios[:1])]
    assert len({suite.digest, *(other.digest for other in others)}) == 4


def test_some_scenarios_and_partners_can_be_chosen() -> None:
    suite = suite_of()
    assert suite.chosen() is suite
    assert [task.key for task in suite.chosen(["off_centre"], ["nash", "shark"]).tasks()] == ["off_centre/nash"]
    with pytest.raises(ParlayError, match="no task is left"):
        suite.chosen(["off_centre"], ["shark"])
    with pytest.raises(ParlayError, match="the suite has no partner 'linear'; it has shark, nash"):
        suite.chosen(None, ["linear"])


def test_partners_of_other_libraries_can_be_left_out_unless_they_are_all() -> None:
    suite = suite_of()
    assert [part.name for part in suite.without_extra().partners] == ["shark", "nash"]
    with pytest.raises(ParlayError, match="all partners are of other libraries"):
        suite_of(partners=suite.partners[2:]).without_extra()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEAD + UNIFORM, "partners: Field required"),
        (HEAD + UNIFORM + SHARK + SHARK, "'shark' is named twice"),
        (HEAD + UNIFORM + 'set = "held_out"\n' + SHARK, "no partner meets a scenario"),
        (HEAD + UNIFORM + SHARK + 'sha256 = "12"\n', "sha256"),
        (HEAD + UNIFORM + SHARK + "weight = 2\n", "weight: Extra inputs"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    with pytest.raises(ParlayError, match=reason) as error:
        load_suite(path)
    assert "tiny.toml" in str(error.value)


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(ParlayError, match=r"there is no file nowhere\.toml"):
        load_suite("nowhere.toml")


def test_files_of_partners_lie_beside_the_suite(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(HEAD + UNIFORM + SHARK + 'source = "own/shark.toml"\n')
    assert load_suite(path).partners[0].loads == str(tmp_path / "own" / "shark.toml")


def test_digests_depend_on_figures_and_not_on_words() -> None:
    shark, scenario = load_persona("shark"), load_scenario("uniform")
    digest = persona_digest(PersonaPlayer(shark))
    assert digest == persona_digest(PersonaPlayer(shark.model_copy(update={"name": "other", "summary": "Other."})))
    tactics = shark.tactics.model_copy(update={"opening": 0.5})
    assert digest != persona_digest(PersonaPlayer(shark.model_copy(update={"tactics": tactics})))
    assert scenario_digest(scenario) == scenario_digest(scenario.model_copy(update={"story": "Other."}))
    assert scenario_digest(scenario) != scenario_digest(scenario.model_copy(update={"rounds": 9}))


def test_a_changed_partner_is_refused() -> None:
    part = suite_of(partners=[{"name": "shark", "kind": "catalogue", "sha256": "0" * 64}]).partners[0]
    with pytest.raises(
        ParlayError, match="the partner 'shark' has changed since the suite was fixed, from SHA-256 0000"
    ):
        check_digest("partner", part, "1" * 64)


def test_the_standard_suite_holds_the_digests_of_what_is_shipped() -> None:
    suite = load_suite()
    for scenario in suite.scenarios:
        assert scenario.sha256 == scenario_digest(load_any_scenario(scenario.name)), scenario.name
    for partner in suite.partners:
        assert partner.set == "extra" or partner.sha256 == persona_digest(PersonaPlayer(load_persona(partner.loads)))
