"""Language models by name: `chat:MODEL`, with settings behind it as in `chat:MODEL?temperature=0&tools=never`."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any

from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.language.chat_player import ChatPlayer

PREFIX = "chat:"
SETTINGS: dict[str, Callable[[str], Any]] = {
    "base_url": str,
    "tools": str,
    "temperature": float,
    "seed": int,
    "max_tokens": int,
    "timeout": float,
    "retries": int,
    "history": str,
    "unreadable": str,
}
"""The arguments of `ChatPlayer` that a name may set; an API key is not among them."""


def chat_player(name: str) -> ChatPlayer:
    """Return the player of a name; raise `ConfigurationError` where a part of it cannot be used."""
    return ChatPlayer(**chat_settings(name))


def chat_settings(name: str) -> dict[str, Any]:
    """Return the arguments of `ChatPlayer` in a name: the model, and the settings after it."""
    model, _, query = name.removeprefix(PREFIX).partition("?")
    settings: dict[str, Any] = {"model": model}
    for part in query.split("&") if query else ():
        key, _, value = (urllib.parse.unquote(each) for each in part.partition("="))
        if key not in SETTINGS:
            raise UnknownNameError(f"setting of {PREFIX}{model}", key, SETTINGS)
        try:
            settings[key] = SETTINGS[key](value)
        except ValueError:
            raise ConfigurationError(f"{PREFIX}{model}: {key}: {value!r} is no number") from None
    return settings


def home_of(name: str) -> str:
    """Return the module that plays a name."""
    return ChatPlayer.__module__
