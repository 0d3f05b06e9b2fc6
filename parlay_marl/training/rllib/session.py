"""Ray for a training, as `ray_cluster` starts it, without messages of RLlib that need no action."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from parlay_marl.tournament.executors.ray_cluster import ray_cluster
from parlay_marl.training.rllib.env import register
from parlay_marl.training.rllib.lanes import Lanes
from parlay_marl.training.rllib_settings import env_settings

FILTERED = {
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
"""Messages that RLlib logs in every run: the logger, a part of the message, and the reason to drop it."""


def filter_messages() -> None:
    """Drop the messages of `FILTERED` in this process."""
    for name, (text, _) in FILTERED.items():
        logging.getLogger(name).addFilter(functools.partial(_is_news, text))


def _is_news(text: str, record: logging.LogRecord) -> bool:
    return text not in record.getMessage()


@contextmanager
def session(config: Any, address: str | None = None) -> Iterator[None]:
    """Connect to the Ray cluster at an address, or start one on this machine and end it afterwards.

    The rules are compiled first, in this process, so that runners find them compiled. A cluster of several machines
    must have the package on all of them.
    """
    register()
    filter_messages()
    compile_for(config.env_config)
    with ray_cluster(address, runtime_env={"worker_process_setup_hook": filter_messages}):
        yield


def compile_for(env_config: Any) -> None:
    """Compile the rules for an environment."""
    lanes = Lanes(env_settings(env_config), 2)
    lanes.reset([0, 1])
    lanes.step(np.ones(2, np.int64))  # both walk away
    lanes.sights(0)
    lanes.close()
