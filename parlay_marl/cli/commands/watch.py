"""`parlay watch`: one game between two personas, as a transcript."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from parlay_marl.cli.options import GameNumber, NoWords, OpenerSeat, Rounds, Rules, Scenario, Seed

ORDER = 10
LONGEST_DELAY = 60.0
PERSONA = "Persona, by name or .toml file, a learned policy's .safetensors file, or a player as `module:Name`."


def watch(
    buyer: Annotated[str, typer.Argument(metavar="BUYER", help=PERSONA, show_default=False)],
    seller: Annotated[str, typer.Argument(metavar="SELLER", help=PERSONA, show_default=False)],
    scenario: Scenario = "saas_enterprise",
    seed: Seed = None,
    game: GameNumber = 0,
    opener: OpenerSeat = None,
    rounds: Rounds = None,
    rules: Rules = "default",
    no_words: NoWords = False,
    delay: Annotated[float, typer.Option(metavar="SECONDS", help="Wait before each move.")] = 0.0,
) -> None:
    """Watch two personas bargain: every move, the words, and how the offers approach each other.

    For example: parlay watch shark diplomat -s hiring_package_terms --seed 7
    """
    from parlay_marl.cli.console import output, print_lines, transcript_width
    from parlay_marl.cli.start import new_game, play_out, player, seed_or_random
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.game import transcript
    from parlay_marl.game.config import make_config

    if not 0.0 <= delay <= LONGEST_DELAY:
        raise ConfigurationError(f"--delay: give from 0 to {LONGEST_DELAY:g} seconds, not {delay:g}")
    config = make_config(scenario, rules=rules, opener=opener, max_rounds=rounds)
    chosen = seed_or_random(seed)
    played = new_game(config, player(buyer), player(seller), chosen, game)
    play_out(played, chosen, game)
    console = output()
    width = transcript_width(console)
    turns = played.turns
    print_lines(
        console, [*transcript.heading(played, width), [], transcript.column_heads(transcript.name_width(played))]
    )
    shown = -1
    for turn in turns:
        time.sleep(delay)
        print_lines(console, transcript.told_lines([turn], played, after=shown, words=not no_words, width=width))
        shown = turn.round
    print_lines(console, transcript.ending_lines(played, turns, width))
