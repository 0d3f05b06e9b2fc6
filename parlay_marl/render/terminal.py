"""A game printed while it is played."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from parlay_marl.game.text import Line, plain
from parlay_marl.game.transcript import column_heads, ending_lines, heading, name_width, told_lines
from parlay_marl.printable import encodable

if TYPE_CHECKING:
    from parlay_marl.game.record import RecordedGame


class LivePrinter:
    """Prints a game step by step: the new part at each call, the verdict and the picture at its end."""

    def __init__(self) -> None:
        self._start = -1
        self._count, self._round = 0, -1
        """Turns printed so far, and the round of the last of them."""
        self._has_ended = False

    def show(self, game: RecordedGame) -> None:
        """Print the new part of a game."""
        lines: list[Line] = []
        if game.starts != self._start:
            self._start, self._count, self._round, self._has_ended = game.starts, 0, -1, False
            lines += [*heading(game), [], column_heads(name_width(game))]
        new = game.turns[self._count :]
        lines += told_lines(new, game, after=self._round)
        self._count += len(new)
        self._round = new[-1].round if new else self._round
        if game.is_over and not self._has_ended:
            self._has_ended = True
            lines += ending_lines(game, game.turns)
        if lines:
            print(encodable(plain(lines), getattr(sys.stdout, "encoding", None)), flush=True)
