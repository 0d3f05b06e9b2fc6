r"""The other seat's words as data in a prompt: on one line, in quotes, without control tokens of a model's software.

Words of the other seat are untrusted text. They are a JSON string, so that they cannot begin a new line. Angle and
square brackets are escaped, as `\u003c`: special tokens of chat templates and tags of tool calls contain them, and
tokenizers find these anywhere in a text.
"""

from __future__ import annotations

import json
import re
import unicodedata

LONGEST_WORDS = 500
"""Default length of the other's words in a prompt, in characters."""
CUT = " (cut)"
_BRACKETS = frozenset("<>[]")
_BRACKET = re.compile(r"[<>\[\]]")
_as_json = json.encoder.encode_basestring
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of invisible characters."""


def quoted(words: str, longest: int = LONGEST_WORDS) -> str:
    """Return words as a JSON string of one line, cut after `longest` characters.

    A mark follows where words were cut.
    """
    whole = _as_json(words[:longest])
    is_plain = whole.isascii() and whole.isprintable() and _BRACKET.search(whole) is None
    text = whole if is_plain else "".join(map(_written, whole))
    return text if len(words) <= longest else text + CUT


def _written(character: str) -> str:
    """Return the character, or its escape where it is a bracket, normalises to one, or is invisible."""
    if character.isascii() and character not in _BRACKETS and character != "\x7f":
        return character
    is_safe = unicodedata.category(character) not in _HIDDEN
    if is_safe and not _BRACKETS.intersection(unicodedata.normalize("NFKC", character)):
        return character
    return json.dumps(character)[1:-1] if not character.isascii() else f"\\u{ord(character):04x}"
