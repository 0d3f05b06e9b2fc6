"""`parlay replay`: one game of a finished tournament, played again as a transcript."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.options import HtmlFile, NoWords, OpenerSeat, Timeout, Workers

if TYPE_CHECKING:
    from parlay_marl.game.record import GameRecord, RecordedGame

ORDER = 40
HELP = {"hint": "asked the champion for a hint", "belief": "looked at the estimate of the other's limit"}
"""What a person did who had help."""

Name = Annotated[str | None, typer.Option(metavar="NAME", help="Count only games of this name.")]


def replay(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="`games.parquet` of a tournament, or a game's `.json`.", readable=False),
    ],
    game: Annotated[int, typer.Option("--game", metavar="N", help="Number of the game in the file, from 0.")] = 0,
    buyer: Name = None,
    seller: Name = None,
    scenario: Name = None,
    opener: OpenerSeat = None,
    workers: Workers = 1,
    timeout: Timeout = 10.0,
    no_words: NoWords = False,
    html: HtmlFile = None,
) -> None:
    """Play a game of a tournament again, bit for bit, and print it as `parlay watch` does.

    The file may also be the record of one game, as the page at `/play` saves it. With a buyer, a seller, a scenario or
    an opener, N counts only their games.

    For example: parlay replay results/games.parquet --buyer shark --game 12
    """
    from parlay_marl.cli.console import output, print_lines, transcript_width
    from parlay_marl.game import transcript
    from parlay_marl.render.web.html import write_replay

    if file.suffix == ".json":
        record = _recorded(file)
        played, said = record.replay(), f"The game of {file.name}, played again."
    else:
        played, index = _of_tournament(file, game, (buyer, seller, scenario, opener), workers, timeout)
        record, said = played.record(), f"Game {index:,} of {file.name}, played again: every figure is as stored."
    console = output()
    width = transcript_width(console)
    turns = played.turns
    print_lines(
        console, [*transcript.heading(played, width), [], transcript.column_heads(transcript.name_width(played))]
    )
    print_lines(console, transcript.told_lines(turns, played, words=not no_words, width=width))
    print_lines(console, transcript.ending_lines(played, turns, width))
    for helped in record.help:
        console.print(f"Before turn {helped.turn + 1} the {helped.seat} {HELP[helped.kind]}.", soft_wrap=True)
    if html is not None:
        write_replay(record, html)
    console.print(f"\n{said}", soft_wrap=True)


def _of_tournament(
    file: Path, game: int, chosen: tuple[str | None, ...], workers: int, timeout: float
) -> tuple[RecordedGame, int]:
    """Return a game of a tournament, and its number in the file."""
    from parlay_marl.cli.start import import_from_here
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.tournament import Games, replay_game
    from parlay_marl.tournament.replay import rows_of

    import_from_here()
    games = Games.read(file)
    rows = rows_of(games, *chosen)
    if not 0 <= game < len(rows):
        raise ConfigurationError(f"--game: give a whole number from 0 to {len(rows) - 1}, not {game}")
    index = int(rows[game])
    return replay_game(games, index, workers=workers, timeout=timeout), index


def _recorded(file: Path) -> GameRecord:
    """Return the record in a file."""
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.game.record import GameRecord

    try:
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise ConfigurationError(f"{file}: cannot be read: {reason}; give the record that the page has saved") from None
    return GameRecord.from_dict(data)
