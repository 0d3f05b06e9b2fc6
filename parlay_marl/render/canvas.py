"""A canvas for a frame: lines, marks and text, smoothed by drawing at twice the size."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import MissingExtraError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

SCALE = 2
"""The scale at which the picture is drawn before it is reduced to the frame."""
DASH, GAP = 4, 4
"""Lengths in a dashed line, in pixels."""
Point = tuple[float, float]

SPELLED = str.maketrans({"€": "EUR", "£": "GBP", "¥": "JPY", "–": "-", "—": "-", "−": "-", "×": "x", "ß": "ss"})  # noqa: RUF001
SPELLED |= str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})  # noqa: RUF001
"""Replacements for characters that the font, which has only ASCII, lacks."""


def imaging() -> tuple[Any, Any, Any]:
    """Return Pillow's `Image`, `ImageDraw` and `ImageFont`.

    Where Pillow is missing, the error says how to install it.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise MissingExtraError('frames need Pillow; pip install "parlay-marl[render]"') from None
    return Image, ImageDraw, ImageFont


@functools.cache
def _font(size: int) -> FreeTypeFont:
    """Return Pillow's built-in font in a size in pixels of the frame."""
    font: FreeTypeFont = imaging()[2].load_default(size * SCALE)
    return font


@functools.lru_cache(maxsize=1024)
def _length(text: str, size: int) -> float:
    """Return the width of a text, in pixels of the frame."""
    return float(_font(size).getlength(text)) / SCALE


@functools.lru_cache(maxsize=1024)
def drawable(text: str) -> str:
    """Return a text in one line of the font's characters: accents are dropped, and `?` replaces others."""
    plain = unicodedata.normalize("NFKD", text.translate(SPELLED))
    kept = (" " if each.isspace() else each for each in plain if not unicodedata.combining(each))
    return "".join(each if " " <= each <= "~" else "?" for each in kept)


@functools.lru_cache(maxsize=1024)
def _written(text: str, size: int, anchor: str) -> tuple[int, int, Any]:
    """Return a text as a mask, and the offset of its corner from its anchor; cached, because most texts repeat."""
    image, draw, _ = imaging()
    left, top, right, bottom = (round(edge) for edge in _font(size).getbbox(text, anchor=anchor))
    mask = image.new("L", (max(right - left, 1), max(bottom - top, 1)))
    draw.Draw(mask).text((-left, -top), text, 255, _font(size), anchor)
    return left, top, mask


@functools.lru_cache(maxsize=1024)
def fitted(text: str, size: int, room: float) -> str:
    """Return a text cut to a width, with two dots where something is missing."""
    if _length(text, size) <= room:
        return text
    kept = next((n for n in range(len(text), 0, -1) if _length(text[:n].rstrip() + "..", size) <= room), 0)
    return text[:kept].rstrip() + ".."


@functools.lru_cache(maxsize=256)
def broken(text: str, size: int, room: float, lines: int) -> tuple[str, ...]:
    """Return a text broken into at most `lines` lines of a width, the last one cut."""
    found, words = [""], text.split()
    for i, word in enumerate(words):
        longer = f"{found[-1]} {word}".strip()
        if _length(longer, size) <= room or not found[-1]:
            found[-1] = longer
        elif len(found) == lines:
            found[-1] = " ".join([found[-1], *words[i:]])
            break
        else:
            found.append(word)
    return tuple(fitted(line, size, room) for line in found)


class Canvas:
    """A picture of a size in pixels, whose y grows downwards; colours are `#rrggbb`."""

    def __init__(self, width: int, height: int, ground: str) -> None:
        image, draw, _ = imaging()
        self._image = image.new("RGB", (width * SCALE, height * SCALE), ground)
        self._draw = draw.Draw(self._image)

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture, `(height, width, 3)` uint8, as a new array."""
        return np.array(self._image.reduce(SCALE), np.uint8)

    def line(self, points: Sequence[Point], colour: str, width: float) -> None:
        """Draw a line through points."""
        if len(points) > 1:
            self._draw.line([_scaled(point) for point in points], colour, round(width * SCALE), joint="curve")

    def dashes(self, start: Point, end: Point, colour: str) -> None:
        """Draw a dashed line to the right or downwards."""
        (x, y), (to_x, to_y) = _scaled(start), _scaled(end)
        for at in range(0, round(max(to_x - x, to_y - y)), (DASH + GAP) * SCALE):
            if to_y == y:
                ends = (x + at, y, min(x + at + DASH * SCALE, to_x), y)
            else:
                ends = (x, y + at, x, min(y + at + DASH * SCALE, to_y))
            self._draw.line(ends, colour, SCALE)

    def box(self, left: float, top: float, right: float, bottom: float, fill: str, border: str | None = None) -> None:
        """Draw a box, at least one pixel wide and high."""
        (x, y), (to_x, to_y) = _scaled((left, top)), _scaled((right, bottom))
        corners = (round(x), round(y), max(round(to_x - 1), round(x)), max(round(to_y - 1), round(y)))
        self._draw.rectangle(corners, fill, border, SCALE if border else 0)

    def dot(self, x: float, y: float, radius: float, fill: str) -> None:
        """Draw a disc."""
        self._draw.ellipse([*_scaled((x - radius, y - radius)), *_scaled((x + radius, y + radius))], fill)

    def diamond(self, x: float, y: float, size: float, fill: str) -> None:
        """Draw a square that stands on a corner."""
        corners = ((x, y - size), (x + size, y), (x, y + size), (x - size, y))
        self._draw.polygon([_scaled(corner) for corner in corners], fill)

    def triangle(self, x: float, y: float, size: float, fill: str, border: str) -> None:
        """Draw a triangle that points down."""
        corners = ((x - size, y - 0.8 * size), (x + size, y - 0.8 * size), (x, y + size))
        self._draw.polygon([_scaled(corner) for corner in corners], fill, border, 2 * SCALE)

    def length(self, text: str, size: int) -> float:
        """Return the width of a text."""
        return _length(drawable(text), size)

    def text(
        self, x: float, y: float, text: str, size: int, colour: str, anchor: str = "la", room: float = 1e9
    ) -> float:
        """Write a line of text, cut where it is longer than `room`; return its right end.

        `anchor` is Pillow's: the point of the text at (x, y).
        """
        told = fitted(drawable(text), size, room)
        if told:
            left, top, mask = _written(told, size, anchor)
            self._image.paste(colour, (round(x * SCALE) + left, round(y * SCALE) + top), mask)
        return x + _length(told, size)

    def paragraph(self, x: float, y: float, text: str, size: int, colour: str, *, room: float, lines: int) -> None:
        """Write text over several lines, the last one cut."""
        for i, line in enumerate(broken(drawable(text), size, room, lines)):
            self.text(x, y + i * 1.35 * size, line, size, colour)


def _scaled(point: Point) -> Point:
    """Return a point of the frame in the coordinates of the larger picture."""
    return point[0] * SCALE, point[1] * SCALE
