"""What must hold of every reply."""

from __future__ import annotations

import random
import re
from typing import Any

LONGEST_REFUSAL = 2_000
"""Characters of a refusal: what it repeats must be short."""
GAVE_AWAY = re.compile(
    r"Traceback|\bFile \\?\"|site-packages|\w+\.py\b|<class |object at 0x|\b[A-Z]\w+(Error|Exception)\b"
    r"|/tmp/|/root/|/home/|/usr/"
)
"""What shows the inside of the server."""
REPEATED = '"input":'
"""Where pydantic's errors repeat what was sent."""
FAILED = "failed at this request"
"""What the server says where something happened that nobody expected."""
SHAPES = {
    "/ws": {
        "observation": {"observation", "reward", "done", "metadata"},
        "state": None,
        "mcp": None,
        "error": {"message", "code", "errors", "active_sessions", "max_sessions"},
    },
    "/env/ws": ({"error"}, {"session_id", "observation", "done"}, {"observation", "done"}, {"state"}),
}


STAY_OPEN = (
    *(
        f'parlay_{what}_open{{protocol="{protocol}"}}'
        for what in ("sessions", "connections")
        for protocol in ("openenv", "first")
    ),
)
"""Figures that are 0 when everybody has left; shared sessions stay, and so do games that nobody has joined."""
RESETS = {
    "/ws": '{"type": "reset", "data": {"scenario": "planted", "opponent": "hardliner", "seed": SEED, "role": "ROLE"}}',
    "/env/ws": '{"cmd": "reset", "scenario_id": "planted", "persona": "hardliner", "seed": SEED, "role": "ROLE"}',
}
AGAINST_THE_RULES = (
    '{"type": "step", "data": {}}',
    '{"type": "step", "data": {"offer_amount": 1}}',
    '{"type": "step", "data": {"wait": true}}',
    '{"type": "step", "data": {"accept": true, "walk_away": true}}',
    '{"type": "step", "data": {"offer_amount": "2e9"}}',
    '{"type": "step", "data": {"tactical_move": "SILENCE", "offer_amount": 2e9}}',
    '{"type": "step"}',
    "{",
    "[]",
    '{"type": "stop"}',
    '{"type": "reset", "data": {"join_code": "CODE"}}',
    '{"type": "reset", "data": {"scenario": "none"}}',
    '{"type": "step", "data": {"offer_amount": 2e9, "terms": {"delivery": "never"}}}',
    '{"type": "state", "data": {}}',
)


def a_move(draw: random.Random, seat: int) -> dict[str, Any]:
    """Return a legal move that ends no game: an offer far from any limit, a claim or words."""
    how = draw.randrange(6)
    if how == 0:
        return {"utterance": "Hm."}
    price = draw.uniform(1.0e9, 1.9e9) if seat == 0 else draw.uniform(9.0e9, 9.8e9)
    move: dict[str, Any] = {"utterance": "Here.", "offer_amount": round(price, 2)}
    if how == 1:
        move["terms"] = {"delivery": draw.choice(("now", "later"))}
    return move


def has_shape(path: str, data: Any) -> bool:
    """Whether a reply is one of those that the protocols know."""
    if not isinstance(data, dict):
        return False
    if path == "/env/ws":
        return any(data.keys() == keys for keys in SHAPES[path]) and isinstance(data.get("error", ""), str)
    known: Any = SHAPES["/ws"]
    if data.keys() != {"type", "data"} or data["type"] not in known or not isinstance(data["data"], dict):
        return False
    keys = known[data["type"]]
    return keys is None or data["data"].keys() <= keys


def is_refusal(data: Any) -> bool:
    """Whether a reply says no."""
    return isinstance(data, dict) and (
        "error" in data or data.get("type") == "error" or "error" in str(data.get("data"))[:12]
    )
