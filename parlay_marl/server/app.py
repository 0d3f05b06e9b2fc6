"""The app: OpenEnv's routes, the first protocol, games of two clients and metrics, behind the middleware."""

from __future__ import annotations

import functools
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from parlay_marl import __version__
from parlay_marl.errors import ConfigurationError, ParlayError, RequestError, TurnError
from parlay_marl.server.error_text import client_text
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.game_request import game_request
from parlay_marl.server.middleware import protected
from parlay_marl.server.middleware.asgi import Receive, Scope, Send, client_address
from parlay_marl.server.middleware.hosting import Hosting
from parlay_marl.server.openenv_parts import HTTPEnvServer
from parlay_marl.server.page.replays import Replays
from parlay_marl.server.page.routes import page_router
from parlay_marl.server.protocols.first import first_router
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_action import ReceivedAction
from parlay_marl.server.protocols.openenv_messages import NegotiationObservation, NegotiationState
from parlay_marl.server.protocols.openenv_routes import openenv_router
from parlay_marl.server.protocols.page import page_socket_router
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

API_VERSION = "1"
"""Major version of OpenEnv's HTTP profile, which its validation reads."""
MOST_REASONS = 5
"""Reasons in the answer to an invalid body."""


class NegotiationApp(FastAPI):
    """FastAPI's app behind the `Hosting` middleware.

    `Hosting` needs uvicorn's own `receive`, which FastAPI's middleware would replace.
    """

    hosting: Hosting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        await self.hosting(scope, receive, send)

    async def in_fastapi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection by FastAPI's app, without the `Hosting` middleware."""
        await super().__call__(scope, receive, send)


def create_app(settings: ServerSettings | None = None) -> FastAPI:
    """Return the server's application, ready for uvicorn, with default settings unless others are given."""
    settings = settings or ServerSettings()
    check_workers(settings)
    telemetry = Telemetry(settings)
    factory = GameFactory(settings, telemetry)
    server = HTTPEnvServer(
        functools.partial(NegotiationEnvironment, factory),
        ReceivedAction,
        NegotiationObservation,
        max_concurrent_envs=settings.max_sessions,
        env_name="parlay_marl",
        state_cls=NegotiationState,
    )
    app = NegotiationApp(title="parlay_marl", version=f"{API_VERSION}.{__version__}")
    app.hosting = Hosting(app.in_fastapi, settings, factory.stop)
    app.include_router(openenv_router(factory))  # before OpenEnv's own routes, one of which has the same path
    server.register_routes(app)
    app.include_router(first_router(factory))
    replays = Replays()
    app.include_router(page_socket_router(factory, replays))
    app.include_router(page_router(settings, replays))
    _add_routes(app, factory)
    if settings.web:
        from parlay_marl.server.web import add_web

        add_web(app, factory)
    app.add_exception_handler(ParlayError, answer_refused)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_middleware(protected, settings=settings, telemetry=telemetry)
    return app


def check_workers(settings: ServerSettings) -> None:
    """Refuse settings that do not work with several worker processes."""
    if settings.workers > 1 and settings.share_sessions:
        raise ConfigurationError("share_sessions: several workers share no sessions; start the server with one")
    if settings.workers > 1 and settings.web:
        raise ConfigurationError("web: several workers do not share the page's game; start the server with one")


def _add_routes(app: FastAPI, factory: GameFactory) -> None:
    """Add the routes that are neither OpenEnv's nor the first protocol's."""

    @app.post("/matches", tags=["matches"])
    async def new_match(request: Request) -> JSONResponse:
        """Begin a game of two clients; each takes its seat by `reset` with its join code."""
        given = (
            await request.json() if await request.body() else {}
        )  # the middleware lets objects through, and nothing else
        return JSONResponse(factory.new_match(game_request(given), client_address(request.scope)))

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        content, kind = await run_in_threadpool(factory.telemetry.render)
        return Response(content, media_type=kind)


async def answer_refused(request: Request, error: Exception) -> JSONResponse:
    """Return the answer over HTTP to a request that was refused."""
    return JSONResponse({"error": client_text(error)}, 409 if isinstance(error, TurnError) else 422)


async def answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """Return the answer over HTTP to a body of another shape, without repeating it."""
    assert isinstance(error, RequestValidationError)
    found = [
        f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {each['msg']}" for each in error.errors()[:MOST_REASONS]
    ]
    return JSONResponse({"error": client_text(RequestError("; ".join(found)))}, 422)


def app_from_environment() -> Any:
    """Return the application with settings from environment variables."""
    return create_app(ServerSettings.from_environment())


def __getattr__(name: str) -> Any:
    """Make `app` when it is first used: OpenEnv's providers run `uvicorn parlay_marl.server.app:app`."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = made = app_from_environment()
    return made
