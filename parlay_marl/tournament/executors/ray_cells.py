"""Playing cells on the nodes of a Ray cluster; the games are those that one machine plays.

A Ray task plays some cells in sequence, and calls policies in a worker process. The result of a cell depends on
nothing else, so that Ray can run the task of a failed node again on another one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import math
import os
import pickle
import platform
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parlay_marl import __version__
from parlay_marl.core.compiled import kept
from parlay_marl.errors import ConfigurationError, ParlayError
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from parlay_marl.tournament.entrants import Entrant, in_words
from parlay_marl.tournament.executors.batched import BatchedCell, LastAction
from parlay_marl.tournament.executors.cells import Finished, OnRows, play_any
from parlay_marl.tournament.executors.local import host_pool
from parlay_marl.tournament.executors.ray_cluster import ray_cluster
from parlay_marl.tournament.forfeits import Forfeit
from parlay_marl.tournament.games import GAME_DTYPE, Rows
from parlay_marl.tournament.schedule import Schedule

GAMES_IN_TASK = 20_000
"""Most games in a task, unless one cell has more: 0.1 s in the kernel, 6 MB of results."""
SECONDS_IN_TASK = 10.0
"""Seconds after which a task returns the cells that it has not begun: policies may take a thousand times as long."""
TASKS_FOR_CPU = 4
"""Fewest tasks for each CPU of the cluster, so that the last ones end at about the same time."""
TASKS_AHEAD = 2
"""Tasks for each CPU submitted at once, so that no CPU waits for the next; this also limits the memory."""
RETRIES = 20
"""Number of retries of a task that has lost its node or its process."""


class Surroundings(NamedTuple):
    """The versions that a node must share with the driver, and the places of the driver's modules and files."""

    version: str
    rules_digest: str
    modules: dict[str, str]
    """Digests of the files of the modules that policies come from."""
    path: list[str]
    folder: str

    @classmethod
    def of(cls, schedule: Schedule) -> Surroundings:
        """Return the surroundings of this process."""
        modules = {recipe.module for recipe in schedule.recipes().values()} - {"__main__"}  # its objects are sent whole
        digests = {module: file_digest(module) for module in sorted(modules)}
        path = [os.path.abspath(entry) for entry in sys.path]
        return cls(__version__, kept.source_digest(), digests, path, os.getcwd())

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Use the driver's import paths and files, where this machine has them."""
        before = list(sys.path)
        sys.path[:0] = [entry for entry in self.path if entry not in before]
        try:
            with contextlib.chdir(self.folder) if os.path.isdir(self.folder) else contextlib.nullcontext():
                yield
        finally:
            sys.path[:] = before

    def check(self) -> None:
        """Refuse a node whose games could differ."""
        node = platform.node()
        here = f"{__version__} with rules {kept.source_digest()}"
        there = f"{self.version} with rules {self.rules_digest}"
        if here != there:
            raise ConfigurationError(
                f"ray: the node {node} has parlay-marl {here}, but the tournament is of {there}; "
                "install the same on every node"
            )
        for module, digest in self.modules.items():
            if file_digest(module) != digest:
                raise ConfigurationError(
                    f"ray: the node {node} has no module {module!r}, or another one than is here; "
                    "install the same policies on every node"
                )


def play_on_ray(
    schedule: Schedule, indices: Sequence[int], on_rows: OnRows, *, timeout: float, address: str | None = None
) -> Finished:
    """Play the cells of these numbers on a cluster, pass on the rows of each, and yield each with its forfeits."""
    if not indices:
        return
    compile_for(schedule)
    with ray_cluster(address) as ray:
        given = Surroundings.of(schedule), pickle.dumps(portable(schedule, ray)), timeout, SECONDS_IN_TASK
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(play_some)
        begin = functools.partial(task.remote, *map(ray.put, given))
        yield from _shared(ray, begin, schedule.games, indices, on_rows)


def _shared(ray: Any, begin: Any, games: int, indices: Sequence[int], on_rows: OnRows) -> Finished:
    """Submit cells as tasks, take their results, and submit again the cells that a task had no time for.

    If the iteration ends early, no task is cancelled: in Ray 2.60 that can end the whole process where a task ends at
    the same moment. Disconnecting ends the tasks; if the connection is the caller's, they end by themselves after
    `SECONDS_IN_TASK`.
    """
    left, running = deque(indices), dict[Any, list[int]]()
    at_most = max(1, min(GAMES_IN_TASK // games, math.ceil(len(left) / (TASKS_FOR_CPU * _cpus(ray)))))
    while left or running:
        while left and len(running) < TASKS_AHEAD * _cpus(ray):
            some = [left.popleft() for _ in range(min(at_most, len(left)))]
            running[begin(some)] = some
        ready = ray.wait(list(running))[0][0]
        rows, forfeits = _result(ray, ready)
        some = running.pop(ready)
        left.extendleft(reversed(some[len(forfeits) :]))
        for i, (index, forfeited) in enumerate(zip(some, forfeits, strict=False)):
            on_rows(index, rows[i * games : (i + 1) * games])
            yield index, forfeited


def _cpus(ray: Any) -> int:
    """Return the current number of CPUs of the cluster, which changes with its nodes."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _result(ray: Any, task: Any) -> tuple[Rows, list[list[Forfeit]]]:
    """Return the rows and forfeits that a task has played; raise the reason why it could not."""
    try:
        played: tuple[Rows, list[list[Forfeit]]] = ray.get(task)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, ParlayError):
            raise cause from None
        raise ConfigurationError(
            f"ray: cells cannot be played on the cluster: {in_words(cause or error)}; every node must have "
            f"parlay-marl {__version__}, and memory for it; what was written to `out` can be resumed"
        ) from error
    return played


def compile_for(schedule: Schedule) -> None:
    """Compile the rules once for this machine, if necessary, before all its tasks do so at the same time."""
    if not kept.can_keep() or not kept.needs_compiling("play_games", "step_games", "play_turns"):
        return
    persona, how = as_persona("linear"), {"opener": schedule.openers[0], "games": 1, "seed": 0}
    play_cell(persona, persona, schedule.params[0], **how)
    BatchedCell((LastAction(), persona), schedule.params[0], **how).play()


def file_digest(module: str) -> str:
    """Return the SHA-256 of a module's file, which is not imported; empty where there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return ""
    file = None if spec is None or not spec.has_location else spec.origin
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def portable(schedule: Schedule, ray: Any) -> Schedule:
    """Return a schedule that another process can load: objects of the running script are sent with their classes."""
    entrants = tuple(_portable(entrant, ray) for entrant in schedule.entrants)
    return Schedule(entrants, schedule.scenarios, schedule.rules, schedule.games, schedule.seed, schedule.form)


def _portable(entrant: Entrant, ray: Any) -> Entrant:
    """Return an entrant that another process can load, if possible."""
    recipe = entrant.recipe
    if recipe is None or recipe.module != "__main__":
        return entrant
    if recipe.path:
        raise ConfigurationError(
            f"ray: no node can import {recipe.path}, which is in the script that runs; put it into a module of its own"
        )
    with contextlib.suppress(Exception):
        return replace(entrant, recipe=recipe._replace(pickled=ray.cloudpickle.dumps(recipe.make())))
    return entrant


# ---------------------------------------------------------------------- on a node


def play_some(
    surroundings: Surroundings, pickled: bytes, timeout: float, seconds: float, indices: Sequence[int]
) -> tuple[Rows, list[list[Forfeit]]]:
    """Play cells, at least one, within a time limit; return the rows and the forfeits of each that was played."""
    with surroundings.entered():
        surroundings.check()
        schedule = _loaded(pickled)
        rows, forfeits = np.zeros(len(indices) * schedule.games, GAME_DTYPE), list[list[Forfeit]]()
        hosts, began = host_pool(schedule, 1, timeout), time.monotonic()
        try:
            while len(forfeits) < len(indices) and (not forfeits or time.monotonic() - began < seconds):
                at = slice(len(forfeits) * schedule.games, (len(forfeits) + 1) * schedule.games)
                rows[at], of_cell = play_any(schedule, indices[len(forfeits)], hosts)
                forfeits.append(of_cell)
        finally:
            hosts.close()
    return rows[: len(forfeits) * schedule.games], forfeits


@functools.lru_cache(maxsize=1)
def _loaded(pickled: bytes) -> Schedule:
    """Return the schedule, cached because a process runs many tasks."""
    schedule: Schedule = pickle.loads(pickled)
    return schedule
