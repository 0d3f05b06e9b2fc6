"""`parlay play`: a person at the terminal plays against a persona."""

from __future__ import annotations

from typing import Annotated

import typer

from parlay_marl.cli.form_options import FORM_OPTIONS, given_form
from parlay_marl.cli.group import INTERRUPTED
from parlay_marl.cli.options import (
    BaseUrl,
    GameNumber,
    NoWords,
    OpenerSeat,
    Rules,
    Scenario,
    Seed,
)

ORDER = 20
OPTIONS = FORM_OPTIONS


def play(
    context: typer.Context,
    role: Annotated[str, typer.Option(metavar="buyer|seller", help="Your seat.")] = "buyer",
    opponent: Annotated[
        str,
        typer.Option(
            "--opponent",
            "-o",
            metavar="NAME|FILE|MODULE:NAME|chat:MODEL",
            help="The persona, learned policy, player or language model in the other seat.",
        ),
    ] = "shark",
    scenario: Scenario = "saas_enterprise",
    seed: Seed = None,
    game: GameNumber = 0,
    opener: OpenerSeat = None,
    rules: Rules = "default",
    no_words: NoWords = False,
    base_url: BaseUrl = None,
    browser: Annotated[
        bool, typer.Option("--browser", help="Play in the browser, which needs the extra `server`; Ctrl-C ends it.")
    ] = False,
) -> None:
    """Play against a persona yourself, at the terminal or with `--browser` on a page.

    Type prices as you like them (140000, 140k, $1.5m); `help` lists the moves.
    """
    from parlay_marl.cli.browser import play_in_browser
    from parlay_marl.cli.start import new_game, play_out, player, seed_or_random
    from parlay_marl.cli.terminal_player import LeftTableError, TerminalPlayer
    from parlay_marl.core.moves import SEATS
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.game.config import make_config, one_of

    one_of("role", role, SEATS)
    form = given_form(context)
    if browser:
        if game or no_words or set(form) - {"max_rounds"}:
            raise ConfigurationError(
                "--browser: it goes with --rounds, but without --game, --no-words and other forms of the game "
                "(--protocol, --price-levels, ...); leave them out"
            )
        rounds = form.get("max_rounds")
        play_in_browser(scenario, role, opponent, seed=seed, opener=opener, rounds=rounds, rules=rules)
        return
    config = make_config(scenario, rules=rules, opener=opener, **form)
    person = TerminalPlayer(role, not no_words)
    other, chosen = player(opponent), seed_or_random(seed)
    buyer, seller = (person, other) if role == "buyer" else (other, person)
    person.game = new_game(config, buyer, seller, chosen, game)
    try:
        play_out(person.game, chosen, game)
        person.show_ending()
    except LeftTableError:
        person.say("You leave the table; the game stays unfinished.")
    except KeyboardInterrupt:
        person.say("\nYou leave the table; the game stays unfinished.")
        raise typer.Exit(INTERRUPTED) from None
