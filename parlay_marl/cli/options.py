"""The options that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Scenario = Annotated[
    str,
    typer.Option(
        "--scenario", "-s", metavar="NAME|FILE", help="What is bargained over; `parlay scenarios` lists them."
    ),
]
Seed = Annotated[
    int | None, typer.Option(metavar="N", help="Seed of all chance; default: a random one, shown for next time.")
]
GameNumber = Annotated[int, typer.Option("--game", metavar="N", help="Which game of the seed.")]
OpenerSeat = Annotated[
    str | None,
    typer.Option(
        "--opener", metavar="buyer|seller|random", help="Who opens each round; default: as the scenario says."
    ),
]
Rounds = Annotated[
    int | None, typer.Option("--rounds", metavar="N", help="Rounds until the deadline; default: as the scenario says.")
]
Rules = Annotated[
    str, typer.Option("--rules", metavar="default|seed", help="The rules, or those of the first Parlay server.")
]
NoWords = Annotated[bool, typer.Option("--no-words", help="Leave out what is said; show the moves only.")]

Personas = Annotated[
    list[str] | None,
    typer.Argument(metavar="PERSONA", help="Names, .toml or .safetensors files; default: the catalogue."),
]
Entrants = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ENTRANT",
        help="Personas, by name, .toml or .safetensors file, and policies, as module:Name; default: the catalogue.",
    ),
]
Workers = Annotated[
    int,
    typer.Option(metavar="N", help="Processes that policies are asked in; 0: in this one, where none can be cut off."),
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", help="Longest that a policy may take for a call; then it forfeits.")
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option("--scenario", "-s", metavar="NAME|FILE", help="A scenario, once for each; default: the catalogue."),
]
GamesInCell = Annotated[int, typer.Option("--games", "-n", metavar="N", help="Games in each cell.")]
GivenSeed = Annotated[int, typer.Option(metavar="N", help="Seed of all chance.")]
Threads = Annotated[int, typer.Option(metavar="N", help="Threads that share the cells; the results are the same.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result.")]


def weighted(text: str) -> tuple[str, float]:
    """Return an opponent and its weight."""
    from parlay_marl.errors import ConfigurationError

    name, separator, weight = text.rpartition("=")
    if not separator:
        return text, 1.0
    try:
        return name, float(weight)
    except ValueError:
        raise ConfigurationError(f"--opponent {text}: give a name, or a name and a weight, as shark=2") from None
