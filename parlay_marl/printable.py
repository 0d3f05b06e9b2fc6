r"""Text of any source in a form that is safe for a terminal or a log: control characters as escapes, like `\x1b`."""

from __future__ import annotations

import unicodedata

_KEPT = {"\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}"}
"""Formatting characters that some scripts and emoji need."""
_ESCAPED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def escaped(text: str, keep: str = "") -> str:
    r"""Return text with control and formatting characters as escapes, such as `\x1b`, which have no effect."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each in keep else _escape(each) for each in text)


def _escape(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in _ESCAPED:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def encodable(text: str, encoding: str | None) -> str:
    """Return text with a question mark for each character that an encoding lacks."""
    name = encoding or "utf-8"
    return text.encode(name, "replace").decode(name)
