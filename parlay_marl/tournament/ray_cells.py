"""A tournament's cells on the nodes of a Ray cluster; the games are those that one machine plays.

A task of Ray plays some cells, one after the other, and asks policies in a process of its own, as elsewhere. What a
cell comes to depends on nothing outside it, so that Ray runs the task of a node that has died again, on another.
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
from parlay_marl.core.compiled import jit
from parlay_marl.core.moves import BUYER
from parlay_marl.errors import ConfigurationError, ParlayError
from parlay_marl.players.persona import as_persona
from parlay_marl.tournament.batched import BatchedCell
from parlay_marl.tournament.entrants import Contestant, in_words
from parlay_marl.tournament.games import GAME_DTYPE, Rows
from parlay_marl.tournament.hosts import Hosts
from parlay_marl.tournament.matches import Cup, Finished, Forfeit, Keep, play_cell
from parlay_marl.tournament.ray_cluster import ray_cluster

GAMES_IN_TASK = 20_000
"""Games that a task may be given, unless one cell has more: a tenth of a second in the kernel, 6 MB of results."""
SECONDS_IN_TASK = 10.0
"""Time after which a task hands back the cells that it has not begun: policies may take a thousand times as long."""
TASKS_FOR_CPU = 4
"""Tasks for each CPU of the cluster, at least: the last ones end at about the same time."""
TASKS_AHEAD = 2
"""Tasks for each CPU that are handed out at once, so that no CPU waits for the next; what bounds the memory."""
RETRIES = 20
"""How often a task may lose its node or its process, and is run again."""


class Surroundings(NamedTuple):
    """What a node must have as the driver has it, and where the driver finds its modules and files."""

    version: str
    rules_digest: str
    modules: dict[str, str]
    """Digests of the files of the modules that policies come from."""
    path: list[str]
    folder: str

    @classmethod
    def of(cls, cup: Cup) -> Surroundings:
        """Return the surroundings of this process."""
        modules = {recipe.module for recipe in cup.recipes().values()} - {"__main__"}  # whose objects are sent whole
        digests = {module: file_digest(module) for module in sorted(modules)}
        path = [os.path.abspath(entry) for entry in sys.path]
        return cls(__version__, jit.source_digest(), digests, path, os.getcwd())

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Let modules and files be found where the driver finds them, if this machine has them there."""
        before = list(sys.path)
        sys.path[:0] = [entry for entry in self.path if entry not in before]
        try:
            with contextlib.chdir(self.folder) if os.path.isdir(self.folder) else contextlib.nullcontext():
                yield
        finally:
            sys.path[:] = before

    def check(self) -> None:
        """Refuse to play where the games could be others."""
        node = platform.node()
        here = f"{__version__} with rules {jit.source_digest()}"
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
    cup: Cup, indices: Sequence[int], keep: Keep, *, timeout: float, address: str | None = None
) -> Finished:
    """Play cells on a cluster, keep them, and yield each with its forfeits, as they finish."""
    if not indices:
        return
    compile_for(cup)
    with ray_cluster(address) as ray:
        given = Surroundings.of(cup), pickle.dumps(portable(cup, ray)), timeout, SECONDS_IN_TASK
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(play_some)
        yield from _shared(ray, functools.partial(task.remote, *map(ray.put, given)), cup.games, indices, keep)


def _shared(ray: Any, begin: Any, games: int, indices: Sequence[int], keep: Keep) -> Finished:
    """Hand cells out, take what they came to, and hand out again what a task had no time for.

    Where that is broken off, no task is cancelled: in Ray 2.60 that can take the whole process along, where a task ends
    just then. Disconnecting ends them; with a connection of the caller's they come to their ends in `SECONDS_IN_TASK`.
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
            keep(index, rows[i * games : (i + 1) * games])
            yield index, forfeited


def _cpus(ray: Any) -> int:
    """Return how many CPUs the cluster has now; nodes may come and go."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _result(ray: Any, task: Any) -> tuple[Rows, list[list[Forfeit]]]:
    """Return what a task has played, or say why it could not."""
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


def compile_for(cup: Cup) -> None:
    """Compile the rules once for this machine, where that is to be done: its tasks would all do it at once."""
    if not jit.can_keep() or not jit.needs_compiling("play_games", "step_games", "play_turns"):
        return
    anyone = as_persona("linear")
    play_cell(anyone, anyone, cup.params[0], opener=BUYER, games=1, seed=0)
    asked = BatchedCell((None, anyone), cup.params[0], opener=BUYER, games=1, seed=0)
    asked.play(lambda _, __, masks: masks.shape[1] - 1 - masks[:, ::-1].argmax(axis=1))  # the last legal action


def file_digest(module: str) -> str:
    """Return the SHA-256 of a module's file, which is not imported; empty where there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return ""
    file = None if spec is None or not spec.has_location else spec.origin
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def portable(cup: Cup, ray: Any) -> Cup:
    """Return a tournament that another process can load: objects of the script that runs with their classes."""
    entrants = tuple(_portable(entrant, ray) for entrant in cup.entrants)
    return Cup(entrants, cup.scenarios, cup.rules, cup.games, cup.seed)


def _portable(entrant: Contestant, ray: Any) -> Contestant:
    """Return an entrant that another process can load; an object that cannot be loaded anywhere stays as it is."""
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
    """Play cells, at least one, until so many seconds are over; return their rows and what was forfeited in each."""
    with surroundings.entered():
        surroundings.check()
        cup = _loaded(pickled)
        rows, forfeits = np.zeros(len(indices) * cup.games, GAME_DTYPE), list[list[Forfeit]]()
        hosts, began = Hosts(cup.recipes(), 1, timeout), time.monotonic()
        try:
            while len(forfeits) < len(indices) and (not forfeits or time.monotonic() - began < seconds):
                i = len(forfeits)
                rows[i * cup.games : (i + 1) * cup.games], forfeited = cup.played(indices[i], hosts)
                forfeits.append(forfeited)
        finally:
            hosts.close()
    return rows[: len(forfeits) * cup.games], forfeits


@functools.lru_cache(maxsize=1)
def _loaded(pickled: bytes) -> Cup:
    """Return the tournament; a process that plays many of its tasks loads it once."""
    cup: Cup = pickle.loads(pickled)
    return cup
