"""The request of a client for a game."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from parlay_marl.catalogue.files import validate
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.errors import UnknownNameError
from parlay_marl.game.config import DEFAULT_SCENARIO, GameConfig, InferredGameFields, make_config
from parlay_marl.game.position import LARGEST_SEED


class GameRequest(InferredGameFields):
    """The scenario, the rules and the opener of a game; checked when it is made."""

    scenario: str = Field(DEFAULT_SCENARIO, max_length=60, description="scenario, by name")
    seed: int | None = Field(
        None, strict=True, ge=0, le=LARGEST_SEED, description="seed of all chance; default: a random one"
    )

    def config(self, known: Mapping[str, Scenario]) -> GameConfig:
        """Return the configuration of the game, over one of the scenarios that the server offers."""
        if self.scenario not in known:
            raise UnknownNameError("scenario", self.scenario, known)
        chosen = {name: getattr(self, name) for name in InferredGameFields.model_fields}
        return _config(known[self.scenario], json.dumps(chosen, sort_keys=True))


def game_request(given: Mapping[str, Any]) -> GameRequest:
    """Return the request that a client sent, or say what is wrong with it."""
    return validate(GameRequest, given, "reset")


@functools.lru_cache(maxsize=512)
def _config(scenario: Scenario, fields: str) -> GameConfig:
    """Return a configuration, the same object for the same fields, which come as JSON."""
    return make_config(scenario, **json.loads(fields))
