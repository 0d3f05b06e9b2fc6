"""Parts that the benchmarks share: the machine, its yardstick, medians of interleaved measurements, and records.

The yardstick of a machine is the speed of PettingZoo's raw tic-tac-toe on it, in agent steps a second: Python code of
others that no change of ours makes faster. Absolute figures are shown beside it, and bars on them scale with it.
"""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = (
    "numpy", "numba", "llvmlite", "pettingzoo", "gymnasium", "jax", "pgx", "open_spiel", "negmas", "axelrod", "torch",
    "sb3-contrib",
)  # fmt: skip
"""Libraries whose versions a record names, where they are installed."""
YARDSTICK_STEPS, YARDSTICK_ROUNDS = 10_000, 5
VECTORS = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("neon", "NEON"))
"""Vector registers by the name of the processor's feature, the widest first."""


def machine_record() -> dict[str, Any]:
    """Return the processor's model, what the compiler calls it, its widest vector registers and its cores."""
    import llvmlite.binding as llvm

    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    features = llvm.get_host_cpu_features()
    vectors = next((name for feature, name in VECTORS if features.get(feature)), "no vectors")
    return {
        "processor": model,
        "architecture": llvm.get_host_cpu_name(),
        "vectors": vectors,
        "cores": os.cpu_count() or 1,
    }


def machine_name(record: Mapping[str, Any]) -> str:
    """Return a machine's name: a processor's model alone may stand for several generations."""
    return f"{record['processor']} ({record['architecture']}, {record['vectors']}), {record['cores']} cores"


def machine() -> str:
    """Return this machine's name and the Python version."""
    return f"{machine_name(machine_record())}, Python {platform.python_version()}"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def medians(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median of each measure over some rounds, which take all of them in turn; a first call warms up."""
    for measure in measures.values():
        measure()
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
    return {name: statistics.median(values) for name, values in found.items()}


def play_aec(env: Any, steps: int) -> float:
    """Return the agent steps per second of random legal play through the AEC interface."""
    draw = random.Random(0).random
    done = 0
    started = time.perf_counter()
    while done < steps:
        env.reset()
        for agent in env.agent_iter():
            seen, _, terminated, truncated, _ = env.last()
            if terminated or truncated:
                env.step(None)
                continue
            if isinstance(seen, dict):
                mask = seen["action_mask"]
                n = len(mask)
                action = int(draw() * n)
                while not mask[action]:
                    action = int(draw() * n)
            else:
                action = int(draw() * env.action_space(agent).n)
            env.step(action)
            done += 1
    return done / (time.perf_counter() - started)


def write_floor() -> Callable[[Any, Any, int, int], None]:
    """Return a compiled function that merely writes the observations and masks of some games."""
    import numba

    @numba.njit(nogil=True, error_model="numpy")
    def write(observations: Any, masks: Any, start: int, stop: int) -> None:
        for i in range(start, stop):
            observations[i, :] = 1.0
            masks[i, :] = 1

    return write  # type: ignore[no-any-return]


def classic(name: str) -> Any:
    """Return a module of PettingZoo's classic games."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import pettingzoo.classic

            return getattr(pettingzoo.classic, name)
        except ImportError:
            raise SystemExit('PettingZoo\'s classic games are missing: pip install -e ".[bench]"') from None


def yardstick() -> float:
    """Return this machine's yardstick now: the median of a few measurements of raw tic-tac-toe, in steps a second."""
    game = classic("tictactoe_v3")
    measure = {"raw": lambda: play_aec(game.raw_env(), YARDSTICK_STEPS)}
    return medians(measure, YARDSTICK_ROUNDS)["raw"]


def record(figures: Mapping[str, Any], began: float, path: str | None = None) -> dict[str, Any]:
    """Return a benchmark's figures with the machine, versions and yardstick beside them; write them to a file, too.

    `began` is the yardstick before the measurements; the mean of that and of the one now is recorded.
    """
    whole = {
        "machine": machine_record(),
        "versions": versions(),
        "yardstick": 0.5 * (began + yardstick()),
        **figures,
    }
    if path:
        Path(path).write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
    return whole
