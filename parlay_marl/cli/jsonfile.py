"""A JSON file that is there as a whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from parlay_marl.errors import ConfigurationError


class JsonFile:
    """A file that is opened before the work that fills it, so that a path that cannot be written is refused at once.

    It is written beside itself and moved into place at the end; until then, and after an error, whatever was there
    stays. Devices and pipes are written directly.
    """

    def __init__(self, path: Path) -> None:
        is_stream = path.exists() and not path.is_file() and not path.is_dir()
        self._target = path if is_stream else path.resolve()
        self._draft = path if is_stream else self._target.with_name(f".{self._target.name}.{os.getpid()}.tmp")
        self._file = self._open(path)

    def _open(self, path: Path) -> TextIO:
        try:
            if self._target.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            if self._target.exists() and not os.access(self._target, os.W_OK):
                raise PermissionError(None, "it is write-protected")
            return self._draft.open("w", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"--json: cannot write {path}: {error.strerror}") from None

    def write(self, data: Any) -> None:
        """Write plain data."""
        self._file.write(json.dumps(data, indent=2, allow_nan=False) + "\n")

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
