"""The settings of an environment of RLlib: its `env_config`, checked. RLlib is not needed for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from parlay_marl.catalogue.files import validate
from parlay_marl.catalogue.personas import load_persona, refuse_held_out
from parlay_marl.envs.batch import Batch
from parlay_marl.game.config import DEFAULT_SCENARIO, InferredGameFields
from parlay_marl.training.config import TrainingScenarios, Weights

SEEDS_APART = 2**20
"""Distance between the seeds of lanes: a training that continues from a checkpoint takes those between."""


class EnvSettings(InferredGameFields):
    """The games of an environment: scenarios, pay and opponents."""

    scenarios: TrainingScenarios = Field(
        (DEFAULT_SCENARIO,), min_length=1, description="scenarios, by name or file, with equal shares of the games"
    )
    opponents: Weights = Field({}, description="personas, by name or file, or policy files, and their weights")
    opponent_share: float | None = Field(
        None, ge=0.0, le=1.0, description="share of games against the opponents; default: 1 where there are any, else 0"
    )
    role: Literal["buyer", "seller", "mixed"] = Field("mixed", description="seat of the learner against an opponent")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.opponent_share and not self.opponents:
            raise ValueError("`opponents` names nobody; name one, or set `opponent_share` to 0")
        return self

    @property
    def share(self) -> float:
        """The share of games against the opponents."""
        if self.opponent_share is None:
            return 1.0 if self.opponents else 0.0
        return self.opponent_share

    @property
    def kinds(self) -> tuple[bool, ...]:
        """The kinds of games: False for both seats played from outside, True for games against an opponent."""
        return tuple(kind for kind, there in ((False, self.share < 1.0), (True, self.share > 0.0)) if there)

    def batch(self, games: int, *, against_opponents: bool) -> Batch:
        """Return games with an opponent in one seat, or with both seats played from outside."""
        refuse_held_out(load_persona(name) for name in self.opponents)
        return Batch(
            games,
            list(self.scenarios),
            **{name: getattr(self, name) for name in InferredGameFields.model_fields},
            illegal="terminate",
            autoreset="disabled",
            learner=self.role if against_opponents else "both",
            opponent=self.opponents if against_opponents else None,
        )


def env_settings(env_config: Mapping[str, Any]) -> EnvSettings:
    """Return the settings in an `env_config`; raise `CatalogueError` where it is wrong."""
    return validate(EnvSettings, dict(env_config), "env_config")


def lane_seed(seed: int, worker: int) -> int:
    """Return the seed of a runner's first lane; the seeds of two runners never meet."""
    return (seed * 2**12 + worker) * SEEDS_APART
