"""A file that cannot be used is refused with its name, the key and the reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.catalogue import (
    family_names,
    load_persona,
    load_scenario,
    partner_names,
    persona_names,
    scenario_names,
)
from parlay_marl.catalogue.files import write_whole
from parlay_marl.catalogue.personas import family_names as persona_families
from parlay_marl.errors import CatalogueError, UnknownNameError
from tests.helpers import case_name

PERSONA = 'title = "The clerk"\nsummary = "Concedes by the clock."\n'
SCENARIO = 'title = "A lorry"\nlow = 20_000\nhigh = 40_000\n'
LIMITS = "[reservation]\nbuyer = 34_000\nseller = 27_000\n"
EVENT = '[[events]]\nround = 3\nheadline = "News."\n'
WARRANTY = '[[terms]]\nname = "warranty"\noptions = [{ name = "none" }, { name = "a year", buyer = 900 }]\n'

# What is wrong, then the key and the reason that the message must hold.
BAD_PERSONAS = {
    "syntax": ("title = ", "not a readable TOML file.*line 1|not a readable TOML file: Invalid value"),
    "table twice": (PERSONA + "[traits]\n[traits]\n", "not a readable TOML file.*twice"),
    "no title": ('summary = "x"\n', "title: Field required"),
    "empty title": ('title = ""\nsummary = "x"\n', "title: String should have at least 1 character"),
    "title of another type": ('title = 3\nsummary = "x"\n', r"title: Input should be a valid string \(given 3\)"),
    "name with blanks": (PERSONA + 'name = "the clerk"\n', "name: String should match pattern"),
    "unknown key": (PERSONA + "colour = 3\n", "colour: Extra inputs are not permitted"),
    "unknown trait": (PERSONA + "[traits]\nagression = 0.5\n", r"traits\.agression: Extra inputs are not permitted"),
    "trait too high": (
        PERSONA + "[traits]\naggression = 1.5\n",
        r"traits\.aggression: .*less than or equal to 1.*given 1.5",
    ),
    "trait too low": (PERSONA + "[traits]\npatience = -0.1\n", r"traits\.patience: .*greater than or equal to 0"),
    "trait of another type": (PERSONA + '[traits]\npatience = "much"\n', r"traits\.patience: .*valid number.*'much'"),
    "traits of another type": (PERSONA + "traits = 3\n", "traits: Input should be a valid dictionary"),
    "not a number": (PERSONA + "[tactics]\nexponent = nan\n", r"tactics\.exponent: Input should be a finite number"),
    "infinite": (PERSONA + "[tactics]\nexponent = inf\n", r"tactics\.exponent: Input should be a finite number"),
    "unknown tactic": (PERSONA + "[tactics]\nexponnt = 1\n", r"tactics\.exponnt: Extra inputs"),
    "unknown strategy": (PERSONA + '[tactics]\nstrategy = "tiem"\n', r"tactics\.strategy: .*'time'.*given 'tiem'"),
    "unknown drift": (PERSONA + "[drift]\ntenson = 80\n", r"drift\.tenson: Extra inputs"),
    "unknown tag": (PERSONA + '[drift]\non = ["competitor"]\n', r"drift\.on\.0: .*'competition'"),
    "unknown drifted tactic": (PERSONA + "[drift.tactics]\nexponnt = 1\n", r"drift\.tactics\.exponnt: Extra inputs"),
    "drifted tactic too low": (
        PERSONA + "[drift.tactics]\nexponent = 0\n",
        r"drift\.tactics\.exponent: .*greater than",
    ),
    "drifted trait too high": (PERSONA + "[drift.traits]\npatience = 2\n", r"drift\.traits\.patience: .*less than"),
    "unknown drifted strategy": (PERSONA + '[drift.tactics]\nstrategy = "x"\n', r"drift\.tactics\.strategy: .*'time'"),
    "unknown occasion": (PERSONA + '[voice]\ngreeting = ["Hello."]\n', r"voice\.greeting: Extra inputs"),
    "line of another type": (PERSONA + "[voice]\nopen = [3]\n", r"voice\.open\.0: Input should be a valid string"),
    "lines of another type": (PERSONA + '[voice]\nopen = "Hello."\n', r"voice\.open: Input should be a valid tuple"),
    "empty line": (PERSONA + '[voice]\nopen = [" "]\n', r"voice\.open: a line must not be empty"),
    "unknown field": (
        PERSONA + '[voice]\nopen = ["{prize}!"]\n',
        r"voice\.open: '{prize}!' may only use {other}, {price}",
    ),
    "field without a name": (PERSONA + '[voice]\nopen = ["{}"]\n', r"voice\.open: '{}' may only use"),
    "field of a field": (PERSONA + '[voice]\nopen = ["{price.real}"]\n', r"voice\.open: .* may only use"),
    "open brace": (PERSONA + '[voice]\nopen = ["{price"]\n', r"voice\.open: '{price': expected '}'"),
    "format of a number": (
        PERSONA + '[voice]\nopen = ["{price:d}"]\n',
        r"voice\.open: '{price:d}': Unknown format code",
    ),
    "conversion": (PERSONA + '[voice]\nopen = ["{price!z}"]\n', r"voice\.open: '{price!z}'"),
}

STRATEGY = PERSONA + '[[family.strategies]]\nstrategy = "time"\n[family.strategies.tactics]\n'
EXPONENT = "family.strategies.0.tactics.exponent"
BAD_FAMILIES = {
    "end of a range": (
        STRATEGY + "exponent = [nan, 1]\n",
        f"{EXPONENT}.ends.0: Input should be a finite number (given nan)",
    ),
    "key of a range": (STRATEGY + "exponent = { low = 1 }\n", f"{EXPONENT}.range.high: Field required"),
    "number": (
        STRATEGY + 'exponent = "x"\n',
        f"{EXPONENT}.fixed: Input should be a valid number, unable to parse string as a number (given 'x')",
    ),
    "no strategies": (
        PERSONA + "[family]\nstrategies = []\n",
        "family.strategies: Tuple should have at least 1 item after validation, not 0 (given [])",
    ),
}

BAD_SCENARIOS = {
    "syntax": (SCENARIO + "[reservation\n", "not a readable TOML file"),
    "no limits": (SCENARIO, "reservation: Field required"),
    "one limit": (
        SCENARIO + "[reservation]\nbuyer = 30_000\n",
        "reservation: a nominal distribution needs the figures",
    ),
    "limits drawn and given": (
        SCENARIO + LIMITS + 'distribution = "uniform"\n',
        "reservation: a uniform distribution draws both figures",
    ),
    "unknown distribution": (
        SCENARIO + LIMITS + 'distribution = "normal"\n',
        r"reservation\.distribution: .*'nominal'",
    ),
    "unknown key": (SCENARIO + "colour = 3\n" + LIMITS, "colour: Extra inputs are not permitted"),
    "unknown key of a section": (SCENARIO + LIMITS + "spred = 0.1\n", r"reservation\.spred: Extra inputs"),
    "no range": ('title = "x"\n' + LIMITS, "low: Field required; high: Field required"),
    "range upside down": (
        'title = "x"\nlow = 5\nhigh = 4\n' + LIMITS,
        r"the public range needs 0 <= low < high",
    ),
    "range below zero": ('title = "x"\nlow = -5\nhigh = 4\n' + LIMITS, "the public range needs 0 <= low < high"),
    "range of text": ('title = "x"\nlow = "cheap"\nhigh = 4\n' + LIMITS, "low: .*valid number.*'cheap'"),
    "infinite range": ('title = "x"\nlow = 5\nhigh = inf\n' + LIMITS, "high: Input should be a finite number"),
    "limit outside": (
        SCENARIO + "[reservation]\nbuyer = 41_000\nseller = 27_000\n",
        r"reservation\.buyer = 41000.0 lies outside",
    ),
    "no room": (
        SCENARIO + "[reservation]\nbuyer = 25_000\nseller = 27_000\n",
        "there is no ZOPA at the nominal figures",
    ),
    "no rounds": (SCENARIO + "rounds = 0\n" + LIMITS, "rounds: .*greater than or equal to 1"),
    "half a round": (SCENARIO + "rounds = 2.5\n" + LIMITS, "rounds: Input should be a valid integer"),
    "unknown opener": (SCENARIO + 'opener = "both"\n' + LIMITS, "opener: .*'buyer', 'seller' or 'random'.*'both'"),
    "unknown information": (SCENARIO + 'information = "some"\n' + LIMITS, "information: .*'incomplete' or 'complete'"),
    "urgency too high": (SCENARIO + LIMITS + "[urgency]\nbuyer = 2\n", r"urgency\.buyer: .*less than or equal to 1"),
    "alternative as a flag in words": (
        SCENARIO + LIMITS + '[alternative]\nbuyer = "yes"\n',
        r"alternative\.buyer: .*number",
    ),
    "one discount factor": (
        SCENARIO + LIMITS + "[discount_factor]\nbuyer = 0.9\n",
        r"discount_factor\.seller: Field required",
    ),
    "term with one option": (
        SCENARIO + LIMITS + '[[terms]]\nname = "warranty"\noptions = [{ name = "none" }]\n',
        r"terms\.0\.options: .*at least 2",
    ),
    "reference that is worth something": (
        SCENARIO + LIMITS + '[[terms]]\nname = "w"\noptions = [{ name = "a", buyer = 1 }, { name = "b" }]\n',
        r"terms\.0: the first option of 'w' is the reference and must be worth 0",
    ),
    "options of one name": (
        SCENARIO + LIMITS + '[[terms]]\nname = "w"\noptions = [{ name = "a" }, { name = "a" }]\n',
        r"terms\.0: two options of 'w' have the same name",
    ),
    "terms of one name": (SCENARIO + LIMITS + WARRANTY * 2, "two terms have the same name"),
    "too many packages": (
        SCENARIO
        + LIMITS
        + "".join(WARRANTY.replace('"warranty"', f'"w{i}"') for i in range(4)).replace(
            '{ name = "none" }', '{ name = "none" }, { name = "half" }'
        ),
        "the terms make 81 packages; at most 16",
    ),
    "too many terms": (
        SCENARIO + LIMITS + "".join(WARRANTY.replace('"warranty"', f'"w{i}"') for i in range(5)),
        "terms: .*at most 4",
    ),
    "event for nobody": (SCENARIO + LIMITS + EVENT, r"events\.0: an event must name the buyer, the seller or both"),
    "event before the start": (
        SCENARIO + LIMITS + EVENT.replace("3", "-1") + "buyer = {}\n",
        r"events\.0\.round: .*greater than or equal to 0",
    ),
    "unknown effect": (
        SCENARIO + LIMITS + EVENT + "buyer = { urgncy = 0.1 }\n",
        r"events\.0\.buyer\.urgncy: Extra inputs",
    ),
    "effect too large": (
        SCENARIO + LIMITS + EVENT + "buyer = { urgency = 2 }\n",
        r"events\.0\.buyer\.urgency: .*less than",
    ),
    "event without a headline": (
        SCENARIO + LIMITS + "[[events]]\nround = 3\nbuyer = {}\n",
        r"events\.0\.headline: Field required",
    ),
    "unknown tag": (
        SCENARIO + LIMITS + EVENT + 'tags = ["news"]\nbuyer = {}\n',
        r"events\.0\.tags\.0: .*'competition'",
    ),
    "too many events": (SCENARIO + LIMITS + (EVENT + "buyer = {}\n") * 5, "events: .*at most 4"),
}

LOADERS: dict[str, Callable[[Any], Any]] = {"persona": load_persona, "scenario": load_scenario}
every_kind = pytest.mark.parametrize("kind", LOADERS)


@pytest.mark.parametrize(
    ("kind", "what"), [("persona", what) for what in BAD_PERSONAS] + [("scenario", what) for what in BAD_SCENARIOS]
)
def test_a_file_that_cannot_be_used_says_where_and_why(kind: str, what: str, tmp_path: Path) -> None:
    text, message = (BAD_PERSONAS if kind == "persona" else BAD_SCENARIOS)[what]
    path = tmp_path / "mine.toml"
    path.write_text(text)
    for given in (path, str(path)):
        with pytest.raises(CatalogueError, match=f"(?s)^{path}: .*({message})"):
            LOADERS[kind](given)


@pytest.mark.parametrize("what", BAD_FAMILIES)
def test_a_bad_number_of_a_family_is_refused_with_one_reason(what: str, tmp_path: Path) -> None:
    text, message = BAD_FAMILIES[what]
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(CatalogueError) as refused:
        load_persona(path)
    assert str(refused.value) == f"{path}: {message}"


def test_every_mistake_in_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PERSONA + "[traits]\npatience = 7\n[tactics]\nexponnt = 1\n")
    with pytest.raises(CatalogueError, match=r"traits\.patience: .*; tactics\.exponnt: "):
        load_persona(path)


def test_the_texts_that_the_bad_files_start_from_are_good(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PERSONA)
    assert load_persona(path).name == "mine"
    path.write_text(SCENARIO + LIMITS + WARRANTY + EVENT + "buyer = { urgency = 0.1 }\n")
    assert load_scenario(path).n_packages == 2


@every_kind
def test_bytes_that_are_no_text_are_no_toml(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"title = '\xff\xfe'")
    with pytest.raises(CatalogueError, match=r"mine\.toml: not a readable TOML file"):
        LOADERS[kind](path)


@every_kind
@pytest.mark.parametrize("name", ["nowhere/mine.toml", "mine.toml", "./mine", "a\\b", "/", "."])
def test_a_path_that_is_no_file_is_told(kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given in [Path(name)] if name == "." else [name, Path(name)]:
        with pytest.raises(CatalogueError, match=f"no such {kind} file; give a name of the catalogue or an existing"):
            LOADERS[kind](given)


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [
        ("persona", "sharc", "shark"),
        ("persona", "SHARK", "shark"),
        ("persona", "tit-for-tat", "tit_for_tat"),
        ("persona", "bulware", "boulware"),
        ("scenario", "saas", "saas_enterprise"),
        ("scenario", "hiring", "hiring_package"),
        ("scenario", "unifrom", "uniform"),
    ],
)
def test_an_unknown_name_comes_with_the_nearest(kind: str, name: str, near: str) -> None:
    with pytest.raises(UnknownNameError) as refused:
        LOADERS[kind](name)
    files = ".toml or .safetensors" if kind == "persona" else ".toml"
    assert str(refused.value) == f"unknown {kind} {name!r}; did you mean {near!r}? (or give the path of a {files} file)"


@every_kind
@pytest.mark.parametrize("name", ["", "xyzzy", 3, 2.5, ["shark"], {"name": "x"}, b"shark"], ids=case_name)
def test_a_name_like_no_other_comes_with_all(kind: str, name: Any) -> None:
    with pytest.raises(UnknownNameError) as refused:
        LOADERS[kind](name)
    personas = [*persona_names(), *partner_names(), *persona_families()]
    listed = sorted(personas if kind == "persona" else [*scenario_names(), *family_names()])
    assert "did you mean" in str(refused.value) or ", ".join(listed) in str(refused.value)


@every_kind
def test_a_file_that_changes_is_read_again(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = PERSONA if kind == "persona" else SCENARIO + LIMITS
    path.write_text(text)
    first = LOADERS[kind](path)
    assert LOADERS[kind](path) is first
    path.write_text('source = "me"\n' + text if kind == "persona" else 'story = "s"\n' + text)
    import os

    os.utime(path, ns=(1, 1))
    assert LOADERS[kind](path) != first


@every_kind
def test_a_files_own_name_goes_before_that_of_the_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "yours"\n' + (PERSONA if kind == "persona" else SCENARIO + LIMITS))
    assert LOADERS[kind](path).name == "yours"


@every_kind
def test_what_is_loaded_already_is_taken_as_it_is(kind: str) -> None:
    name = "shark" if kind == "persona" else "uniform"
    loaded = LOADERS[kind](name)
    assert LOADERS[kind](loaded) is loaded
    assert LOADERS[kind](name) is loaded
    with pytest.raises(ValueError, match="frozen"):
        loaded.title = "another"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"all of it")
        assert os.read(reader, 100) == b"all of it"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, b"")
