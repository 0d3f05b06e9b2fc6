"""`parlay solve`: an equilibrium of a small game, and how far players are from their best replies in it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlay_marl.cli.options import JsonFile, OpenerSeat, Quiet, Rounds, Rules

if TYPE_CHECKING:
    from parlay_marl.cli.resultfile import ResultFile
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
    from parlay_marl.cli.resultfile import result_file
    from parlay_marl.game.config import one_of, whole_number
    from parlay_marl.theory.cfr import check_algorithm
    from parlay_marl.theory.small_game import plain_moves, small_game

    check_algorithm(algorithm)
    whole_number("iterations", iterations, 1, 10**9)
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
    with ExitStack() as files:
        targets = [files.enter_context(result_file(path, flag)) for path, flag in ((json, "--json"), (efg, "--efg"))]
        _check_size(game, quiet)
        tree, solution = _solved(game, algorithm, iterations, goal, quiet)
        _finish(tree, solution, algorithm, tuple(player or ()), out, lines, targets)


def _check_size(game: SmallGame, quiet: bool) -> None:
    """Print the size of a game, and refuse one that does not fit."""
    from parlay_marl.cli.console import remarks
    from parlay_marl.theory.size import check_size, estimated_size

    size = estimated_size(game)
    check_size(size)
    if not quiet:
        remarks().print(f"The game has {size}.", soft_wrap=True)


def _solved(game: SmallGame, algorithm: str, iterations: int, goal: float, quiet: bool) -> tuple[Tree, Solution]:
    """Return the tree of a game and its solution; a bar shows the progress."""
    from parlay_marl.cli.console import remarks
    from parlay_marl.cli.progress import progress_bar
    from parlay_marl.theory.cfr import solve as solve_tree
    from parlay_marl.theory.tree import build_tree

    with progress_bar(remarks()) as bar:
        task = bar.add_task("solving", total=iterations, rate="making the tree", visible=not quiet)

        def on_progress(done: int, nash_conv: float) -> None:
            bar.update(task, completed=done, rate=f"NashConv {nash_conv:.5f}")

        tree = build_tree(game)
        return tree, solve_tree(tree, algorithm, iterations=iterations, goal=goal, on_progress=on_progress)


def _finish(
    tree: Tree,
    solution: Solution,
    algorithm: str,
    names: tuple[str, ...],
    out: Path | None,
    lines: int,
    targets: list[ResultFile | None],
) -> None:
    """Write the files that were asked for, and print the result."""
    from parlay_marl.cli.console import output
    from parlay_marl.cli.solution_tables import PlayerGaps, result_as_dict, show_solution
    from parlay_marl.theory.behaviour import behaviour
    from parlay_marl.theory.efg import efg_text
    from parlay_marl.theory.tabular import TabularPlayer
    from parlay_marl.theory.values import gaps

    players = [PlayerGaps(name, gaps(tree, behaviour(tree, name))) for name in names]
    json_file, efg_file = targets
    if out is not None:
        TabularPlayer.of(tree, solution.table).write(out)
    if json_file is not None:
        json_file.write_json(result_as_dict(tree, solution, algorithm, players))
    if efg_file is not None:
        efg_file.write(efg_text(tree).encode())
    show_solution(tree, solution, algorithm, players, lines, output())
