"""The tasks of OpenEnv's task API: a scenario, an opponent, a seat and a seed, in splits for training and testing.

They are those of the standard benchmark. Its held-out partners, and the scenario family that only they play, are in
the split `held_out` alone.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError, RequestError

Split = Literal["train", "held_out"]
KINDS = {"train": "train", "held_out": "test"}
"""The splits, and OpenEnv's type of each."""
SETS = {"train": "public", "held_out": "held_out"}
"""The benchmark's set of scenarios and partners for each split."""
FIRST_SEEDS = {"train": 1_000_000, "held_out": 2_000_000}
"""First seed of each split; no seed is in two splits."""
SEEDS_OF_A_PAIR = 100
"""Number of seeds for each pair of a scenario and an opponent, played in both seats."""
MOST_LISTED = 1_000
"""Most tasks in one answer."""


@dataclass(frozen=True)
class Task:
    """One task: everything that determines a game except the client's moves."""

    id: str
    split: str
    index: int
    scenario: str
    opponent: str
    role: str
    seed: int


class Pair(NamedTuple):
    """A scenario and an opponent of the benchmark."""

    scenario: str
    opponent: str
    place: str
    """Name in the catalogue, or file of the package, from which the opponent is loaded."""


@functools.cache
def pairs(split: str) -> tuple[Pair, ...]:
    """Return the pairs of a split in a mixed order, so that the first tasks are varied."""
    from parlay_marl.studies.benchmark.suite import load_suite

    suite = load_suite().without_extra()
    places = {partner.name: partner.loads for partner in suite.partners}
    found = [
        Pair(task.scenario, task.partner, places[task.partner]) for task in suite.tasks() if task.set == SETS[split]
    ]
    return tuple(sorted(found, key=lambda pair: hashlib.sha256(f"{pair.scenario}/{pair.opponent}".encode()).digest()))


def count_of(split: str) -> int:
    """Return the number of tasks of a split."""
    return len(pairs(_known(split))) * len(SEATS) * SEEDS_OF_A_PAIR


def task_of(split: str, index: int) -> Task:
    """Return a task by its number in a split, from 0; raise `ConfigurationError` where there is none."""
    count = count_of(split)
    if not 0 <= index < count:
        raise ConfigurationError(f"index: the split {split} has {count:,} tasks; give a number from 0 to {count - 1:,}")
    pair = pairs(split)[index % len(pairs(split))]
    turn = index // len(pairs(split))
    role = SEATS[(index % len(pairs(split)) + turn) % len(SEATS)]
    seed = FIRST_SEEDS[split] + turn // len(SEATS)
    return Task(f"{split}-{index}", split, index, pair.scenario, pair.opponent, role, seed)


def place_of(split: str, index: int) -> str:
    """Return the name or file from which the opponent of a task is loaded."""
    return pairs(split)[index % len(pairs(split))].place


def _known(split: str) -> str:
    """Return the name of a split, or refuse it."""
    if split not in KINDS:
        raise RequestError(f"split: there is no such split; there are {', '.join(KINDS)}")
    return split


class TaskProvider:
    """OpenEnv's task API, as an environment has it; a task is played by `reset(split=..., index=...)`."""

    def list_splits(self) -> list[dict[str, str]]:
        """Return the splits: their names, and OpenEnv's types of them."""
        return [{"name": name, "type": kind} for name, kind in KINDS.items()]

    def num_tasks(self, split: str) -> int:
        """Return the number of tasks of a split."""
        return count_of(split)

    def list_tasks(self, split: str) -> list[dict[str, Any]]:
        """Return the first tasks of a split, at most 1,000; `get_task_range` has the others."""
        return [asdict(task_of(split, index)) for index in range(min(count_of(split), MOST_LISTED))]

    def get_task(self, split: str, index: int) -> dict[str, Any]:
        """Return a task; raise IndexError, which OpenEnv expects, where there is none."""
        if not 0 <= index < count_of(split):
            raise IndexError(f"the split {split} has no task {index}")
        return asdict(task_of(split, index))

    def get_task_range(self, split: str, start: int | None = None, stop: int | None = None) -> list[dict[str, Any]]:
        """Return the tasks from number `start` to before `stop`, as in a slice; at most 1,000 at once."""
        numbers = range(count_of(split))[start:stop]
        if len(numbers) > MOST_LISTED:
            raise RequestError(f"task_range: {len(numbers):,} tasks; ask for at most {MOST_LISTED:,} at once")
        return [asdict(task_of(split, index)) for index in numbers]
