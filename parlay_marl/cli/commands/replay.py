"""`parlay replay`: one game of a finished tournament, played again as a transcript."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parlay_marl.cli.options import NoWords, OpenerSeat, Timeout, Workers

ORDER = 40

Name = Annotated[str | None, typer.Option(metavar="NAME", help="Count only games of this name.")]


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="`games.parquet` of a tournament.", readable=False)],
    game: Annotated[int, typer.Option("--game", metavar="N", help="Number of the game in the file, from 0.")] = 0,
    buyer: Name = None,
    seller: Name = None,
    scenario: Name = None,
    opener: OpenerSeat = None,
    workers: Workers = 1,
    timeout: Timeout = 10.0,
    no_words: NoWords = False,
) -> None:
    """Play a game of a tournament again, bit for bit, and print it as `parlay watch` does.

    With a buyer, a seller, a scenario or an opener, N counts only their games.

    For example: parlay replay results/games.parquet --buyer shark --game 12
    """
    from parlay_marl.cli.console import output, print_lines, transcript_width
    from parlay_marl.cli.start import import_from_here
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.game import transcript
    from parlay_marl.tournament import Games, replay_game
    from parlay_marl.tournament.replay import rows_of

    import_from_here()
    games = Games.read(file)
    rows = rows_of(games, buyer, seller, scenario, opener)
    if not 0 <= game < len(rows):
        raise ConfigurationError(f"--game: give a whole number from 0 to {len(rows) - 1}, not {game}")
    index = int(rows[game])
    played = replay_game(games, index, workers=workers, timeout=timeout)
    console = output()
    width = transcript_width(console)
    turns = played.turns
    print_lines(
        console, [*transcript.heading(played, width), [], transcript.column_heads(transcript.name_width(played))]
    )
    print_lines(console, transcript.told_lines(turns, played, words=not no_words, width=width))
    print_lines(console, transcript.ending_lines(played, turns, width))
    console.print(f"\nGame {index:,} of {file.name}, played again: every figure is as stored.", soft_wrap=True)
