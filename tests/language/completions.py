"""The form of chat completions: what the scripted endpoint checks of a request, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MODEL = "scripted"
CHARACTERS_OF_A_TOKEN = 4
TOKENS_OF_A_MESSAGE = 4
REFUSALS = {
    "tools": "this model does not support tools",
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
    "instead.",
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model.",
    "system": "System role not supported",
    "seed": "Unrecognized request argument supplied: seed",
}
"""What real endpoints say of a parameter that their model does not take."""


class RefusedError(Exception):
    """A request that is refused with a status of HTTP."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Written(NamedTuple):
    """What a model has written: text, and tool calls by name with arguments as JSON text."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()


def tokens_of(text: str) -> int:
    """Return the tokens of a text, as this endpoint counts them."""
    return len(text) // CHARACTERS_OF_A_TOKEN + 1


def check_request(
    body: Mapping[str, Any], headers: Mapping[str, str], key: str, refuses: Sequence[str], models: Sequence[str]
) -> None:
    """Refuse a request that a strict endpoint would refuse."""
    if key and headers.get("Authorization") != f"Bearer {key}":
        raise RefusedError(401, f"Incorrect API key provided: {headers.get('Authorization')}.")
    if body.get("model") not in models:
        raise RefusedError(404, f"The model `{body.get('model')}` does not exist")
    for name in refuses:
        if name in body or (name == "system" and body["messages"][0]["role"] == "system"):
            raise RefusedError(400, REFUSALS[name])
    known = {
        *("model", "messages", "tools", "tool_choice", "temperature", "seed", "n", "stream"),
        *("max_tokens", "max_completion_tokens", "parallel_tool_calls"),
    }
    if unknown := set(body) - known:
        raise RefusedError(400, f"Unrecognized request arguments supplied: {sorted(unknown)}")
    if body.get("stream"):
        raise RefusedError(400, "this endpoint does not stream")
    _check_messages(body["messages"])
    for tool in body.get("tools", ()):
        if tool["type"] != "function" or tool["function"]["parameters"]["type"] != "object":
            raise RefusedError(400, f"{tool!r} is no tool")


def _check_messages(messages: Sequence[Mapping[str, Any]]) -> None:
    """Refuse messages in an order that chat templates do not know, and tool calls without their results."""
    if not messages or messages[-1]["role"] not in ("user", "tool"):
        raise RefusedError(400, "the last message must be of the user or of a tool")
    open_calls: list[str] = []
    before = ""
    for place, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        if role == "system" and place:
            raise RefusedError(400, "a system message must be the first")
        if role == "tool":
            if message["tool_call_id"] not in open_calls:
                raise RefusedError(400, f"no tool call has the id {message['tool_call_id']!r}")
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise RefusedError(400, f"tool calls without a result: {open_calls}")
        elif role in ("user", "assistant") and role == before:
            raise RefusedError(400, "Conversation roles must alternate user/assistant/user/assistant/...")
        for call in message.get("tool_calls", ()) if role == "assistant" else ():
            if not isinstance(json.loads(call["function"]["arguments"]), dict):
                raise RefusedError(400, "the arguments of a tool call must be an object")
            open_calls.append(call["id"])
        if not isinstance(content, str) and not message.get("tool_calls"):
            raise RefusedError(400, f"message {place} has no content")
        if role == "assistant" and content == "":
            raise RefusedError(400, f"message {place} is empty")
        before = role
    if open_calls:
        raise RefusedError(400, f"tool calls without a result: {open_calls}")


def completion(body: Mapping[str, Any], written: Written, name: str) -> dict[str, Any]:
    """Return a completion of a name, cut where the request's limit of tokens cuts it, with the tokens used."""
    limit = body.get("max_tokens", body.get("max_completion_tokens", 10**9))
    text, calls, finish = written.text, written.calls, "tool_calls" if written.calls else "stop"
    used = tokens_of(text) + sum(tokens_of(tool + arguments) for tool, arguments in calls)
    if used > limit:
        text, calls, used, finish = text[: limit * CHARACTERS_OF_A_TOKEN - 1], (), limit, "length"
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if calls:
        message["tool_calls"] = [
            {"id": f"call_{name}_{i}", "type": "function", "function": {"name": tool, "arguments": arguments}}
            for i, (tool, arguments) in enumerate(calls)
        ]
    asked = sum(tokens_of(json.dumps(each)) + TOKENS_OF_A_MESSAGE for each in body["messages"])
    asked += tokens_of(json.dumps(body["tools"])) if "tools" in body else 0
    return {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": asked, "completion_tokens": used, "total_tokens": asked + used},
    }
