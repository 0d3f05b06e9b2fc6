"""The messages of OpenEnv's WebSocket at `/ws`, and of MCP's at `/mcp`, with replies like those of OpenEnv's handler.

OpenEnv's own handler keeps a thread for each session, and parses, validates and writes every message several times;
its tools need an MCP server in every session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from parlay_marl.server.openenv_parts import (
    WSCloseMessage,
    WSErrorCode,
    WSErrorResponse,
    WSMCPMessage,
    WSResetMessage,
    WSStateMessage,
    WSStepMessage,
    serialize_observation,
)
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_action import ReceivedAction
from parlay_marl.server.protocols.openenv_rpc import answer_rpc
from parlay_marl.server.protocols.openenv_seen import Seen
from parlay_marl.server.protocols.openenv_tools import KINDS, read_tool_action


async def answer_mcp(
    environment: NegotiationEnvironment, message: dict[str, Any], options: Mapping[str, str]
) -> str | None:
    """Return the reply to a message of an MCP client; empty where it asks for none."""
    reply = await answer_rpc(message, environment, options)
    return "" if reply is None else to_json(reply, inf_nan_mode="null").decode()


async def answer(environment: NegotiationEnvironment, message: dict[str, Any]) -> str | None:
    """Return the reply to a message of a client, None to its close message; errors become replies as well.

    The middleware passes known types only.
    """
    try:
        match message["type"]:
            case "step":
                return await _step(environment, _data(message, WSStepMessage))
            case "reset":
                return _observation(await environment.begin(_data({"data": {}, **message}, WSResetMessage)))
            case "state":
                WSStateMessage.model_validate(message)
                return _text("state", environment.state.model_dump())
            case "mcp":
                return _text("mcp", await answer_rpc(_data(message, WSMCPMessage), environment) or {})
        WSCloseMessage.model_validate(message)
    except ValidationError as error:
        return error_reply("Invalid message", WSErrorCode.VALIDATION_ERROR, errors=error.errors())
    except Exception as error:
        return error_reply(str(error), WSErrorCode.EXECUTION_ERROR)
    return None


async def _step(environment: NegotiationEnvironment, data: dict[str, Any]) -> str:
    """Return the reply to a turn, or to one of OpenEnv's tool actions."""
    if data.get("type") in KINDS:
        return _text("observation", serialize_observation(await environment.step_async(read_tool_action(data))))
    try:
        action = ReceivedAction.model_validate(data)
    except ValidationError as error:
        return _observation(await environment.misread(error))
    return _observation(await environment.take_turn(action))


def _data(message: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the data of a message; raise `ValidationError` like OpenEnv's model where its form is wrong."""
    data = message.get("data")
    if not isinstance(data, dict) or len(message) > 2:  # besides its type and its data
        model.model_validate(message)
    return data  # type: ignore[return-value]


# ---------------------------------------------------------------------- replies as text


def _observation(seen: Seen) -> str:
    """Return the reply to a reset or a step; it holds the metadata in both places where OpenEnv's clients look."""
    metadata = seen.fields["metadata"]
    beside = {"metadata": metadata} if metadata else {}
    return _text("observation", {"observation": seen.fields, "reward": seen.reward, "done": seen.done, **beside})


def _text(kind: str, data: Mapping[str, Any]) -> str:
    """Return a reply as text."""
    return orjson.dumps({"type": kind, "data": data}, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def error_reply(text: str, code: WSErrorCode, **further: Any) -> str:
    """Return an error as text."""
    reply: str = WSErrorResponse(data={"message": text, "code": code, **further}).model_dump_json()
    return reply
