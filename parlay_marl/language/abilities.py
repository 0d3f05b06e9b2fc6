"""What a model at an endpoint supports, learned from its refusals: tools, system messages, token limits."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

_TOOLS, _SYSTEM = re.compile(r"tool|function", re.IGNORECASE), re.compile(r"\bsystem\b", re.IGNORECASE)
_TOO_LONG = re.compile(r"context|\btokens\b", re.IGNORECASE)
"""A refusal of a conversation that is too long: it may mention messages and functions, but says nothing of support."""
OLD_LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"


class Abilities:
    """The known abilities of one model. At first all are assumed; what the model refuses is not sent again."""

    def __init__(self) -> None:
        self.takes_tools, self.takes_system = True, True
        self._limit = OLD_LIMIT

    def learn(self, reason: str, request: Mapping[str, Any], *, needs_tools: bool) -> bool:
        """Return whether a refusal shows how to change a request, and remember the change.

        With `needs_tools` a model that refuses tools is useless, so that this is not remembered.
        """
        if OLD_LIMIT in request and NEW_LIMIT in reason:
            self._limit = NEW_LIMIT
        elif _TOO_LONG.search(reason):
            return False
        elif "tools" in request and not needs_tools and _TOOLS.search(reason):
            self.takes_tools = False
        elif request["messages"][0]["role"] == "system" and _SYSTEM.search(reason):
            self.takes_system = False
        else:
            return False
        return True

    def shaped(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request in the form that the model takes."""
        body = dict(request)
        body[self._limit] = body.pop(OLD_LIMIT)
        system, first, *rest = body["messages"]
        if not self.takes_system:
            both = {"role": "user", "content": f"{system['content']}\n\n{first['content']}"}
            body["messages"] = [both, *rest]
        return body


@functools.lru_cache(maxsize=1_024)
def abilities_of(url: str, model: str) -> Abilities:
    """Return the known abilities of a model: the same object for all of its players in this process."""
    return Abilities()
