"""The server: OpenEnv's routes, the first protocol, games of two clients and metrics, behind one guard."""

from __future__ import annotations

import functools
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from openenv.core.env_server import HTTPEnvServer
from starlette.concurrency import run_in_threadpool

from parlay_marl import __version__
from parlay_marl.errors import ConfigurationError, ParlayError, RequestError, TurnError
from parlay_marl.server.environment import NegotiationEnvironment
from parlay_marl.server.first_protocol import router_of
from parlay_marl.server.guard import Guard
from parlay_marl.server.lobby import Lobby
from parlay_marl.server.messages import NegotiationAction, NegotiationObservation, NegotiationState
from parlay_marl.server.negotiation import setup_of
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry
from parlay_marl.server.words import told

API_VERSION = "1"
"""Major version of OpenEnv's HTTP profile, which its validation goes by."""
MOST_TOLD = 5
"""Faults of one body that are told."""


def create_app(settings: ServerSettings | None = None) -> FastAPI:
    """Return the server's application, ready for uvicorn; settings are the defaults unless they are given."""
    settings = settings or ServerSettings()
    if settings.workers > 1 and settings.share_sessions:
        raise ConfigurationError("share_sessions: several workers share no sessions; start the server with one")
    telemetry = Telemetry(settings)
    lobby = Lobby(settings, telemetry)
    server = HTTPEnvServer(
        functools.partial(NegotiationEnvironment, lobby),
        NegotiationAction,
        NegotiationObservation,
        max_concurrent_envs=settings.max_sessions,
        env_name="parlay_marl",
        state_cls=NegotiationState,
    )
    app = FastAPI(title="parlay_marl", version=f"{API_VERSION}.{__version__}")
    server.register_routes(app)
    app.include_router(router_of(lobby))
    _add_routes(app, lobby)
    app.add_exception_handler(ParlayError, told_refused)
    app.add_exception_handler(RequestValidationError, told_invalid)
    app.add_middleware(Guard, settings=settings, telemetry=telemetry)
    return app


def _add_routes(app: FastAPI, lobby: Lobby) -> None:
    """Add what is neither OpenEnv's nor the first protocol's."""

    @app.post("/matches", tags=["matches"])
    async def new_match(request: Request) -> JSONResponse:
        """Begin a game of two clients; each takes its seat by `reset` with its join code."""
        given = await request.json() if await request.body() else {}  # the guard lets objects through, and nothing else
        return JSONResponse(lobby.new_match(setup_of(given)))

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        content, kind = await run_in_threadpool(lobby.telemetry.render)
        return Response(content, media_type=kind)


async def told_refused(request: Request, error: Exception) -> JSONResponse:
    """Return what is said over HTTP of a request that was refused."""
    return JSONResponse({"error": told(error)}, 409 if isinstance(error, TurnError) else 422)


async def told_invalid(request: Request, error: Exception) -> JSONResponse:
    """Return what is said over HTTP of a body of another shape, without repeating it."""
    assert isinstance(error, RequestValidationError)
    found = [f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {each['msg']}" for each in error.errors()[:MOST_TOLD]]
    return JSONResponse({"error": told(RequestError("; ".join(found)))}, 422)


def app_from_environment() -> Any:
    """Return the application with the settings that the command line has left in the environment, for workers."""
    return create_app(ServerSettings.from_environment())


def __getattr__(name: str) -> Any:
    """Make `app` when it is asked for, for `uvicorn parlay_marl.server.app:app`, as OpenEnv's providers run it."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = made = app_from_environment()
    return made
