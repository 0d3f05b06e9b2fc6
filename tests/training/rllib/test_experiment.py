"""`experiments/rllib_experiment.py` as a user runs it: its files, its table, its refusals, and nothing left running."""

from __future__ import annotations

import csv
import json
import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.policies.policy import read_policy, write_policy
from tests.policies.networks import network
from tests.processes import ROOT, Finished, run

SCRIPT = ROOT / "experiments" / "rllib_experiment.py"
TINY = ("--iterations", "2", "--lanes", "32", "--games", "4")


def experiment(*arguments: str | Path, home: Path) -> Finished:
    """Run the script with an empty home folder, but with the rules as they have been compiled."""
    cache = os.environ.get("PARLAY_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    variables = {"PARLAY_CACHE_DIR": str(cache if "PARLAY_CACHE_DIR" in os.environ else Path(cache, "parlay_marl"))}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_") or "niceness" in name}
    return run([sys.executable, SCRIPT, *arguments], cwd=home, env=kept | variables | {"HOME": str(home)}, limit=1200.0)


def checked(done: Finished) -> str:
    """Return what a run printed, which ended well, without a warning, and left no process of Ray's."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search("warn|deprecat|error|traceback", done.stdout + done.stderr, re.IGNORECASE), done.stderr
    assert "illegal moves in training: 0" in done.stdout
    running = run(["pgrep", "-f", "raylet|gcs_server"])
    assert running.stdout == ""
    return done.stdout


def evaluation(out: Path) -> Any:
    return json.loads((out / "evaluation.json").read_text())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def first(home: Path) -> Path:
    """Return the folder of an experiment against a policy file and a persona."""
    write_policy(home / "pupil.safetensors", network(scenarios=("uniform",)))
    arguments = ("-o", "linear=3", "-o", "pupil.safetensors", "-s", "uniform", "--out", "first", *TINY)
    said = checked(experiment("persona", *arguments, home=home))
    assert "mean payoff against linear, pupil.safetensors, over uniform" in said
    return home / "first"


def test_the_folder_has_all_that_the_page_names(first: Path) -> None:
    names = {path.name for path in first.iterdir()}
    events = {name for name in names if name.startswith("events.out.tfevents")}
    assert len(events) == 1
    assert names - events == {
        *("experiment.json", "results.csv", "checkpoint", "learner.safetensors", "evaluation.json"),
    }
    with (first / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["iteration"] for row in rows] == ["1", "2"]
    assert {"turns", "turns/s", "deals", "payoff/learner", "entropy/learner", "illegal_moves"} < set(rows[0])
    assert [float(row["turns"]) for row in rows] == [8192.0, 16384.0]
    found = evaluation(first)
    assert set(found["payoffs"]) == {"learned", "random", "linear"}
    assert found["illegal_moves"] == 0
    assert found["payoffs"]["linear"]["low"] <= found["payoffs"]["linear"]["mean"] <= found["payoffs"]["linear"]["high"]
    assert read_policy(first / "learner.safetensors").scenarios == ("uniform",)


def test_the_curves_can_be_read(first: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    curves = EventAccumulator(str(first))
    curves.Reload()
    points = curves.Scalars("payoff/learner")
    assert [point.step for point in points] == [8192, 16384]


def test_a_restored_experiment_goes_on(first: Path, home: Path) -> None:
    said = checked(
        experiment("persona", "--restore", first, "--iterations", "1", "--games", "4", "--out", "on", home=home)
    )
    assert "iteration 3  turns 24,576" in said
    asked = json.loads((home / "on" / "experiment.json").read_text())
    assert asked["scenario"] == ["uniform"]
    assert asked["opponent"] == ["linear=3", "pupil.safetensors"]


@pytest.mark.parametrize(("kind", "more"), [("league", ["--env-runners", "1"]), ("two", ["--reward", "shaped"])])
def test_other_kinds_run_too(kind: str, more: list[str], home: Path) -> None:
    said = checked(experiment(kind, "-s", "hiring_package_terms", *more, "--out", kind, *TINY, home=home))
    assert "learned" in said
    learned = {path.stem for path in (home / kind).glob("*.safetensors")}
    assert learned == ({"buyer", "seller"} if kind == "two" else {"learner"})


def test_a_sweep_compares_trials_and_goes_on_with_the_best(home: Path) -> None:
    said = checked(experiment("persona", "--sweep", "2", "--out", "sweep", *TINY, home=home))
    with (home / "sweep" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert float(rows[0]["payoff"]) >= float(rows[1]["payoff"])
    assert rows[0]["lr"] != rows[1]["lr"]
    assert said.count("iteration 1 ") == 2
    assert (home / "sweep" / "checkpoint").is_dir()
    assert evaluation(home / "sweep")["payoffs"]["learned"]


@pytest.fixture
def refused(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run the script where it ends before Ray begins, so in this process; return what it said of its refusal."""

    def refused(*arguments: str | Path) -> str:
        monkeypatch.chdir(home)
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        assert ended.value.code == 2
        return capsys.readouterr().err

    return refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "--out", "x"], "invalid choice: 'nobody'"),
        (["persona"], "required: --out"),
        (["persona", "--iterations", "0", "--out", "x"], "--iterations: give 1 or more, not 0"),
        (["persona", "--lanes", "1", "--out", "x"], "--lanes: give 2 or more"),
        (["persona", "-o", "sharc", "--out", "x"], "did you mean 'shark'"),
        (["persona", "-o", "shark=lots", "--out", "x"], "give a name, or a name and a weight"),
        (["persona", "-o", "shark=-1", "--out", "x"], "weights must be 0 or more"),
        (["persona", "-s", "unifrom", "--out", "x"], "did you mean 'uniform'"),
        (["persona", "--restore", "nowhere", "--out", "x"], "it holds no checkpoint"),
        (
            ["persona", "--restore", "nowhere", "--seed", "3", "--out", "x"],
            "--seed: the restored experiment has its own",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_before_anything_is_made(
    arguments: list[str], said: str, home: Path, refused: Callable[..., str]
) -> None:
    assert said in refused(*arguments)
    assert not (home / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["persona", "--env-runners", "999", "--out", "x"], "give fewer, or the --address of a cluster"),
        (["persona", "--address", "127.0.0.1:1", "--out", "x"], "cannot use '127.0.0.1:1'"),
    ],
)
def test_what_ray_cannot_do_is_said_in_a_sentence_before_anything_is_made(
    arguments: list[str], said: str, home: Path
) -> None:
    done = experiment(*arguments, home=home)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "x").exists()


def test_a_folder_with_something_in_it_is_left_alone(first: Path, refused: Callable[..., str]) -> None:
    before = sorted(path.name for path in first.iterdir())
    assert "not an empty folder" in refused("persona", "--out", first, *TINY)
    assert sorted(path.name for path in first.iterdir()) == before


def test_another_kind_is_not_restored(first: Path, refused: Callable[..., str]) -> None:
    assert "an experiment of the kind 'persona'" in refused("league", "--restore", first, "--out", "x")
