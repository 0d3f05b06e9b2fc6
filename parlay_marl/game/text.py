"""Text as lines of pieces; the style of a piece names its meaning, not its look.

`plain` drops the styles; the command line turns them into colours.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import NamedTuple

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.printable import escaped

WIDTH = 80
"""Default width of a transcript, in columns."""

STYLES = (
    "title", "dim", "buyer", "seller", "words", "headline", "calm", "warm", "hot", "deal", "no_deal", "zopa", "nash",
)  # fmt: skip
"""The styles besides plain text."""

_BEFORE_NUMBER = re.compile(r" (?=[+-]?\d)")


class Piece(NamedTuple):
    """Some text of one style; the empty style is plain text."""

    text: str
    style: str = ""


Line = list[Piece]


def plain(lines: Iterable[Line]) -> str:
    """Return lines as text without styles and without control characters that a terminal would obey."""
    return "\n".join(escaped("".join(piece.text for piece in parts).rstrip()) for parts in lines)


def wrapped(text: str, style: str = "", *, indent: int = 0, width: int = WIDTH, first: str = "") -> list[Line]:
    """Return text broken into indented lines of a width; a number stays with the word before it.

    `first` stands in the first line's indent.
    """
    room = max(width - indent, 20)
    if len(text) <= room and text.isprintable() and text == text.strip():
        lines = [text]  # as below, in a tenth of the time
    else:
        kept = _BEFORE_NUMBER.sub("\N{NO-BREAK SPACE}", text)
        lines = textwrap.wrap(kept, room, break_long_words=False, break_on_hyphens=False) or [""]
    return [
        [Piece((first if i == 0 else "").ljust(indent), "dim"), Piece(part.replace("\N{NO-BREAK SPACE}", " "), style)]
        for i, part in enumerate(lines)
    ]


def number(amount: float, scenario: Scenario) -> str:
    """Return a figure in currency, such as a worth or an estimate, as text: rounded to the decimals of prices."""
    decimals = scenario.decimals
    return f"{round(amount, decimals) + 0.0:,.{decimals}f}"


def money(amount: float, scenario: Scenario) -> str:
    """Return a figure in currency as text, with the currency's name."""
    return f"{scenario.currency} {number(amount, scenario)}"


def exact_money(amount: float, scenario: Scenario) -> str:
    """Return the exact price of an offer, a claim or a deal as text, so that typing it gives the same price.

    A price between two units, which a program may offer, has more decimals than others.
    """
    if round(amount, scenario.decimals) == amount:
        return money(amount, scenario)
    return f"{scenario.currency} {f'{amount:,.{scenario.exact_decimals}f}'.rstrip('0')}"


def price_text(x: float, scenario: Scenario) -> str:
    """Return the exact currency price of an offer, a claim or a deal as text, from a normalised price."""
    return exact_money(scenario.to_currency(x), scenario)
