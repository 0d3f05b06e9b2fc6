"""A person at the terminal, as a player."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from parlay_marl.cli.console import output, print_lines, transcript_width
from parlay_marl.cli.seat_view import introduction, refused, table, terms
from parlay_marl.errors import UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.game import Game
from parlay_marl.game.grammar import read
from parlay_marl.game.picture import picture
from parlay_marl.game.text import Piece
from parlay_marl.game.transcript import column_heads, ending_lines, heading, headline_lines, name_width, told_lines
from parlay_marl.game.turns import Turn
from parlay_marl.game.view import SeatView
from parlay_marl.players.player import Player
from parlay_marl.printable import escaped

if TYPE_CHECKING:
    from rich.console import Console

HELP = """
  140000, 140k, 1.5m   offer this price (or: offer 140000)
  offer 140k with ...  with these terms: names of options, or a package's number
  accept               take their offer exactly as it stands
  claim 130k           claim that this is your limit; it stands as an offer too
  challenge            call their open claim a bluff
  anchor               offer your own end of the range (anchor 120k: less far)
  silence              say nothing and let the offers stand
  walk                 walk away: the game ends without a deal
  terms, picture       what terms are worth to you; how the offers close in
  help, quit           this list; leave without finishing
Claims and silence cost credibility, which comes back turn by turn. A claim far
from your limit is a bluff: if they challenge it, you lose much of it. Anchors,
claims, silence and digging in heat the talks up, concessions cool them; when
they stay hot, the room for a deal shrinks on both sides.
"""


REQUESTS = {
    "help": "help", "?": "help", "h": "help", "terms": "terms", "picture": "picture", "quit": "quit", "q": "quit",
    "exit": "quit", "bye": "quit",
}  # fmt: skip
"""What a person may ask for instead of moving."""


class LeftTableError(Exception):
    """The person has gone: no more input, or `quit`."""


class TerminalPlayer(Player):
    """A person at the terminal: is told what happens, is shown the table, and types moves."""

    def __init__(self, role: str, words: bool) -> None:

        self.name = role
        self.game: Game | None = None
        """The game, of which the person sees no more than what a view has: for its heading and its end."""
        self._words = words
        self._console: Console = output()
        self._width = transcript_width(self._console)
        self._told, self._has_news, self._limit = 0, False, 0.0
        """Turns that have been told, whether headlines that came after them have, and the limit that was shown last."""

    def say(self, text: str, style: str = "") -> None:
        """Print a remark."""
        self._console.print(text, style=style, width=self._width)

    def begin(self, view: SeatView) -> None:
        """Tell what the game is about."""

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - gives the prompt its arrow keys
        assert self.game is not None
        self._limit = view.reservation_price
        print_lines(self._console, [*heading(self.game, self._width), *introduction(view, self._width)])
        self.say("Type a price to offer it, or `help`.", "parlay.dim")

    def act(self, view: SeatView) -> Action:
        """Tell what has happened, show the table, and ask until a legal move is typed."""

        self._tell(list(view.turns))
        self._has_news = bool(view.news)
        for text in view.news:
            print_lines(self._console, headline_lines(text, self._width)[:-1])
        print_lines(self._console, table(view, self._limit, self._width))
        self._limit = view.reservation_price
        while True:
            try:
                action = self._typed(view)
                if action is not None:
                    return action
            except UnclearTextError as error:
                self.say(str(error), "parlay.warm")

    def tell_the_end(self) -> None:
        """Tell what happened since the person's last turn, and how the game ended."""

        assert self.game is not None
        self._tell(self.game.turns)
        print_lines(self._console, ending_lines(self.game, self.game.turns, self._width))

    def _tell(self, turns: list[Turn]) -> None:
        """Tell the turns that have not been told."""

        assert self.game is not None
        new = turns[self._told :]
        self._told += len(new)
        if new and self._has_news:
            new[0] = replace(new[0], headlines=())
        lines = [[], column_heads(name_width(self.game))] if new else []
        lines += told_lines(new, self.game, words=self._words, width=self._width)
        print_lines(self._console, lines)

    def _typed(self, view: SeatView) -> Action | None:
        """Return the move that is typed next; None after a request, which is answered."""

        text = _line(f"{view.role}> ")
        request = REQUESTS.get(text.strip().lower())
        if request is not None:
            self._answer(request, view)
            return None
        action = read(text, view.scenario, view.seat, view.usual_package, set(REQUESTS.values()))
        reason = refused(view, action.move)
        if reason is not None:
            raise UnclearTextError(reason)
        return action

    def _answer(self, request: str, view: SeatView) -> None:
        """Answer a request."""

        if request == "quit":
            raise LeftTableError
        if request == "help":
            self.say(HELP.strip("\n"))
        elif request == "terms":
            print_lines(self._console, terms(view, self._width) or [[Piece("Only the price is open here.")]])
        elif not view.turns:
            self.say("No offers yet.")
        else:
            print_lines(self._console, picture(list(view.turns), view.scenario, None))


def _line(prompt: str) -> str:
    """Return the next line that is typed; one that comes from a file or a pipe is shown as if it had been typed."""
    try:
        line = input(prompt)
    except EOFError:
        typer.echo()
        raise LeftTableError from None
    except (OSError, RuntimeError):  # it is closed, or no such thing; if the prompt cannot be written, say that
        sys.stdout.flush()
        raise LeftTableError from None
    if not sys.stdin.isatty():
        typer.echo(escaped(line))
    return line
