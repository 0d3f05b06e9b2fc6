"""The folder of results: the finished cells, from which a killed tournament is resumed, and the final files.

While a tournament runs, `cells/` holds `plan.json` and a file for each finished cell; when it is over,
`games.parquet` and `results.json` are written and `cells/` is removed. Every file is written atomically; the file of
a cell begins with a digest of the plan and of its own content.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from parlay_marl.core.compiled.kept import source_digest
from parlay_marl.errors import ConfigurationError
from parlay_marl.tournament.games import GAME_DTYPE, Games, Rows, parquet_library

GAMES, RESULTS, REPORT, FIGURES = "games.parquet", "results.json", "report.html", "figures"
CELLS, PLAN = "cells", "plan.json"
_DIGEST_BYTES = 32


class Store:
    """A folder for the cells of one plan and, at the end, for the results."""

    def __init__(self, folder: str | Path, plan: Mapping[str, Any], *, resume: bool = False) -> None:
        """Open a folder: a new or empty one or, to resume, one that holds results of the same plan."""
        parquet_library()  # a missing library is reported now, not at the end
        self.folder = Path(folder)
        self._cells = self.folder / CELLS
        self._plan = json.loads(json.dumps({**plan, "rules_digest": source_digest()}))
        self._digest = hashlib.sha256(json.dumps(self._plan, sort_keys=True).encode()).digest()
        self._lock: Any = None
        self._check_folder(resume)
        try:
            self._cells.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            if not (self._cells / PLAN).exists():
                _write(self._cells / PLAN, lambda file: file.write(_as_json(self._plan)))
        except OSError as error:
            raise ConfigurationError(f"out: cannot write to {self.folder}: {error.strerror}") from None

    def _check_folder(self, resume: bool) -> None:
        """Refuse a folder with other content, and one with any content unless a tournament is to be resumed."""
        if self.folder.exists() and not self.folder.is_dir():
            raise ConfigurationError(f"out: {self.folder} is a file; give a folder")
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return
        if not resume:
            raise ConfigurationError(
                f"out: {self.folder} is not empty; resume the tournament in it (--resume), or give another folder"
            )
        if (self._cells / PLAN).exists():
            self._compare(_read_json(self._cells / PLAN))
        elif (self.folder / GAMES).exists():
            finished = Games.read(self.folder / GAMES).plan()
            self._compare({**finished, "rules_digest": self._plan["rules_digest"]})
        elif any(path.name != CELLS for path in self.folder.iterdir()):
            raise ConfigurationError(f"out: {self.folder} holds no tournament to resume; give another folder")

    def _compare(self, found: Mapping[str, Any]) -> None:
        """Refuse to resume another plan."""
        for name in self._plan:
            there, here = found.get(name), self._plan[name]
            if there != here:
                figures = f" ({there!r} there, {here!r} here)" if isinstance(here, int | str) or name == "form" else ""
                raise ConfigurationError(
                    f"out: {self.folder} holds another tournament, different in {name.replace('_', ' ')}{figures}; "
                    "resume it with the arguments that it was begun with, or give another folder"
                )

    def _take_lock(self) -> None:
        """Lock the folder for other processes until this one ends, where the system has such locks."""
        try:
            import fcntl
        except ImportError:
            return
        self._lock = (self._cells / ".lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise ConfigurationError(
                f"out: another process is playing the tournament in {self.folder}; wait for it, or give another folder"
            ) from None

    def close(self) -> None:
        """Unlock the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def finished(self, cells: int, games: int) -> Iterator[tuple[int, Rows]]:
        """Yield the numbers of the finished cells, with their rows; incomplete files are skipped."""
        if (self.folder / GAMES).exists() and not any(self._cells.glob("*.cell")):
            rows = Games.read(self.folder / GAMES).rows
            yield from ((index, rows[index * games : (index + 1) * games]) for index in range(cells))
            return
        for index in range(cells):
            saved = self._saved(index, games)
            if saved is not None:
                yield index, saved

    def _saved(self, index: int, games: int) -> Rows | None:
        """Return the rows of a cell from its file; None where there is no complete one."""
        try:
            content = self._path(index).read_bytes()
        except FileNotFoundError:
            return None
        body = content[_DIGEST_BYTES:]
        is_whole = content[:_DIGEST_BYTES] == self._sum(index, body) and len(body) == games * GAME_DTYPE.itemsize
        return np.frombuffer(body, GAME_DTYPE) if is_whole else None

    def save(self, index: int, rows: Rows) -> None:
        """Save the rows of a finished cell."""
        body = rows.tobytes()
        _write(self._path(index), lambda file: file.write(self._sum(index, body) + body))

    def finish(self, games: Games) -> None:
        """Write the files of a finished tournament, and remove its cells."""
        _write(self.folder / GAMES, games.write)
        write_results(self.folder, games)
        _sync_folder(self.folder)
        for path in self._cells.iterdir():
            if path.name != PLAN:
                path.unlink()
        (self._cells / PLAN).unlink(missing_ok=True)
        self._cells.rmdir()
        self.close()

    def _path(self, index: int) -> Path:
        return self._cells / f"{index:06d}.cell"

    def _sum(self, index: int, body: bytes) -> bytes:
        """Return the digest of a cell: of the plan, its number, and its rows."""
        return hashlib.sha256(self._digest + index.to_bytes(8, "little") + body).digest()


def results_of(games: Games, analysis: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return results as plain data: the plan, the number of games, the forfeits, and the analysis if there is one."""
    results = {**games.plan(), "games": len(games.rows), "games_file": GAMES, "forfeits": games.forfeits()}
    return results if analysis is None else results | {"analysis": dict(analysis)}


def write_results(folder: str | Path, games: Games, analysis: Mapping[str, Any] | None = None) -> None:
    """Write `results.json`, which holds `results_of`, into a folder."""
    content = _as_json(results_of(games, analysis))
    _write(Path(folder) / RESULTS, lambda file: file.write(content))


def _write(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Write a file atomically, and sync it to the disk."""
    draft = path.with_name(f".{path.name}.tmp")
    try:
        with draft.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"out: cannot write {path}: {error.strerror or error}; what is finished is kept, and can be resumed"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk, where the system supports that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_json(data: Any) -> bytes:
    return (json.dumps(data, indent=2, allow_nan=False) + "\n").encode()


def _read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file of the store."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}; give another folder") from None
    return content
