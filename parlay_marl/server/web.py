"""OpenEnv's page for people at `/web`, a single game shared by all visitors, to try things out.

It is built with gradio, whose import takes seconds, so this module is imported only where the page is enabled.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import Body, FastAPI
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from parlay_marl.errors import RequestError
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_action import ReceivedAction
from parlay_marl.server.protocols.openenv_messages import NegotiationObservation

PATH = "/web"
TITLE = "parlay_marl: a negotiation"


def add_web(app: FastAPI, factory: GameFactory) -> None:
    """Add the page to an app, and OpenEnv's requests by which programs play the page's game."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # otherwise gradio would send usage data
    import gradio
    from openenv.core.env_server.gradio_theme import OPENENV_GRADIO_CSS, OPENENV_GRADIO_THEME
    from openenv.core.env_server.gradio_ui import build_gradio_app
    from openenv.core.env_server.web_interface import WebInterfaceManager, get_quick_start_markdown

    environment = NegotiationEnvironment(factory)
    metadata = environment.get_metadata()
    manager = WebInterfaceManager(environment, ReceivedAction, NegotiationObservation, metadata)
    _add_requests(app, manager)
    start = get_quick_start_markdown(metadata, ReceivedAction, NegotiationObservation)
    page = build_gradio_app(manager, [], metadata, is_chat_env=False, title=metadata.name, quick_start_md=start)
    page.title = TITLE
    gradio.mount_gradio_app(app, page, path=PATH, theme=OPENENV_GRADIO_THEME, css=OPENENV_GRADIO_CSS)


def _add_requests(app: FastAPI, manager: Any) -> None:
    """Add the requests, which must be matched before the page: it takes every path below its own."""

    @app.get("/", include_in_schema=False)
    @app.get(PATH, include_in_schema=False)
    async def page() -> RedirectResponse:
        return RedirectResponse(f"{PATH}/")

    @app.get(f"{PATH}/metadata", include_in_schema=False)
    async def metadata() -> dict[str, Any]:
        told: dict[str, Any] = manager.metadata.model_dump()
        return told

    @app.get(f"{PATH}/state", include_in_schema=False)
    async def state() -> dict[str, Any]:
        told: dict[str, Any] = manager.get_state()
        return told

    @app.post(f"{PATH}/reset", include_in_schema=False)
    async def reset(options: Annotated[dict[str, Any] | None, Body()] = None) -> dict[str, Any]:
        seen: dict[str, Any] = await manager.reset_environment(options)
        return seen

    @app.post(f"{PATH}/step", include_in_schema=False)
    async def step(given: dict[str, Any]) -> dict[str, Any]:
        action = {"message": given["message"]} if "message" in given else given.get("action", {})
        try:
            seen: dict[str, Any] = await manager.step_environment(action)
        except ValidationError as error:
            found = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
            raise RequestError("; ".join(found)) from None
        return seen
