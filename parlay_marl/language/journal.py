"""The file of all replies of models in a run: a run that was killed resumes without paying for them again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from parlay_marl.errors import ConfigurationError
from parlay_marl.language.reply import Reply
from parlay_marl.language.tools import Call

ASKED, ANSWERED, FAILED = "asked", "answered", "failed"
"""The kinds of lines: a request that is being sent, and its result."""
Tokens = tuple[int, int]
"""Tokens of a request and of its reply."""


class Completion(NamedTuple):
    """A model's reply, and its cost."""

    reply: Reply
    ids: tuple[str, ...] = ()
    """The ids of the reply's tool calls."""
    tokens: Tokens | None = None
    """None where the endpoint does not report them."""
    cost: float = 0.0
    """In the unit of the prices."""
    is_cut: bool = False
    """True where the reply ended at the token limit."""
    with_tools: bool = False
    """True where the request had tools."""


class Lost(NamedTuple):
    """A request that failed, or whose process was killed before an answer came."""

    tokens: Tokens | None
    cost: float
    """The largest possible cost, where the cost is unknown."""


class _Entry(NamedTuple):
    """The result of one request of a game, and the digest of the request if it was answered."""

    went: Completion | Lost
    digest: str = ""


class JournalFile:
    """A file that takes a line for every request and every reply, from any thread of one process.

    Its content is replayed: `of` returns the journal of one game, which returns the known replies in order and stores
    further ones. An incomplete last line is dropped.
    """

    def __init__(self, path: str | Path) -> None:
        """Open a file to resume, or begin one. No other process may write it meanwhile."""
        self.path = Path(path)
        self.spent = 0.0
        """The cost of all requests in the file when it was opened."""
        self._games: dict[str, list[_Entry]] = {}
        self._lock = threading.Lock()
        try:
            self._file = self.path.open("a+b")
        except OSError as error:
            raise ConfigurationError(f"journal: cannot write {self.path}: {error.strerror or error}") from None
        try:
            self._keep_others_out()
            self._read()
        except BaseException:
            self._file.close()
            raise

    def of(self, game: str) -> Journal:
        """Return the journal of a game, at its beginning; the name must be unique to the game."""
        with self._lock:
            return Journal(self, game, list(self._games.get(game, ())))

    def add(self, line: Mapping[str, Any], entry: _Entry | None = None) -> None:
        """Append a line.

        An answer is synced to the disk when this returns; other lines survive the end of the process.
        """
        content = json.dumps(line).encode() + b"\n"
        with self._lock:
            try:
                self._file.write(content)
                self._file.flush()
                if line["kind"] == ANSWERED:
                    os.fsync(self._file.fileno())
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"journal: cannot write {self.path}: {error}") from None
            if entry is not None:
                self._games.setdefault(line["game"], []).append(entry)

    def close(self) -> None:
        """Close the file, and release its lock."""
        with self._lock, contextlib.suppress(OSError):  # a full disk: `add` has reported what is not written
            self._file.close()

    def _keep_others_out(self) -> None:
        """Lock the file, where the system has such locks."""
        with contextlib.suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigurationError(
                    f"journal: another process writes {self.path}; wait for it, or give another file"
                ) from None

    def _read(self) -> None:
        """Read the file, and cut off an incomplete last line."""
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._file.truncate(len(whole))
        on_their_way: dict[str, float] = {}
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                self._take(json.loads(text), on_their_way)
            except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
                raise ConfigurationError(
                    f"journal: line {number} of {self.path} is none of a journal; give another file"
                ) from None
        for game, bound in on_their_way.items():
            self._note(game, _Entry(Lost(None, bound)))

    def _take(self, line: Any, on_their_way: dict[str, float]) -> None:
        """Read a line; `on_their_way` has the cost bounds of requests without a result yet, by game."""
        game, kind, bound = str(line["game"]), line["kind"], on_their_way.pop(line["game"], None)
        if kind == ASKED:
            if bound is not None:  # the process was killed before the answer came
                self._note(game, _Entry(Lost(None, bound)))
            on_their_way[game] = float(line["bound"])
        elif kind == FAILED:
            self._note(game, _Entry(Lost(_tokens(line["tokens"]), float(line["cost"]))))
        elif kind == ANSWERED:
            self._note(game, _Entry(_completion(line), str(line["digest"])))
        else:
            raise ValueError("a line without a kind")

    def _note(self, game: str, entry: _Entry) -> None:
        self._games.setdefault(game, []).append(entry)
        self.spent += entry.went.cost

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("a journal is not shared among processes; play in this one, with workers=0")


class Journal:
    """The requests of one game: first the known ones, then the added ones."""

    def __init__(self, file: JournalFile, game: str, known: list[_Entry]) -> None:
        self._file, self._game, self._known = file, game, known
        self._read = 0

    @property
    def next_reply(self) -> Completion | None:
        """The next known reply; None where the model must be asked."""
        left = (entry.went for entry in self._known[self._read :])
        return next((went for went in left if isinstance(went, Completion)), None)

    def replayed(self, request: Mapping[str, Any]) -> list[Completion | Lost]:
        """Return the results of the known attempts at the next request, up to its reply if there is one, and advance.

        Raise `ConfigurationError` where the reply was to another request.
        """
        found: list[Completion | Lost] = []
        for went, digest in self._known[self._read :]:
            if digest and digest != digest_of(request):
                raise ConfigurationError(
                    f"journal: a reply of {self._game!r} in {self._file.path} was to another request: the settings, or "
                    "this package, have changed since; give another file"
                )
            found.append(went)
            if digest:
                break
        self._read += len(found)
        return found

    def asked(self, bound: float) -> None:
        """Record that a request is sent now, with its largest possible cost."""
        self._file.add({"game": self._game, "kind": ASKED, "bound": bound})

    def failed(self, reason: str, lost: Lost) -> None:
        """Record that a request has failed."""
        line = {"game": self._game, "kind": FAILED, "reason": reason, **lost._asdict()}
        self._file.add(line, _Entry(lost))

    def answered(self, request: Mapping[str, Any], completion: Completion) -> None:
        """Record a reply."""
        entry = _Entry(completion, digest_of(request))
        plain = completion._asdict() | {"reply": {"text": completion.reply.text, "calls": completion.reply.calls}}
        self._file.add({"game": self._game, "kind": ANSWERED, "digest": entry.digest, **plain}, entry)

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("a journal is not shared among processes; play in this one, with workers=0")


def digest_of(request: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _completion(line: Mapping[str, Any]) -> Completion:
    """Return the completion of a line."""
    calls = tuple(Call(str(name), given) for name, given in line["reply"]["calls"])
    if len(calls) != len(line["ids"]) or not 0.0 <= float(line["cost"]) < math.inf:
        raise ValueError("a line whose calls have no ids, or whose cost is none")
    return Completion(
        Reply(str(line["reply"]["text"]), calls),
        tuple(map(str, line["ids"])),
        _tokens(line["tokens"]),
        float(line["cost"]),
        bool(line["is_cut"]),
        bool(line["with_tools"]),
    )


def _tokens(given: Any) -> Tokens | None:
    return None if given is None else (int(given[0]), int(given[1]))
