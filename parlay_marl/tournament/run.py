"""Running a tournament: its schedule, an executor that plays the cells, and the store of their results."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from pydantic import BaseModel

from parlay_marl.catalogue.families import AnyScenario, load_any_scenario
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import scenario_names
from parlay_marl.errors import ConfigurationError, ForfeitWarning
from parlay_marl.form_fields import real_number
from parlay_marl.game.config import whole_number
from parlay_marl.game.form_settings import FormArguments, checked_form
from parlay_marl.game.position import checked_seed
from parlay_marl.simulation.cells import MOST_GAMES
from parlay_marl.simulation.threads import MOST_THREADS
from parlay_marl.studies.names import check_names
from parlay_marl.tournament.entrants import EntrantLike, load_entrants
from parlay_marl.tournament.executors.cells import Finished, OnRows
from parlay_marl.tournament.executors.local import play_here
from parlay_marl.tournament.forfeits import Forfeit, OnForfeit, in_sentences
from parlay_marl.tournament.games import GAME_DTYPE, Games, Rows
from parlay_marl.tournament.schedule import Schedule
from parlay_marl.tournament.store import Store

MOST_WORKERS = 256
LONGEST_TIMEOUT = 86_400.0
OnCell = Callable[[int, int], None]
"""Called with the number of finished cells and of all cells."""
Executor = Callable[[Sequence[int], OnRows], Finished]
"""Plays the cells of these numbers, passes the rows of each to a function, and yields each when it is finished."""


def run_tournament(
    entrants: Sequence[EntrantLike] | None = None,
    scenarios: Sequence[str | Path | AnyScenario] | None = None,
    *,
    games: int = 200,
    seed: int = 0,
    rules: str | Mapping[str, Any] | BaseModel = "default",
    threads: int = 1,
    workers: int = 1,
    timeout: float = 10.0,
    ray: bool | str = False,
    out: str | Path | None = None,
    resume: bool = False,
    on_cell: OnCell | None = None,
    on_forfeit: OnForfeit | None = None,
    **form: Unpack[FormArguments],
) -> Games:
    """Play every ordered pair of entrants over every scenario with both openers, `games` games a cell.

    Entrants are personas (names, files, policy files, `Persona`), policies that are asked (`BatchedPlayer`), players of
    one game at a time (`Player`), or import paths `package.module:Name` of these; None takes the whole catalogue.

    Threads share the cells of personas, learned policies among them; `workers`, processes of their own, share the cells
    with other entrants (0: this process plays them). The results depend on neither number. A policy or player that
    raises, answers nonsense or takes more than `timeout` seconds for a call forfeits the open games of its cell; one
    that plays illegally forfeits that game. One that a worker process cannot make is refused before the first game.
    With `ray` the nodes of a Ray cluster share the cells instead: the cluster at an address, or, with True, that of
    RAY_ADDRESS in the environment, else a Ray that is started on this machine and ended afterwards.

    `out` is a folder for the results; with `resume` the tournament in it goes on. `on_cell` is called with the number
    of cells that are done and the number of all cells, `on_forfeit` with each forfeit; without it a `ForfeitWarning`
    at the end reports them.

    `form` is the form of the games: `protocol`, `price_share`, `price_levels`, `moves`, `events`, `max_rounds`. Where a
    protocol says who opens, only that seat does.
    """
    loaded = load_entrants(entrants)
    deals = [load_any_scenario(scenario) for scenario in (scenario_names() if scenarios is None else scenarios)]
    check_names("scenario", [deal.name for deal in deals])
    games, seed = whole_number("games", games, 1, MOST_GAMES), checked_seed(seed)
    threads = whole_number("threads", threads, 1, MOST_THREADS)
    workers = whole_number("workers", workers, 0, MOST_WORKERS)
    by_name = tuple(sorted(deals, key=lambda deal: deal.name))
    schedule = Schedule(loaded, by_name, load_rules(rules), games, seed, checked_form(form, "tournament"))
    executor = _executor(schedule, threads, workers, checked_timeout(timeout), ray)
    if resume and out is None:
        raise ConfigurationError("resume: say what to resume; give the folder of the tournament as `out`")
    store = None if out is None else Store(out, schedule.table(np.zeros(0, GAME_DTYPE)).plan(), resume=resume)
    forfeits: list[Forfeit] = []
    try:
        table = schedule.table(_play_all(schedule, executor, store, on_cell, on_forfeit or forfeits.append))
        if store is not None:
            store.finish(table)
    finally:
        if store is not None:
            store.close()
    if forfeits:
        warnings.warn("\n".join(in_sentences(forfeits)), ForfeitWarning, stacklevel=2)
    return table


def _executor(schedule: Schedule, threads: int, workers: int, timeout: float, ray: bool | str) -> Executor:
    """Return the executor that plays the cells: this machine, or a Ray cluster."""
    if ray is False:
        return functools.partial(play_here, schedule, threads=threads, workers=workers, timeout=timeout)
    from parlay_marl.tournament.executors.ray_cells import play_on_ray
    from parlay_marl.tournament.executors.ray_cluster import ray_library

    if ray is not True and (not isinstance(ray, str) or not ray):
        raise ConfigurationError(f"ray: give True, or the address of a cluster as HOST:PORT, not {ray!r}")
    if (threads, workers) != (1, 1):
        raise ConfigurationError("ray: the cluster plays a cell on each of its CPUs; leave out threads and workers")
    ray_library()  # a missing library is reported now, not after the start
    return functools.partial(play_on_ray, schedule, timeout=timeout, address=None if ray is True else ray)


def _play_all(
    schedule: Schedule, executor: Executor, store: Store | None, on_cell: OnCell | None, on_forfeit: OnForfeit
) -> Rows:
    """Return the rows of all cells: those in the store, and those that are played now and saved when finished."""
    total, n = len(schedule.cells), schedule.games
    rows = np.zeros(total * n, GAME_DTYPE)
    done = np.zeros(total, np.bool_)
    for index, kept in store.finished(total, n) if store is not None else ():
        rows[index * n : (index + 1) * n] = kept
        done[index] = True

    def on_rows(index: int, played: Rows) -> None:
        rows[index * n : (index + 1) * n] = played
        if store is not None:
            store.save(index, played)

    left = sorted(np.flatnonzero(~done).tolist(), key=lambda index: schedule.needs_host(schedule.cells[index]))
    report = _InOrder(left, on_forfeit)
    with contextlib.closing(executor(left, on_rows)) as finished:
        if on_cell is not None:
            on_cell(total - len(left), total)
        for count, (index, forfeits) in enumerate(finished, total - len(left) + 1):
            if on_cell is not None:
                on_cell(count, total)
            report.add(index, forfeits)
    return rows


class _InOrder:
    """Reports forfeits in the order of the cells, whatever the order in which cells finish."""

    def __init__(self, indices: Sequence[int], on_forfeit: OnForfeit) -> None:
        self._order, self._on_forfeit = deque(indices), on_forfeit
        self._waiting: dict[int, list[Forfeit]] = {}

    def add(self, index: int, forfeits: list[Forfeit]) -> None:
        """Take the forfeits of a finished cell; report those for which all earlier cells are finished."""
        self._waiting[index] = forfeits
        while self._order and self._order[0] in self._waiting:
            for forfeit in self._waiting.pop(self._order.popleft()):
                self._on_forfeit(forfeit)


def checked_timeout(timeout: Any) -> float:
    """Return a time limit in seconds."""
    seconds = real_number(timeout)
    if not 0.0 < seconds <= LONGEST_TIMEOUT:
        raise ConfigurationError(f"timeout: give seconds, over 0 and at most {LONGEST_TIMEOUT:,.0f}, not {timeout!r}")
    return seconds
