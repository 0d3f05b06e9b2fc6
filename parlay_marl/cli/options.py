"""The options that commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Scenario = Annotated[
    str,
    typer.Option(
        "--scenario", "-s", metavar="NAME|FILE", help="Scenario to bargain over; `parlay scenarios` lists them."
    ),
]
Seed = Annotated[
    int | None, typer.Option(metavar="N", help="Seed of all chance; default: a random one, which is shown.")
]
GameNumber = Annotated[int, typer.Option("--game", metavar="N", help="Number of the game within the seed.")]
OpenerSeat = Annotated[
    str | None,
    typer.Option(
        "--opener", metavar="buyer|seller|random", help="Seat that opens each round; default: as the scenario says."
    ),
]
Rounds = Annotated[
    int | None, typer.Option("--rounds", metavar="N", help="Rounds until the deadline; default: as the scenario says.")
]
Rules = Annotated[
    str,
    typer.Option("--rules", metavar="default|seed", help="Rules: the default, or those of the first Parlay server."),
]
NoWords = Annotated[bool, typer.Option("--no-words", help="Leave out the words; show the moves only.")]

Personas = Annotated[
    list[str] | None,
    typer.Argument(metavar="PERSONA", help="Names, .toml or .safetensors files; default: the catalogue."),
]
Entrants = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ENTRANT",
        help="Personas, by name, .toml or .safetensors file, players, as module:Name, and language models, as "
        "chat:MODEL; default: the catalogue.",
    ),
]
Policy = Annotated[
    str, typer.Argument(metavar="POLICY", help="Policy file, or persona by name or file.", show_default=False)
]


def _use_endpoint(context: typer.Context, url: str | None) -> str | None:
    """Ask the language models of a command, and of the processes that it starts, at a URL, if one is given."""
    if url is None:
        return None
    from parlay_marl.language.endpoint import URL_VARIABLE, checked_url

    before, checked = os.environ.get(URL_VARIABLE), checked_url(url)

    def restore() -> None:
        os.environ.pop(URL_VARIABLE)
        os.environ.update({} if before is None else {URL_VARIABLE: before})

    os.environ[URL_VARIABLE] = checked
    context.call_on_close(restore)
    return checked


BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        callback=_use_endpoint,
        metavar="URL",
        help="Endpoint of language models; default: that of OPENAI_BASE_URL, or OpenAI's own. Its key comes from "
        "OPENAI_API_KEY.",
    ),
]
Workers = Annotated[
    int,
    typer.Option(metavar="N", help="Processes for players of your own; 0: none, and then no player can be cut off."),
]
Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", help="Longest time that a player may take for a turn before it forfeits.")
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario", "-s", metavar="NAME|FILE", help="Scenario to play; repeat for more; default: the catalogue."
    ),
]
KnownScenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        "-s",
        metavar="NAME|FILE",
        help="Scenario to play; repeat for more; default: those that the policy was trained on.",
    ),
]
GamesInCell = Annotated[int, typer.Option("--games", "-n", metavar="N", help="Games in each cell.")]
GivenSeed = Annotated[int, typer.Option(metavar="N", help="Seed of all chance.")]
Threads = Annotated[int, typer.Option(metavar="N", help="Threads that share the cells; results do not depend on it.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue what --out has begun.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", readable=False, help="Write the results to a JSON file.")
]
HtmlFile = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE", readable=False, help="Write the game to an HTML file that shows it turn by turn."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]
