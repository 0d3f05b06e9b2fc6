"""The result of an arena: a JSON file, described by a schema that is shipped beside this module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = Path(__file__).with_name("result.schema.json")
"""The file of the JSON schema."""


class Part(BaseModel):
    """A frozen part of a result without undeclared fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Rate(Part):
    """The mean of a figure over the games where it is defined, with its 95% interval by deal number."""

    mean: float | None = Field(description="null where no game says anything about it")
    low: float | None = Field(description="lower end; null where fewer than two numbers of deals are known")
    high: float | None
    games: int = Field(description="games, each seat of the model counted, that it speaks of")


Rates = dict[str, Rate]


class FigureInfo(Part):
    """The description of a figure."""

    unit: str
    meaning: str


class Totals(Part):
    """Sums over the finished games of a model."""

    games: int = Field(description="games of the model; one against another model counts for both")
    requests: int
    retried: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    unreadable: int
    illegal: int
    lost_turns: int


class ModelResult(Part):
    """The figures of one model."""

    name: str
    settings: dict[str, Any] = Field(description="what it was asked with; never a key")
    elo: float | None = Field(description="rating from duels: two games of a deal with the seats exchanged; mean 1500")
    totals: Totals
    figures: Rates
    by_partner: dict[str, Rates]
    by_scenario: dict[str, Rates]
    by_difficulty: dict[str, Rates] = Field(description="by the part of the public range that the ZOPA covers at first")
    by_seat: dict[str, Rates]


class Comparison(Part):
    """Two models on the games that both have played: same deal, seat and partner."""

    better: str
    worse: str
    games: int
    payoff: Rate = Field(description="payoff of the better less that of the worse")
    p: float | None = Field(description="two-sided, Student's paired test by number of the deal, corrected (Holm)")


class ArenaResult(Part):
    """The result of an arena. The version of the schema changes when a field changes its name or meaning."""

    schema_version: Literal[1] = 1
    package_version: str
    rules_digest: str = Field(description="digest of the compiled rules that played")
    seed: int
    deals: int = Field(description="deals of each scenario")
    repeats: int
    scenarios: tuple[str, ...]
    partners: tuple[str, ...]
    form: dict[str, Any] = Field(
        default_factory=dict, description="settings of the form of the games that are not usual"
    )
    finished: int = Field(description="games that were played to their end")
    planned: int
    stopped: str | None = Field(description="why games are missing; null where none is")
    spent: float = Field(description="cost of all replies, those of unfinished games included")
    figures: dict[str, FigureInfo]
    models: tuple[ModelResult, ...]
    comparisons: tuple[Comparison, ...]

    def as_json(self) -> bytes:
        """Return the content of its file."""
        return (json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n").encode()


def schema() -> dict[str, Any]:
    """Return the JSON schema of a result."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ArenaResult.model_json_schema()}
