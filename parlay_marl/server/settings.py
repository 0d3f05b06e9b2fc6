"""What a server is told when it starts: by arguments, by environment variables, or by a parent to its workers."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator

from parlay_marl.catalogue.files import Strict
from parlay_marl.errors import ConfigurationError

VARIABLES = {
    "port": "ENV_PORT",
    "token": "PARLAY_TOKEN",
    "rounds": "MAX_TURNS_PER_EPISODE",
    "credibility_start": "CREDIBILITY_POINTS_START",
    "credibility_regain": "CREDIBILITY_REGEN_PER_TURN",
}
"""Environment variables of settings; all but the token's are those of the first Parlay server."""
HANDED_OVER = "PARLAY_SERVER_SETTINGS"
"""The environment variable in which a parent process gives its workers all settings."""
SHORTEST_TOKEN = 16
_TOKEN = re.compile(r"[!-~]+")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+")
_LOCAL = "localhost"


class ServerSettings(Strict):
    """Where a server listens, what it refuses, and what its games show.

    Each setting has the name of its option of `parlay serve`, `idle` that of `--idle`; `--token-file` holds the token.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # one input is a token

    host: str = Field("127.0.0.1", min_length=1, max_length=255, description="address to listen at")
    port: int = Field(8001, ge=0, le=65_535, description="port to listen at; 0: any free one")
    token: SecretStr | None = Field(
        None,
        description="what clients show as `Authorization: Bearer ...`, 16 characters at least; none: anybody may play",
    )
    allow_origin: tuple[str, ...] = Field(
        (), max_length=100, description="origins of web pages that may connect, beside the server's own"
    )
    max_sessions: int = Field(
        1_000, ge=1, le=100_000, description="sessions at once, in each worker; OpenEnv's and the first protocol's each"
    )
    max_message: int = Field(
        65_536, ge=1_024, le=16_777_216, description="largest message or body of a request, in bytes"
    )
    rate: float = Field(
        1_000.0, ge=0.0, le=1e6, description="messages of a connection, or requests of an address, per second; 0: any"
    )
    burst: int = Field(2_000, ge=1, le=1_000_000, description="how many of them may come at once")
    idle: float = Field(
        600.0, gt=0.0, le=86_400.0, description="longest silence before a connection is closed, in seconds"
    )
    max_words: int = Field(2_000, ge=0, le=100_000, description="longest words with an action, in characters")
    wait: float = Field(
        50.0, gt=0.0, le=3_600.0, description="longest that a step waits for the other of two clients, in seconds"
    )
    reveal_hidden: bool = Field(False, description="whether the first protocol shows the truth instead of beliefs")
    share_sessions: bool = Field(
        False, description="whether a session of the first protocol may be used from any connection that knows its id"
    )
    scenario: tuple[str, ...] = Field((), max_length=1_000, description="scenario files to offer beside the catalogue")
    opponent: tuple[str, ...] = Field(
        (), max_length=1_000, description="persona and policy files to offer beside the catalogue"
    )
    rounds: int | None = Field(
        None, ge=1, le=1_000, description="rounds of the first protocol's games; default: as the scenario says"
    )
    credibility_start: float = Field(
        100.0, ge=0.0, le=100.0, description="credibility that the first protocol's games begin with"
    )
    credibility_regain: float = Field(
        5.0, ge=0.0, le=100.0, description="credibility regained per turn, in those games"
    )
    workers: int = Field(1, ge=1, le=64, description="processes that serve")
    drain: float = Field(
        10.0,
        ge=0.0,
        le=600.0,
        description="longest that running steps may take at the end, in seconds",
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

    @classmethod
    def from_environment(cls, **given: Any) -> Self:
        """Return the settings that are given; those that are not, or None, come from environment variables.

        Raises `ConfigurationError` that names the variable or the setting at fault.
        """
        named = {name: value for name, value in given.items() if value is not None}
        told = {name: os.environ[variable] for name, variable in VARIABLES.items() if os.environ.get(variable)}
        handed = _handed_over()
        return cls._checked({**told, **handed, **named}, set(told) - set(handed) - set(named))

    @classmethod
    def _checked(cls, data: Mapping[str, Any], from_variables: set[str]) -> Self:
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ConfigurationError(f"server: {_told(error, from_variables)}") from None

    def variables_for_workers(self) -> dict[str, str]:
        """Return the environment variable that gives a worker process these settings, its token included."""
        data = self.model_dump(mode="json")
        data["token"] = self.token and self.token.get_secret_value()
        return {HANDED_OVER: json.dumps(data)}

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == _LOCAL:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _handed_over() -> dict[str, Any]:
    """Return the settings that a parent process has given to this worker, if it is one."""
    text = os.environ.get(HANDED_OVER)
    try:
        data = json.loads(text) if text else {}
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise ConfigurationError(f"{HANDED_OVER}: no JSON object; leave the variable to `parlay serve --workers`")
    return data


def _told(error: ValidationError, from_variables: set[str]) -> str:
    """Return what a validation found, with the variable's name for a setting that came from one; never a token."""
    found = []
    for item in error.errors(include_url=False):
        name = str(item["loc"][0]) if item["loc"] else "(whole)"
        secret = name == "token" or item["type"] == "value_error"
        given = "" if secret else f" (given {item['input']!r:.60})"
        key = VARIABLES[name] if name in from_variables else name
        found.append(f"{key}: {item['msg'].removeprefix('Value error, ')}{given}")
    return "; ".join(found)
