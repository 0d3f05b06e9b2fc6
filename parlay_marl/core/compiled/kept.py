"""Compiled code that is cached on disk for later processes.

Numba's own cache does not notice an edit in another file, nor damage, and needs a writable folder. Here every file is
in a folder named by a digest of the sources that its code can come from, and begins with a digest of its content.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import uuid
import warnings
from collections.abc import Iterable
from pathlib import Path

import numba
import numpy as np

from parlay_marl.errors import CompiledCodeWarning

PACKAGE = Path(__file__).resolve().parents[2]
SOURCES = ("core", "players", "policies", "simulation")
"""The folders of the package whose files, at any depth, hold compiled rules."""
APART = PACKAGE / "players" / "strategies"
"""The folder of files whose code is compiled separately, each by itself."""


def digest_of(*parts: object) -> str:
    """Return a short digest of the representations of values."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def source_digest() -> str:
    """Return a short digest of every file that can hold a compiled rule."""
    return _digest_of_files(_sources())


def _sources() -> list[Path]:
    """Return every file that can hold a compiled rule."""
    return [path for folder in SOURCES for path in sorted((PACKAGE / folder).rglob("*.py"))]


def _digest_of_files(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def is_apart(path: Path) -> bool:
    """Return whether the code of a file is compiled separately."""
    return path.parent == APART and path.name != "__init__.py"


def code_digest() -> str:
    """Return a short digest of everything that all compiled code depends on, except the processor."""
    common = _digest_of_files(path for path in _sources() if not is_apart(path))
    return digest_of(common, sys.implementation.cache_tag, numba.__version__, np.__version__)


def cache_folder() -> Path | None:
    """Return the folder for compiled code, which need not exist yet; None where `~` cannot be resolved.

    `PARLAY_CACHE_DIR` chooses another place; the default is the user's cache folder.
    """
    base = os.environ.get("PARLAY_CACHE_DIR")
    user = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    folder = os.path.expanduser(base or os.path.join(user, "parlay_marl"))
    return None if folder.startswith("~") else Path(os.path.abspath(folder), code_digest())


CACHE_FOLDER = cache_folder()


def use_folder(folder: Path) -> Path:
    """Keep code in a folder from now on, like `PARLAY_CACHE_DIR`; return the subfolder in use."""
    global CACHE_FOLDER  # noqa: PLW0603 - the folder of this process
    CACHE_FOLDER = Path(os.path.abspath(folder), code_digest())
    return CACHE_FOLDER


def can_keep() -> bool:
    """Return whether newly compiled code can be cached for later processes."""
    try:
        if CACHE_FOLDER is not None:
            CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=CACHE_FOLDER):
                return True
    except OSError:
        pass
    return False


def needs_compiling(*names: str) -> bool:
    """Return whether entry points of these names must be compiled because they are not in the cache."""
    if numba.config.DISABLE_JIT:
        return False
    return CACHE_FOLDER is None or not all(any(CACHE_FOLDER.glob(f"*.{name}-*.nbc")) for name in names)


def place(name: str, *key: object) -> Path | None:
    """Return the cache file of a function, by what its code depends on besides the sources; None without a folder."""
    return None if CACHE_FOLDER is None else CACHE_FOLDER / f"{name}-{digest_of(*key)}.nbc"


def read(path: Path | None) -> bytes | None:
    """Return what a file holds, as it was written; None where there is no such file.

    Raises:
        OSError: where it cannot be read.
        ValueError: where it is damaged.
    """
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    content = data[hashlib.sha256().digest_size :]
    if data != sealed(content):
        raise ValueError("it is damaged")
    return content


def sealed(content: bytes) -> bytes:
    """Return content with its digest in front."""
    return hashlib.sha256(content).digest() + content


def write(path: Path | None, content: bytes) -> None:
    """Write content for later processes, or warn once that this is not possible."""
    try:
        if path is None:
            raise FileNotFoundError(0, "there is no home folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, sealed(content))
    except OSError as error:
        _warn_once(
            "keep",
            f"compiled rules cannot be kept in {CACHE_FOLDER or 'a cache folder'}: {_reason(error)}; every start "
            "compiles them again, unless PARLAY_CACHE_DIR names a folder that can be written",
        )


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically, also where several processes write it."""
    part = path.with_suffix(f".{uuid.uuid4().hex[:16]}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def cannot_use(path: Path | None, error: Exception) -> None:
    """Warn once that a file cannot be used."""
    _warn_once("use", f"{path} cannot be used: {_reason(error)}; the rules are compiled again")


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, in a few words."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


_warned: set[str] = set()


def _warn_once(what: str, text: str) -> None:
    """Warn, once in a process, of something that makes a start slower and changes nothing else."""
    if what not in _warned:
        _warned.add(what)
        warnings.warn(text, CompiledCodeWarning, stacklevel=2)
