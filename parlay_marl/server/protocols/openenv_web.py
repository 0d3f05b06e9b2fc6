"""What OpenEnv's web interface shows of an observation: the text for a model, and a button for each simple move."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

LABELS = {
    "ACCEPT": "Accept their offer",
    "ANCHOR_HIGH": "Anchor at your end of the range",
    "SILENCE": "Say nothing",
    "CHALLENGE": "Call their claim a bluff",
    "WALK_AWAY": "Walk away",
}
"""Moves that need no price, in the order of their buttons."""


def drawing(observation: Mapping[str, Any]) -> str | None:
    """Return the text of an observation as escaped HTML."""
    text = observation.get("text")
    return f'<pre style="white-space: pre-wrap; max-width: 34em">{html.escape(str(text))}</pre>' if text else None


def buttons(observation: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the legal moves that need no price, as labels and actions."""
    legal = observation.get("legal_moves") or []
    return [(label, {"tactical_move": move}) for move, label in LABELS.items() if move in legal]
