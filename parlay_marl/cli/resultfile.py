"""A file of results that is written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from parlay_marl.errors import ConfigurationError


class ResultFile:
    """A file that is opened before the work that fills it, so that a path that cannot be written is refused at once.

    A draft beside it is moved into place at the end; until then, and after an error, an older file stays. Devices and
    pipes are written directly.
    """

    def __init__(self, path: Path, option: str) -> None:
        is_stream = path.exists() and not path.is_file() and not path.is_dir()
        self._target = path if is_stream else path.resolve()
        self._draft = path if is_stream else self._target.with_name(f".{self._target.name}.{os.getpid()}.tmp")
        self._file = self._open(path, option)

    def _open(self, path: Path, option: str) -> BinaryIO:
        try:
            if self._target.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            if self._target.exists() and not os.access(self._target, os.W_OK):
                raise PermissionError(None, "it is write-protected")
            return self._draft.open("wb")
        except OSError as error:
            raise ConfigurationError(f"{option}: cannot write {path}: {error.strerror}") from None

    def write(self, content: bytes) -> None:
        """Write the content of the file."""
        self._file.write(content)

    def write_json(self, data: Any) -> None:
        """Write plain data as JSON."""
        self.write((json.dumps(data, indent=2, allow_nan=False) + "\n").encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        if self._draft == self._target:
            return
        if error is None:
            self._draft.replace(self._target)
        else:
            self._draft.unlink(missing_ok=True)


def result_file(path: Path | None, option: str) -> contextlib.AbstractContextManager[ResultFile | None]:
    """Return the file of an option, or a context of None where the option was not given."""
    return contextlib.nullcontext() if path is None else ResultFile(path, option)


def check_apart(paths: Mapping[str, Path | None]) -> None:
    """Refuse options that name the same file, as the last one written would be all that is left; devices may be."""
    seen: dict[Path, str] = {}
    for option, path in paths.items():
        if path is None or (path.exists() and not path.is_file()):
            continue
        first = seen.setdefault(path.resolve(), option)
        if first != option:
            raise ConfigurationError(f"{first} and {option} name the same file, {path}; give each its own")
