"""The layers between the network and the app, ASGI middleware with one concern in each file.

A refused message gets one answer that does not repeat its content; the connection and its game go on. Nothing that a
client sends makes a layer raise.
"""

from __future__ import annotations

from parlay_marl.server.middleware.activity import Activity
from parlay_marl.server.middleware.asgi import App
from parlay_marl.server.middleware.capacity import Capacity
from parlay_marl.server.middleware.connections import Connections
from parlay_marl.server.middleware.content import Content
from parlay_marl.server.middleware.cors import Cors
from parlay_marl.server.middleware.failures import Failures
from parlay_marl.server.middleware.host import Host
from parlay_marl.server.middleware.idle import Idle
from parlay_marl.server.middleware.origin import Origin
from parlay_marl.server.middleware.paths import Paths
from parlay_marl.server.middleware.proxies import Proxies
from parlay_marl.server.middleware.rate import Rate
from parlay_marl.server.middleware.redaction import Redaction
from parlay_marl.server.middleware.size import Size
from parlay_marl.server.middleware.token import Token
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

LAYERS = (
    *(Failures, Proxies, Connections, Activity, Paths, Idle, Rate, Host, Origin, Cors, Token, Capacity, Size, Content),
    Redaction,
)
"""The layers from the network to the app."""


def protected(app: App, settings: ServerSettings, telemetry: Telemetry) -> App:
    """Return an app behind all layers."""
    for layer in reversed(LAYERS):
        app = layer(app, settings, telemetry)
    return app
