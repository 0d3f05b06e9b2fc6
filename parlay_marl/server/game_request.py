"""The request of a client for a game."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from parlay_marl.catalogue.files import Strict, validate
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.errors import UnknownNameError
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.position import LARGEST_SEED


class GameRequest(Strict):
    """The scenario, the rules and the opener of a game; checked when it is made."""

    scenario: str = Field("saas_enterprise", max_length=60, description="scenario, by name")
    rules: str | dict[str, Any] = Field("default", description="preset of the rules, or changed numbers by section")
    information: Literal["incomplete", "complete"] | None = Field(
        None, description="whether limits are public; default: as the scenario says"
    )
    opener: Literal["buyer", "seller", "random"] | None = Field(
        None, description="seat that opens each round; default: as the scenario says"
    )
    max_rounds: int | None = Field(
        None, strict=True, ge=1, le=1000, description="rounds until the deadline; default: as the scenario says"
    )
    reward: Literal["payoff", "shaped"] = Field("payoff", description="reward mode")
    beliefs: Literal["bayes", "heuristic", "none"] = Field("bayes", description="belief tracker")
    seed: int | None = Field(
        None, strict=True, ge=0, le=LARGEST_SEED, description="seed of all chance; default: a random one"
    )

    def config(self, known: Mapping[str, Scenario]) -> GameConfig:
        """Return the configuration of the game, over one of the scenarios that the server offers."""
        if self.scenario not in known:
            raise UnknownNameError("scenario", self.scenario, known)
        preset = self.rules if isinstance(self.rules, str) else ""
        changed = "" if preset else json.dumps(self.rules, sort_keys=True)
        how = (self.reward, self.beliefs, self.information, self.opener, self.max_rounds)
        return _config(known[self.scenario], preset, changed, *how)


def game_request(given: Mapping[str, Any]) -> GameRequest:
    """Return the request that a client sent, or say what is wrong with it."""
    return validate(GameRequest, given, "reset")


@functools.lru_cache(maxsize=512)
def _config(scenario: Scenario, preset: str, changed: str, *how: Any) -> GameConfig:
    """Return a configuration, the same object for equal requests; `changed` are changed numbers of the rules, JSON."""
    return make_config(scenario, json.loads(changed) if changed else preset, *how)
