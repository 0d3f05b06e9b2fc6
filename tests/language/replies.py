"""One turn in every form of a reply, and turns drawn by chance."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from parlay_marl.core.moves import Move
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.language.reply import Reply
from parlay_marl.language.tools import Call
from parlay_marl.language.vocabulary import BELIEF_COMMAND, BELIEF_TOOL, BY_MOVE

WORDS = "Would this do?"


class Meant(NamedTuple):
    """A turn in currency and by name."""

    move: Move
    price: float | None = None
    terms: dict[str, str] | None = None
    belief: tuple[float, float] | None = None

    def action(self, view: SeatView) -> Action:
        """Return the turn as the environment's action."""
        width = view.scenario.high - view.scenario.low
        belief = None
        if self.belief is not None:
            belief = ((self.belief[0] - view.scenario.low) / width, self.belief[1] / width)
        if self.price is None:
            made = view.anchor() if self.move is Move.ANCHOR_HIGH else Action(self.move)
        else:
            make = {Move.OFFER: view.make_offer, Move.ANCHOR_HIGH: view.anchor, Move.BATNA_REVEAL: view.make_claim}
            made = make[self.move](self.price, self.terms)
        return made._replace(belief=belief)

    def commands(self) -> str:
        """Return the turn as text with commands."""
        terms = ", ".join(f"{term}={option}" for term, option in (self.terms or {}).items())
        price = "" if self.price is None else f"{self.price:f}"
        lines = [WORDS, " ".join(part for part in (f"/{BY_MOVE[self.move].command}", price, terms) if part)]
        if self.belief is not None:
            lines.append(f"/{BELIEF_COMMAND} {self.belief[0]:f} {self.belief[1]:f}")
        return "\n".join(lines)

    def json(self) -> str:
        """Return the turn as one JSON object."""
        parts: dict[str, Any] = {"move": BY_MOVE[self.move].tool, "price": self.price, "terms": self.terms}
        parts |= {"words": WORDS, "belief": self.belief}
        return json.dumps({name: part for name, part in parts.items() if part is not None}, ensure_ascii=False)

    def calls(self) -> Reply:
        """Return the turn as tool calls."""
        parts: dict[str, Any] = {"price": self.price, "terms": self.terms, "words": WORDS}
        given = {name: part for name, part in parts.items() if part is not None}
        calls = [Call(BY_MOVE[self.move].tool, json.dumps(given, ensure_ascii=False))]
        if self.belief is not None:
            calls.insert(0, Call(BELIEF_TOOL, {"mean": self.belief[0], "spread": self.belief[1]}))
        return Reply("", tuple(calls))


def drawn(view: SeatView, rng: np.random.Generator) -> Meant:
    """Return a turn that is legal, drawn by chance: a game goes on for some turns, and ends in every way."""
    scenario = view.scenario
    often = [move for move in view.legal_moves if move is not Move.WALK_AWAY or rng.random() < 0.2]
    move = often[rng.integers(len(often))]
    belief = None
    if view.states_belief and rng.random() < 0.7:
        width = scenario.high - scenario.low
        belief = (round(scenario.low + rng.random() * width, 2), round(0.3 * rng.random() * width, 2))
    if move in (Move.OFFER, Move.BATNA_REVEAL) or (move is Move.ANCHOR_HIGH and rng.random() < 0.5):
        price = round(scenario.low + rng.random() * (scenario.high - scenario.low), 2)
        price = min(max(price, scenario.low), scenario.high)
        terms = {term.name: term.options[rng.integers(len(term.options))].name for term in scenario.terms}
        return Meant(move, price, terms or None, belief)
    return Meant(move, belief=belief)
