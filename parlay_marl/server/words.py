"""Words at the table: they accompany moves and never bind, and no number is ever read out of them as an offer."""

from __future__ import annotations

import re

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.text import price_text
from parlay_marl.game.turns import Turn
from parlay_marl.printable import escaped

_DOUBT = re.compile(
    r"""
      \bbluffing\b | \b(a|your|this|that|another)\ bluff\b | \b(prove|substantiate)\ (it|that|this)\b
    | \bshow\ me\ (the\ )?(proof|evidence)\b
    | \b(do\ not|don't|dont|can't|cannot|can\ not|won't|hardly|never)\ (really\ |quite\ |for\ a\ moment\ )?
      (believe|buy|trust|accept\ that\ claim)\b
    | \b(i|we)\ (seriously\ |strongly\ |very\ much\ )?(doubt|question|dispute)\b | \bdoubt(ful)?\ (that|it|your)\b
    | \b(not|hardly|isn't|is\ not)\ (very\ |really\ |at\ all\ )?(credible|believable|plausible|your\ real\ limit)\b
    | \b(implausible|unbelievable|not\ true|isn't\ true|a\ lie|lying|you\ lie|nonsense)\b
    | \bskeptical\b | \bsceptical\b
    | \bis\ that\ really\ your\ (limit|walk-?away|bottom\ line|floor|ceiling|maximum|minimum|best\ alternative)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What calls a claim into question."""
_TRUST = re.compile(
    r"""
      \b(not|n't|never|no)\s+(\w+\s+){0,3}(bluff(ing|ed)?|lying|doubt|nonsense|a\ lie|sceptical|skeptical)\b
    | \b(i|we)\ (do\ |fully\ )?(believe|trust|accept)\ (you|that|your|it)\b
    | \b(no|without|beyond)\ (a\ |any\ )?doubt\b | \bnot\ a\ bluff\b
    | \b(i\ am|i'm|we\ are|we're)\ not\ bluffing\b | \bwithout\ bluffing\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What sounds like it, and says the contrary."""
_QUOTES = str.maketrans({"\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{MODIFIER LETTER APOSTROPHE}": "'"})

FAILED = "the server failed at this request, which is as if it had not been made"
"""What a client is told of an error that nobody expected."""
LONGEST_TOLD = 500
"""Characters of an error's text."""

_PLAIN = {
    Move.ACCEPT: "I accept {price}.",
    Move.WALK_AWAY: "There is no deal in this. I am leaving.",
    Move.OFFER: "I offer {price}.",
    Move.ANCHOR_HIGH: "{price}. That is where I start.",
    Move.BATNA_REVEAL: "{price} is my limit.",
    Move.SILENCE: "(says nothing)",
    Move.CHALLENGE: "I do not believe your claim.",
}
"""What is said for a player that has no words of its own."""


def is_sceptical(utterance: str) -> bool:
    """Whether words call a claim of the other into question."""
    text = " ".join(utterance.translate(_QUOTES).split())
    return bool(_DOUBT.search(text)) and not _TRUST.search(text)


def checked(utterance: str, longest: int) -> str:
    """Return words as they may be passed on, or refuse them."""
    if len(utterance) > longest:
        raise IllegalMoveError(f"utterance: {len(utterance):,} characters; give at most {longest:,}")
    return escaped(utterance)


def told(error: Exception) -> str:
    """Return what a client is told of an error: its text, which may hold what was sent, in a bearable length."""
    text = escaped(str(error))
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}..."


def spoken(turn: Turn, scenario: Scenario) -> str:
    """Return what is said with a turn: the persona's own words, or plain ones with the turn's price."""
    if turn.words:
        return turn.words
    price = "" if turn.price is None else price_text(turn.price, scenario)
    if turn.package is not None and scenario.terms:
        price += f", {scenario.package_label(turn.package)}"
    return _PLAIN[turn.move].format(price=price)
