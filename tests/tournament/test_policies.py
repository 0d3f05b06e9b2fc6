"""Policies in tournaments: the games that the environment plays, whoever asks them; and forfeits, never a crash."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import ConfigurationError, ForfeitWarning
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import make_report
from parlay_marl.players.persona import as_persona, as_player
from parlay_marl.simulation.cells import play_cell
from parlay_marl.tournament import Forfeit, Games, run_tournament
from parlay_marl.tournament.entrants import load_entrants
from parlay_marl.tournament.executors import worker
from parlay_marl.tournament.executors.batched import BatchedCell
from parlay_marl.tournament.executors.cells import play_with_host
from parlay_marl.tournament.executors.hosts import LocalHost
from parlay_marl.tournament.executors.local import host_pool
from parlay_marl.tournament.executors.worker_host import WorkerHost
from parlay_marl.tournament.schedule import Cell, Schedule
from tests.helpers import BUYER, PERSONAS, SCENARIOS, SELLER, content
from tests.processes import Started, is_running, run, wait_until
from tests.tournament import policies
from tests.tournament.policies import HERE

SEED = 7
SEATS = ("buyer", "seller")


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


def schedule(*entrants: Any, scenario: str = "uniform", games: int = 12) -> Schedule:
    return Schedule(load_entrants(entrants), (load_scenario(scenario),), load_rules("default"), games, SEED)


def of_cell(games: Games, buyer: str, seller: str, opener: int, scenario: str | None = None) -> Any:
    """Return the rows of one cell."""
    rows = games.rows
    chosen = (rows["buyer"] == games.names.index(buyer)) & (rows["seller"] == games.names.index(seller))
    chosen &= rows["outcome"]["opener"] == opener
    if scenario is not None:
        chosen &= rows["scenario"] == games.scenario_names.index(scenario)
    return rows[chosen]


# ---------------------------------------------------------------------- the same games


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_personas_played_turn_by_turn_play_the_games_of_the_kernel(scenario: str) -> None:
    params = build_params(load_scenario(scenario), load_rules("default"), reward="payoff")
    for buyer, seller in zip(PERSONAS, PERSONAS[3:] + PERSONAS[:3], strict=True):
        pair = as_persona(buyer), as_persona(seller)
        for opener in (BUYER, SELLER):
            batched = BatchedCell(pair, params, opener=opener, games=15, seed=SEED)
            batched.play()
            alone = play_cell(*pair, params, opener=opener, games=15, seed=SEED)
            assert content(batched.outcomes()) == content(alone)
            assert (batched.forfeit_by == -1).all()
            assert not batched.faults


@pytest.mark.parametrize("scenario", ["uniform", "saas_enterprise", "hiring_package_terms"])
def test_a_game_of_a_policy_is_the_single_game_of_its_seed_number_opener_and_pair(scenario: str) -> None:
    games = run_tournament([f"{HERE}:Looker", f"{HERE}:Policy", "shark"], [scenario], games=10, seed=SEED, workers=0)
    makers = {"looker": policies.Looker(), "policy": policies.Policy(), "shark": "shark"}
    endings = set()
    for buyer, first in makers.items():
        for seller, second in makers.items():
            game = Game(
                negotiation_v0.make_config(scenario, reward="payoff"),
                (as_player(first), as_player(second)),  # type: ignore[arg-type]
            )
            for opener in (BUYER, SELLER):
                for row in of_cell(games, buyer, seller, opener):
                    game.reset(SEED, {"opener": SEATS[opener]}, int(row["number"]))
                    report = np.asarray(make_report(game.rows, game.config.params)).reshape(1)
                    assert content(np.asarray(row["outcome"]).reshape(1)) == content(report)
                    endings.add(Ending(int(row["outcome"]["ending"])))
    assert {Ending.DEAL, Ending.DEADLINE} <= endings or {Ending.DEAL, Ending.WALK_AWAY} <= endings
    assert not any(games.forfeits().values())


def test_who_asks_where_and_in_which_order_does_not_matter() -> None:
    field = [f"{HERE}:Gambler", "veteran", f"{HERE}:Policy"]
    deals = ["hiring_package", "uniform"]
    first = run_tournament(field, deals, games=9, seed=SEED, workers=0)
    others = [
        run_tournament(field[::-1], deals[::-1], games=9, seed=SEED, workers=1),
        run_tournament(field, deals, games=9, seed=SEED, workers=3, threads=2),
        run_tournament([policies.Policy(), "veteran", policies.Gambler()], deals, games=9, seed=SEED, workers=2),
    ]
    for other in others:
        assert content(other.rows["outcome"]) == content(first.rows["outcome"])
        assert other.names == first.names
    other_seed = run_tournament(field, deals, games=9, seed=SEED + 1, workers=0)
    assert content(other_seed.rows["outcome"]) != content(first.rows["outcome"])


def test_who_else_plays_does_not_matter_for_a_pair_and_chance_is_common() -> None:
    field = [f"{HERE}:Gambler", f"{HERE}:Policy", "shark"]
    games = run_tournament(field, ["uniform"], games=9, seed=SEED, workers=0)
    fewer = run_tournament(field[:2], ["uniform"], games=9, seed=SEED, workers=0)
    for buyer in fewer.names:
        for seller in fewer.names:
            for opener in (BUYER, SELLER):
                pair = [of_cell(played, buyer, seller, opener)["outcome"] for played in (games, fewer)]
                assert content(pair[0]) == content(pair[1])
    widths = games.rows["outcome"]["start_width"].reshape(-1, 9)
    assert (widths == widths[0]).all()


def test_progress_counts_every_cell_once() -> None:
    calls: list[tuple[int, int]] = []
    run_tournament([f"{HERE}:Policy", "linear"], ["uniform"], games=1, workers=2, on_cell=lambda *at: calls.append(at))
    assert calls == [(done, 8) for done in range(9)]


# ---------------------------------------------------------------------- forfeits

FAULTS = {
    "Failing": "raises ValueError: no idea what to do",
    "Leaving": "raises SystemExit: enough",
    "Fractions": "answers an array of float64 of shape (12,); it must give one whole number for each of 12 rows",
    "TooFew": "answers an array of int64 of shape (11,); it must give one whole number for each of 12 rows",
    "Silent": "answers an array of object of shape ()",
    "Ragged": "raises ValueError: setting an array element with a sequence",
}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("name", FAULTS)
def test_a_policy_that_fails_forfeits_the_open_games_of_its_cell(name: str, workers: int) -> None:
    played = schedule(f"{HERE}:{name}", "hardliner")
    own = played.entrants[0 if played.entrants[0].name == name.lower() else 1].name
    for seat in (BUYER, SELLER):
        index = [e.name for e in played.entrants].index(own)
        pair = (index, 1 - index) if seat == BUYER else (1 - index, index)
        cell = Cell(0, *pair, BUYER)
        asking = host_pool(played, workers, 30.0)
        with asking.borrowed() as host:
            rows, forfeits = play_with_host(played, cell, host)
        asking.close()
        lost = rows["forfeit_by"] == seat
        assert lost.any()
        assert set(rows["forfeit_by"]) <= {seat, -1}
        assert (rows["outcome"]["ending"][lost] == Ending.FORFEIT).all()
        assert (rows["outcome"]["closed_by"][lost] == seat).all()
        assert (rows["outcome"]["round"][lost] == 2).all()
        assert (rows["outcome"]["ending"][~lost] != Ending.FORFEIT).all()
        (forfeit,) = forfeits
        assert forfeit.reason.startswith(FAULTS[name].split(" of shape")[0].split(" (12")[0])
        assert (forfeit.name, forfeit.seat, forfeit.against) == (own, SEATS[seat], "hardliner")
        assert (forfeit.scenario, forfeit.opener, forfeit.games) == ("uniform", "buyer", lost.sum())


def test_forfeits_are_counted_told_and_leave_the_games_of_others_alone() -> None:
    told: list[Forfeit] = []
    field = ["linear", "shark", f"{HERE}:Failing"]
    games = run_tournament(field, ["uniform"], games=12, seed=SEED, on_forfeit=told.append)
    assert games.forfeits() == {
        "failing": sum(forfeit.games for forfeit in told),
        "linear": 0,
        "shark": 0,
    }
    assert games.forfeits()["failing"] > 0
    without = run_tournament(field[:2], ["uniform"], games=12, seed=SEED)
    for buyer in without.names:
        for seller in without.names:
            for opener in (BUYER, SELLER):
                pair = [of_cell(played, buyer, seller, opener)["outcome"] for played in (games, without)]
                assert content(pair[0]) == content(pair[1])


def test_forfeits_that_nobody_listens_to_are_told_at_the_end() -> None:
    field = ["linear", f"{HERE}:Failing", f"{HERE}:Cheat"]
    with pytest.warns(ForfeitWarning) as caught:
        games = run_tournament(field, ["uniform"], games=6, seed=SEED, workers=0)
    (warning,) = caught
    assert warning.filename == __file__
    lines = str(warning.message).splitlines()
    for line, name in zip(lines, ("cheat", "failing"), strict=True):
        assert line.startswith(f"{name} forfeited {games.forfeits()[name]} games; the first as ")
    assert lines[1].endswith("over uniform: raises ValueError: no idea what to do")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_illegal_move_costs_that_game_alone(workers: int) -> None:
    told: list[Forfeit] = []
    field = [f"{HERE}:Cheat", f"{HERE}:Outside", "linear"]
    games = run_tournament(field, ["uniform"], games=12, seed=SEED, workers=workers, on_forfeit=told.append)
    rows = of_cell(games, "cheat", "linear", BUYER)
    first = rows["forfeit_by"] == BUYER
    assert 0 < first.sum() < 12
    assert (rows["outcome"]["round"][first] == 0).all()
    reasons = {forfeit.reason for forfeit in told if forfeit.name == "cheat"}
    assert "buyer: action 0 (ACCEPT) is illegal: no offer of the other seat stands" in reasons
    assert "buyer: an answer that is no action is illegal: there is no such action" in {f.reason for f in told}


def test_a_policy_that_cannot_be_made_again_forfeits_from_its_first_turn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies.Unborn, "made", False)
    told: list[Forfeit] = []
    field = ["linear", f"{HERE}:Unborn"]
    games = run_tournament(field, ["uniform"], games=3, workers=0, on_forfeit=told.append)
    assert {forfeit.reason for forfeit in told} == {
        "cannot be made: ConfigurationError: tests.tournament.policies:Unborn: calling it without arguments fails: "
        "OSError: no model; give a class or a factory that needs none, or an instance"
    }
    rows = of_cell(games, "linear", "unborn", BUYER)
    assert (rows["forfeit_by"] == SELLER).all()
    assert (rows["outcome"]["round"] == 0).all()


# ---------------------------------------------------------------------- policies that only one process knows

MINE = """
import numpy as np
from parlay_marl.errors import ConfigurationError
from parlay_marl.tournament import run_tournament

class Mine:
    name = "mine"
    def act(self, observations, masks):
        return np.full(len(masks), 25)

def play(policy, **more):
    told = []
    try:
        more |= {"on_cell": lambda *at: told.append(at), "on_forfeit": told.append}
        games = run_tournament([policy, "linear"], ["uniform"], games=2, **more)
    except ConfigurationError as error:
        print(error, told)
    else:
        print(games.forfeits())
"""
REFUSED = "; that is in a worker process, which sees neither what a notebook or `python -c` defines nor what a script "
PLAYED = "{'linear': 0, 'mine': 0}"


def test_a_policy_of_a_notebook_or_a_command_is_refused_before_anything_is_played() -> None:
    program = MINE + "play(Mine())\nplay('__main__:Mine')\nplay(Mine(), workers=0)\nplay('__main__:Mine', workers=0)\n"
    as_object, as_path, *played = run([sys.executable, "-c", program], check=True).stdout.splitlines()
    assert as_object.startswith("the policy 'mine': cannot be made: AttributeError: Can't get attribute 'Mine' on ")
    assert as_path.startswith("the policy 'mine': cannot be made: UnknownNameError: unknown name in __main__, 'Mine'; ")
    for refused in (as_object, as_path):
        assert REFUSED in refused
        assert refused.endswith("give workers=0, and this process asks it [(0, 8)]"), "no cell has been played"
    assert played == [PLAYED, PLAYED]


def test_a_policy_of_a_script_plays_where_a_worker_can_import_it_and_is_refused_where_not(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    hidden = "    class Hidden(Mine):\n        name = 'hidden'\n    play(Hidden())\n"
    script.write_text(MINE + f"if __name__ == '__main__':\n    play(Mine())\n{hidden}", encoding="utf-8")
    played, refused = run([sys.executable, script], check=True).stdout.splitlines()
    assert played == PLAYED
    assert refused.startswith("the policy 'hidden': cannot be made: AttributeError: Can't get attribute 'Hidden' on ")
    assert REFUSED in refused


def test_a_policy_that_takes_a_worker_with_it_when_it_is_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dying_bot.py").write_text(
        "import multiprocessing, os\nclass Bot:\n    name = 'dying'\n"
        "    def __init__(self):\n        multiprocessing.parent_process() and os._exit(9)\n"
        "    def act(self, o, m): ...\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        with pytest.raises(ConfigurationError, match=r"'dying': its process ended by itself \(exit code 9\); "):
            run_tournament(["dying_bot:Bot"], ["uniform"], games=1)


# ---------------------------------------------------------------------- time limits and processes


def test_a_policy_that_hangs_is_cut_off_and_the_tournament_goes_on() -> None:
    played = schedule(f"{HERE}:Hanging", f"{HERE}:Policy")
    host = WorkerHost(played.recipes(), 1.0)
    began = time.monotonic()
    rows, (forfeit,) = play_with_host(played, Cell(0, 0, 1, BUYER), host)
    assert forfeit.reason == "gives no answer within 1 s"
    assert forfeit.name == "hanging"
    assert forfeit.games == (rows["forfeit_by"] == BUYER).sum() > 0
    assert multiprocessing.active_children() == []  # it was killed
    again, more = play_with_host(played, Cell(0, 1, 1, BUYER), host)  # a new process plays on
    assert not more
    assert (again["forfeit_by"] == -1).all()
    host.close()
    assert time.monotonic() - began < 60


def test_a_late_answer_counts_as_none_even_where_nothing_can_be_cut_off() -> None:
    played = schedule(f"{HERE}:Dreaming", "linear")
    for host in (LocalHost(played.recipes(), 0.2), WorkerHost(played.recipes(), 0.2)):
        _, (forfeit,) = play_with_host(played, Cell(0, 0, 1, BUYER), host)
        host.close()
        assert forfeit.reason == "gives no answer within 0.2 s"


def test_a_policy_that_takes_its_process_with_it_forfeits() -> None:
    told: list[Forfeit] = []
    games = run_tournament([f"{HERE}:Dying"], ["uniform"], games=6, on_forfeit=told.append)
    assert {forfeit.reason for forfeit in told} == {"its process ended by itself (exit code 7)"}
    assert games.forfeits()["dying"] == sum(forfeit.games for forfeit in told) > 0


def test_a_process_that_is_killed_from_outside_is_replaced() -> None:
    played = schedule(f"{HERE}:Policy", "linear")
    host = WorkerHost(played.recipes(), 10.0)
    first, _ = play_with_host(played, Cell(0, 0, 1, BUYER), host)
    (child,) = multiprocessing.active_children()
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join(60)
    second, faults = play_with_host(played, Cell(0, 0, 1, BUYER), host)
    host.close()
    assert (content(first["outcome"]), faults) == (content(second["outcome"]), [])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of Linux")
def test_kill_9_of_the_tournament_ends_a_policy_that_lets_no_thread_run_and_what_it_has_started(tmp_path: Path) -> None:
    note = tmp_path / "note"
    command = [sys.executable, "-m", "parlay_marl", "tournament", f"{HERE}:Clinging", "-s", "uniform", "-n", "1"]
    with Started([*command, "--timeout", "1000"], env=os.environ | {"PARLAY_TEST_CLINGING": str(note)}) as process:
        wait_until(lambda: note.exists() and note.read_text(encoding="utf-8").endswith("\n"))
        family = [int(number) for number in note.read_text(encoding="utf-8").split()]
        assert all(is_running(number) for number in family)
        process.kill()
        wait_until(lambda: not any(is_running(number) for number in family))


def test_what_policies_print_is_no_result(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "chatty_bot.py").write_text(
        "import numpy as np\nclass Bot:\n    name = 'chatty'\n"
        "    def act(self, o, m):\n        print('hello')\n        return np.full(len(o), 25)\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        run_tournament(["chatty_bot:Bot"], ["uniform"], games=1)
    out, err = capfd.readouterr()
    assert out == ""
    assert "hello" in err


def test_a_worker_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "serve", policies.factory)  # takes other arguments, and never says that it is ready
    with pytest.raises(ConfigurationError, match=r"a worker process for policies does not start; a script .*__main__"):
        run_tournament([f"{HERE}:Policy"], ["uniform"], games=1)


def test_an_error_of_the_caller_ends_all_processes() -> None:
    def stop(done: int, cells: int) -> None:
        if done == 1:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run_tournament([f"{HERE}:Policy", f"{HERE}:Looker"], ["uniform"], games=1, workers=2, on_cell=stop)


def test_control_c_waits_for_no_policy_and_keeps_no_cell_that_it_has_cut_off(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(4.0, os.kill, (os.getpid(), signal.SIGINT))
    field, began = [f"{HERE}:Hanging", f"{HERE}:Policy"], time.monotonic()
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            run_tournament(field, ["uniform"], games=9, workers=2, timeout=300.0, out=tmp_path)
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 250
    assert list((tmp_path / "cells").glob("*.cell")) == []


@pytest.mark.parametrize(
    "timeout", [0, -1, float("nan"), float("inf"), "5", None, True, 1e9, 10**400], ids=lambda given: f"{given!r:.9}"
)
def test_what_is_no_time_limit_is_refused(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout: give seconds, over 0 and at most 86,400, not"):
        run_tournament(["linear"], ["uniform"], games=1, timeout=timeout)


@pytest.mark.parametrize("workers", [-1, 257, 1.5, "2", None, True])
def test_what_is_no_number_of_workers_is_refused(workers: Any) -> None:
    with pytest.raises(ConfigurationError, match="workers: give a whole number from 0 to 256, not"):
        run_tournament(["linear"], ["uniform"], games=1, workers=workers)
