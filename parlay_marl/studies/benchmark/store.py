"""The file of the finished tasks of a benchmark, from which a stopped one is resumed."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parlay_marl.errors import ConfigurationError
from parlay_marl.studies.benchmark.scores import TaskScore
from parlay_marl.studies.benchmark.suite import Task

TASKS = "tasks.jsonl"
"""The file's name in its folder: the plan in the first line, then a line for each finished task."""


class TaskStore:
    """A folder to whose file each finished task is added."""

    def __init__(self, folder: str | Path, plan: Mapping[str, Any], *, resume: bool = False) -> None:
        """Open a folder: a new or empty one or, to resume, one that holds tasks of the same plan."""
        self.path, self._plan = Path(folder) / TASKS, json.loads(json.dumps(plan))
        self._lock = threading.Lock()
        self.finished: dict[Task, TaskScore] = {}
        """The tasks that an earlier run finished."""
        try:
            self._check(Path(folder), resume)
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"out: cannot write to {folder}: {error.strerror}") from None
        self._write(self._plan)
        for score in self.finished.values():
            self._write(score.as_dict())

    def _check(self, folder: Path, resume: bool) -> None:
        """Read the finished tasks; refuse a folder of another plan, and one with content unless it is to be resumed."""
        if folder.exists() and not folder.is_dir():
            raise ConfigurationError(f"out: {folder} is a file; give a folder")
        if not folder.exists() or not any(folder.iterdir()):
            return
        if not resume:
            raise ConfigurationError(
                f"out: {folder} is not empty; resume what is in it (--resume), or give another one"
            )
        if not self.path.exists():
            raise ConfigurationError(f"out: {folder} has no {TASKS} to resume from; give another folder")
        plan, *lines = self.path.read_text(encoding="utf-8").splitlines() or [""]
        if _read(plan) != self._plan:
            raise ConfigurationError(
                f"out: {folder} holds the benchmark of another player, suite, seed or number of games; resume it with "
                "the arguments that it was begun with, or give another folder"
            )
        scores = [TaskScore.from_dict(data) for data in map(_read, lines) if data is not None]
        self.finished = {score.task: score for score in scores}

    def save(self, score: TaskScore) -> None:
        """Write the score of a finished task to the disk; thread-safe."""
        with self._lock:
            self._write(score.as_dict())
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, data: Any) -> None:
        self._file.write(json.dumps(data) + "\n")
        self._file.flush()


def _read(line: str) -> Any:
    """Return the content of a line; None where it is incomplete."""
    try:
        return json.loads(line)
    except ValueError:
        return None
