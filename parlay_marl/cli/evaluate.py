"""`parlay evaluate`: a policy against every persona, beside the best reply that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parlay_marl.cli.options import GivenSeed, Quiet, Scenarios, Threads


def evaluate(
    policy: Annotated[
        str, typer.Argument(metavar="POLICY", help="Policy file, or persona by name or file.", show_default=False)
    ],
    opponent: Annotated[
        list[str] | None,
        typer.Option("--opponent", "-o", metavar="NAME|FILE", help="Whom it plays; default: the scripted personas."),
    ] = None,
    reply: Annotated[
        list[str] | None,
        typer.Option("--reply", metavar="NAME|FILE", help="Who may reply better; default: the catalogue's personas."),
    ] = None,
    scenario: Scenarios = None,
    games: Annotated[int, typer.Option("--games", "-n", metavar="N", help="Games in each cell.")] = 200,
    seed: GivenSeed = 0,
    threads: Threads = 1,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="Write the figures to a JSON file.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Tell what a policy is paid by each opponent in both seats, and what it could have been paid.

    Without --scenario it plays those that it was trained on or, if it does not say, those with a price only.

    For example: parlay evaluate runs/ada/ada.safetensors --games 500
    """
    from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario, persona_names
    from parlay_marl.cli.console import output, tell_compiling
    from parlay_marl.cli.progress import watched
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.cli.training_tables import show_judgement
    from parlay_marl.game.config import whole_number
    from parlay_marl.game.position import checked_seed
    from parlay_marl.players.persona import PersonaPlayer
    from parlay_marl.simulation.threads import MOST_THREADS
    from parlay_marl.studies.evaluation import judge
    from parlay_marl.training.plan import known_scenarios, scripted_personas

    whole_number("games", games, 2, 10_000_000)
    whole_number("threads", threads, 1, MOST_THREADS)
    checked_seed(seed)
    with result_file(json, "--json") as file:
        player = PersonaPlayer(load_persona(policy))
        deals = [load_scenario(name) for name in scenario or known_scenarios(player.policy)]
        opponents, replies = (
            [PersonaPlayer(load_persona(name)) for name in names]
            for names in (opponent or scripted_personas(), reply or persona_names())
        )
        for deal in deals:
            for each in (player, *opponents, *replies):
                each.check_room(deal)
        params = [build_params(deal, load_rules("default"), reward="payoff") for deal in deals]
        if not quiet:
            tell_compiling("play_games")
        each_cell = 2 * 2 * len(deals) * games * (len(replies) + 3)
        judgement = (
            judge(player, opponents, replies, params, games=games, seed=seed, threads=threads)
            if quiet
            else watched(
                lambda on_cell: judge(
                    player, opponents, replies, params, games=games, seed=seed, threads=threads, on_cell=on_cell
                ),
                each_cell,
            )
        )
        if file is not None:
            names = [deal.name for deal in deals]
            file.write_json({"scenarios": names, "games": games, "seed": seed, **judgement.as_dict()})
    show_judgement(judgement, games, seed, output())
