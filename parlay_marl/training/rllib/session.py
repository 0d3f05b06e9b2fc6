"""A quiet Ray for a training: no dashboard, no tokens, nothing reported, and no message that says nothing."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import ray

from parlay_marl.core import jit
from parlay_marl.training.rllib.env import register
from parlay_marl.training.rllib.lanes import Lanes
from parlay_marl.training.rllib.settings import EnvSettings

HUSHED = {
    "ray.rllib.algorithms.algorithm_config": (
        "on the new API stack",
        "RLlib says it of every algorithm, since the new API stack is the default",
    ),
    "ray._common.deprecation": (
        "RLModule(config=[RLModuleConfig object])",
        "RLlib 2.60 makes such an object itself for every module",
    ),
    "ray.tune.utils.util": ("Install gputil", "it would measure a GPU's load for Tune, which nothing here shows"),
}
"""What RLlib logs whatever one does: the logger, part of the message, and why it may be passed over."""
QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Environment of a Ray that is started here."""


def hush() -> None:
    """Pass over the messages of `HUSHED` in this process."""
    for name, (text, _) in HUSHED.items():
        logging.getLogger(name).addFilter(functools.partial(_is_news, text))


def _is_news(text: str, record: logging.LogRecord) -> bool:
    return text not in record.getMessage()


@contextmanager
def session(config: Any, address: str | None = None) -> Iterator[None]:
    """Have Ray at hand, the cluster at an address or one that is started here and ended afterwards.

    The rules are compiled first, in this process, so that runners find them compiled. A cluster of several machines
    must have the package on all of them.
    """
    register()
    hush()
    compile_for(config.env_config)
    before = {name: os.environ.get(name) for name in QUIET}
    started = not ray.is_initialized()
    if started:
        os.environ.update({name: value for name, value in QUIET.items() if before[name] is None})
        ray.init(
            address=address,
            **({} if address else {"include_dashboard": False}),
            log_to_driver=False,
            logging_level=logging.WARNING,
            runtime_env={"worker_process_setup_hook": hush},
        )
    try:
        yield
    finally:
        if started:
            ray.shutdown()
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def compile_for(env_config: Any) -> None:
    """Compile the rules for an environment where this machine has not done so yet, and say it: it takes a while."""
    if jit.needs_compiling("reset_lanes", "step_lanes", "observe_game"):
        print("Compiling the rules for this machine; this takes under a minute, once.", flush=True)
    lanes = Lanes(EnvSettings.model_validate(dict(env_config)), 2)
    lanes.reset([0, 1])
    lanes.step(np.ones(2, np.int64))  # both walk away
    lanes.sights(0)
    lanes.close()
