r"""The other seat's words as data in a prompt: on one line, in quotes, with nothing that a model's software obeys.

Words of the other seat are untrusted text. They stand as a JSON string, so that they can begin no line of their own.
Angle and square brackets are written as `\u003c`: tokens of chat templates and tags of tool calls are made of them, and
tokenizers find these anywhere in a text.
"""

from __future__ import annotations

import json
import unicodedata

LONGEST_WORDS = 500
"""Characters of the other's words that a prompt repeats, unless it is said otherwise."""
CUT = " (cut)"
_BRACKETS = frozenset("<>[]")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that have no look of their own."""


def quoted(words: str, longest: int = LONGEST_WORDS) -> str:
    """Return words as a JSON string of one line, cut after so many characters; what is cut is marked behind it."""
    whole = json.dumps(words[:longest], ensure_ascii=False)
    is_plain = whole.isascii() and whole.isprintable() and not _BRACKETS.intersection(whole)
    text = whole if is_plain else "".join(map(_written, whole))
    return text if len(words) <= longest else text + CUT


def _written(character: str) -> str:
    """Return a character, or its escape where it is a bracket, turns into one, or cannot be seen."""
    if character.isascii() and character not in _BRACKETS and character != "\x7f":
        return character
    is_safe = unicodedata.category(character) not in _HIDDEN
    if is_safe and not _BRACKETS.intersection(unicodedata.normalize("NFKC", character)):
        return character
    return json.dumps(character)[1:-1] if not character.isascii() else f"\\u{ord(character):04x}"
