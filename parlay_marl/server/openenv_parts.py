"""The parts of OpenEnv's server side that this server uses, imported without OpenEnv's web interface.

OpenEnv imports its web interface, and with it gradio, together with everything else: two thirds of the time of a start,
for pages that this server does not offer. It does without where the interface cannot be found. So it is not found while
OpenEnv is imported here, and from then on it can be imported as usual.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

WEB_INTERFACE = "openenv.core.env_server.web_interface"


class _NoWebInterface(MetaPathFinder):
    """Finds no web interface, and says nothing of other modules."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Raise ModuleNotFoundError for the web interface; leave other modules to other finders."""
        if name == WEB_INTERFACE:
            raise ModuleNotFoundError(f"{name} is not needed", name=name)


@contextmanager
def without_web_interface() -> Iterator[None]:
    """Let OpenEnv be imported without its web interface in a `with` block."""
    finder = _NoWebInterface()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


with without_web_interface():
    from openenv.core.env_server import (
        HTTPEnvServer,
        JsonRpcErrorCode,
        JsonRpcResponse,
        SessionCapacityError,
        WSMCPMessage,
    )
    from openenv.core.env_server.interfaces import Environment
    from openenv.core.env_server.types import (
        EnvironmentMetadata,
        WSCloseMessage,
        WSErrorCode,
        WSErrorResponse,
        WSResetMessage,
        WSStateMessage,
        WSStepMessage,
    )

__all__ = [
    "Environment",
    "EnvironmentMetadata",
    "HTTPEnvServer",
    "JsonRpcErrorCode",
    "JsonRpcResponse",
    "SessionCapacityError",
    "WSCloseMessage",
    "WSErrorCode",
    "WSErrorResponse",
    "WSMCPMessage",
    "WSResetMessage",
    "WSStateMessage",
    "WSStepMessage",
]
