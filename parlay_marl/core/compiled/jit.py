"""Compilation of the core: rules are inlined into a few entry points, and only those are kept on disk.

Numba's own disk cache does not notice an edit in another file, nor damage, and needs a folder that can be written. The
compiled code is therefore kept here: in a folder that is named by a digest of every source file that can hold a rule,
a file for each entry point and types of arguments, which begins with a digest of what follows.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps
from numba.extending import typeof_impl

from parlay_marl.errors import CompiledCodeWarning

Function = TypeVar("Function", bound=Callable[..., object])

PACKAGE = Path(__file__).resolve().parents[2]
SOURCES = ("core", "players", "policies", "simulation")
"""The folders of the package whose files, at any depth, hold compiled rules."""


def source_digest() -> str:
    """Return a short digest of every file that can hold a compiled rule."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# ---------------------------------------------------------------------- where compiled code is kept


def code_digest() -> str:
    """Return a short digest of what compiled code depends on, the processor aside."""
    parts = source_digest(), sys.implementation.cache_tag, numba.__version__, np.__version__
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def cache_folder() -> Path | None:
    """Return the folder for compiled code, which need not exist yet; None where `~` leads nowhere.

    `PARLAY_CACHE_DIR` chooses another place; the default is the user's cache folder.
    """
    base = os.environ.get("PARLAY_CACHE_DIR")
    user = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    folder = os.path.expanduser(base or os.path.join(user, "parlay_marl"))
    return None if folder.startswith("~") else Path(os.path.abspath(folder), code_digest())


CACHE_FOLDER = cache_folder()


def can_keep() -> bool:
    """Return whether what is compiled now can be kept for later processes."""
    try:
        if CACHE_FOLDER is not None:
            CACHE_FOLDER.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=CACHE_FOLDER):
                return True
    except OSError:
        pass
    return False


def needs_compiling(*names: str) -> bool:
    """Return whether entry points of these names must be compiled because no earlier process has kept their code."""
    if numba.config.DISABLE_JIT:
        return False
    return CACHE_FOLDER is None or not all(any(CACHE_FOLDER.glob(f"*.{name}-*.nbc")) for name in names)


class KeptCode(NullCache):
    """The code of one entry point, as Numba asks for it and hands it over: what cannot be used is compiled again."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for types of arguments, None where there is none that can be used."""
        target_context.refresh()
        path = self._path(sig, target_context.codegen())
        try:
            return None if path is None else _rebuilt(path.read_bytes(), target_context)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Exception as error:  # a file that another program made can raise anything
            _warn_once("use", f"{path} cannot be used: {_reason(error)}; the rules are compiled again")
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep code for later processes, where that can be done."""
        if data.library.has_dynamic_globals:
            return  # addresses of this process
        path = self._path(sig, data.codegen)
        try:
            if path is None:
                raise FileNotFoundError(0, "there is no home folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, sealed(dumps(data._reduce())))
        except OSError as error:
            _warn_once(
                "keep",
                f"compiled rules cannot be kept in {CACHE_FOLDER or 'a cache folder'}: {_reason(error)}; every start "
                "compiles them again, unless PARLAY_CACHE_DIR names a folder that can be written",
            )

    def _path(self, sig: Any, codegen: Any) -> Path | None:
        """Return the file for types of arguments on a kind of processor."""
        key = hashlib.sha256(repr((str(sig), codegen.magic_tuple())).encode()).hexdigest()
        return None if CACHE_FOLDER is None else CACHE_FOLDER / f"{self._name}-{key[:16]}.nbc"


def sealed(content: bytes) -> bytes:
    """Return content with its digest before it."""
    return hashlib.sha256(content).digest() + content


def _rebuilt(data: bytes, target_context: Any) -> Any:
    """Return the code that a file holds; nothing of it is looked at unless it is as it was written."""
    content = data[hashlib.sha256().digest_size :]
    if data != sealed(content):
        raise ValueError("it is damaged")
    return CompileResult._rebuild(target_context, *pickle.loads(content))


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that readers find all of it or nothing, also where several processes write it."""
    part = path.with_suffix(f".{uuid.uuid4().hex[:16]}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, in a few words."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


_warned: set[str] = set()


def _warn_once(what: str, text: str) -> None:
    """Warn of something that makes a start slower and changes nothing else, once in a process."""
    if what not in _warned:
        _warned.add(what)
        warnings.warn(text, CompiledCodeWarning, stacklevel=2)


# ---------------------------------------------------------------------- what is compiled


class Rule:
    """A small function of the rules: inlined where a kernel calls it, and the plain function where Python does."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.compiled = numba.njit(
            forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy"
        )(function)

    def __call__(self, *arguments: Any) -> Any:
        """Call the plain function."""
        return self.function(*arguments)


@typeof_impl.register(Rule)  # type: ignore[untyped-decorator]
def _typeof_rule(rule: Rule, context: Any) -> Any:
    """Let kernels see the compiled function behind a rule."""
    return typeof_impl(rule.compiled, context)


def rule(function: Function) -> Function:
    """Make a rule of a small function; it is compiled with the first kernel that calls it, never cached by itself."""
    return function if numba.config.DISABLE_JIT else cast(Function, Rule(function))


def bound(kernel: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """Return an entry point's code for arguments of these very types, which it trusts every later caller to pass.

    It skips looking the types up, which for a dozen arrays takes longer than a turn.
    """
    if numba.config.DISABLE_JIT:
        return kernel
    types = tuple(numba.typeof(argument) for argument in arguments)
    return cast(Callable[..., Any], cast(Any, kernel).compile(types))


def entry_point(function: Function) -> Function:
    """Compile a function that Python calls: cached on disk, and without the interpreter's lock while it runs."""
    compiled: Any = numba.njit(nogil=True, error_model="numpy")(function)
    if not numba.config.DISABLE_JIT:
        compiled._cache = KeptCode(function)
    return cast(Function, compiled)
