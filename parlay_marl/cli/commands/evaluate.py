"""`parlay evaluate`: a policy against every persona, beside the best reply that is known."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.form_options import FORM_OPTIONS, given_form
from parlay_marl.cli.options import GamesInCell, GivenSeed, JsonFile, KnownScenarios, Policy, Quiet, Threads

if TYPE_CHECKING:
    from parlay_marl.catalogue import AnyScenario
    from parlay_marl.players.persona import PersonaPlayer

ORDER = 70
OPTIONS = FORM_OPTIONS
REPLIES_OF_THE_POLICY = 3
"""Games of a cell that the policy plays itself, beside one for each reply."""


def evaluate(
    context: typer.Context,
    policy: Policy,
    opponent: Annotated[
        list[str] | None,
        typer.Option(
            "--opponent", "-o", metavar="NAME|FILE", help="Opponent; repeat for more; default: the scripted personas."
        ),
    ] = None,
    reply: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE", help="Candidate for the best reply; repeat for more; default: the catalogue."
        ),
    ] = None,
    scenario: KnownScenarios = None,
    games: GamesInCell = 200,
    seed: GivenSeed = 0,
    threads: Threads = 1,
    json: JsonFile = None,
    quiet: Quiet = False,
) -> None:
    """Show the payoff of a policy against each opponent in both seats, and the payoff of the best reply known.

    Without --scenario it plays those that it was trained on or, if it does not say, those with a price only.

    For example: parlay evaluate runs/ada/ada.safetensors --games 500
    """
    from parlay_marl.catalogue import load_any_scenario, load_persona, persona_names
    from parlay_marl.cli.console import output
    from parlay_marl.cli.progress import with_progress
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.cli.training_tables import show_judgement
    from parlay_marl.core.moves import SEATS
    from parlay_marl.game.config import make_config
    from parlay_marl.players.persona import PersonaPlayer
    from parlay_marl.simulation.cells import openers_of
    from parlay_marl.studies.evaluation import judge
    from parlay_marl.training.config import known_scenarios, scripted_personas

    _check(games, threads, seed)
    form = given_form(context)
    with result_file(json, "--json") as file:
        player = PersonaPlayer(load_persona(policy))
        played = [load_any_scenario(name) for name in scenario or known_scenarios(player.policy)]
        opponents = [PersonaPlayer(load_persona(name)) for name in opponent or scripted_personas()]
        replies = [PersonaPlayer(load_persona(name)) for name in reply or persona_names()]
        _check_packages(played, [player, *opponents, *replies])
        params = [make_config(each, **form).params for each in played]
        play = functools.partial(judge, player, opponents, replies, params, games=games, seed=seed, threads=threads)
        each_cell = len(SEATS) * sum(map(len, map(openers_of, params))) * games
        each_cell *= len(replies) + REPLIES_OF_THE_POLICY
        judgement = with_progress(play, each_cell, quiet)
        if file is not None:
            names = [each.name for each in played]
            file.write_json({"scenarios": names, "games": games, "seed": seed, "form": form, **judgement.as_dict()})
    show_judgement(judgement, games, seed, form, output())


def _check(games: int, threads: int, seed: int) -> None:
    """Refuse numbers that are out of bounds, before anything is played."""
    from parlay_marl.game.config import whole_number
    from parlay_marl.game.position import checked_seed
    from parlay_marl.simulation.threads import MOST_THREADS

    whole_number("games", games, 2, 10_000_000)
    whole_number("threads", threads, 1, MOST_THREADS)
    checked_seed(seed)


def _check_packages(scenarios: list[AnyScenario], players: list[PersonaPlayer]) -> None:
    """Refuse policies that cannot play the packages of a scenario."""
    for scenario in scenarios:
        for player in players:
            player.check_room(scenario)
