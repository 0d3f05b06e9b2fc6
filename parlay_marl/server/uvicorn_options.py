"""The options of uvicorn, used by `parlay serve` and where uvicorn runs the app by itself."""

from __future__ import annotations

import functools
import logging.config
import math
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from parlay_marl.errors import ConfigurationError
from parlay_marl.server.http_connection import HttpConnection
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import log_config
from parlay_marl.server.websocket import LimitedWebSocket

UNNAMED_PROXIES = "127.0.0.1,::1"
"""uvicorn's default list of trusted proxies: every client on this machine."""


def uvicorn_config(app: Any, settings: ServerSettings, **more: Any) -> uvicorn.Config:
    """Return the configuration of uvicorn for an app."""
    return uvicorn.Config(
        app,
        log_config=log_config(),
        http=HttpConnection,
        ws=_websocket(settings),
        server_header=False,
        proxy_headers=False,  # the middleware reads them, see `Proxies`
        **_limits(settings),
        **more,
    )


def protect(config: uvicorn.Config, settings: ServerSettings) -> None:
    """Set the limits of `parlay serve` on a server that is about to start by `uvicorn parlay_marl.server.app:app`.

    Its log and protocols become those of `parlay serve` as well. Raises `ConfigurationError` where it has several
    workers: two clients of one game would reach different workers.
    """
    if config.workers > 1:
        raise ConfigurationError(f"uvicorn: {config.workers} workers share no games; use `parlay serve --workers`")
    for name, value in _limits(settings).items():
        setattr(config, name, value)
    config.http_protocol_class, config.ws_protocol_class = HttpConnection, _websocket(settings)
    config.encoded_headers = [(name, value) for name, value in config.encoded_headers if name != b"server"]
    if config.forwarded_allow_ips == UNNAMED_PROXIES and isinstance(config.loaded_app, ProxyHeadersMiddleware):
        config.loaded_app = config.loaded_app.app
    if config.log_config is not None:
        logging.config.dictConfig(log_config())


def _websocket(settings: ServerSettings) -> Any:
    """Return the factory of WebSocket protocols in the form that uvicorn calls."""
    return functools.partial(LimitedWebSocket, settings=settings)


def _limits(settings: ServerSettings) -> dict[str, Any]:
    """Return the options of uvicorn that are plain values."""
    return {
        "access_log": False,
        "ws_per_message_deflate": False,  # costs a sixth of the steps per second, and memory for each connection
        "timeout_graceful_shutdown": math.ceil(settings.drain),
    }
