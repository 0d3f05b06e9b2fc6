"""A text picture of the offers, round by round."""

from __future__ import annotations

import math

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.text import Line, Piece, exact_money
from parlay_marl.game.turns import Turn

TRACK = 61
"""Characters of the picture's price axis: three for two steps of the discrete grid."""
MOST_ROWS = 24
"""Most lines of the picture; longer games leave rounds out."""


def picture(turns: list[Turn], scenario: Scenario, outcome: Outcome | None) -> list[Line]:
    """Return the offers as a picture, a line for each round: `b` the buyer's price, `s` the seller's, `X` the deal.

    Dashes lead from each seat's first offer to its standing one. After the end a last line marks the ZOPA with `=` and
    the Nash point with `N`.
    """
    low, high = exact_money(scenario.low, scenario), exact_money(scenario.high, scenario)
    lines: list[Line] = [[Piece(f"     {low}{high:>{TRACK + 2 - len(low)}}", "dim")]]
    rows = _rows(turns)
    step = math.ceil(len(rows) / MOST_ROWS)
    last = max(rows)
    for index, track in rows.items():
        if (last - index) % step == 0:
            lines.append([Piece(f"{index + 1:>3}  |", "dim"), *_joined(track), Piece("|", "dim")])
    if outcome is not None and outcome.zopa is not None and outcome.nash_price is not None:
        lines.append(_zopa_row(outcome, scenario))
    return [*lines, _legend(outcome)]


def axis(turns: list[Turn], mark: str = "", x: float = 0.0) -> Line:
    """Return the current price axis, with one more mark at a normalised price where no offer stands."""
    rows = list(_rows(turns).values())
    cells = rows[-1] if rows else [Piece(" ")] * TRACK
    if mark and 0.0 <= x <= 1.0 and cells[_cell(x)].text in " -":
        cells[_cell(x)] = Piece(mark, "nash")
    return [Piece("|", "dim"), *_joined(cells), Piece("|", "dim")]


def _legend(outcome: Outcome | None) -> Line:
    """Return the legend of the picture."""
    marks = [Piece("b buyer", "buyer"), Piece("s seller", "seller")]
    if outcome is not None and outcome.price is not None:
        marks.append(Piece("X deal", "deal"))
    if outcome is not None and outcome.zopa is not None:
        marks += [Piece("= ZOPA", "zopa"), Piece("N Nash point", "nash")]
    return [Piece("      "), *(piece for mark in marks for piece in (mark, Piece("   ")))]


def _rows(turns: list[Turn]) -> dict[int, Line]:
    """Return the characters of the price axis after each round."""
    first: list[float | None] = [None, None]
    standing: list[float | None] = [None, None]
    rows: dict[int, Line] = {}
    for turn in turns:
        deal = turn.price if turn.move is Move.ACCEPT else None
        if turn.price is not None and deal is None:
            standing[turn.seat] = turn.price
            first[turn.seat] = turn.price if first[turn.seat] is None else first[turn.seat]
        rows[turn.round] = _track(first, standing, deal)
    return rows


def _cell(x: float) -> int:
    """Return the position of a normalised price on the price axis, in characters."""
    return round(min(max(x, 0.0), 1.0) * (TRACK - 1))


def _track(first: list[float | None], standing: list[float | None], deal: float | None) -> Line:
    """Return the characters of the price axis: first and standing offers of both seats, and the deal on top."""
    cells = [Piece(" ")] * TRACK
    for seat, (start, now) in enumerate(zip(first, standing, strict=True)):
        if start is None or now is None:
            continue
        for i in range(min(_cell(start), _cell(now)), max(_cell(start), _cell(now)) + 1):
            cells[i] = Piece("-", SEATS[seat])
    for seat, now in enumerate(standing):
        if now is not None:
            cells[_cell(now)] = Piece(SEATS[seat][0], SEATS[seat])
    if deal is not None:
        cells[_cell(deal)] = Piece("X", "deal")
    return cells


def _zopa_row(outcome: Outcome, scenario: Scenario) -> Line:
    """Return the price axis with the ZOPA and the Nash point."""
    assert outcome.zopa is not None
    assert outcome.nash_price is not None
    low, high = (_cell(scenario.normalise(price)) for price in outcome.zopa)
    cells = [Piece("=", "zopa") if low <= i <= high else Piece(" ") for i in range(TRACK)]
    cells[_cell(scenario.normalise(outcome.nash_price))] = Piece("N", "nash")
    return [Piece("     |", "dim"), *_joined(cells), Piece("|", "dim")]


def _joined(cells: list[Piece]) -> Line:
    """Return pieces of text, with neighbours of the same style joined."""
    pieces: Line = []
    for cell in cells:
        if pieces and pieces[-1].style == cell.style:
            pieces[-1] = Piece(pieces[-1].text + cell.text, cell.style)
        else:
            pieces.append(cell)
    return pieces
