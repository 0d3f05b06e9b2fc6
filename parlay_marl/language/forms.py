"""The forms of a reply with their explanations: one JSON object, commands on separate lines, or tool calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import Move
from parlay_marl.game.action import MOVE_NAMES
from parlay_marl.game.view import SeatView
from parlay_marl.language.vocabulary import BY_MOVE, MOVES

FormName = Literal["commands", "json", "tools"]


@dataclass(frozen=True)
class Form:
    """One form of a reply: the names of its moves, and its explanation."""

    name: FormName
    amount: str
    """The placeholder of the price in the explanation of a move."""
    label: Callable[[Move], str]
    """The name of a move among those that a seat may make."""
    heading: Callable[[Move], str]
    """The name of a move with its arguments."""
    opening: Callable[[SeatView, str], str]
    """The sentences before the list of moves; their second argument is a price in the middle of the range."""
    terms: Callable[[Scenario], str]
    """How an offer names terms, where the scenario has some."""
    closing: str
    """The sentences after the list of moves."""
    belief: Callable[[SeatView, str], str]
    """How a belief is stated, in a game that takes it."""


def example_price(view: SeatView) -> str:
    """Return a price in the middle of the range, in full digits."""
    scenario = view.scenario
    return f"{view.in_units((scenario.low + scenario.high) / 2):.{scenario.decimals}f}"


def example_spread(view: SeatView) -> str:
    """Return a tenth of the range, in full digits."""
    scenario = view.scenario
    return f"{(scenario.high - scenario.low) / 10:.{scenario.decimals}f}"


# ------------------------------------------------------------------------------------------------------------- JSON


def _json_opening(_view: SeatView, price: str) -> str:
    return (
        'Answer with one JSON object, such as {"utterance": "Would this do?", "tactical_move": "OFFER", '
        f'"offer_amount": {price}}}. `utterance` is what you say: words never bind, and no figure is read out of them. '
        "`tactical_move` is one of the names that stand after `You may`:"
    )


def _json_terms(scenario: Scenario) -> str:
    named = json.dumps({term.name: term.options[0].name for term in scenario.terms}, ensure_ascii=False)
    return f'Name terms by "terms": {named}; those that you leave out stay as in your last offer.'


def _json_belief(view: SeatView, price: str) -> str:
    return (
        f'State what you believe of their limit by "belief": [{price}, {example_spread(view)}], its mean and its '
        "standard deviation, beside your move. It is told to nobody; your last one stands until you state another."
    )


JSON = Form(
    "json",
    amount="`offer_amount`",
    label=MOVE_NAMES.__getitem__,
    heading=MOVE_NAMES.__getitem__,
    opening=_json_opening,
    terms=_json_terms,
    closing="A price without `tactical_move` is an OFFER. Words alone are SILENCE and cost as much; where they doubt "
    "an open claim, they CHALLENGE it.",
    belief=_json_belief,
)


# --------------------------------------------------------------------------------------------------------- commands


def _command(move: Move) -> str:
    return f"/{BY_MOVE[move].command}"


def _command_heading(move: Move) -> str:
    price = {Move.ANCHOR_HIGH: " or /anchor PRICE"}.get(move, " PRICE" if BY_MOVE[move].has_price else "")
    return f"{_command(move)}{price}"


def _commands_opening(_view: SeatView, price: str) -> str:
    return (
        f"Answer with one command on a line of its own, such as `/offer {price}`. Your other lines are what you say to "
        "them: words never bind, and no figure is read out of them. The commands:"
    )


def _command_terms(scenario: Scenario) -> str:
    named = ", ".join(f"{term.name}={term.options[0].name}" for term in scenario.terms)
    return f"Terms stand behind the price, `{named}`; those that you leave out stay as in your last offer."


def _command_belief(view: SeatView, price: str) -> str:
    return (
        f"State what you believe of their limit by `/believe {price} {example_spread(view)}`, its mean and its "
        "standard deviation, on one more line. It is told to nobody; your last one stands until you state another."
    )


COMMANDS = Form(
    "commands",
    amount="PRICE",
    label=_command,
    heading=_command_heading,
    opening=_commands_opening,
    terms=_command_terms,
    closing="",
    belief=_command_belief,
)


# ------------------------------------------------------------------------------------------------------------ tools


def _tools_opening(_view: SeatView, _price: str) -> str:
    return (
        "Answer by calling one of your tools. What you say to them goes into `words`: words never bind, and no figure "
        "is read out of them. Text beside the call is not sent to them. The tools:"
    )


def _tools_terms(scenario: Scenario) -> str:
    named = json.dumps({term.name: term.options[0].name for term in scenario.terms}, ensure_ascii=False)
    return f"Name terms by `terms`: {named}; those that you leave out stay as in your last offer."


def _tools_belief(_view: SeatView, _price: str) -> str:
    return (
        "State what you believe of their limit by calling `state_belief` beside your move. It is told to nobody; your "
        "last one stands until you state another."
    )


TOOLS = Form(
    "tools",
    amount="`price`",
    label=lambda move: BY_MOVE[move].tool,
    heading=lambda move: BY_MOVE[move].tool,
    opening=_tools_opening,
    terms=_tools_terms,
    closing="",
    belief=_tools_belief,
)
FORMS: dict[FormName, Form] = {form.name: form for form in (COMMANDS, JSON, TOOLS)}
MOVE_ORDER = tuple(each.move for each in MOVES)
