"""A Ray cluster to play on: the one at an address, or a local quiet one, which is shut down afterwards.

Quiet means: no dashboard, no tokens, no usage reports, and the output of its processes in its logs only.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from parlay_marl.errors import ConfigurationError, MissingExtraError
from parlay_marl.tournament.entrants import in_words

QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Variables of a Ray that is started here, unless the environment sets them otherwise."""
SECONDS_TO_ANSWER = 10.0


def ray_library() -> Any:
    """Return Ray."""
    try:
        import ray
    except ImportError:
        raise MissingExtraError('a Ray cluster needs ray; pip install "parlay-marl[ray]"') from None
    return ray


@contextmanager
def ray_cluster(address: str | None = None, **options: Any) -> Iterator[Any]:
    """Yield Ray, connected to the cluster at an address or to that of RAY_ADDRESS, else started on this machine.

    Afterwards it is disconnected or ended, and the environment is restored. If this process is connected already, that
    connection is used and stays. Options are those of `ray.init`.
    """
    ray = ray_library()
    if ray.is_initialized():
        yield ray
        return
    before = _environment()
    os.environ.update(QUIET | before)
    try:
        _connect(ray, address or before.get("RAY_ADDRESS") or "local", options)
        yield ray
    finally:
        ray.shutdown()
        for name in _environment():
            del os.environ[name]
        os.environ.update(before)


def _environment() -> dict[str, str]:
    """Return the variables that Ray reads or sets."""
    return {name: value for name, value in os.environ.items() if name.startswith(("RAY_", "PYTHONBREAKPOINT"))}


def _connect(ray: Any, address: str, options: dict[str, Any]) -> None:
    """Connect to a cluster, or start Ray where the address is `local`."""
    if address == "local":
        options = {"include_dashboard": False} | options
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING, **options)
    except Exception as error:
        raise ConfigurationError(
            f"ray: cannot use {address!r}: {in_words(error)}; give HOST:PORT as `ray start --head` shows it, "
            "or no address for a Ray of this machine alone"
        ) from error


def _knock(address: str) -> None:
    """Fail where nothing listens at HOST:PORT: Ray would retry for ten minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
