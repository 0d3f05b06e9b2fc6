"""`parlay watch`: one game between two players, as a transcript that grows while they play."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.form_options import FORM_OPTIONS, given_form
from parlay_marl.cli.options import (
    BaseUrl,
    GameNumber,
    HtmlFile,
    NoWords,
    OpenerSeat,
    Rules,
    Scenario,
    Seed,
)

if TYPE_CHECKING:
    from parlay_marl.game.turns import Turn

ORDER = 10
OPTIONS = FORM_OPTIONS
LONGEST_DELAY = 60.0
PERSONA = (
    "Persona, by name or .toml file, a learned policy's .safetensors file, a player as `module:Name`, or a language "
    "model as `chat:MODEL`."
)


def watch(
    context: typer.Context,
    buyer: Annotated[str, typer.Argument(metavar="BUYER", help=PERSONA, show_default=False)],
    seller: Annotated[str, typer.Argument(metavar="SELLER", help=PERSONA, show_default=False)],
    scenario: Scenario = "saas_enterprise",
    seed: Seed = None,
    game: GameNumber = 0,
    opener: OpenerSeat = None,
    rules: Rules = "default",
    no_words: NoWords = False,
    delay: Annotated[float, typer.Option(metavar="SECONDS", help="Wait before each move.")] = 0.0,
    base_url: BaseUrl = None,
    html: HtmlFile = None,
) -> None:
    """Watch two players bargain: every move as it is made, the words, and how the offers approach each other.

    For example: parlay watch shark diplomat -s hiring_package_terms --seed 7
    """
    from parlay_marl.cli.console import output, print_lines, transcript_width
    from parlay_marl.cli.start import new_game, play_out, player, seed_or_random
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.game import transcript
    from parlay_marl.game.config import make_config
    from parlay_marl.render.web.html import write_replay

    if not 0.0 <= delay <= LONGEST_DELAY:
        raise ConfigurationError(f"--delay: give from 0 to {LONGEST_DELAY:g} seconds, not {delay:g}")
    config = make_config(scenario, rules=rules, opener=opener, **given_form(context))
    chosen = seed_or_random(seed)
    played = new_game(config, player(buyer), player(seller), chosen, game)
    console = output()
    width = transcript_width(console)
    last_round = -1

    def show(turn: Turn) -> None:
        nonlocal last_round
        time.sleep(delay)
        print_lines(console, transcript.told_lines([turn], played, after=last_round, words=not no_words, width=width))
        last_round = turn.round

    played.begin(chosen, game)  # a player may think for long about the first turn: the heading need not wait for it
    print_lines(
        console, [*transcript.heading(played, width), [], transcript.column_heads(transcript.name_width(played))]
    )
    played.read_turns(show)
    play_out(played, chosen, game)
    print_lines(console, transcript.ending_lines(played, played.turns, width))
    if html is not None:
        write_replay(played.record(), html)
