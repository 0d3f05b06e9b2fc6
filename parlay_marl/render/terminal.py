"""A game printed as it is played, for a person who watches."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from parlay_marl.game.text import Line, plain
from parlay_marl.game.transcript import column_heads, ending_lines, heading, name_width, told_lines
from parlay_marl.game.turns import Narrator
from parlay_marl.printable import encodable

if TYPE_CHECKING:
    from parlay_marl.game.game import Game


class LivePrinter:
    """Prints a game as it goes: what is new at each call, the verdict and the picture at its end."""

    def __init__(self) -> None:
        self._narrator: Narrator | None = None
        self._has_ended = False
        self._told = -1

    def show(self, game: Game) -> None:
        """Print what is new of a game."""
        if self._narrator is None:
            self._narrator = Narrator(game)
        before = self._narrator.start
        new = self._narrator.catch_up()
        lines: list[Line] = []
        if self._narrator.start != before:
            self._has_ended, self._told = False, -1
            lines += [*heading(game), [], column_heads(name_width(game))]
        lines += told_lines(new, game, after=self._told)
        self._told = new[-1].round if new else self._told
        if game.is_over and not self._has_ended:
            self._has_ended = True
            lines += ending_lines(game, self._narrator.turns)
        if lines:
            print(encodable(plain(lines), getattr(sys.stdout, "encoding", None)), flush=True)
