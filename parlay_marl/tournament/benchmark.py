"""Running the benchmark of a player: the tasks of a suite, saved when finished, and its result."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from parlay_marl import __version__
from parlay_marl.core.compiled.kept import source_digest
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import whole_number
from parlay_marl.game.position import checked_seed
from parlay_marl.simulation.cells import MOST_GAMES, in_order
from parlay_marl.simulation.threads import MOST_THREADS
from parlay_marl.studies.benchmark.best_replies import read_best_replies
from parlay_marl.studies.benchmark.pooled import set_result, task_result
from parlay_marl.studies.benchmark.result import BenchmarkResult, PlayerInfo, SuiteInfo
from parlay_marl.studies.benchmark.scores import TaskScore
from parlay_marl.studies.benchmark.store import TaskStore
from parlay_marl.studies.benchmark.suite import SETS, STANDARD, WORDS, Suite, load_suite
from parlay_marl.tournament.entrants import Entrant, EntrantLike, load_entrant
from parlay_marl.tournament.executors.hosts import HostPool
from parlay_marl.tournament.executors.local import host_pool
from parlay_marl.tournament.focal import FOCAL, Finished, FocalSchedule
from parlay_marl.tournament.forfeits import Forfeit, OnForfeit
from parlay_marl.tournament.run import MOST_WORKERS, OnCell, checked_timeout


def run_benchmark(
    player: EntrantLike,
    suite: str | Path | Suite = STANDARD,
    *,
    games: int | None = None,
    seed: int | None = None,
    threads: int = 1,
    workers: int = 1,
    timeout: float = 10.0,
    out: str | Path | None = None,
    resume: bool = False,
    on_cell: OnCell | None = None,
    on_forfeit: OnForfeit | None = None,
    extra: bool = False,
) -> BenchmarkResult:
    """Play all tasks of a suite with a focal player, and return its figures.

    The player is anything that can enter a tournament: a persona or its name, a policy file, a `Player`, a
    `BatchedPlayer`, or an import path. `games` are those of a seat and an opener in a task, None takes the suite's:
    fewer for a player that is called for its moves. Every player meets the same deals and the same draws of its
    partners. `out` is a folder to which each finished task is saved; `resume` continues the benchmark in it.
    `on_cell` is called with the number of tasks that are done and the number of all, `on_forfeit` with each forfeit.

    With `extra` partners of other libraries play, too: they are asked for each move, which takes long.

    Raises `ConfigurationError` before the first game for arguments that cannot be used, and for a partner or scenario
    that has changed since the suite was fixed.
    """
    if resume and out is None:
        raise ConfigurationError("resume: say what to resume; give the folder of the benchmark as `out`")
    focal, given = load_entrant(player), load_suite(suite)
    chosen = given if extra else given.without_extra()
    games = whole_number("games", games_of(focal, chosen, games), 2, MOST_GAMES)
    schedule = FocalSchedule(focal, chosen, games, checked_seed(chosen.seed if seed is None else seed))
    threads = whole_number("threads", threads, 1, MOST_THREADS)
    workers = whole_number("workers", workers, 0, MOST_WORKERS)
    store = None if out is None else TaskStore(out, _plan(schedule), resume=resume)
    hosts = host_pool(schedule, workers, checked_timeout(timeout))
    try:
        scores = _play_all(schedule, hosts, store, (threads, max(workers, 1)), on_cell, on_forfeit)
    finally:
        hosts.close()
        if store is not None:
            store.close()
    return _result(schedule, scores)


def games_of(player: Entrant, suite: Suite, games: int | None) -> int:
    """Return the games of a seat and an opener in a task.

    None takes the suite's number, fewer for a player that is called.
    """
    if games is not None:
        return games
    return suite.games if player.player is not None else suite.asked_games


def _play_all(
    schedule: FocalSchedule,
    hosts: HostPool,
    store: TaskStore | None,
    at_once: tuple[int, int],
    on_cell: OnCell | None,
    on_forfeit: OnForfeit | None,
) -> list[TaskScore]:
    """Return the scores of all tasks: those in the store, and those that are played now and saved when finished.

    `at_once` has the numbers of threads for tasks in the kernel, and for tasks with called players.
    """
    found = dict(store.finished) if store is not None else {}
    left = [i for i, task in enumerate(schedule.tasks) if task not in found]
    hosts.check({entrant.name for entrant in schedule.entrants if entrant.recipe is not None} if left else ())
    report = on_cell or (lambda done, total: None)
    report(len(found), len(schedule.tasks))

    def play(number: int) -> Finished:
        finished = schedule.play(number, hosts)
        if store is not None:
            store.save(finished.score)
        return finished

    for needs_host, threads in zip((False, True), at_once, strict=True):
        some = [number for number in left if schedule.asks(number) is needs_host]
        with contextlib.closing(in_order(play, some, threads, hosts.halt)) as finished:
            for _, (score, forfeits) in finished:
                found[score.task] = score
                report(len(found), len(schedule.tasks))
                _tell(forfeits, on_forfeit)
    return [found[task] for task in schedule.tasks]


def _tell(forfeits: Sequence[Forfeit], on_forfeit: OnForfeit | None) -> None:
    """Call `on_forfeit`, if given, with each forfeit."""
    if on_forfeit is not None:
        for forfeit in forfeits:
            on_forfeit(forfeit)


def _plan(schedule: FocalSchedule) -> dict[str, Any]:
    """Return the plan as plain data: everything that determines the scores."""
    info = schedule.entrants[FOCAL].info
    partners = [part.loads for part in schedule.suite.partners]
    return {
        "package_version": __version__,
        "rules_digest": source_digest(),
        "suite": [schedule.suite.digest, partners],
        "player": [info.name, info.kind, dict(info.source)],
        "games": schedule.games,
        "seed": schedule.seed,
    }


def _result(schedule: FocalSchedule, scores: Sequence[TaskScore]) -> BenchmarkResult:
    """Return the result of all scores."""
    suite, info, kept = schedule.suite, schedule.entrants[FOCAL].info, read_best_replies()
    replies = {} if kept is None else kept.payoffs(suite)
    in_sets = {name: [score for score in scores if score.task.set == name] for name in SETS}
    return BenchmarkResult(
        package_version=__version__,
        rules_digest=source_digest(),
        suite=SuiteInfo(
            name=suite.name, sha256=suite.digest, best_replies=kept.candidates if kept is not None and replies else ()
        ),
        seed=schedule.seed,
        games=schedule.games,
        player=PlayerInfo(name=info.name, kind=info.kind, source=_told(info.source)),
        sets={name: set_result(some, replies) for name, some in in_sets.items() if some},
        tasks=tuple(task_result(score, replies) for score in scores),
    )


def _told(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the source of an entrant without a persona's texts."""
    return {key: value for key, value in source.items() if key not in WORDS}
