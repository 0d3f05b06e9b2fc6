"""The moves as tools: their list in the forms of OpenEnv and MCP, and the results of tool calls."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from parlay_marl.errors import RequestError
from parlay_marl.game.view import SeatView
from parlay_marl.language.tools import TOOL_NAMES, Call, tool_schemas
from parlay_marl.server.openenv_parts import (
    CallToolAction,
    CallToolObservation,
    ListToolsAction,
    ListToolsObservation,
    Tool,
    ToolError,
    ToolErrorType,
)
from parlay_marl.server.protocols.openenv_seen import Seen

ToolAction = CallToolAction | ListToolsAction
KINDS: Mapping[Any, type[BaseModel]] = {"call_tool": CallToolAction, "list_tools": ListToolsAction}
"""OpenEnv's tool actions, by their `type`."""
NO_TOOL = f"there is no such tool; there are {', '.join(TOOL_NAMES)}"


class Called(NamedTuple):
    """The result of a tool call: what the client sees, or why nothing was played."""

    seen: Seen | None = None
    error: str | None = None


def tool_action(action: Any) -> Any:
    """Return an action as a tool action, or None where it is another action.

    OpenEnv's server parses every action as the environment's own, so that `type` is one of its unknown keys.
    """
    if isinstance(action, (CallToolAction, ListToolsAction)):
        return action
    further = action.model_extra
    return read_tool_action(further) if further and further.get("type") in KINDS else None


def read_tool_action(data: Mapping[str, Any]) -> Any:
    """Return the tool action in a message; raise an error that says what is wrong with it."""
    try:
        return KINDS[data["type"]].model_validate(data)
    except ValidationError as error:
        found = "; ".join(
            f"{each['loc'][0] if each['loc'] else 'action'}: {each['msg']}" for each in error.errors()[:5]
        )
        raise RequestError(f"{data['type']}: {found}") from None


def call_of(name: Any, arguments: Any) -> Call:
    """Return the call of a tool; refuse an unknown tool."""
    if name not in TOOL_NAMES:
        raise RequestError(f"name: {NO_TOOL}")
    if not isinstance(arguments, Mapping):
        raise RequestError('arguments: give an object, such as {"price": 140000}')
    return Call(name, arguments)


def tools_of(view: SeatView | None) -> list[dict[str, Any]]:
    """Return the tools in MCP's form: those of a game, or of any game where there is no view."""
    if view is None:
        return list(_general_tools())
    return [_as_mcp(each) for each in tool_schemas(view.scenario, states_belief=view.states_belief)]


@functools.cache
def _general_tools() -> tuple[dict[str, Any], ...]:
    return tuple(map(_as_mcp, tool_schemas()))


def _as_mcp(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool of chat completions as MCP describes it."""
    function = schema["function"]
    return {
        "name": function["name"],
        "description": function["description"],
        "inputSchema": function["parameters"],
    }


def listed(tools: list[dict[str, Any]]) -> Any:
    """Return tools as OpenEnv's observation."""
    found = [
        Tool(name=tool["name"], description=tool["description"], input_schema=tool["inputSchema"]) for tool in tools
    ]
    return ListToolsObservation(tools=found)


def result_of(called: Called) -> dict[str, Any]:
    """Return the result of a call in MCP's form, with the field `data`, which OpenEnv's client returns."""
    if called.seen is None:
        text, told = called.error or "", {"text": called.error or "", "reward": 0.0, "done": False}
        return {"content": [{"type": "text", "text": text}], "data": told, "isError": True}
    seen = called.seen
    text = seen.fields["text"] or json.dumps(seen.fields, ensure_ascii=False)
    told = {"text": text, "reward": seen.reward, "done": seen.done}
    whole = {"observation": seen.fields, "reward": seen.reward, "done": seen.done}
    return {"content": [{"type": "text", "text": text}], "structuredContent": whole, "data": told, "isError": False}


def observed(name: str, called: Called) -> Any:
    """Return a call as OpenEnv's observation."""
    if called.seen is None:
        kind = ToolErrorType.TOOL_NOT_FOUND if name not in TOOL_NAMES else ToolErrorType.EXECUTION_ERROR
        told = ToolError(error_type=kind, message=called.error or "")
        return CallToolObservation(tool_name=name[:40], error=told, reward=0.0, done=False)
    seen = called.seen
    return CallToolObservation(
        tool_name=name,
        result=result_of(called),
        reward=seen.reward,
        done=seen.done,
        metadata=seen.fields["metadata"],
    )
