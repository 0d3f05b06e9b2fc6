"""The result of a benchmark: a JSON file, described by a schema that is shipped beside this module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from parlay_marl.catalogue.files import reasons
from parlay_marl.errors import ConfigurationError

SCHEMA = Path(__file__).with_name("result.schema.json")
"""The file of the JSON schema."""
Rates = dict[str, float | None]
Quarters = tuple[float | None, float | None, float | None, float | None]


class Part(BaseModel):
    """A frozen part of a result without undeclared fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Estimate(Part):
    """A mean with its 95% interval, whose unit of chance is the game number."""

    mean: float
    low: float | None = Field(description="lower end; null where one game number was played")
    high: float | None


class Beliefs(Part):
    """Beliefs about the partner's reservation price after each quarter of a game, in public ranges."""

    coverage: Quarters = Field(description="share of games in which the 90% band holds the truth")
    error: Quarters = Field(description="mean distance of the belief from the truth")
    prior_error: Quarters = Field(description="mean distance of the prior from the truth; null where it is not known")


class Group(Part):
    """Figures of a group of tasks: classes of partners have equal weights, and so have the tasks of a class."""

    tasks: int
    payoff: Estimate
    as_buyer: float
    as_seller: float
    best_reply_share: float | None = Field(description="payoff over that of the best replies known; null without one")
    figures: Rates = Field(description="metrics of the focal player, by their keys in docs/metrics.md")
    beliefs: Beliefs | None


class WorstPartner(Part):
    """The partner against whom the player has the smallest share of the best known reply's payoff."""

    name: str
    payoff: float
    best_reply_share: float | None = Field(description="null where no best reply is known: it is the smallest payoff")


class Difficulty(Part):
    """Figures of the deals of one difficulty."""

    games: int
    payoff: float | None
    deal_rate: float | None


class SetResult(Part):
    """The figures of a set of tasks."""

    total: Group
    worst_partner: WorstPartner
    by_kind: dict[str, Group] = Field(description="by the class of the partner")
    by_partner: dict[str, Group]
    by_scenario: dict[str, Group]
    by_difficulty: dict[str, Difficulty]
    payoff_by_number: tuple[float, ...] = Field(description="the total's payoff in each game number, for paired tests")
    kind_payoff_by_number: dict[str, tuple[float, ...]] = Field(description="the same for each class of partner")


class TaskResult(Part):
    """The payoff of one task."""

    scenario: str
    partner: str
    kind: str
    set: Literal["public", "held_out", "extra"]
    payoff: Estimate
    as_buyer: float
    as_seller: float
    best_reply: float | None = Field(description="payoff of the best replies known")
    zopa_deal_rate: float | None
    false_deal_rate: float | None


class PlayerInfo(Part):
    """The player that was tested."""

    name: str
    kind: Literal["persona", "policy"]
    source: dict[str, Any] = Field(description="its numbers with the digest of its policy, or its import path or class")


class SuiteInfo(Part):
    """The suite of tasks."""

    name: str
    sha256: str
    best_replies: tuple[str, ...] = Field(description="the players of whom the best replies known were chosen")


class SeatGapResult(Part):
    """The gain of the best reply found against the player in one seat."""

    seat: str
    reply: str
    gap: Estimate


class Gap(Part):
    """Exploitability: a lower bound, the gain of the best reply found against the player; see docs/training.md."""

    gap: Estimate
    frames: int = Field(description="turns that a reply was trained on, for each seat")
    scenarios: tuple[str, ...]
    seats: tuple[SeatGapResult, ...]


class BenchmarkResult(Part):
    """The result of one player. The version of the schema changes when a field changes its name or meaning."""

    schema_version: Literal[1] = 1
    package_version: str
    rules_digest: str = Field(description="digest of the compiled rules that played")
    suite: SuiteInfo
    seed: int
    games: int = Field(description="games of a seat and an opener in a task")
    player: PlayerInfo
    sets: dict[Literal["public", "held_out", "extra"], SetResult]
    tasks: tuple[TaskResult, ...]
    exploitability: Gap | None = None

    def as_json(self) -> bytes:
        """Return the content of its file: a line for each task, and one for each group of figures."""
        return (_lines(self.model_dump(mode="json")) + "\n").encode()


def _lines(data: Any, indent: str = "") -> str:
    """Return plain data as JSON whose innermost objects and lists stand in one line each."""
    if isinstance(data, dict) and _is_deep(data):
        rows = (f"{indent} {json.dumps(key)}: {_lines(value, indent + ' ')}" for key, value in data.items())
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return "[\n" + ",\n".join(f"{indent} {_lines(value, indent + ' ')}" for value in data) + f"\n{indent}]"
    return json.dumps(data, allow_nan=False)


def _is_deep(data: dict[str, Any]) -> bool:
    """Return whether an object holds objects other than single figures."""
    if "payoff" in data or "seat" in data:
        return False
    return any(isinstance(value, dict | list) for value in data.values())


def read_result(path: str | Path) -> BenchmarkResult:
    """Return the result of a file."""
    try:
        return BenchmarkResult.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; give a result of the benchmark") from None
    except ValidationError as error:
        raise ConfigurationError(f"{path}: is no result of the benchmark: {reasons(error):.300}") from None


def schema() -> dict[str, Any]:
    """Return the JSON schema of a result."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **BenchmarkResult.model_json_schema()}
