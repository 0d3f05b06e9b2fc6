"""Who may take part, and what is said of those who may not."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.catalogue import load_persona, persona_names
from parlay_marl.catalogue.personas import Persona
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.tournament.entrants import Entrant, load_entrant, load_entrants, recalled
from parlay_marl.tournament.games import EntrantInfo
from tests.tournament import policies
from tests.tournament.policies import HERE, Policy


def test_everyone_of_the_catalogue_takes_part_by_default() -> None:
    everyone = load_entrants(None)
    assert [entrant.name for entrant in everyone] == persona_names()
    assert all(entrant.info.kind == "persona" and entrant.recipe is None for entrant in everyone)


def persona_of(entrant: Entrant) -> Persona:
    assert entrant.player is not None
    return entrant.player.persona


def test_personas_come_by_name_file_or_object(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\nsummary = "S."\n', encoding="utf-8")
    shark = load_persona("shark")
    for given in ("shark", shark, PersonaPlayer(shark), load_entrant("shark")):
        entrant = load_entrant(given)
        assert (entrant.name, persona_of(entrant)) == ("shark", shark)
        assert entrant.info.source == shark.model_dump(mode="json")
        assert persona_of(recalled(entrant.info)) == shark
    for given in (path, str(path)):
        assert persona_of(load_entrant(given)) == load_persona(path)


@pytest.mark.parametrize(
    ("path", "name"), [("Policy", "policy"), ("factory", "from_a_factory"), ("instance", "an_instance")]
)
def test_an_import_path_leads_to_a_class_a_factory_or_an_instance(path: str, name: str) -> None:
    entrant = load_entrant(f"{HERE}:{path}")
    assert (entrant.name, entrant.info.kind, entrant.player) == (name, "policy", None)
    digest = hashlib.sha256(Path(str(policies.__file__)).read_bytes()).hexdigest()
    assert entrant.info.source == {"import": f"{HERE}:{path}", "sha256": digest}
    assert entrant.recipe is not None
    first, second = entrant.recipe.make(), entrant.recipe.make()
    assert first is not second  # a fresh one every time, of an instance a copy
    assert first is not policies.instance
    assert recalled(entrant.info).name == name


def test_an_object_is_kept_as_it_is_now() -> None:
    policy = Policy()
    policy.calls = 5
    entrant = load_entrant(policy)
    policy.calls = 6
    assert entrant.info == EntrantInfo("policy", "policy", {"object": f"{HERE}.Policy"})
    assert entrant.recipe is not None
    made: Any = entrant.recipe.make()
    assert made.calls == 5
    with pytest.raises(
        ConfigurationError, match=r"'policy' was an object of .*policies.Policy, which the file does not"
    ):
        recalled(entrant.info)


def test_entrants_are_sorted_by_name_and_names_are_unique() -> None:
    twin = Policy()
    twin.name = "shark"
    assert [e.name for e in load_entrants(["veteran", f"{HERE}:Policy", "linear"])] == ["linear", "policy", "veteran"]
    with pytest.raises(ConfigurationError, match="the entrant 'shark' is named twice; name each once"):
        load_entrants(["linear", "shark", twin])
    with pytest.raises(ConfigurationError, match="entrants: name at least one"):
        load_entrants([])


def test_a_policy_that_is_called_otherwise_now_is_not_the_one_of_the_file() -> None:
    info = EntrantInfo("old", "policy", {"import": f"{HERE}:Policy"})
    with pytest.raises(ConfigurationError, match="is called 'policy' now, but 'old' in the file of games; the policy"):
        recalled(info)


WRONG = [
    ("sharc", UnknownNameError, "unknown persona 'sharc'; did you mean 'shark'"),
    ("nowhere.bots:Policy", ConfigurationError, "there is no module 'nowhere'; install it, or put its folder into"),
    ("tests.nowhere:Policy", ConfigurationError, "there is no module 'tests.nowhere'"),
    (f"{HERE}:Polisy", UnknownNameError, "unknown name in tests.tournament.policies, 'Polisy'; did you mean 'Policy'"),
    (f"{HERE}:", ConfigurationError, "is no import path; write it as `package.module:Name`"),
    (":Policy", ConfigurationError, "is no import path"),
    ("a b:Policy", ConfigurationError, "is no import path"),
    (f"{HERE}:number", ConfigurationError, r"5 has no method `act\(observations, masks\)`"),
    (f"{HERE}:Idle", ConfigurationError, "has no method `act"),
    (f"{HERE}:Nameless", ConfigurationError, "its `name` must be text of 1 to 60 characters in one line, not None"),
    (f"{HERE}:Needy", ConfigurationError, "calling it without arguments fails: TypeError: .*missing 1 required"),
    (Policy, ConfigurationError, r"is a class; give one that is made, such as Policy\(\)"),
    (5, ConfigurationError, "5 has no method `act"),
    (None, ConfigurationError, "None has no method `act"),
]


@pytest.mark.parametrize(("given", "error", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_what_cannot_take_part_is_refused_by_name_and_reason(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load_entrant(given)


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "two\nlines", 5, None])
def test_a_name_is_one_line_of_text(name: Any) -> None:
    policy = Policy()
    policy.name = name
    with pytest.raises(ConfigurationError, match="its `name` must be text of 1 to 60 characters in one line"):
        load_entrant(policy)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('no\\nlicence')", "importing broken_bot fails: RuntimeError: no licence"),
        ("import surely_not_there", "importing broken_bot fails: ModuleNotFoundError: No module named"),
        ("def f(:", "importing broken_bot fails: SyntaxError"),
    ],
)
def test_a_module_that_fails_is_named_with_its_error(
    source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_bot.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match=message):
        load_entrant("broken_bot:Bot")


def test_an_object_that_cannot_be_copied_names_the_way_out() -> None:
    policy = Policy()
    policy.lock = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(
        ConfigurationError, match=r"'policy' cannot be copied for each of its cells: TypeError: .*import path"
    ):
        load_entrant(policy)
