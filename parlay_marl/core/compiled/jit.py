"""Rules, parts and entry points: the functions that are compiled.

A rule is a small function, inlined into whatever calls it. A part is too large for that: it is compiled once for all
its callers, and called through a pointer; a late part is compiled when it is first called, see `late`. An entry point
is called by Python. Parts and entry points are cached on disk, see `kept`.
"""

from __future__ import annotations

import functools
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numba
from llvmlite import binding
from numba.core import cgutils
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.serialize import dumps
from numba.core.typing.templates import infer_global
from numba.extending import typeof_impl

from parlay_marl.core.compiled import build, kept, late
from parlay_marl.core.compiled.waiting import waiting

Function = TypeVar("Function", bound=Callable[..., Any])
Kinds = tuple[Any, ...]
"""Numba types of the arguments."""


def _short_name(function: Callable[..., Any]) -> str:
    """Return the name of a function with that of its file."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__qualname__.rpartition('.')[2]}"


# ---------------------------------------------------------------------- rules


class Rule:
    """A small function of the rules: inlined where a kernel calls it, and a plain function where Python calls it.

    It is compiled once for each set of `plain` types of arguments. References to arrays are counted only where it
    `allocates` arrays or calls a rule that does.
    """

    def __init__(self, function: Callable[..., Any], allocates: bool = False) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self._allocates = allocates
        self._built: dict[Kinds, Any] = {}
        self.kind = build.callee(self, inspect.signature(function), self._of_any)

    def __call__(self, *arguments: Any) -> Any:
        """Call the plain function."""
        return self.function(*arguments)

    def _of_any(self, *given: Any) -> tuple[Any, Callable[..., Any]]:
        """Return the signature of the rule for any types of arguments, and the code generator of the call."""
        return self._typed(tuple(build.plain(kind) for kind in given))

    def _typed(self, kinds: Kinds) -> tuple[Any, Callable[..., Any]]:
        """Return the signature for plain types, and the code generator of the call."""
        result = self._built.get(kinds)
        if result is None:
            library = build.inlined_library(self.function.__qualname__)
            result = build.compiled(self.function, kinds, library, forceinline=True, nrt=self._allocates)
            self._built[kinds] = result

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            context.active_code_library.add_linking_library(result.library)
            return context.call_internal(builder, result.fndesc, signature, arguments)

        return result.signature, generate


class BuiltPart(NamedTuple):
    """A part that can be called: its signature, the name of its code, and the library that holds it."""

    signature: Any
    symbol: str
    library: Any


class Part(Rule):
    """A function of the rules that is compiled once for all kernels that call it.

    `source` is its own file by default: the rules that it inlines come from there, or from files that are not
    `kept.is_apart`. `shape` identifies anything else that its code depends on.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        allocates: bool = False,
        source: Path | None = None,
        shape: object = None,
    ) -> None:
        super().__init__(function, allocates)
        self.name = f"{function.__module__}.{function.__qualname__}"
        self._source, self._shape = source or Path(inspect.getfile(function)), shape
        _PARTS[self.name] = self

    def _typed(self, kinds: Kinds) -> tuple[Any, Callable[..., Any]]:
        """Return the signature for plain types, and the code generator of the call."""
        part = self.ready(kinds)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = context.call_conv.get_function_type(signature.return_type, signature.args)
            function = cgutils.get_or_insert_function(builder.module, kind, part.symbol)
            context.active_code_library.called.add((self.name, kinds, signature.return_type))
            _, value = context.call_conv.call_function(
                builder, function, signature.return_type, signature.args, arguments
            )
            return value

        return part.signature, generate

    def announce(self, kinds: Kinds) -> Any:
        """Register the part with the linker for types of arguments; return its signature."""
        return self.ready(kinds).signature

    def ready(self, kinds: Kinds) -> BuiltPart:
        """Return the part for types of arguments: from this process, from the cache, or newly compiled."""
        with global_compiler_lock:
            built = self._built.get(kinds)
            if built is None:
                symbol = self._symbol(kinds)
                built = self._loaded(symbol, kinds) or self._new(symbol, kinds)
                self._built[kinds] = built
        return cast(BuiltPart, built)

    def _symbol(self, kinds: Kinds) -> str:
        """Return the name of the code for types of arguments, the same in every process."""
        return f"{self.name}.{kept.digest_of(str(kinds), self._shape)}"

    def _place(self, kinds: Kinds) -> Path | None:
        """Return the cache file for types of arguments."""
        own = self._source.read_bytes() if kept.is_apart(self._source) else b""
        magic = cpu_target.target_context.codegen().magic_tuple()
        return kept.place(_short_name(self.function), str(kinds), self._shape, magic, own)

    def _new(self, symbol: str, kinds: Kinds) -> BuiltPart:
        with waiting():
            library = build.kernel_library(self.function.__qualname__)
            result = build.compiled(self.function, kinds, library, nrt=self._allocates)
            library._ensure_finalized()
        name = result.fndesc.llvm_func_name
        _write(self._place(kinds), library, name, library._get_compiled_object(), result.signature)
        return self._callable(symbol, name, result.signature, library)

    def _loaded(self, symbol: str, kinds: Kinds) -> BuiltPart | None:
        def rebuilt(name: str, code: bytes, signature: Any) -> BuiltPart:
            return self._callable(symbol, name, signature, build.library_of(symbol, code))

        return _read(self._place(kinds), rebuilt)

    def _callable(self, symbol: str, name: str, signature: Any, library: Any) -> BuiltPart:
        """Tell the linker the address of the code, under a name that is the same in every process."""
        binding.add_symbol(symbol, library.codegen._engine.get_function_address(name))
        return BuiltPart(signature, symbol, library)


class LatePart(Part):
    """A part that is compiled at its first call, see `late`; its annotation gives the type of its result."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        super().__init__(function, *arguments)
        self._slots: dict[Kinds, late.Slot] = {}

    def _typed(self, kinds: Kinds) -> tuple[Any, Callable[..., Any]]:
        """Return the signature for plain types, and the code generator of the call."""
        signature, symbol = self.announce(kinds), self._slot_symbol(kinds)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = context.call_conv.get_function_type(signature.return_type, signature.args)
            function = late.code_of(context, builder, kind, symbol)
            context.active_code_library.called.add((self.name, kinds, signature.return_type))
            _, value = context.call_conv.call_function(
                builder, function, signature.return_type, signature.args, arguments
            )
            return value

        return signature, generate

    def announce(self, kinds: Kinds) -> Any:
        """Register the slot of the part with the linker for types of arguments; return its signature."""
        with global_compiler_lock:
            if kinds not in self._slots:
                self._slots[kinds] = late.Slot(self._slot_symbol(kinds), functools.partial(self._address, kinds))
        return late.result_type(self.function)(*kinds)

    def _slot_symbol(self, kinds: Kinds) -> str:
        return f"{self._symbol(kinds)}.slot"

    def _address(self, kinds: Kinds) -> int:
        """Return the address of the code."""
        built, wanted = self.ready(kinds), late.result_type(self.function)
        if built.signature.return_type != wanted:
            raise TypeError(f"{self.name} returns {built.signature.return_type}, and its annotation says {wanted}")
        return cast(int, binding.address_of_symbol(built.symbol))


_PARTS: dict[str, Part] = {}


def _write(path: Path | None, library: build.KernelLibrary, *content: Any) -> None:
    """Write compiled code, with the list of the parts that it calls, to the cache."""
    kept.write(path, pickle.dumps((build.calls_of(library), *content)))


def _read(path: Path | None, rebuild: Callable[..., Any]) -> Any:
    """Return compiled code that `rebuild` makes from a cache file, None where there is no usable file.

    First all parts that the code calls are registered; their result types must be those at the time of the
    compilation.
    """
    try:
        data = kept.read(path)
        if data is None:
            return None
        calls, *content = pickle.loads(data)
        is_ready = all(_PARTS[name].announce(kinds).return_type == result for name, kinds, result in calls)
        return rebuild(*content) if is_ready else None
    except Exception as error:  # a file written by another program can raise anything
        kept.cannot_use(path, error)
        return None


def rule(function: Function) -> Function:
    """Make a rule of a small function; it is compiled with each kernel that calls it, never cached by itself."""
    return function if numba.config.DISABLE_JIT else cast(Function, Rule(function))


def allocating_rule(function: Function) -> Function:
    """Make a rule of a function that allocates arrays, returns one, or calls one that does."""
    return function if numba.config.DISABLE_JIT else cast(Function, Rule(function, allocates=True))


def part(
    allocates: bool = False, source: Path | None = None, shape: object = None, is_late: bool = False
) -> Callable[[Function], Function]:
    """Make a part of a function that is too large to be inlined; see `Part` and `LatePart`."""

    def made(function: Function) -> Function:
        if numba.config.DISABLE_JIT:
            return function
        kind = LatePart if is_late else Part
        return cast(Function, kind(function, allocates, source, shape))

    return made


def in_kernels(definition: build.Definition) -> Callable[[Function], Function]:
    """Give a function another implementation inside kernels, for operations that LLVM has and Numba lacks."""

    def registered(function: Function) -> Function:
        infer_global(function, build.callee(function, inspect.signature(function), definition))
        return function

    return registered


@typeof_impl.register(Rule)  # type: ignore[untyped-decorator]
def _typeof_rule(rule: Rule, context: Any) -> Any:
    """Let kernels see the compiled function behind a rule."""
    return rule.kind


# ---------------------------------------------------------------------- entry points


class KeptCode(NullCache):
    """The cache of one entry point in the form that Numba expects; unusable code is compiled again."""

    def __init__(self, name: str) -> None:
        self._name = name

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for types of arguments, None where there is none that can be used."""
        target_context.refresh()

        def rebuilt(code: bytes) -> CompileResult:
            return CompileResult._rebuild(target_context, *pickle.loads(code))

        return _read(self._place(sig, target_context.codegen()), rebuilt)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write code to the cache, where possible."""
        if data.library.has_dynamic_globals:
            return  # it holds addresses of this process
        _write(self._place(sig, data.codegen), data.library, dumps(data._reduce()))

    def has(self, sig: Any, codegen: Any) -> bool:
        """Return whether there is a file for types of arguments."""
        place = self._place(sig, codegen)
        return place is not None and place.exists()

    def _place(self, sig: Any, codegen: Any) -> Path | None:
        """Return the file for types of arguments on a kind of processor."""
        return kept.place(self._name, str(sig), codegen.magic_tuple())


def bound(kernel: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """Return the code of an entry point for exactly these types of arguments; later callers must pass the same types.

    It skips Numba's look-up of the types, which for a dozen arrays takes longer than a turn.
    """
    if numba.config.DISABLE_JIT:
        return kernel
    kinds = tuple(numba.typeof(argument) for argument in arguments)
    return cast(Callable[..., Any], cast(Any, kernel).compile(kinds))


def is_kept(kernel: Any, arguments: tuple[Any, ...]) -> bool:
    """Return whether an entry point has code for arguments of these types, in this process or on disk."""
    kinds = tuple(numba.typeof(argument) for argument in arguments)
    return kinds in kernel.overloads or kernel._cache.has(kinds, kernel.targetctx.codegen())


ENTRY_POINTS: dict[str, Any] = {}
"""All entry points of the modules that are imported, by name."""


def entry_point(function: Function) -> Function:
    """Make an entry point: a compiled function for Python, cached on disk, that releases the interpreter's lock."""
    return _entry_point(function, _short_name(function))


def entry_variant(variant: str) -> Callable[[Function], Function]:
    """Make an entry point of a function that exists in several variants."""
    return lambda function: _entry_point(function, f"{_short_name(function)}.{variant}")


def _entry_point(function: Function, name: str) -> Function:
    options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    compiled: Any = numba.njit(**options, pipeline_class=build.KernelCompiler)(function)
    if not numba.config.DISABLE_JIT:
        compiled._cache = KeptCode(name)
        ENTRY_POINTS[name] = compiled
    return cast(Function, compiled)
