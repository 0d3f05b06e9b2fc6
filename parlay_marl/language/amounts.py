"""Amounts in a reply: digits of any script, and separators that the scenario's range makes unambiguous."""

from __future__ import annotations

import unicodedata
from typing import Any

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.errors import UnclearTextError
from parlay_marl.game.grammar import read_amount, read_price

_MARKS = str.maketrans({
    "\N{ARABIC DECIMAL SEPARATOR}": ".", "\N{ARABIC THOUSANDS SEPARATOR}": ",",
    "\N{FULLWIDTH COMMA}": ",", "\N{FULLWIDTH FULL STOP}": ".", "\N{FULLWIDTH SOLIDUS}": "/", "\N{MINUS SIGN}": "-",
    "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " ", "\N{FIGURE SPACE}": " ",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{FULLWIDTH EQUALS SIGN}": "=", "\N{IDEOGRAPHIC SPACE}": " ",
})  # fmt: skip

_FAR = 1e300
"""Largest number of digits: a longer integer is beyond every amount, and cannot be converted."""


def plain_digits(text: str) -> str:
    """Return a text with digits and separators of any script in ASCII, of the same length."""
    return text if text.isascii() else "".join(map(_digit, text.translate(_MARKS)))


def _digit(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def price_of(given: Any, scenario: Scenario, *, anywhere: bool = False) -> float:
    """Return a price in currency from a number or from text; without `anywhere`, it must lie in the public range."""
    if isinstance(given, str):
        text = plain_digits(given)
        return read_amount(text, scenario) if anywhere else read_price(text, scenario)
    if isinstance(given, bool) or not isinstance(given, int | float) or not -_FAR <= given <= _FAR:
        raise UnclearTextError(f"{_shown(given)} is no price; give an amount of {scenario.currency} as a number.")
    return float(given)


def spread_of(given: Any, scenario: Scenario) -> float:
    """Return the spread of a belief in currency, an amount of at least 0."""
    amount = price_of(given, scenario, anywhere=True)
    if amount < 0.0:
        raise UnclearTextError(f"The spread of a belief is an amount from 0 up, not {amount:,.15g}.")
    return amount


def _shown(given: Any) -> str:
    """Return a value in the form that errors show."""
    text = repr(given)
    return text if len(text) <= 40 else f"{text[:40]}..."
