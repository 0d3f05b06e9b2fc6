"""The negotiation server: OpenEnv's protocol and that of the first Parlay server, and a typed client.

    parlay serve                                     # from the command line

    from parlay_marl.server import NegotiationAction, ParlayClient

    with ParlayClient("http://127.0.0.1:8001").sync() as table:
        result = table.reset(seed=7, scenario="saas_enterprise", role="buyer", opponent="shark")
        while not result.done:
            result = table.step(NegotiationAction(utterance="Is that your best?", offer_amount=130_000))

Needs the extra `server`. The page is docs/server.md.
"""

from parlay_marl.errors import MissingExtraError

try:
    import fastapi  # noqa: F401
    import openenv  # noqa: F401
    import prometheus_client  # noqa: F401
except ImportError as error:
    raise MissingExtraError(f'the server needs {error.name}; pip install "parlay-marl[server]"') from None

from parlay_marl.server.app import create_app
from parlay_marl.server.client import ParlayClient
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation, NegotiationState
from parlay_marl.server.settings import ServerSettings

__all__ = [
    "NegotiationAction",
    "NegotiationObservation",
    "NegotiationState",
    "ParlayClient",
    "ServerSettings",
    "create_app",
]
