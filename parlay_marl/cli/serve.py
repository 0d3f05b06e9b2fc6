"""`parlay serve`: the negotiation server, for OpenEnv's clients and those of the first Parlay server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from parlay_marl.server.settings import ServerSettings

LONGEST_TOKEN_FILE = 4_096


def serve(
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address to listen at; 127.0.0.1, which only this machine sees."),
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="N", help="Port; ENV_PORT, else 8001. 0: any free one.")] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the token that clients must show; default: PARLAY_TOKEN, if set."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Origin of web pages that may connect, once for each: https://a.example"),
    ] = None,
    max_sessions: Annotated[
        int | None, typer.Option(metavar="N", help="Sessions at once, in each worker; 1,000.")
    ] = None,
    idle: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Silence after which a connection is closed; 600.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="N", help="Messages of a connection per second, 0 for any number; 1,000.")
    ] = None,
    burst: Annotated[int | None, typer.Option(metavar="N", help="Messages that may come at once; 2,000.")] = None,
    max_message: Annotated[int | None, typer.Option(metavar="BYTES", help="Largest message; 65,536.")] = None,
    max_words: Annotated[
        int | None, typer.Option(metavar="N", help="Longest words that go with an action, in characters; 2,000.")
    ] = None,
    wait: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long a step waits for the other of two clients; 50.")
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", "-s", metavar="FILE", help="Scenario to offer beside the catalogue, once for each."),
    ] = None,
    opponent: Annotated[
        list[str] | None,
        typer.Option(
            "--opponent", "-o", metavar="FILE", help="Persona or policy to offer beside the catalogue, once for each."
        ),
    ] = None,
    reveal_hidden: Annotated[
        bool, typer.Option("--reveal-hidden", help="Show clients the truth where they would see beliefs; for teaching.")
    ] = False,
    share_sessions: Annotated[
        bool, typer.Option("--share-sessions", help="Let sessions of the first protocol be used from any connection.")
    ] = False,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", help="Rounds of the first protocol's games; MAX_TURNS_PER_EPISODE.")
    ] = None,
    credibility_start: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Credibility they begin with; CREDIBILITY_POINTS_START, else 100."),
    ] = None,
    credibility_regain: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Credibility regained per turn; CREDIBILITY_REGEN_PER_TURN, else 5."),
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Processes that share the port; 1.")] = None,
    drain: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long running steps may take at the end; 10.")
    ] = None,
) -> None:
    """Serve negotiations over the network, to OpenEnv's clients at /ws and to those of the first server at /env/ws.

    Ends with Ctrl-C or SIGTERM. Its log is on standard error, an object of JSON a line. Needs the extra `server`.

    For example: parlay serve --host 0.0.0.0 --token-file token.txt
    """
    from parlay_marl.cli.console import tell_compiling
    from parlay_marl.cli.start import COMPILED

    serving, settings_type = _server()
    token = None if token_file is None else read_token(token_file)
    settings = settings_type.from_environment(
        host=host, port=port, token=token, allow_origin=allow_origin, max_sessions=max_sessions, idle=idle, rate=rate,
        burst=burst, max_message=max_message, max_words=max_words, wait=wait, scenario=scenario, opponent=opponent,
        reveal_hidden=reveal_hidden or None, share_sessions=share_sessions or None, rounds=rounds,
        credibility_start=credibility_start, credibility_regain=credibility_regain, workers=workers, drain=drain,
    )  # fmt: skip
    tell_compiling(*COMPILED, "doubt_game", "forfeit_game")
    serving.warm_up()
    serving.serve(settings, lambda address: _say(settings, address))


def _server() -> tuple[Any, type[ServerSettings]]:
    """Return the modules of the server, which the extra brings."""
    from parlay_marl.errors import MissingExtraError

    try:
        from parlay_marl.server import serving
        from parlay_marl.server.settings import ServerSettings
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'the server needs {error.name}; pip install "parlay-marl[server]"') from None
    return serving, ServerSettings


def read_token(path: Path) -> str:
    """Return the token that a file holds."""
    from parlay_marl.errors import ConfigurationError

    try:
        with path.open(encoding="utf-8") as file:
            token = file.read(LONGEST_TOKEN_FILE).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"--token-file {path}: cannot be read: {reason}") from None
    if not token:
        raise ConfigurationError(f"--token-file {path}: is empty; put a token of 16 characters or more into it")
    return token


def _say(settings: ServerSettings, address: str) -> None:
    """Say where the server is, and what should be known of it."""
    typer.echo(f"Serving at {address} (OpenEnv: /ws, first protocol: /env/ws); Ctrl-C ends it.")
    if not settings.is_local and settings.token is None:
        typer.echo("Warning: anybody who can reach this address can play; --token-file asks for a token.")
    if settings.reveal_hidden:
        typer.echo("Warning: clients are shown what a negotiator cannot know; scores mean nothing then.")
    if settings.workers > 1:
        typer.echo(f"{settings.workers} workers share the port and the figures at /metrics.")
        typer.echo(f"They share no sessions: each takes up to {settings.max_sessions:,}, those of its own connections.")
        typer.echo("Games of two clients and sessions that are shared need one worker, so they are refused.")
