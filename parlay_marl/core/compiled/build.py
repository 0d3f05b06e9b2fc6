"""The compilation of a function to machine code: Numba's steps, without those that rules do not need.

Numba would optimise every function separately and emit its machine code. A rule is only linked into its callers, and
optimised there together with them; that leaves out nine tenths of LLVM's work.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, cast

from numba.core import compiler, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_machinery import PassManager
from numba.core.registry import cpu_target
from numba.core.typed_passes import (
    AnnotateTypes,
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.typing import Context
from numba.core.typing.templates import AbstractTemplate
from numba.core.untyped_passes import FixupArgs, GenericRewrites, IRProcessing, ReconstructSSA, TranslateByteCode

from parlay_marl.core.compiled.waiting import waiting


class RuleLibrary(JITCodeLibrary):  # type: ignore[misc]
    """A library whose code is not optimised before the whole kernel is linked."""

    def __init__(self, codegen: Any, name: str) -> None:
        super().__init__(codegen, name)
        self.called: set[Any] = set()
        """The parts that the code calls: name, types of arguments and type of the result."""

    def add_llvm_module(self, ll_module: Any) -> None:
        """Add a module unchanged."""
        ll_module.data_layout = self._codegen._data_layout
        self._final_module.link_in(ll_module)


class InlinedLibrary(RuleLibrary):
    """The code of a rule, to be linked into its callers; it is not optimised or emitted by itself."""

    def finalize(self) -> None:
        """Close the library."""
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """Return the rule with all rules that it calls: Numba's own kernels link only their direct callees."""
        whole = own_module(self).clone()
        for library in linked(self):
            whole.link_in(own_module(library), preserve=True)
        return whole


class KernelLibrary(RuleLibrary):
    """The code of an entry point or a part, with all rules that it calls."""

    def finalize(self) -> None:
        """Link all rules in, optimise everything once and emit it."""
        self._raise_if_finalized()
        for library in linked(self):
            self._final_module.link_in(own_module(library), preserve=True)
        self._optimize_final_module()
        self._finalize_final_module()


def own_module(library: JITCodeLibrary) -> Any:
    """Return the module of a library; for a rule, without the rules that it calls."""
    return JITCodeLibrary._get_module_for_linking(library)


def linked(library: JITCodeLibrary) -> Iterator[Any]:
    """Yield all libraries that a library calls, directly or through its rules, each once."""
    seen, left = set(), list(library._linking_libraries)
    while left:
        other = left.pop()
        if other not in seen:
            seen.add(other)
            yield other
            if isinstance(other, InlinedLibrary):
                left += other._linking_libraries


def calls_of(library: KernelLibrary) -> list[Any]:
    """Return the parts that a kernel calls, directly or through its rules."""
    rules = [other for other in linked(library) if isinstance(other, InlinedLibrary)]
    return sorted(set().union(library.called, *(rule.called for rule in rules)), key=str)


def inlined_library(name: str) -> InlinedLibrary:
    """Return a new library for a rule."""
    return InlinedLibrary(cpu_target.target_context.codegen(), name)


def kernel_library(name: str) -> KernelLibrary:
    """Return a new library for an entry point or a part; its machine code can be cached."""
    library = KernelLibrary(cpu_target.target_context.codegen(), name)
    library.enable_object_caching()
    return library


def library_of(name: str, code: bytes) -> KernelLibrary:
    """Return a library of machine code that an earlier process has emitted."""
    library = kernel_library(name)
    library._set_compiled_object(code)
    library._finalize_final_module()
    return library


class RuleCompiler(compiler.CompilerBase):  # type: ignore[misc]
    """Compiles a rule or a part into a given library.

    Rules have no comprehensions, closures, `with`, object mode or parallel loops, and Numba's passes for them are
    left out.
    """

    def define_pipelines(self) -> list[PassManager]:
        """Return the passes, as one pipeline."""
        manager = PassManager("rules")
        for step in (
            TranslateByteCode,
            FixupArgs,
            IRProcessing,
            GenericRewrites,
            ReconstructSSA,
            NopythonTypeInference,
            PreLowerStripPhis,
            IRLegalization,
            AnnotateTypes,
            NativeLowering,
            NoPythonBackend,
        ):
            manager.add_pass(step, step.__name__)
        manager.finalize()
        return [manager]


class KernelCompiler(RuleCompiler):
    """Compiles an entry point."""

    def compile_extra(self, func: Any) -> Any:
        """Compile into a library for a kernel; print a notice where it takes long."""
        self.state.library = kernel_library(func.__qualname__)
        with waiting():
            return super().compile_extra(func)


class RuleFlags(compiler.Flags):  # type: ignore[misc]
    """Numba's flags with a stored hash: Numba looks functions up by them some ten thousand times."""

    __slots__ = ("_hash",)

    def __hash__(self) -> int:
        """Return the hash of the flags at the first call; a compilation does not change them."""
        try:
            return self._hash
        except AttributeError:
            self._hash: int = super().__hash__()
            return self._hash

    def __eq__(self, other: object) -> bool:
        """Return whether the same flags are set to the same values."""
        return self._values == other._values if isinstance(other, RuleFlags) else super().__eq__(other)


def plain(kind: Any) -> Any:
    """Return the type under which a rule takes an argument: one for all integers, one for all uses of an array."""
    kind = types.unliteral(kind)  # type: ignore[attr-defined]
    if isinstance(kind, types.Integer) and kind != types.uint64:
        return types.int64
    if type(kind) is types.Array and not kind.mutable:
        return kind.copy(readonly=False)
    return kind


Definition = Callable[..., tuple[Any, Callable[..., Any]]]
"""`definition(*kinds)` returns the signature of a call and the function that generates it, `(context, builder,
signature, arguments)`.
"""


def callee(key: object, parameters: inspect.Signature, definition: Definition) -> Any:
    """Return Numba's type of something that kernels can call, with these parameters."""
    starred = [i for i, one in enumerate(parameters.parameters.values()) if one.kind is one.VAR_POSITIONAL]

    def generic(self: Any, arguments: Any, keywords: Any) -> Any:
        given = parameters.bind(*arguments, **keywords)
        given.apply_defaults()
        kinds = given.args
        for i in starred:
            kinds = (*kinds[:i], types.StarArgTuple.from_types(kinds[i:]))  # type: ignore[attr-defined]
        signature, code = definition(*kinds)
        if signature.args not in known:
            known.add(signature.args)
            cpu_target.target_context.insert_func_defn([(code, (key, signature.args), signature.args)])
        return signature.replace(pysig=parameters)

    known: set[Any] = set()
    members = {"key": key, "generic": generic, "get_impl_key": lambda self, signature: (key, signature.args)}
    return types.Function(type("Callee", (AbstractTemplate,), members))


class RuleTyping(Context):  # type: ignore[misc]
    """Numba's typing with a cache: an operation on some types of arguments is resolved once.

    It shares all declarations with Numba's own context, of which it is a shallow copy.
    """

    _memory: dict[Any, Any]

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        """Return the signature of a call, None where there is none."""
        if kws or not isinstance(func, types.Type):
            return super().resolve_function_type(func, args, kws)
        key = func, tuple(args)
        found = self._memory.get(key)
        if found is None:
            found = super().resolve_function_type(func, args, kws)
            if found is not None:
                self._memory[key] = found
        return found


@functools.cache
def rule_typing() -> RuleTyping:
    """Return the typing of rules."""
    typing = copy.copy(cpu_target.typing_context)
    typing.__class__ = RuleTyping
    typing._memory = {}
    return cast(RuleTyping, typing)


def compiled(function: Callable[..., Any], kinds: tuple[Any, ...], library: Any, **flags: Any) -> Any:
    """Compile a function for types of arguments into a library; return Numba's result."""
    chosen = RuleFlags()
    chosen.no_cpython_wrapper = chosen.no_cfunc_wrapper = chosen.no_compile = True
    chosen.error_model = "numpy"
    for name, value in flags.items():
        setattr(chosen, name, value)
    contexts = rule_typing(), cpu_target.target_context
    return compiler.compile_extra(
        *contexts, function, kinds, None, chosen, {}, library=library, pipeline_class=RuleCompiler
    )
