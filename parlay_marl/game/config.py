"""What fixes a game before chance does: scenario, rules, rewards, rounds, information, beliefs."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import MAX_ROUNDS, Params, Scenario, build_params, load_scenario
from parlay_marl.errors import ConfigurationError, UnknownNameError

REWARDS = ("payoff", "shaped")
BELIEFS = ("bayes", "heuristic", "none", "elicited")
INFORMATION = ("incomplete", "complete")
OPENERS = ("buyer", "seller", "random")
ACTIONS = ("discrete", "mixed")
ILLEGAL = ("raise", "terminate")
ACTION_MASKS = ("observation", "info", "both")


def one_of(kind: str, value: object, known: tuple[str, ...]) -> None:
    """Refuse a value that is not one of the known ones."""
    if value not in known:
        raise UnknownNameError(kind, value, known)


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number within bounds, or say what is wrong with it."""
    is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
    number = value.__index__() if is_whole else None  # type: ignore[attr-defined]
    if number is None or not low <= number <= high:
        raise ConfigurationError(f"{name}: give a whole number from {low:,} to {high:,}, not {value!r}")
    return int(number)


@dataclass(frozen=True)
class GameConfig:
    """The configuration of a game, validated: the same config, seed and moves give the same game."""

    scenario: Scenario
    rules: BaseModel
    reward: str
    beliefs: str
    information: str
    opener: str
    max_rounds: int

    @functools.cached_property
    def params(self) -> Params:
        """The core's record of this configuration, an array of one."""
        return build_params(
            self.scenario,
            self.rules,
            opener=self.opener,
            rounds=self.max_rounds,
            information=self.information,
            reward=self.reward,
            beliefs=self.beliefs,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: a copied record would not be read-only, and the kernels be compiled anew for it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __deepcopy__(self, memo: dict[int, Any]) -> GameConfig:
        """Return the configuration itself, as it cannot change."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data, such as JSON can hold."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {"scenario": self.scenario.model_dump(mode="json"), "rules": self.rules.model_dump(mode="json")}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GameConfig:
        """Return the configuration that `to_dict` wrote."""
        return make_config(**{**data, "scenario": Scenario.model_validate(data["scenario"])})


def make_config(
    scenario: str | Path | Scenario = "saas_enterprise",
    rules: str | Mapping[str, Any] | BaseModel = "default",
    reward: str = "payoff",
    beliefs: str = "bayes",
    information: str | None = None,
    opener: str | None = None,
    max_rounds: int | None = None,
) -> GameConfig:
    """Return a validated configuration; what is None is as the scenario says."""
    loaded = load_scenario(scenario)
    information = loaded.information if information is None else information
    opener = loaded.opener if opener is None else opener
    max_rounds = loaded.rounds if max_rounds is None else max_rounds
    one_of("reward mode", reward, REWARDS)
    one_of("belief tracker", beliefs, BELIEFS)
    one_of("kind of information", information, INFORMATION)
    one_of("opener", opener, OPENERS)
    return GameConfig(loaded, load_rules(rules), reward, beliefs, information, opener, _checked_rounds(max_rounds))


def _checked_rounds(max_rounds: Any) -> int:
    """Return a number of rounds as a plain whole number."""
    try:
        number = 0 if isinstance(max_rounds, bool) else operator.index(max_rounds)
    except TypeError:
        number = 0
    if not 1 <= number <= MAX_ROUNDS:
        raise ConfigurationError(f"max_rounds: give a whole number from 1 to {MAX_ROUNDS}, not {max_rounds!r}")
    return number
