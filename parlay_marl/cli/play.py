"""`parlay play`: a person in a seat, at the terminal."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.group import INTERRUPTED
from parlay_marl.cli.options import GameNumber, NoWords, OpenerSeat, Rounds, Rules, Scenario, Seed
from parlay_marl.printable import escaped

if TYPE_CHECKING:
    from rich.console import Console

    from parlay_marl.cli.orders import Order, Request
    from parlay_marl.game.game import Game

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


class LeftTableError(Exception):
    """The person has gone: no more input, or `quit`."""


def play(
    role: Annotated[str, typer.Option(metavar="buyer|seller", help="The seat to take.")] = "buyer",
    opponent: Annotated[
        str,
        typer.Option(
            "--opponent", "-o", metavar="NAME|FILE", help="The persona, or the learned policy, in the other seat."
        ),
    ] = "shark",
    scenario: Scenario = "saas_enterprise",
    seed: Seed = None,
    game: GameNumber = 0,
    opener: OpenerSeat = None,
    rounds: Rounds = None,
    rules: Rules = "default",
    no_words: NoWords = False,
) -> None:
    """Sit down at the table yourself, against a persona.

    Type prices as you like them (140000, 140k, $1.5m); `help` at the table lists the moves.
    """
    from parlay_marl.cli.start import persona, seed_or_random, start_game
    from parlay_marl.core.moves import SEATS
    from parlay_marl.game.config import make_config, one_of

    one_of("role", role, SEATS)
    config = make_config(scenario, rules, opener=opener, max_rounds=rounds)
    other = persona(opponent)
    buyer, seller = (None, other) if role == "buyer" else (other, None)
    table = Sitting(start_game(config, buyer, seller, seed_or_random(seed), game), SEATS.index(role), not no_words)
    try:
        table.run()
    except LeftTableError:
        table.say("You leave the table; the game stays unfinished.")
    except KeyboardInterrupt:
        table.say("\nYou leave the table; the game stays unfinished.")
        raise typer.Exit(INTERRUPTED) from None


class Sitting:
    """One game between a person and a persona: tells, shows, asks and plays until it is over."""

    def __init__(self, game: Game, seat: int, words: bool) -> None:
        from parlay_marl.cli.console import output, transcript_width
        from parlay_marl.cli.seat_view import SeatView

        self._game, self._seat, self._words = game, seat, words
        self._console: Console = output()
        self._width = transcript_width(self._console)
        self._view = SeatView(game, seat)
        self._told, self._has_news = 0, False
        """Turns that have been shown, and whether headlines that came after them have."""

    def say(self, text: str, style: str = "") -> None:
        """Print a remark."""
        self._console.print(text, style=style, width=self._width)

    def run(self) -> None:
        """Play the game to its end."""
        from parlay_marl.cli.console import print_lines
        from parlay_marl.game import transcript

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - gives the prompt its arrow keys
        print_lines(
            self._console, [*transcript.heading(self._game, self._width), *self._view.introduction(self._width)]
        )
        self.say("Type a price to offer it, or `help`.", "parlay.dim")
        while not self._game.is_over:
            self._tell()
            print_lines(self._console, self._view.table(self._game.turns, self._width))
            self._move()
        self._tell()
        print_lines(self._console, transcript.ending_lines(self._game, self._game.turns, self._width))

    def _tell(self) -> None:
        """Tell what has happened since the last time: turns, and headlines that no turn has told yet."""
        from parlay_marl.cli.console import print_lines
        from parlay_marl.game import transcript

        new = self._game.turns[self._told :]
        self._told += len(new)
        if new and self._has_news:
            new[0] = replace(new[0], headlines=())
        lines = [[], transcript.column_heads(transcript.name_width(self._game))] if new else []
        lines += transcript.told_lines(new, self._game, words=self._words, width=self._width)
        news = self._game.news()
        self._has_news = bool(news)
        for headline in news:
            lines += transcript.headline_lines(headline, self._width)[:-1]
        print_lines(self._console, lines)

    def _move(self) -> None:
        """Ask until a legal move is typed, and play it."""
        from parlay_marl.cli.orders import UnclearOrderError
        from parlay_marl.errors import IllegalMoveError

        while True:
            try:
                order = self._order()
                if order is not None:
                    return self._play(order)
            except (UnclearOrderError, IllegalMoveError) as error:
                self.say(str(error), "parlay.warm")

    def _order(self) -> Order | None:
        """Return the move that is typed next; None after a request, which is answered."""
        from parlay_marl.cli import orders
        from parlay_marl.core.moves import SEATS

        typed = orders.read(_line(f"{SEATS[self._seat]}> "), self._game.scenario)
        if isinstance(typed, orders.Order):
            return typed
        self._answer(typed)
        return None

    def _play(self, order: Order) -> None:
        """Play an order, at exactly the price that was typed; refuse it in words where the rules forbid it."""
        from parlay_marl.cli.orders import UnclearOrderError, package_of

        reason = self._view.refused(order.move)
        if reason is not None:
            raise UnclearOrderError(reason)
        scenario, own_end = self._game.scenario, float(self._seat)
        if order.is_offer:
            x = own_end if order.price is None else scenario.normalise(order.price)
            self._game.play(order.move, x, package_of(order, self._view.usual_package(), scenario))
        else:
            self._game.play(order.move)

    def _answer(self, request: Request) -> None:
        """Answer a request."""
        from parlay_marl.cli.console import print_lines
        from parlay_marl.cli.orders import Request
        from parlay_marl.game.picture import picture
        from parlay_marl.game.text import Piece

        if request is Request.QUIT:
            raise LeftTableError
        if request is Request.HELP:
            self.say(HELP.strip("\n"))
        elif request is Request.TERMS:
            print_lines(self._console, self._view.terms(self._width) or [[Piece("Only the price is open here.")]])
        elif not self._game.turns:
            self.say("No offers yet.")
        else:
            print_lines(self._console, picture(self._game.turns, self._game.scenario, None))


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
