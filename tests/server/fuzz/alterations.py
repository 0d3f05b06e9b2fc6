"""Alterations of messages, character by character and value by value."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator

from tests.server.fuzz.messages import KEYS, NASTY_NUMBERS, NASTY_TEXTS, altered, places


def variants(text: str, draw: random.Random, number: int) -> Iterator[str | bytes]:
    """Yield a message and what becomes of it when its characters are altered."""
    yield text
    for _ in range(number):
        yield draw.choice(ALTERATIONS)(text, draw)


def _cut(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


def _flipped(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text) + 1)
    return (
        text[:place]
        + chr(draw.choice((0, 34, 44, 58, 91, 92, 93, 123, 125, 0x202E, draw.randrange(32, 0x2FF))))
        + text[place + 1 :]
    )


def _number(text: str, draw: random.Random) -> str:
    digits = draw.choice(
        ("NaN", "-Infinity", "1e400", "9" * 25, "9" * 5_000, "-0", "1e-400", "0x10", "01", "1.", "2e3", "1" * 19)
    )
    found = list(re.finditer(r"-?\d+(\.\d+)?(e[+-]?\d+)?|true|false|null", text))
    if not found:
        return text
    place = draw.choice(found)
    return text[: place.start()] + digits + text[place.end() :]


def _deep(text: str, draw: random.Random) -> str:
    depth = draw.choice((20, 40, 500, 20_000))
    opened, closed = draw.choice((("[", "]"), ('{"a":', "}")))
    inner = opened * depth + "1" + closed * depth
    return (
        inner
        if draw.random() < 0.3
        else re.sub(r":\s*(-?\d[^,}\]]*|null|true|false|\"[^\"]*\")", lambda _: ": " + inner, text, count=1)
    )


def _padded(text: str, draw: random.Random) -> str:
    return draw.choice((" ", "\t", "\n", "\ufeff")) * draw.choice((1, 100, 70_000)) + text


def _doubled(text: str, draw: random.Random) -> str:
    return draw.choice((text + text, text[:-1] + "," + text[1:], f"[{text}]", json.dumps(text)))


def _surrogate(text: str, draw: random.Random) -> str:
    place = text.find('"', draw.randrange(len(text) + 1)) + 1
    return (
        text[:place]
        + draw.choice((r"\ud83d", r"\udc00\ud800", r"\u0000", r"\u202e", "\ud83d", r"\x41", "\x01"))
        + text[place:]
    )


def _binary(text: str, draw: random.Random) -> bytes:
    return draw.choice((text.encode("utf-8", "replace"), draw.randbytes(draw.randrange(64)), b"", b"\xff" * 70_000))


def _random(_text: str, draw: random.Random) -> str:
    return "".join(map(chr, draw.choices(range(1, 0x250), k=draw.randrange(40))))


def _value(text: str, draw: random.Random) -> str:
    """Return a message with another value somewhere; where it is one, it stays an object of the same keys."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    value = draw.choice(
        (
            *NASTY_TEXTS,
            *NASTY_TEXTS,
            *NASTY_NUMBERS,
            None,
            [],
            {},
            [1] * 300,
            {"a": {}},
            {"x" * 3_000: 1},
            {str(i): i for i in range(300)},
        )
    )
    return json.dumps(altered(data, draw.choice(list(places(data))), value))


def _key(text: str, draw: random.Random) -> str:
    """Return a message with another key, or none, in place of one of its own."""
    found = list(re.finditer(r'"(\w+)":', text))
    if not found:
        return text
    place = draw.choice(found)
    return text[: place.start()] + json.dumps(draw.choice((*NASTY_TEXTS, *KEYS))) + text[place.end() - 1 :]


def _same(text: str, _draw: random.Random) -> str:
    return text


ALTERATIONS = (
    *(_value, _value, _value, _value, _value, _key, _key, _cut, _flipped, _number, _number, _deep, _padded, _doubled),
    *(_surrogate, _binary, _random, _same),
)
