"""Single games as transcripts, turn by turn, in compact form: every text is stored once, under a number."""

from __future__ import annotations

from typing import Any

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import Move
from parlay_marl.game import transcript
from parlay_marl.game.record import RecordedGame
from parlay_marl.game.text import plain, price_text
from parlay_marl.game.turns import Turn

MOST_TURNS, HEAD, TAIL = 60, 40, 16
"""Most turns of a transcript; of a longer game it has the first and the last ones."""
VERDICT_WIDTH = 10_000
"""Width in characters, so large that no line is wrapped."""


class Strings:
    """Texts, each stored once under a number; number 0 is the empty text."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {"": 0}

    def place(self, text: str) -> int:
        """Return the number of a text."""
        return self._places.setdefault(text, len(self._places))

    def all(self) -> list[str]:
        """Return the texts in the order of their numbers."""
        return list(self._places)


def transcript_of(game: RecordedGame, strings: Strings) -> dict[str, Any]:
    """Return a finished game turn by turn.

    `turns` are `[action, price, terms, tension, words, result, headlines, eroded]`, texts by number and zeros at the
    end left out; `skipped` holds the number of turns before a gap, and the number of turns in it. Prices are in
    currency; that of an offer is its change from the seat's last offer.
    """
    turns, outcome = game.turns, game.outcome()
    skipped = None
    if len(turns) > MOST_TURNS:
        skipped = [HEAD, len(turns) - HEAD - TAIL]
        turns = turns[:HEAD] + turns[-TAIL:]
    lines = transcript.verdict(outcome, game.scenario, VERDICT_WIDTH)
    if any(outcome.claims_made):
        lines += transcript.ledger_lines(game, outcome, VERDICT_WIDTH)
    last = [0.0, 0.0]
    return {
        "number": game.number,
        "opener": int(game.row["opener"]),
        "turns": [_turn_row(turn, game.scenario, strings, last) for turn in turns],
        "end": [strings.place(line) for line in plain(lines).split("\n")],
        **({"skipped": skipped} if skipped else {}),
    }


def _turn_row(turn: Turn, scenario: Scenario, strings: Strings, last: list[float]) -> list[Any]:
    """Return a turn as numbers; its words have placeholders for price and terms, so that equal texts are stored once.

    `last` holds the last offers of both seats, 0 before the first; it is updated.
    """
    words, terms, price = turn.words, "", None
    if turn.price is not None:
        price = scenario.to_currency(turn.price)
        if turn.move is not Move.ACCEPT:
            price, last[turn.seat] = round(price - last[turn.seat], scenario.exact_decimals), price
        price = int(price) if price.is_integer() else price
        words = words.replace(price_text(turn.price, scenario), "{price}")
    if turn.package is not None and scenario.terms:
        label = scenario.package_label(turn.package)
        words = words.replace(label, "{terms}")
        terms = label if turn.changes_terms else ""
    texts = [strings.place(text) for text in (words, turn.result, "\n".join(turn.headlines))]
    row = [
        strings.place(transcript.move_text(turn, scenario)),
        price,
        strings.place(terms),
        round(turn.tension),
        *texts,
    ]
    row.append(int(turn.eroded))
    while row[-1] == 0:
        row.pop()
    return row
