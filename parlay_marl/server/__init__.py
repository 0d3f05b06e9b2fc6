"""The negotiation server: OpenEnv's protocol and that of the first Parlay server, and a typed client.

    parlay serve                                     # from the command line

    from parlay_marl.server import NegotiationAction, ParlayClient

    with ParlayClient("http://127.0.0.1:8001").sync() as table:
        result = table.reset(seed=7, scenario="saas_enterprise", role="buyer", opponent="shark")
        while not result.done:
            result = table.step(NegotiationAction(utterance="Is that your best?", offer_amount=130_000))

A client needs the extra `client`, the server the extra `server`. Each name is imported when it is first used: a client
does not wait for the import of the server, which takes seconds. The page is docs/server.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from parlay_marl.errors import MissingExtraError

if TYPE_CHECKING:
    from parlay_marl.server.app import create_app
    from parlay_marl.server.client import ParlayClient, StepResult, SyncParlayClient
    from parlay_marl.server.protocols.openenv import NegotiationEnvironment
    from parlay_marl.server.protocols.openenv_messages import (
        NegotiationAction,
        NegotiationObservation,
        NegotiationState,
    )
    from parlay_marl.server.settings import ServerSettings

__all__ = [
    "NegotiationAction",
    "NegotiationEnvironment",
    "NegotiationObservation",
    "NegotiationState",
    "ParlayClient",
    "ServerSettings",
    "StepResult",
    "SyncParlayClient",
    "create_app",
]

_PLACES = {
    "NegotiationAction": "protocols.openenv_messages",
    "NegotiationEnvironment": "protocols.openenv",
    "NegotiationObservation": "protocols.openenv_messages",
    "NegotiationState": "protocols.openenv_messages",
    "ParlayClient": "client",
    "ServerSettings": "settings",
    "StepResult": "client",
    "SyncParlayClient": "client",
    "create_app": "app",
}
"""The module of each public name."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    extra = "client" if _PLACES[name] == "client" else "server"
    try:
        module = importlib.import_module(f"{__name__}.{_PLACES[name]}")
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        raise MissingExtraError(f'the {extra} needs {library}; pip install "parlay-marl[{extra}]"') from None
    globals()[name] = found = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
