"""The messages of the first protocol, parsed as the first server parsed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from parlay_marl.core.moves import Move
from parlay_marl.errors import RequestError
from parlay_marl.game.position import LARGEST_SEED
from parlay_marl.printable import escaped

MOVES = {move.name.lower(): move for move in (Move.ANCHOR_HIGH, Move.BATNA_REVEAL, Move.SILENCE, Move.CHALLENGE)}
FIRST_MOVES = ("anchor_high", "batna_reveal", "silence")
"""Moves of the first server, by their names there."""
LONGEST_ECHO = 80
DEFAULT_SCENARIO, DEFAULT_PERSONA = "saas_enterprise", "shark"
OPENING = "The table is yours: make the first move."
FALLBACK = {
    "step_count": 0, "episode_done": False, "current_offer": 0.0, "opponent_offer": 0.0, "zopa_lower": 0.0,
    "zopa_upper": 0.0, "nash_point": 0.0, "tension_score": 0.0,
    "belief_state": {
        "est_budget": 0.0, "est_walk_away": 0.0, "est_urgency": 0.5, "est_has_alternative": False, "confidence": 0.1,
    },
    "last_utterance": "[the server failed; nothing was played]", "available_moves": list(FIRST_MOVES),
    "credibility_points": 100, "reward": 0.0, "cumulative_reward": 0.0, "drift_event": None, "zopa_erosion_ticks": 0,
    "zopa_width_pct_remaining": 0.0,
}  # fmt: skip
"""The observation of a failure, as the first server sent it; its keys `_fallback` and `reason` mark it."""


def _tactic(name: Any) -> Move | None:
    """Return the tactical move of a name, in any case, or None."""
    if name is not None and (not isinstance(name, str) or name.lower() not in MOVES):
        raise PydanticCustomError("tactical_move", f"give one of {', '.join(MOVES)}")
    return None if name is None else MOVES[name.lower()]


class FirstAction(BaseModel):
    """The action of the first protocol, with the fields that its game lacked.

    Unknown keys are ignored, as on the first server.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    utterance: str
    offer_amount: float | None = None
    tactical_move: Annotated[Move | None, BeforeValidator(_tactic)] = None
    accept: bool = False
    walk_away: bool = False
    terms: Annotated[dict[str, str], Field(max_length=8)] | None = None

    @classmethod
    def read(cls, data: Any) -> FirstAction:
        """Return the action of a message; raise an error that says what is wrong without repeating it."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            found = (f"{'.'.join(map(str, each['loc'])) or 'action'}: {each['msg']}" for each in error.errors())
            raise RequestError(f"Invalid action: {'; '.join(found)}") from None


def envelope(message: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the command and the parameters of a message in either of its two forms."""
    if not isinstance(message, dict):
        raise RequestError("Invalid JSON: give an object")
    if "method" in message:
        params = message.get("params", {})
        if not isinstance(params, dict):
            raise RequestError("Invalid params: give an object")
        return str(message["method"]), params
    return str(message.get("cmd", "")), {name: value for name, value in message.items() if name != "cmd"}


def seed_of(params: Mapping[str, Any]) -> int | None:
    """Return the seed of a reset, converted by `int` as on the first server; a seed above our range wraps.

    None where the reset has none. The first server then used 42, a game that anybody could begin in the other seat to
    see the figures there.
    """
    if "seed" not in params:
        return None
    given = params["seed"]
    try:
        seed = int(given)
    except (TypeError, ValueError, OverflowError):
        seed = -1
    if seed < 0:
        raise RequestError("Invalid seed: give a whole number, 0 or more")
    return seed % (LARGEST_SEED + 1)


def history_from(params: Mapping[str, Any]) -> int | None:
    """Return the step from which the histories of a state are requested; None for the latest."""
    start = params.get("history_from")
    if start is not None and (isinstance(start, bool) or not isinstance(start, int) or start < 0):
        raise RequestError("Invalid history_from: give a whole number from 0, or leave it out")
    return start


def echo(value: Any) -> str:
    """Return a name from a client, shortened and without control characters."""
    return escaped(str(value)[:LONGEST_ECHO])
