"""How the core is compiled: rules are inlined into a few entry points, and only those are cached on disk.

Numba's disk cache of a function does not notice an edit in another file. The cache folder is therefore named by a
digest of every source file that can hold a rule, so that any edit makes a fresh one.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.extending import typeof_impl

Function = TypeVar("Function", bound=Callable[..., object])

PACKAGE = Path(__file__).resolve().parent.parent
SOURCES = ("core", "opponents")
"""The folders of the package whose files hold compiled rules."""


def source_digest() -> str:
    """Return a short digest of every file that can hold a compiled rule."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((PACKAGE / folder).glob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path | None:
    """Return the folder for compiled code, or None where nothing can be written.

    `PARLAY_CACHE_DIR` chooses another place; the default is the user's cache folder.
    """
    base = os.environ.get("PARLAY_CACHE_DIR")
    user = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(base) if base else Path(user) / "parlay_marl"
    folder = folder / source_digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


CACHE_FOLDER = cache_folder()


def needs_compiling(*names: str) -> bool:
    """Whether entry points of these names have still to be compiled, for want of code kept by an earlier process."""
    if numba.config.DISABLE_JIT:
        return False
    return CACHE_FOLDER is None or not all(any(CACHE_FOLDER.rglob(f"*.{name}-*.nbc")) for name in names)


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
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE_FOLDER or before)
    try:
        compiled: Function = numba.njit(cache=CACHE_FOLDER is not None, nogil=True, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = before
    return compiled
