"""The folder of an arena: its plan, a line for each finished game, and the journal of all replies.

A run that was killed leaves at most a half-written last line, which is dropped. Finished games are not played again,
and no reply in the journal is paid for again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from parlay_marl.errors import ConfigurationError, ParlayError
from parlay_marl.language.arena.plan import difference

Game = TypeVar("Game")
PLAN, GAMES, REPLIES, RESULT, REPORT = "plan.json", "games.jsonl", "replies.jsonl", "result.json", "report.html"


class Folder:
    """A folder to which each finished game is added."""

    def __init__(self, path: str | Path, plan: Mapping[str, Any]) -> None:
        """Open a folder: a new or empty one, or one of the same plan, to resume it."""
        self.path = Path(path)
        self._plan = json.loads(json.dumps(plan))
        self._lock: BinaryIO | None = None
        self._check()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._write_plan()
            self._size = _cut(self.path / GAMES)
            self._games = (self.path / GAMES).open("ab")
        except OSError as error:
            self.close()
            raise ConfigurationError(f"out: cannot write to {self.path}: {error.strerror}") from None

    @property
    def replies(self) -> Path:
        """The journal of replies."""
        return self.path / REPLIES

    def _check(self) -> None:
        """Refuse a file, a folder with other content, and one of another plan."""
        if self.path.exists() and not self.path.is_dir():
            raise ConfigurationError(f"out: {self.path} is a file; give a folder")
        if not self.path.exists() or all(path.name.startswith(".") for path in self.path.iterdir()):
            return
        if not (self.path / PLAN).exists():
            raise ConfigurationError(
                f"out: {self.path} holds other files, and no arena to go on with; give another folder"
            )
        try:
            there = json.loads((self.path / PLAN).read_text(encoding="utf-8"))
            if not isinstance(there, dict):
                raise ValueError("a plan is an object")
        except (OSError, ValueError, RecursionError):
            raise ConfigurationError(f"out: {self.path / PLAN} cannot be read; give another folder") from None
        found = difference(there, self._plan)
        if found:
            raise ConfigurationError(
                f"out: {self.path} holds another arena: {found}; give the settings that it was begun with, or another "
                "folder"
            )

    def _take_lock(self) -> None:
        """Lock the folder for other processes until this one ends, where the system has such locks."""
        try:
            import fcntl
        except ImportError:
            return
        self._lock = (self.path / ".lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise ConfigurationError(
                f"out: another process is playing the arena in {self.path}; wait for it, or give another folder"
            ) from None

    def _write_plan(self) -> None:
        """Write the plan atomically."""
        if (self.path / PLAN).exists():
            return
        draft = self.path / f".{PLAN}.tmp"
        draft.write_text(json.dumps(self._plan, indent=1) + "\n", encoding="utf-8")
        draft.replace(self.path / PLAN)

    def finished(self, read: Callable[[Any], Game]) -> Iterator[Game]:
        """Yield the finished games, converted by `read`; unreadable data is refused."""
        with (self.path / GAMES).open("rb") as file:
            lines = file.read(self._size).splitlines()
        for number, line in enumerate(lines, 1):
            try:
                yield read(json.loads(line))
            except (ArithmeticError, AttributeError, LookupError, ParlayError, RecursionError, TypeError, ValueError):
                raise ConfigurationError(
                    f"out: line {number} of {self.path / GAMES} is no game; delete that line, and its game is played "
                    "again, from its replies"
                ) from None

    def save(self, game: Mapping[str, Any]) -> None:
        """Append a finished game, and sync it to the disk."""
        line = json.dumps(game, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        try:
            self._games.write(line)
            self._games.flush()
            os.fsync(self._games.fileno())
        except OSError as error:
            raise ConfigurationError(
                f"out: cannot write {self.path / GAMES}: {error.strerror}; what is finished is kept, and the same "
                "command goes on"
            ) from None

    def write(self, name: str, content: bytes) -> None:
        """Write a file of results atomically."""
        draft = self.path / f".{name}.tmp"
        try:
            draft.write_bytes(content)
            draft.replace(self.path / name)
        except OSError as error:
            raise ConfigurationError(f"out: cannot write {self.path / name}: {error.strerror}") from None

    def close(self) -> None:
        """Close the files, and unlock the folder."""
        if hasattr(self, "_games"):
            with contextlib.suppress(OSError):  # a full disk: `save` has reported what is not written
                self._games.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _cut(path: Path) -> int:
    """Drop a half-written last line of a file, and return the size of the rest; 0 for a missing file."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
    return whole
