"""The blocks of README.md and the pages of docs/ do what they show: Python runs, TOML loads, commands exist."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import shutil
import sys
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_persona, load_scenario
from parlay_marl.catalogue.personas import Persona
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.cli import app
from parlay_marl.game.game import Game
from parlay_marl.game.play import play_game
from parlay_marl.players.persona import as_player
from parlay_marl.policies.policy import Policy, write_policy
from parlay_marl.studies.benchmark.suite import load_suite
from parlay_marl.tournament import run_tournament
from parlay_marl.tournament.benchmark import run_benchmark
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.selfplay import train
from tests import processes
from tests.helpers import offer
from tests.language.completions import MODEL
from tests.language.endpoint import Endpoint
from tests.policies.networks import ROOM, network
from tests.processes import ROOT
from tests.training.models import model

SERVED = "127.0.0.1:8001"
"""The address of the server that pages speak of."""
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
TINY_RUN = {
    "name": "ada", "scenarios": ("uniform",), "opponents": {"linear": 1.0}, "frames": 300, "lanes": 16, "steps": 16,
    "batch_size": 64, "hidden": (8,), "evaluation_games": 2,
}  # fmt: skip
TINY_OPTIONS = shlex.split("--frames 300 --lanes 16 --steps 16 --batch-size 64 --hidden 8 --games 2 --threads 1")
MEASURED = ("gpt-5-mini", "llama-3.1-8b", "qwen3:8b")
"""Models that pages measure in the arena."""
PROGRAMS = ("benchmarks", "examples", "experiments", "scripts")
"""Folders of programs that pages call."""
RUN_ELSEWHERE = {"vf-eval"}
"""Programs of other libraries: tests/trainers runs what the pages show."""
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = FENCE.finditer(text)
    return [Block(name_of(page), text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)) for m in found]


ROOT_PAGES = {page.name for page in ROOT.glob("*.md")}


def name_of(page: Path) -> str:
    """Return a page's path below docs/, or its name outside."""
    return str(page.relative_to(ROOT / "docs")) if page.is_relative_to(ROOT / "docs") else page.name


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def each(*languages: str) -> pytest.MarkDecorator:
    """Run a test for every block of some languages."""
    chosen = [block for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize("block", chosen, ids=[f"{block.page}:{block.line}" for block in chosen])


@each("python")
def test_python_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "rllib" in block.text:
        assert block.page == "rllib.md", "where there is Ray, scripts/check runs that page alone"
        pytest.importorskip("ray")  # CI has it in another environment, where these run
    if "pyspiel" in block.text:
        pytest.importorskip("pyspiel")
    of_another_environment(block.page)
    monkeypatch.chdir(tmp_path)
    if "ChatPlayer" in block.text:
        with Endpoint() as endpoint:
            run(block, block.text.replace("http://localhost:11434/v1", endpoint.url).replace("qwen3:8b", MODEL))
        return
    if "run_arena" in block.text:
        with Endpoint(models=MEASURED) as endpoint:
            monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
            run(block, block.text)
        return
    if "parlay_marl.server" not in block.text and SERVED not in block.text:
        run(block, block.text)
        return
    pytest.importorskip("openenv")
    from tests.server.table import served

    with served() as address:
        run(block, block.text.replace(SERVED, address))


def of_another_environment(page: str) -> None:
    """Skip what pages of other libraries show: tests/strangers runs it, in the environment that has the libraries."""
    if page in ("libraries.md", "negmas.md", "trl.md", "verifiers.md"):
        pytest.skip("tests/strangers and tests/trainers run these, in the environments that have the libraries")


def run(block: Block, text: str) -> None:
    exec(compile("\n" * block.line + text, block.page, "exec"), {"__name__": "__main__"})


@each("toml")
def test_toml_is_a_persona_or_a_scenario(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(block.text, encoding="utf-8")
    load = load_scenario if "[reservation]" in block.text or "reservation =" in block.text else load_persona
    assert load(path).title


@each("toml")
def test_toml_plays_a_game(block: Block, tmp_path: Path) -> None:
    """A persona or a scenario, by its keys: each belongs to exactly one of the two."""
    path = tmp_path / "mine.toml"
    path.write_text(block.text, encoding="utf-8")
    write_policy(tmp_path / "pupil.safetensors", agreeable())
    keys = set(tomllib.loads(block.text))
    is_persona, is_scenario = (keys <= set(model.model_fields) for model in (Persona, Scenario))
    assert is_persona is not is_scenario, sorted(keys)
    scenario, buyer = (path, "linear") if is_scenario else ("saas_enterprise", path)
    for opener in ("buyer", "seller"):
        game = Game(negotiation_v0.make_config(scenario, opener=opener), (as_player(buyer), as_player("conceder")))
        game.reset(seed=7)
        assert game.is_over
        assert game.outcome().is_deal


@functools.cache
def help_of(program: str, name: str) -> str:
    """Return the help of a command of `parlay`, or that of a script of Python."""
    if program == "parlay":
        shown = CliRunner().invoke(app, [name, "--help"], prog_name="parlay")
        assert shown.exit_code == 0, shown.output
        return shown.output
    return processes.run([sys.executable, name, "--help"], check=True).stdout


@each("sh", "shell", "bash", "console")
def test_commands_exist(block: Block) -> None:
    for line in block.text.splitlines():
        command = line.split("#")[0].removeprefix("$ ").split()
        if not command:
            continue
        is_script = command[0] == "python" and command[1].split("/")[0] in PROGRAMS
        if command[0] == "parlay" or is_script:
            told = help_of(command[0], command[1])
            for option in (part for part in command if part.startswith("--")):
                assert option in told, line
        elif command[0].startswith("scripts/"):
            assert (ROOT / command[0]).is_file(), line
        elif command[0] not in RUN_ELSEWHERE:
            assert command[:2] == ["pip", "install"], f"nothing here checks: {line}"
            assert extras_of(line) <= EXTRAS, line


def saved_files(page: str) -> list[tuple[str, str]]:
    """Return the files that a page tells to save, with their text: that of the first block after it."""
    text = (ROOT / page if page in ROOT_PAGES else ROOT / "docs" / page).read_text("utf-8")
    return re.findall(r"^Save this as `(\S+)`.*?^```\w+\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def extras_of(line: str) -> set[str]:
    """Return the extras that a line of pip installs."""
    return {extra for group in re.findall(r"\[([\w,-]+)\]", line) for extra in group.split(",")}


def commands(word: str) -> list[tuple[str, str]]:
    """Return the lines of the shell blocks that begin with a word, without their comments, and the page of each.

    A line that several pages show is there once.
    """
    lines = [(block.page, line) for block in BLOCKS if block.language == "sh" for line in block.text.splitlines()]
    stripped = [(page, line.split("#")[0].removeprefix("$ ").strip()) for page, line in lines]
    pages = {line: page for page, line in reversed(stripped) if line.split()[:1] == [word]}
    return [(page, line) for line, page in reversed(pages.items())]


@pytest.mark.parametrize(("page", "command"), commands("parlay"))
def test_parlay_does_what_is_shown(page: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person leaves the table at once, what takes many games is as short as can be, and a replay finds some."""
    of_another_environment(page)
    monkeypatch.chdir(tmp_path)
    for name, text in saved_files(page):
        Path(name).write_text(text, "utf-8")
    if "chat:" in command:
        with Endpoint() as endpoint:
            monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
            asked = re.sub(r"chat:\S+", f"chat:{MODEL}", command).replace("http://localhost:11434/v1", endpoint.url)
            do(asked)
        return
    if command.startswith("parlay arena"):
        with Endpoint(models=MEASURED) as endpoint:
            monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
            do(command.replace("http://localhost:11434/v1", endpoint.url))
        return
    do(command)


def do(command: str) -> None:
    """Run a command of a page in the current folder, with what it needs."""
    _, *arguments = shlex.split(command)
    if arguments[0] in ("serve", "cache") or "--browser" in arguments:
        # The one would not end, the other needs a process of its own; tests of the command line run both.
        arguments.append("--help")
    if "--resume" in arguments:
        train(TrainingConfig(**TINY_RUN), "runs/ada")
    elif arguments[0] == "train":
        arguments += TINY_OPTIONS
    for path in (Path(part) for part in arguments if re.fullmatch(r"runs/.*\.safetensors", part)):
        path.parent.mkdir(parents=True)
        write_policy(path, network((8,), scenarios=("uniform",)))
    if arguments[0] == "replay":
        provide_games(arguments)
    if arguments[0] == "export":
        provide(arguments[1])
    elif "pupil.safetensors" in arguments:
        write_policy("pupil.safetensors", network(packages=ROOM))
    arguments += ["--games", "1"] if arguments[0] in ("tournament", "beliefs") else []
    arguments += ["--games", "2"] if arguments[0] in ("evaluate", "exploit") else []
    if arguments[0] == "benchmark":
        arguments += ["--games", "2", "-p", "linear", "-s", "uniform"] if "--compare" not in arguments else []
        for path in (Path(arguments[at + 1]) for at, part in enumerate(arguments) if part == "--compare"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(kept_result(path.stem))
    arguments += ["--frames", "1"] if arguments[0] == "exploit" else []
    if arguments[0] == "arena":
        arguments += ["--games", "1", "-s", "uniform", *(() if "-p" in arguments else ("-p", "linear"))]
        Path("prices.toml").write_text("[gpt-5-mini]\nprompt = 0.25\ncompletion = 2.0\n", encoding="utf-8")
    result = CliRunner().invoke(app, arguments, input="quit\n", prog_name="parlay")
    assert result.exit_code == 0, result.output
    assert result.exception is None
    assert len(result.output.splitlines()) > (0 if arguments[0] in ("export", "train") else 3)


def provide_games(arguments: list[str]) -> None:
    """Play the games that a replay reads: those of a small tournament, or one game's record."""
    if arguments[1].endswith(".json"):
        Path(arguments[1]).write_text(json.dumps(play_game("shark", "nash", "uniform", seed=1).to_dict()), "utf-8")
        return
    run_tournament(["shark", "nash"], ["uniform"], games=1, out="results")
    if "--game" in arguments:
        arguments[arguments.index("--game") + 1] = "0"


def agreeable() -> Policy:
    """Return a policy that accepts whatever it can, and offers the middle of the range where it can not."""
    policy = network(temperature=0.0)
    wishes = np.zeros(policy.actions, np.float32)
    wishes[[0, offer(20)]] = 2.0, 1.0
    return replace(policy, weights=tuple(0 * weight for weight in policy.weights), biases=(policy.biases[0], wishes))


def kept_result(name: str) -> bytes:
    """Return the result of a benchmark of one task."""
    persona = load_persona("shark").model_copy(update={"name": name})
    task = load_suite().chosen(["uniform"], ["linear"])
    return run_benchmark(persona, task, games=2).as_json()


def provide(name: str) -> None:
    """Make the policy that a command exports, as this package, Stable-Baselines3 or RLlib keeps it."""
    if name.endswith(".safetensors"):
        write_policy(name, network())
    elif name.endswith(".zip"):
        model().save(name)
    else:
        fixtures = ROOT / "tests" / "policies" / "fixtures" / "conversion"
        shutil.copytree(fixtures / "rllib_modules", name)
        shutil.copytree(fixtures / "rllib_module", Path(name, "learner"))


WRITTEN = ("--out", "--json", "--page", "--html", "--plot")
"""Options that name what a command writes."""
KINDS = {".safetensors", ".json", ".parquet", ".toml"}
"""Files that commands read."""


def read_and_written(command: str) -> tuple[set[str], set[str]]:
    """Return the files that a command reads, and the files and folders that it writes, by its words."""
    words = shlex.split(command)
    written = {word for option, word in pairwise(words) if option in WRITTEN}
    if words[1] == "train":
        written |= {words[2], f"{words[2]}/{Path(words[2]).name}.safetensors"}
    if "--out" in words:
        written.add(f"{words[words.index('--out') + 1]}/games.parquet")
    return {word for word in words if Path(word).suffix in KINDS} - written, written


@pytest.mark.parametrize("page", sorted({block.page for block in BLOCKS if block.page.startswith("tutorials/")}))
def test_a_reader_of_the_start_can_go_through_each_tutorial(page: str) -> None:
    """In one folder, line by line: what a command reads is there by then, and what it makes is new."""
    there = set[str]()
    for step in ("start.md", page):
        there |= {name for name, _ in saved_files(step)}
        for command in [line for block in BLOCKS if block.page == step for line in parlay_lines(block)]:
            read, written = read_and_written(command)
            assert not {path for path in read - there if not (ROOT / path).is_file()}, command
            assert "--resume" in command or not written & there, f"{command}: made before, which is refused"
            there |= written


def parlay_lines(block: Block) -> list[str]:
    """Return the commands of `parlay` in a block, without their comments."""
    lines = [line.split("#")[0].strip() for line in block.text.splitlines()] if block.language == "sh" else []
    return [line for line in lines if line.startswith("parlay ")]


@pytest.mark.parametrize("path", ["scripts/run", "scripts/check"])
def test_the_scripts_that_are_shown_can_be_run(path: str) -> None:
    assert commands(path)
    assert os.access(ROOT / path, os.X_OK)


def test_every_command_of_parlay_is_shown() -> None:
    assert {line.split()[1] for _, line in commands("parlay")} == {
        command.callback.__name__ for command in app.registered_commands
    }


def test_every_shell_line_is_one_that_is_tested() -> None:
    lines = [line for block in BLOCKS if block.language == "sh" for line in block.text.splitlines()]
    words = {line.split()[0].removeprefix("$") for line in lines if line.split("#")[0].strip()}
    assert {word.split("/")[0] for word in words} - RUN_ELSEWHERE == {"parlay", "pip", "scripts", "python"}


def test_extras_that_pages_name_exist() -> None:
    """In text too, such as `pip install "parlay-marl[server]"`."""
    lines = [line for page in PAGES for line in page.read_text("utf-8").splitlines() if "pip install" in line]
    assert lines
    assert set().union(*map(extras_of, (line.partition("pip install")[2] for line in lines))) <= EXTRAS


def test_the_readme_is_short() -> None:
    """What this is, how to begin, one picture, one table, and where to go on: the rest is on other pages."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") < 150
    assert text.count("![") == 1
    assert len(re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)) == 1


def test_every_page_is_linked_from_another() -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    linked = {
        (page.parent / target).resolve() for page, text in texts.items() for target in re.findall(r"\]\(([^)#]+)", text)
    }
    lost = [name_of(page) for page in PAGES if page.name != "README.md" and page.resolve() not in linked]
    assert not lost, f"nobody finds {', '.join(lost)}: link it from README.md, docs/index.md or another page"


def test_the_readme_says_what_this_is_in_three_lines_and_then_what_to_run() -> None:
    """The title, a paragraph, the two commands, and an example of ten lines."""
    opening = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")[0]
    title, what, *_ = opening.split("\n\n")
    assert title == "# parlay_marl"
    assert what.count("\n") == 2
    first, second = blocks_of(ROOT / "README.md")[:2]
    assert [line.split()[0] for line in first.text.splitlines()] == ["scripts/run", "scripts/check"]
    assert second.language == "python"
    assert len([line for line in second.text.splitlines() if line]) <= 10


def test_no_block_is_left_out() -> None:
    assert {block.language for block in BLOCKS} <= {"python", "toml", "sh", "text", "js"}
    assert any(block.language == "python" for block in BLOCKS if block.page == "README.md")
    assert any(block.language == "toml" for block in BLOCKS if block.page == "personas.md")
    for page in PAGES:
        assert page.read_text(encoding="utf-8").count("\n```") == 2 * len(blocks_of(page)), page.name


def test_links_within_the_repository_lead_somewhere() -> None:
    found = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target
    ]
    assert len(found) > 20
    assert [(page.name, target) for page, target in found if not (page.parent / target).exists()] == []
