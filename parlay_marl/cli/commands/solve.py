"""`parlay solve`: an equilibrium of a small game, and how far players are from their best replies in it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.options import JsonFile, OpenerSeat, Quiet, Rounds, Rules

if TYPE_CHECKING:
    from parlay_marl.cli.resultfile import ResultFile
    from parlay_marl.cli.solution_tables import PlayerGaps
    from parlay_marl.players.persona import AnyPlayer
    from parlay_marl.policies.policy import Policy
    from parlay_marl.theory.cfr import Solution
    from parlay_marl.theory.small_game import SmallGame
    from parlay_marl.theory.tree import Tree

ORDER = 82
PROTOCOLS = ("alternating_offers", "seller_offers", "buyer_offers", "take_it_or_leave_it", "sealed_bid")
"""Names alone: the core is imported when a command runs. A test compares them with the core's."""

Protocol = Annotated[str, typer.Option(metavar="NAME", help=f"Who may do what in which turn: {', '.join(PROTOCOLS)}.")]
PriceShare = Annotated[
    float, typer.Option(metavar="K", help="Of sealed_bid: where the price lies between the seller's and the buyer's.")
]
Moves = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Move of the game; repeat for more; default: plain offers.")
]
StrategyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the strategy (.npz); in Python, TabularPlayer.read makes a player of it."),
]


def solve(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Scenario, by name or file.", show_default=False)],
    rounds: Rounds = None,
    prices: Annotated[int, typer.Option(metavar="N", help="Prices that offers may have, over the range: 2 to 41.")] = 5,
    types: Annotated[
        int, typer.Option(metavar="N", help="Types of each seat, where the scenario has none of its own.")
    ] = 3,
    moves: Moves = None,
    protocol: Protocol = PROTOCOLS[0],
    price_share: PriceShare = 0.5,
    opener: OpenerSeat = None,
    rules: Rules = "default",
    algorithm: Annotated[str, typer.Option(metavar="cfr+|cfr", help="Counterfactual regret minimisation.")] = "cfr+",
    iterations: Annotated[int, typer.Option(metavar="N", help="Iterations at most.")] = 2000,
    goal: Annotated[float, typer.Option(metavar="X", help="NashConv at which it stops, in price ranges.")] = 1e-3,
    player: Annotated[
        list[str] | None,
        typer.Option("--player", "-p", metavar="NAME|FILE", help="Player to show exact gaps of; repeat for more."),
    ] = None,
    efg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the game for Gambit and OpenSpiel.")] = None,
    out: StrategyFile = None,
    lines: Annotated[int, typer.Option(metavar="N", help="Information states to show; 0: none.")] = 30,
    json: JsonFile = None,
    quiet: Quiet = False,
) -> None:
    """Solve a small game of a scenario by the rules that are played, and show the strategy of both seats.

    Its size is shown before it starts; a game that does not fit is refused.

    For example: parlay solve saas_enterprise --rounds 2 --prices 5 -p champion
    """
    from parlay_marl.cli.resultfile import check_apart, result_file
    from parlay_marl.game.config import one_of, whole_number
    from parlay_marl.theory.behaviour import player_for
    from parlay_marl.theory.cfr import MOST_ITERATIONS, check_algorithm, check_goal
    from parlay_marl.theory.small_game import plain_moves, small_game

    check_algorithm(algorithm)
    whole_number("iterations", iterations, 1, MOST_ITERATIONS)
    check_goal(goal)
    whole_number("lines", lines, 0, 10**6)
    one_of("protocol", protocol, PROTOCOLS)
    game = small_game(
        scenario,
        types=types,
        max_rounds=rounds,
        price_levels=prices,
        moves=tuple(moves) if moves else plain_moves(protocol),
        opener=opener,
        rules=rules,
        protocol=protocol,
        price_share=price_share,
    )
    players = {name: player_for(game, name) for name in player or ()}
    paths = {"--json": json, "--efg": efg, "--out": out}
    with ExitStack() as files:
        check_apart(paths)
        targets = {flag: files.enter_context(result_file(path, flag)) for flag, path in paths.items()}
        _check_size(game, quiet)
        _finish(*_solved(game, players, algorithm, iterations, goal, quiet), algorithm, lines, targets)


def _check_size(game: SmallGame, quiet: bool) -> None:
    """Print the size of a game, and refuse one that does not fit."""
    from parlay_marl.cli.console import remarks
    from parlay_marl.theory.size import check_size, estimated_size

    size = estimated_size(game)
    check_size(size)
    if not quiet:
        remarks().print(f"The game has {size}.", soft_wrap=True)


def _solved(
    game: SmallGame,
    players: dict[str, Policy | AnyPlayer],
    algorithm: str,
    iterations: int,
    goal: float,
    quiet: bool,
) -> tuple[Tree, Solution, list[PlayerGaps]]:
    """Return the tree of a game, its solution and the gaps of players; a bar shows the progress.

    The players come first: what goes wrong with one of them loses no solution.
    """
    from parlay_marl.cli.console import remarks
    from parlay_marl.cli.progress import progress_bar
    from parlay_marl.cli.solution_tables import PlayerGaps
    from parlay_marl.theory.behaviour import behaviour
    from parlay_marl.theory.cfr import solve as solve_tree
    from parlay_marl.theory.tree import build_tree
    from parlay_marl.theory.values import gaps

    with progress_bar(remarks()) as bar:
        task = bar.add_task("solving", total=iterations, rate="making the tree", visible=not quiet)

        def on_progress(done: int, nash_conv: float) -> None:
            bar.update(task, completed=done, rate=f"NashConv {nash_conv:.5f}")

        tree = build_tree(game)
        found = []
        for name, player in players.items():
            bar.update(task, rate=f"asking {name}")
            found.append(PlayerGaps(name, gaps(tree, behaviour(tree, player))))
        solution = solve_tree(tree, algorithm, iterations=iterations, goal=goal, on_progress=on_progress)
        return tree, solution, found


def _finish(
    tree: Tree,
    solution: Solution,
    players: list[PlayerGaps],
    algorithm: str,
    lines: int,
    targets: dict[str, ResultFile | None],
) -> None:
    """Write the files that were asked for, and print the result."""
    from parlay_marl.cli.console import output
    from parlay_marl.cli.solution_tables import result_as_dict, show_solution
    from parlay_marl.theory.efg import efg_text
    from parlay_marl.theory.tabular import TabularPlayer

    if (file := targets["--out"]) is not None:
        file.write(TabularPlayer.of(tree, solution.table).content())
    if (file := targets["--json"]) is not None:
        file.write_json(result_as_dict(tree, solution, algorithm, players))
    if (file := targets["--efg"]) is not None:
        file.write(efg_text(tree).encode())
    show_solution(tree, solution, algorithm, players, lines, output())
