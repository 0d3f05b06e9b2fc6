"""Text as lines of pieces, each with a style's name that says what it is, not how it looks.

`plain` drops the styles; the command line turns them into colours.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import NamedTuple

from parlay_marl.catalogue.scenarios import Scenario

WIDTH = 80
"""Columns of a transcript where nobody says how many there are."""

STYLES = (
    "title", "dim", "buyer", "seller", "words", "headline", "calm", "warm", "hot", "deal", "no_deal", "zopa", "nash",
)  # fmt: skip
"""What a piece of text can be, beside plain text."""

_BEFORE_NUMBER = re.compile(r" (?=[+-]?\d)")


class Piece(NamedTuple):
    """Some text of one style; the empty style is plain text."""

    text: str
    style: str = ""


Line = list[Piece]


def plain(lines: Iterable[Line]) -> str:
    """Return lines as text without styles."""
    return "\n".join("".join(piece.text for piece in parts).rstrip() for parts in lines)


def wrapped(text: str, style: str = "", *, indent: int = 0, width: int = WIDTH, first: str = "") -> list[Line]:
    """Return text broken into lines of a width, all indented, and no number torn off the word before it.

    `first` stands in the first line's indent.
    """
    kept = _BEFORE_NUMBER.sub("\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(kept, max(width - indent, 20), break_long_words=False, break_on_hyphens=False) or [""]
    return [
        [Piece((first if i == 0 else "").ljust(indent), "dim"), Piece(part.replace("\N{NO-BREAK SPACE}", " "), style)]
        for i, part in enumerate(lines)
    ]


def digits(scenario: Scenario) -> int:
    """Return the decimals of a scenario's prices: none where its range is wide."""
    return 0 if scenario.high - scenario.low >= 1000 else 2


def number(amount: float, scenario: Scenario) -> str:
    """Return an amount of currency as text without the currency's name."""
    return f"{round(amount, digits(scenario)) + 0.0:,.{digits(scenario)}f}"


def money(amount: float, scenario: Scenario) -> str:
    """Return an amount of currency as text, with as many digits as the scenario's range needs."""
    return f"{scenario.currency} {number(amount, scenario)}"


def price_text(x: float, scenario: Scenario) -> str:
    """Return a normalised price as text in currency."""
    return money(scenario.to_currency(x), scenario)
