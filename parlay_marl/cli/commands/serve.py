"""`parlay serve`: the negotiation server, for OpenEnv's clients and those of the first Parlay server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from parlay_marl.cli.model_options import ModelOptions, given_settings, needing

if TYPE_CHECKING:
    from parlay_marl.server.settings import ServerSettings

ORDER = 100
OPTIONS = ModelOptions("parlay_marl.server.settings", "ServerSettings", extra="server")


def serve(context: typer.Context) -> None:
    """Serve negotiations over the network, to OpenEnv's clients at /ws and to those of the first server at /env/ws.

    Ends with Ctrl-C or SIGTERM. The log is on standard error, one JSON object a line. Needs the extra `server`.

    For example: parlay serve --host 0.0.0.0 --token-file token.txt
    """
    from parlay_marl.cli.start import import_from_here
    from parlay_marl.option import flags

    with needing("server"):
        from parlay_marl.server import serving
        from parlay_marl.server.settings import ServerSettings
        from parlay_marl.server.warming import warm_up
    settings = ServerSettings.from_environment(flags(ServerSettings), **given_settings(context))
    import_from_here()
    warm_up()
    serving.serve(settings, lambda address: _announce(settings, address))


def _announce(settings: ServerSettings, address: str) -> None:
    """Print the address of the server, and warnings about its settings."""
    typer.echo(f"Serving at {address} (OpenEnv: /ws, first protocol: /env/ws); Ctrl-C ends it.")
    if not settings.is_local and settings.token is None:
        typer.echo("Warning: anybody who can reach this address can play; --token-file asks for a token.")
    if settings.reveal_hidden:
        typer.echo("Warning: clients are shown what a negotiator cannot know; scores mean nothing then.")
    if settings.workers > 1:
        typer.echo(f"{settings.workers} workers share the port and the figures at /metrics.")
        typer.echo(f"They share no sessions: each takes up to {settings.max_sessions:,}, those of its own connections.")
        typer.echo("Games of two clients and sessions that are shared need one worker, so they are refused.")
