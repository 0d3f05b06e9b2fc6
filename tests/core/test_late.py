"""Late parts: compiled when a kernel first calls them, by whichever thread comes first, whatever interrupts it."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.core.compiled import kept, late
from parlay_marl.core.compiled.jit import LatePart, entry_variant, part
from tests.processes import run

pytestmark = pytest.mark.compiled_only


def kernel_with(function: Any, name: str) -> tuple[Any, LatePart]:
    """Return a kernel that calls a late part for each number, and the part."""
    function.__module__, function.__qualname__ = __name__, name
    made: Any = part(is_late=True)(function)

    @entry_variant(name)
    def kernel(numbers: Any) -> float:
        total = 0.0
        for i in range(len(numbers)):
            if numbers[i] > 0:
                total += made(numbers[i])
        return total

    kernel._cache = type(kernel._cache)(f"test-{name}-{os.getpid()}")  # type: ignore[attr-defined]
    return kernel, made


def half(x: int) -> float:
    return x / 2


def test_a_part_that_is_not_called_is_not_compiled() -> None:
    kernel, made = kernel_with(half, "never")
    assert kernel(np.array([0, 0])) == 0.0
    assert any("never" in symbol for symbol in late.empty_slots())
    assert kernel(np.array([0, 3, 4])) == 3.5
    assert not any("never" in symbol for symbol in late.empty_slots())
    assert kernel(np.array([1])) == 0.5
    assert made(3) == 1.5


def test_threads_may_call_it_at_once() -> None:
    kernel, _ = kernel_with(lambda_of("float"), "at_once")
    results: list[float] = []
    gate = threading.Barrier(8)

    def call() -> None:
        gate.wait(60)
        results.append(kernel(np.arange(100)))

    threads = [threading.Thread(target=call, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert results == [sum(range(100)) / 2] * 8


def lambda_of(kind: str) -> Any:
    def function(x: int) -> Any:
        return x / 2

    function.__annotations__ = {"x": "int", "return": kind}
    return function


def test_an_annotation_that_is_wrong_is_named() -> None:
    _, made = kernel_with(lambda_of("int"), "wrong")
    from numba import types

    with pytest.raises(TypeError, match=r"wrong returns float64, and its annotation says int64"):
        made._address((types.int64,))


INTERRUPTED = """
import _thread, sys
import numpy as np
from parlay_marl.core.compiled import late
from parlay_marl.core.compiled.trial import compile_at_once
from parlay_marl.envs.batch import Batch

compile_at_once()
batch = Batch(4, learner="buyer", opponent="linear")
whole = late.Slot.fill

def fill(slot):
    if not interrupted:
        interrupted.append(1)
        raise KeyboardInterrupt  # as if the key had been pressed while the part was compiled
    whole(slot)

interrupted = []
late.Slot.fill = fill
try:
    batch.reset(seed=1)
    for i in range(100):
        batch.step(np.full(4, 20))
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted", bool(interrupted))
late.Slot.fill = whole
batch.step(np.full(4, 20))
print(len(batch.rewards))
"""


def test_an_interrupt_while_a_part_is_compiled_reaches_python_and_nothing_is_lost() -> None:
    done = run([sys.executable, "-c", INTERRUPTED])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["interrupted", "True", "4"]


FAILING = """
from parlay_marl.core.compiled import late
from parlay_marl.core.compiled.trial import compile_at_once
from parlay_marl.envs.batch import Batch

compile_at_once()

def fail(slot):
    raise MemoryError("no room")

late.Slot.fill = fail
Batch(4, learner="buyer", opponent="linear").reset(seed=1)
"""


def test_a_part_that_cannot_be_compiled_ends_the_process_and_says_why() -> None:
    """A kernel cannot go on without it, and has nobody to hand an error to."""
    done = run([sys.executable, "-X", "faulthandler=0", "-c", FAILING], preexec_fn=no_core_file)
    assert done.returncode < 0
    assert "MemoryError: no room" in done.stderr


def no_core_file() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


BATCH = """
import numpy as np, sys
from parlay_marl.core.compiled.trial import compile_at_once
from parlay_marl.envs.batch import Batch

compile_at_once()
opponent = {"opponent": sys.argv[1], "learner": "buyer"} if len(sys.argv) > 1 else {}
batch = Batch(4, **opponent)
batch.reset(seed=1)
batch.step(np.full(4, 20))
"""


def test_nobody_waits_for_what_is_not_played(tmp_path: Path) -> None:
    """Without personas none is compiled; with one, its own strategy, and neither other strategies nor networks.

    What else other tests have compiled is there, as all of it would take half a minute.
    """
    environment = os.environ | {"PARLAY_CACHE_DIR": str(tmp_path)}
    players = tuple(
        f"{name}." for name in ("scripted", "network", "family", *(p.stem for p in kept.APART.glob("*.py")))
    )
    if kept.CACHE_FOLDER is not None and kept.CACHE_FOLDER.is_dir():
        others = shutil.ignore_patterns("*.part", *(f"{name}*" for name in players))
        shutil.copytree(kept.CACHE_FOLDER, tmp_path / kept.CACHE_FOLDER.name, ignore=others)

    def compiled(*arguments: str) -> set[str]:
        done = run([sys.executable, "-c", BATCH, *arguments], env=environment)
        assert done.returncode == 0, done.stderr
        return {path.name.partition("-")[0] for path in tmp_path.rglob("*.nbc")}

    alone = compiled()
    assert not {name for name in alone if name.startswith(players)}
    assert compiled("boulware") - alone == {"scripted.choose", "time.aspiration"}
