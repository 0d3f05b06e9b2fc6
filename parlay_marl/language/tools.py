"""The moves as tools of a language model: their schemas, and the calls of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import Move
from parlay_marl.language.vocabulary import BELIEF_TOOL, MOVES

TOOL_NAMES = (*(each.tool for each in MOVES), BELIEF_TOOL)
_DOES = {
    Move.OFFER: "Offer a price. It stands until your next offer, and they may accept it.",
    Move.ACCEPT: "Take their offer exactly as it stands. This ends the talks with a deal.",
    Move.ANCHOR_HIGH: "Make an extreme offer: at your own end of the range, unless you give a price.",
    Move.BATNA_REVEAL: "Claim that a price is your limit. It is also a binding offer at that price.",
    Move.SILENCE: "Offer nothing; standing offers stay as they are.",
    Move.CHALLENGE: "Call their open claim a bluff.",
    Move.WALK_AWAY: "End the talks without a deal.",
}
_BELIEF_DOES = "State what you believe of their limit. This is no move: make a move as well, in the same reply."


class Call(NamedTuple):
    """A tool call of a model: the tool's name, and its arguments as a mapping or as JSON text."""

    name: str
    arguments: Mapping[str, Any] | str = {}


def tool_schemas(scenario: Scenario | None = None, *, states_belief: bool = True) -> list[dict[str, Any]]:
    """Return the tools in the form of OpenAI's chat completions.

    With a scenario, prices name its currency, and offers have its terms with their options. `state_belief` is among
    them where the game takes stated beliefs.
    """
    schemas = [_schema(each.tool, _DOES[each.move], *_parameters(each.move, scenario)) for each in MOVES]
    if states_belief:
        figures = {
            "mean": {"type": "number", "description": f"the limit that you expect{_in_currency(scenario)}"},
            "spread": {"type": "number", "description": "the standard deviation of your expectation, an amount"},
        }
        schemas.append(_schema(BELIEF_TOOL, _BELIEF_DOES, figures, ["mean", "spread"]))
    return schemas


def _schema(name: str, does: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": does, "parameters": parameters}}


def _parameters(move: Move, scenario: Scenario | None) -> tuple[dict[str, Any], list[str]]:
    """Return the parameters of a move's tool, and those of them that are required."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    if move in (Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL):
        properties["price"] = {"type": "number", "description": f"the price{_in_currency(scenario)}"}
        required = [] if move is Move.ANCHOR_HIGH else ["price"]
        if scenario is None or scenario.terms:
            properties["terms"] = _terms(scenario)
    properties["words"] = {"type": "string", "description": "what you say to them with it; words never bind"}
    return properties, required


def _in_currency(scenario: Scenario | None) -> str:
    return ", in currency" if scenario is None else f", in {scenario.currency}"


def _terms(scenario: Scenario | None) -> dict[str, Any]:
    """Return the schema of terms: options by the names of their terms."""
    meaning = "options of terms by name; those that you leave out stay as in your last offer"
    if scenario is None:
        return {"type": "object", "additionalProperties": {"type": "string"}, "description": meaning}
    options = {
        term.name: {"type": "string", "enum": [option.name for option in term.options]} for term in scenario.terms
    }
    return {"type": "object", "properties": options, "additionalProperties": False, "description": meaning}
