"""The settings of a server, from arguments and environment variables."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator

from parlay_marl.catalogue.files import NO_NAMES, Strict, reasons
from parlay_marl.errors import ConfigurationError
from parlay_marl.option import Option, variables

SHORTEST_TOKEN = 16
_TOKEN = re.compile(r"[!-~]+")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_LOCAL = "localhost"


class ServerSettings(Strict):
    """The address of a server, its limits, and what its games show.

    Each field is an option of `parlay serve` of that name; `--token-file` names a file that holds the token.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # the input may be a token

    host: Annotated[str, Option(metavar="ADDRESS")] = Field(
        "127.0.0.1",
        min_length=1,
        max_length=255,
        description="address to listen at; by default only this machine can connect",
    )
    port: Annotated[int, Option(variable="ENV_PORT")] = Field(
        8001, ge=0, le=65_535, description="port to listen at; 0: any free one"
    )
    token: Annotated[SecretStr | None, Option(variable="PARLAY_TOKEN")] = Field(
        None,
        description="token that clients send as `Authorization: Bearer ...`, at least 16 characters; without one "
        "everybody may play",
    )
    allow_origin: Annotated[tuple[str, ...], Option(metavar="ORIGIN")] = Field(
        (),
        max_length=100,
        description="origins of web pages that may connect, beside the server's own, such as https://a.example",
    )
    allow_host: Annotated[tuple[str, ...], Option(metavar="NAME")] = Field(
        (),
        max_length=100,
        description="names that clients call the server by, beside localhost and IP addresses; default: these alone "
        "from this machine, any from others",
    )
    proxy: Annotated[tuple[str, ...], Option(metavar="ADDRESS")] = Field(
        (),
        max_length=100,
        description="addresses or networks of proxies whose `X-Forwarded-For` names the client",
    )
    max_sessions: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="largest number of sessions at once, in each worker and for each of the three protocols",
    )
    max_connections: int | None = Field(
        None,
        ge=1,
        le=200_000,
        description="largest number of open WebSockets of a client address, in each worker; this machine's own has no "
        "such limit; default: half of `max_sessions`",
    )
    max_message: Annotated[int, Option(metavar="BYTES")] = Field(
        65_536, ge=1_024, le=16_777_216, description="largest message or body of a request, in bytes"
    )
    rate: float = Field(
        1_000.0,
        ge=0.0,
        le=1e6,
        description="messages per second of a connection, or requests per second of an address; 0: no limit",
    )
    burst: int = Field(2_000, ge=1, le=1_000_000, description="messages or requests that may come at once")
    idle: Annotated[float, Option(metavar="SECONDS")] = Field(
        600.0, gt=0.0, le=86_400.0, description="longest silence before a connection is closed, in seconds"
    )
    max_words: int = Field(2_000, ge=0, le=100_000, description="longest words with an action, in characters")
    wait: Annotated[float, Option(metavar="SECONDS")] = Field(
        50.0,
        gt=0.0,
        le=3_600.0,
        description="longest time that a step waits for another client, or for a player as opponent, in seconds",
    )
    turn: Annotated[float, Option(metavar="SECONDS")] = Field(
        600.0,
        gt=0.0,
        le=86_400.0,
        description="longest time for a turn in a game of two clients, in seconds; who takes longer forfeits",
    )
    max_orphans: int = Field(
        100,
        ge=1,
        le=100_000,
        description="largest number of sessions without a connection that an address may have: games whose client may "
        "return, matches that nobody has joined, and shared sessions",
    )
    reveal_hidden: bool = Field(
        False, description="show clients of the first protocol the truth instead of beliefs, for teaching"
    )
    allow_rules: bool = Field(
        False,
        description="let clients choose any preset of the rules, change its numbers, and choose any number of rounds; "
        "by some rules a seat learns the other's limit",
    )
    share_sessions: bool = Field(
        False, description="let every connection that knows its id use a session of the first protocol"
    )
    scenario: Annotated[tuple[str, ...], Option(short="-s", metavar="FILE")] = Field(
        (), max_length=1_000, description="scenario files to offer beside the catalogue"
    )
    opponent: Annotated[tuple[str, ...], Option(short="-o", metavar="FILE|module:Name|chat:MODEL")] = Field(
        (), max_length=1_000, description="persona and policy files, and players, to offer beside the catalogue"
    )
    rounds: Annotated[int | None, Option(variable="MAX_TURNS_PER_EPISODE")] = Field(
        None, ge=1, le=1_000, description="rounds of the first protocol's games; default: as the scenario says"
    )
    credibility_start: Annotated[float, Option(metavar="POINTS", variable="CREDIBILITY_POINTS_START")] = Field(
        100.0,
        ge=0.0,
        le=100.0,
        description="credibility at the start of the first protocol's games, and the most in them",
    )
    credibility_regain: Annotated[float, Option(metavar="POINTS", variable="CREDIBILITY_REGEN_PER_TURN")] = Field(
        5.0, ge=0.0, le=100.0, description="credibility regained per turn in the first protocol's games"
    )
    web: Annotated[bool, Option(variable="ENABLE_WEB_INTERFACE")] = Field(
        False, description="offer OpenEnv's page at /web, where people play one game that all who open it share"
    )
    workers: int = Field(1, ge=1, le=64, description="processes that share the port")
    drain: Annotated[float, Option(metavar="SECONDS")] = Field(
        10.0, ge=0.0, le=600.0, description="longest time that running steps may take at the end, in seconds"
    )

    @field_validator("token")
    @classmethod
    def _token_can_be_sent(cls, token: SecretStr | None) -> SecretStr | None:
        if token is None:
            return None
        text = token.get_secret_value()
        if len(text) < SHORTEST_TOKEN:
            raise ValueError(f"give at least {SHORTEST_TOKEN} characters; `openssl rand -hex 16` makes a good one")
        if not _TOKEN.fullmatch(text):
            raise ValueError("give printable ASCII characters without spaces: it travels in a header")
        return token

    @field_validator("allow_origin")
    @classmethod
    def _origins_are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin.lower()):
                raise ValueError(f"{origin!r:.60} is no origin; give scheme and host, as https://parlay.example")
        return tuple(origin.lower() for origin in origins)

    @field_validator("allow_host")
    @classmethod
    def _names_are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not _NAME.fullmatch(name.lower()):
                raise ValueError(f"{name!r:.60} is no name of a host; give one without scheme and port: parlay.example")
        return tuple(name.lower() for name in names)

    @field_validator("proxy")
    @classmethod
    def _proxies_are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r:.60} is no address or network; give one such as 10.0.0.0/8") from None
        return proxies

    @classmethod
    def from_environment(cls, names: Mapping[str, str] = NO_NAMES, /, **given: Any) -> Self:
        """Return the settings that are given; those that are missing or None come from environment variables.

        Raises `ConfigurationError` that names the wrong variable or setting; `names` maps settings to the user's
        names for them, such as options.
        """
        chosen = {name: value for name, value in given.items() if value is not None}
        set_here = {name: os.environ[variable] for name, variable in VARIABLES.items() if os.environ.get(variable)}
        try:
            return cls.model_validate({**set_here, **chosen})
        except ValidationError as error:
            used = {name: VARIABLES[name] for name in set(set_here) - set(chosen)}
            found = reasons(error, {**names, **used}, secrets=("token",))
            raise ConfigurationError(f"server: {found}") from None

    @property
    def connections_of_address(self) -> int:
        """The largest number of open WebSockets of a client address."""
        return max(1, self.max_sessions // 2) if self.max_connections is None else self.max_connections

    @property
    def is_local(self) -> bool:
        """True where only this machine can connect."""
        if self.host == _LOCAL:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


VARIABLES = variables(ServerSettings)
"""Environment variables by setting; all except the token's are those of the first Parlay server."""
