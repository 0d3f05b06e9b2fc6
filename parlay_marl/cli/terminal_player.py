"""A person at the terminal, as a player."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from parlay_marl.cli.console import output, print_lines, transcript_width
from parlay_marl.cli.seat_view import introduction, loss, refused, table, terms
from parlay_marl.errors import IllegalMoveError, UnclearTextError
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
"""Typed words that are requests, not moves."""


class LeftTableError(Exception):
    """The person has left: the input has ended, or the person typed `quit`."""


class TerminalPlayer(Player):
    """A person at the terminal: reads the turns and the figures, and types moves."""

    def __init__(self, role: str, words: bool) -> None:

        self.name = role
        self.game: Game | None = None
        """The game, for the heading and the ending of the transcript; no other part of it is shown."""
        self._words = words
        self._console: Console = output()
        self._width = transcript_width(self._console)
        self._shown, self._has_news, self._limit = 0, False, 0.0
        """Number of turns shown, whether the headlines after them were shown, and the limit shown last."""
        self._asked: Action | None = None
        """The move that was typed last in this turn, which is a loss if it was not played."""

    def say(self, text: str, style: str = "") -> None:
        """Print a remark."""
        self._console.print(text, style=style, width=self._width)

    def begin(self, view: SeatView) -> None:
        """Print the heading, the story and the aim."""
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - gives the prompt its arrow keys
        assert self.game is not None
        self._limit = view.reservation_price
        print_lines(self._console, [*heading(self.game, self._width), *introduction(view, self._width)])
        self.say("Type a price to offer it, or `help`.", "parlay.dim")

    def act(self, view: SeatView) -> Action:
        """Print the new turns and the figures, and ask until a legal move is typed."""
        self._show_turns(list(view.turns))
        self._has_news = bool(view.news)
        for text in view.news:
            print_lines(self._console, headline_lines(text, self._width)[:-1])
        print_lines(self._console, table(view, self._limit, self._width))
        self._limit = view.reservation_price
        self._asked = None
        while True:
            try:
                action = self._typed(view)
                if action is not None:
                    return action
            except (IllegalMoveError, UnclearTextError) as error:
                self.say(str(error), "parlay.warm")

    def show_ending(self) -> None:
        """Print the turns since the person's last one, and the ending."""
        assert self.game is not None
        self._show_turns(self.game.turns)
        print_lines(self._console, ending_lines(self.game, self.game.turns, self._width))

    def _show_turns(self, turns: list[Turn]) -> None:
        """Print the turns that have not been shown."""
        assert self.game is not None
        new = turns[self._shown :]
        self._shown += len(new)
        if new and self._has_news:
            new[0] = replace(new[0], headlines=())
        lines = [[], column_heads(name_width(self.game))] if new else []
        lines += told_lines(new, self.game, words=self._words, width=self._width)
        print_lines(self._console, lines)

    def _typed(self, view: SeatView) -> Action | None:
        """Return the next move that is typed; answer a request and return None."""
        text = _line(f"{view.role}> ")
        request = REQUESTS.get(text.strip().lower())
        if request is not None:
            self._answer(request, view)
            return None
        action = read(text, view.scenario, view.seat, view.usual_package, set(REQUESTS.values()))
        reason = refused(view, action.move)
        if reason is not None:
            raise UnclearTextError(reason)
        if action.price is not None and view.prices:
            view.normalised(view.scenario.to_currency(action.price))  # refuses what is no price of a small game
        return action if self._is_meant(action, view) else None

    def _is_meant(self, action: Action, view: SeatView) -> bool:
        """Return whether a move is meant: one that is worth less than no deal has to be typed twice at a terminal."""
        text = loss(view, action)
        is_asked, self._asked = self._asked == action, action
        if text is None or is_asked:
            return True
        asks = is_person()
        self.say(f"{text} Type it once more if you mean it." if asks else text, "parlay.warm")
        return not asks

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


def is_person() -> bool:
    """Return whether a person types, and not a file or a pipe."""
    return sys.stdin.isatty()


def _line(prompt: str) -> str:
    """Return the next line that is typed; print one from a file or a pipe as if it had been typed."""
    try:
        line = input(prompt)
    except EOFError:
        typer.echo()
        raise LeftTableError from None
    except (OSError, RuntimeError):  # standard input is closed; flush reports a prompt that cannot be written
        sys.stdout.flush()
        raise LeftTableError from None
    if not is_person():
        typer.echo(escaped(line))
    return line
