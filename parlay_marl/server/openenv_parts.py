"""The parts of OpenEnv's server that this server uses, imported without OpenEnv's web interface.

OpenEnv imports its web interface, and with it gradio, together with everything else. That takes two thirds of the
start time, for pages that this server does not offer. OpenEnv works without the interface where its import fails, so
the import is made to fail here; later imports work as usual.
"""

# ruff: noqa: PLC0414 -- a name that is imported as itself is re-exported
from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

WEB_INTERFACE = "openenv.core.env_server.web_interface"


class _NoWebInterface(MetaPathFinder):
    """An import finder that hides OpenEnv's web interface."""

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
    from openenv.core.env_server import HTTPEnvServer as HTTPEnvServer
    from openenv.core.env_server import JsonRpcErrorCode as JsonRpcErrorCode
    from openenv.core.env_server import JsonRpcResponse as JsonRpcResponse
    from openenv.core.env_server import SessionCapacityError as SessionCapacityError
    from openenv.core.env_server import WSMCPMessage as WSMCPMessage
    from openenv.core.env_server.interfaces import Environment as Environment
    from openenv.core.env_server.mcp_types import CallToolAction as CallToolAction
    from openenv.core.env_server.mcp_types import CallToolObservation as CallToolObservation
    from openenv.core.env_server.mcp_types import ListToolsAction as ListToolsAction
    from openenv.core.env_server.mcp_types import ListToolsObservation as ListToolsObservation
    from openenv.core.env_server.mcp_types import Tool as Tool
    from openenv.core.env_server.mcp_types import ToolError as ToolError
    from openenv.core.env_server.mcp_types import ToolErrorType as ToolErrorType
    from openenv.core.env_server.serialization import serialize_observation as serialize_observation
    from openenv.core.env_server.types import EnvironmentMetadata as EnvironmentMetadata
    from openenv.core.env_server.types import WSCloseMessage as WSCloseMessage
    from openenv.core.env_server.types import WSErrorCode as WSErrorCode
    from openenv.core.env_server.types import WSErrorResponse as WSErrorResponse
    from openenv.core.env_server.types import WSResetMessage as WSResetMessage
    from openenv.core.env_server.types import WSStateMessage as WSStateMessage
    from openenv.core.env_server.types import WSStepMessage as WSStepMessage
