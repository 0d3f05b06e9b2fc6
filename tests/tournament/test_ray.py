"""Tournaments on Ray, of this machine and of a cluster of two nodes: the bytes that one machine writes alone."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from parlay_marl.catalogue import load_rules, load_scenario
from parlay_marl.cli import app
from parlay_marl.core.compiled import kept
from parlay_marl.errors import ConfigurationError
from parlay_marl.tournament import Forfeit, Games, run_tournament
from parlay_marl.tournament.entrants import load_entrants
from parlay_marl.tournament.executors import ray_cells
from parlay_marl.tournament.executors.cells import play_in_kernel
from parlay_marl.tournament.executors.ray_cells import Surroundings, compile_for, play_some
from parlay_marl.tournament.executors.ray_cluster import QUIET
from parlay_marl.tournament.schedule import Schedule
from tests.processes import Started, run, wait_until
from tests.tournament import policies
from tests.tournament.policies import HERE

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

FIELD = ["shark", "champion", f"{HERE}:Gambler", f"{HERE}:Cheat", f"{HERE}:Failing"]
DEALS = ["uniform", "hiring_package_terms"]
GAMES, SEED = 6, 5
MARK = "PARLAY_STARTED_BY"
"""Variable by which the processes that a test has started are known: they inherit it."""
BOTS = """
import os, pathlib, time
import numpy as np

LOG = pathlib.Path(__file__).with_name("log")


def grandparent():
    return pathlib.Path(f"/proc/{os.getppid()}/stat").read_text().rsplit(")", 1)[1].split()[1]


class Middle:
    name = "middle"

    def __init__(self):
        self.note("made")

    def act(self, observations, masks):
        self.note("asked")
        time.sleep(0.05)
        return np.full(len(masks), 25)

    def note(self, what):
        with LOG.open("a") as file:
            file.write(f"{what} {grandparent()}\\n")
"""


class Nodes(NamedTuple):
    """A cluster with two nodes of one CPU each, of which the second can be taken out."""

    cluster: Any
    second: Any

    @property
    def address(self) -> str:
        return str(self.cluster.address)


class Played(NamedTuple):
    """All that a tournament says."""

    games: Games
    cells: list[tuple[int, int]]
    forfeits: list[Forfeit]

    def same(self, other: Played) -> bool:
        return (self.games.rows.tobytes(), *self[1:]) == (other.games.rows.tobytes(), *other[1:])


def played(field: Any, deals: Any, **arguments: Any) -> Played:
    cells, forfeits = list[tuple[int, int]](), list[Forfeit]()
    settings = {"games": GAMES, "seed": SEED, "on_forfeit": forfeits.append} | arguments
    games = run_tournament(field, deals, on_cell=lambda *at: cells.append(at), **settings)
    return Played(games, cells, forfeits)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def running(mark: str) -> list[str]:
    """Return the command lines of processes that inherited a mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}\0".encode() in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def is_quiet(mark: str) -> bool:
    return running(mark) == []


@pytest.fixture(scope="module", autouse=True)
def surroundings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("RAY_ADDRESS", raising=False)
        for name, value in QUIET.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Start the cluster; a node that is gone is noticed after 3 seconds, not after 15."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, "nodes")
        soon = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 600}
        head = {"num_cpus": 1, "include_dashboard": False, "_system_config": soon}
        cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        yield Nodes(cluster, cluster.add_node(num_cpus=1))
    cluster.shutdown()
    wait_until(lambda: is_quiet("nodes"))


@pytest.fixture(scope="module")
def alone() -> Played:
    return played(FIELD, DEALS)


def test_a_ray_of_this_machine_writes_the_same_files_and_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deals = [part for deal in DEALS for part in ("-s", deal)]
    arguments = ["tournament", *FIELD, *deals, "-n", str(GAMES), "--quiet", "--out"]
    outputs = [CliRunner().invoke(app, [*arguments, str(tmp_path / "alone")])]
    monkeypatch.setenv(MARK, "ended")
    before = dict(os.environ)
    outputs.append(CliRunner().invoke(app, [*arguments, str(tmp_path / "ray"), "--ray"]))
    assert [result.exit_code for result in outputs] == [0, 0], outputs[1].output
    assert outputs[1].output == outputs[0].output
    written = files(tmp_path / "ray")
    assert written == files(tmp_path / "alone")
    assert set(written) == {"games.parquet", "report.html", "results.json"}
    assert dict(os.environ) == before
    assert not ray.is_initialized()
    wait_until(lambda: is_quiet("ended"))


def test_a_cluster_plays_the_same_games_and_tells_the_same(
    nodes: Nodes, alone: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Import paths lead to the current folder; objects go along; tasks hand back what they have no time for."""
    shared = played(FIELD, DEALS, ray=nodes.address)
    assert shared.same(alone)
    assert {forfeit.name for forfeit in alone.forfeits} == {"cheat", "failing"}
    assert len(alone.forfeits) > 20
    (tmp_path / "here_alone.py").write_text(BOTS.replace("0.05", "0.0"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ray_cells, "SECONDS_IN_TASK", 0.0)
    monkeypatch.setattr(ray_cells, "TASKS_FOR_CPU", 1)
    field = ["here_alone:Middle", policies.Hanging()]
    told = [played(field, ["uniform"], timeout=0.5, **how) for how in ({}, {"ray": nodes.address})]
    assert told[0].same(told[1])
    assert {forfeit.reason for forfeit in told[1].forfeits} == {"gives no answer within 0.5 s"}
    wait_until(lambda: not [line for line in running("nodes") if "spawn_main" in line])


def test_an_error_of_the_caller_ends_what_runs_on_the_nodes(nodes: Nodes) -> None:
    def stop(done: int, _: int) -> None:
        if done == 2:
            wait_until(lambda: [line for line in running("nodes") if "spawn_main" in line])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tournament(
            ["linear", f"{HERE}:Hanging"], ["uniform"], games=4, timeout=300.0, ray=nodes.address, on_cell=stop
        )
    wait_until(lambda: not [line for line in running("nodes") if "spawn_main" in line], 30.0)


def test_a_tournament_that_was_broken_off_goes_on_with_or_without_ray(nodes: Nodes, tmp_path: Path) -> None:
    def stop(done: int, cells: int) -> None:
        if done > cells // 3:
            raise RuntimeError("enough")

    how = {"games": GAMES, "seed": SEED}
    played(FIELD, DEALS, out=tmp_path / "alone")
    with ray_connected(nodes):
        for first, second in ((True, False), (False, True)):
            folder = tmp_path / f"{first}_{second}"
            with pytest.raises(RuntimeError, match="enough"):
                run_tournament(FIELD, DEALS, **how, out=folder, ray=first, on_cell=stop)
            kept = len(list((folder / "cells").glob("*.cell")))
            assert 0 < kept < 100
            rest = played(FIELD, DEALS, out=folder, ray=second, resume=True)
            assert rest.cells == [(done, 100) for done in range(kept, 101)]
            assert files(folder) == files(tmp_path / "alone")
        assert ray.is_initialized(), "the caller's connection stays"
        run_tournament(FIELD, DEALS, **how, out=folder, ray=True, resume=True)
        assert files(folder) == files(tmp_path / "alone")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"rules_digest": "0" * 16},
            r"^ray: the node \S+ has parlay-marl \S+ with rules \w+, but .* of \S+ with rules 0+",
        ),
        ({"version": "0.0.1"}, r"but the tournament is of 0\.0\.1 with rules \w+; install the same on every node$"),
        ({"modules": {HERE: "0" * 64}}, rf"has no module '{HERE}', or another one than is here; install the same pol"),
        ({"modules": {"nowhere.bots": "0" * 64}}, "has no module 'nowhere.bots', or another one than is here"),
    ],
)
def test_a_node_with_other_rules_or_policies_is_refused(
    nodes: Nodes, changed: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(load_entrants([f"{HERE}:Policy"]), (load_scenario("uniform"),), load_rules("default"), 1, SEED)
    other = Surroundings.of(schedule)._replace(**changed)
    with pytest.raises(ConfigurationError, match=message):
        other.check()
    if "rules_digest" in changed:
        monkeypatch.setattr(Surroundings, "of", lambda _: other)
        with pytest.raises(ConfigurationError, match=message):
            run_tournament(["shark"], ["uniform"], games=1, ray=nodes.address)


def test_objects_of_the_script_that_runs_go_along_with_their_classes(nodes: Nodes, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "import numpy as np\nfrom parlay_marl.tournament import run_tournament\n\n"
        "class Mine:\n    name = 'mine'\n    def act(self, observations, masks):\n"
        "        return np.full(len(masks), 25)\n\n"
        "if __name__ == '__main__':\n    told = []\n"
        "    games = [run_tournament([Mine(), 'shark'], ['uniform'], games=3, ray=ray, on_forfeit=told.append)\n"
        "        for ray in (False, True)]\n"
        "    print(games[0].rows.tobytes() == games[1].rows.tobytes(), told)\n"
        "    try:\n        run_tournament(['__main__:Mine'], ['uniform'], games=1, ray=True)\n"
        "    except ValueError as error:\n        print(error)\n",
        encoding="utf-8",
    )
    env = os.environ | {"RAY_ADDRESS": nodes.address}
    done = run([sys.executable, script], env=env)
    same, refused = done.stdout.splitlines()
    assert same == "True []", done.stderr
    assert refused.startswith("ray: no node can import __main__:Mine, which is in the script that runs; put it into a")


def test_control_c_leaves_nothing_running_and_cells_to_go_on_from(tmp_path: Path) -> None:
    field, out = ["linear", f"{HERE}:Hanging"], tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "parlay_marl",
        "tournament",
        *field,
        "-s",
        "uniform",
        "-n",
        "4",
        "--seed",
        str(SEED),
    ]
    command += ["--timeout", "300", "--ray", "--out", str(out)]
    with Started(command, env=os.environ | {MARK: "control_c"}) as process:
        wait_until(lambda: len(list(out.glob("cells/*.cell"))) == 2)
        wait_until(lambda: [line for line in running("control_c") if "spawn_main" in line])
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    wait_until(lambda: is_quiet("control_c"))
    assert time.monotonic() - began < 30
    rest = played(field, ["uniform"], games=4, timeout=0.5, out=out, resume=True)
    assert rest.cells[0] == (2, 8), "no cell that was cut off was kept"
    assert {forfeit.name for forfeit in rest.forfeits} == {"hanging"}


def test_cells_of_a_node_that_dies_are_played_again_on_another(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test of the cluster, which has one node from then on."""
    (tmp_path / "slow_bots.py").write_text(BOTS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    head, second = (
        str(node.all_processes["raylet"][0].process.pid) for node in (nodes.cluster.head_node, nodes.second)
    )
    log = tmp_path / "log"

    def notes() -> list[str]:
        return log.read_text(encoding="utf-8").splitlines()

    def kill(done: int, _: int) -> None:
        if done == 4:
            before = len(notes())
            wait_until(lambda: f"asked {second}" in notes()[before:])
            nodes.cluster.remove_node(nodes.second, allow_graceful=False)

    field = ["linear", "slow_bots:Middle"]
    shared = run_tournament(
        field, ["uniform"], games=3, seed=SEED, out=tmp_path / "ray", ray=nodes.address, on_cell=kill
    )
    made = [notes().count(f"made {raylet}") for raylet in (head, second)]
    assert all(made), "both nodes have played"
    assert sum(made) > 8, "8 seats of 6 cells are a policy's; some were made once more"
    alone = run_tournament(field, ["uniform"], games=3, seed=SEED, out=tmp_path / "alone")
    assert shared.rows.tobytes() == alone.rows.tobytes()
    assert files(tmp_path / "ray") == files(tmp_path / "alone")
    assert not any(shared.forfeits().values())


def test_a_task_plays_one_cell_at_least_and_no_more_than_it_has_time_for() -> None:
    schedule = Schedule(load_entrants(FIELD[:2]), (load_scenario("uniform"),), load_rules("default"), GAMES, SEED)
    given = Surroundings.of(schedule), ray.cloudpickle.dumps(schedule), 10.0
    for seconds, cells in ((0.0, 1), (60.0, 3)):
        rows, forfeits = play_some(*given, seconds, [2, 5, 7])
        assert forfeits == [[]] * cells
        expected = [play_in_kernel(schedule, schedule.cells[index]).tobytes() for index in (2, 5, 7)[:cells]]
        assert rows.tobytes() == b"".join(expected)


def test_rules_are_compiled_here_before_the_tasks_would_all_compile_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(kept, "needs_compiling", lambda *names: asked.append(names) or True)
    compile_for(Schedule(load_entrants(["shark"]), (load_scenario("uniform"),), load_rules("default"), 1, SEED))
    assert asked == [("play_games", "step_games", "play_turns")]


def ray_connected(nodes: Nodes) -> Any:
    """Return Ray, connected by the caller, as a context."""
    return ray.init(address=nodes.address, log_to_driver=False)


def test_an_address_where_nothing_listens_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"^ray: cannot use '127\.0\.0\.1:1': Connection.*; give HOST:PORT as"):
        run_tournament(["shark"], ["uniform"], games=1, ray="127.0.0.1:1")
