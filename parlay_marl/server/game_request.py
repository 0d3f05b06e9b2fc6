"""The request of a client for a game."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.files import validate
from parlay_marl.catalogue.rules import RULE_PRESETS, preset, tells_limits
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.form_fields import Rounds
from parlay_marl.game.config import DEFAULT_SCENARIO, GameConfig, GameFields, make_config
from parlay_marl.game.position import LARGEST_SEED

OPEN_PRESETS = tuple(name for name in RULE_PRESETS if not tells_limits(preset(name)))
"""Presets of the rules that every client may choose: none reveals the other seat's limit."""
OPEN_ROUNDS = (1, 2, 5, 10, 20, 50)
"""Numbers of rounds that every client may choose."""
_FIELDS = set(GameFields.model_fields)
_ASK = "the server was not started to allow others (--allow-rules)"


class GameRequest(GameFields):
    """The scenario, the rules and the opener of a game; checked when it is made."""

    rules: str | dict[str, Any] = Field(
        "default", description=f"preset of the rules: {', '.join(OPEN_PRESETS)}; with `--allow-rules` any, or numbers"
    )
    max_rounds: Rounds | None = Field(
        None,
        description=f"rounds until the deadline: one of {', '.join(map(str, OPEN_ROUNDS))}; with `--allow-rules` any "
        "number; default: as the scenario says",
    )
    scenario: str = Field(DEFAULT_SCENARIO, max_length=60, description="scenario, by name")
    seed: int | None = Field(
        None, strict=True, ge=0, le=LARGEST_SEED, description="seed of all chance; default: a random one"
    )

    def config(self, known: Mapping[str, AnyScenario], allow_rules: bool = False) -> GameConfig:
        """Return the configuration of the game; its scenario must be one that the server offers.

        Unless `allow_rules`, its rules and rounds must be among those that every client may choose.
        """
        if self.scenario not in known:
            raise UnknownNameError("scenario", self.scenario, known)
        if not allow_rules:
            self._check_open()
        return _config(known[self.scenario], self.model_dump_json(include=_FIELDS))

    def _check_open(self) -> None:
        """Refuse rules and rounds that the server does not let every client choose."""
        if not isinstance(self.rules, str) or self.rules in set(RULE_PRESETS) - set(OPEN_PRESETS):
            raise ConfigurationError(f"rules: choose the preset {' or '.join(OPEN_PRESETS)}; {_ASK}")
        if self.max_rounds is not None and self.max_rounds not in OPEN_ROUNDS:
            raise ConfigurationError(f"max_rounds: choose one of {', '.join(map(str, OPEN_ROUNDS))}; {_ASK}")


def game_request(given: Mapping[str, Any]) -> GameRequest:
    """Return the request that a client sent; raise an error that says what is wrong with it."""
    return validate(GameRequest, given, "reset")


@functools.lru_cache(maxsize=512)
def _config(scenario: AnyScenario, fields: str) -> GameConfig:
    """Return a configuration; equal JSON fields give the same object."""
    return make_config(scenario, **json.loads(fields))
