"""The best known replies: for each task and seat the largest payoff of a fixed set of players.

A player's share of it is its best response proximity, BR-Prox (Wang et al., "ZSC-Eval", NeurIPS 2024). The best
player of the set is not necessarily a best response, so that a player can exceed 1.
"""

from __future__ import annotations

import functools
from pathlib import Path

from pydantic import Field

from parlay_marl.catalogue.files import Strict
from parlay_marl.errors import ConfigurationError
from parlay_marl.studies.benchmark.suite import Suite, Task

KEPT = Path(__file__).with_name("best_replies.json")
"""The file of the best replies to the standard suite."""


class Reply(Strict):
    """The best known reply in one seat of a task."""

    name: str = Field(description="the player")
    payoff: float = Field(description="its mean payoff, measured on other games than those that it was chosen on")


class BestReplies(Strict):
    """The best known replies in the tasks of a suite."""

    seed: int = Field(description="seed of the games that payoffs are measured on; the next one's chose the reply")
    games: int = Field(description="games of a seat and an opener in a task")
    candidates: tuple[str, ...] = Field(description="the players of whom the best was chosen")
    digests: dict[str, str | None] = Field(description="SHA-256 of each scenario and partner, by its name")
    tasks: dict[str, tuple[Reply, Reply]] = Field(description="by the name of the task: as buyer and as seller")

    def payoffs(self, suite: Suite) -> dict[Task, float]:
        """Return the mean payoffs of the best replies over both seats, in the tasks of a suite to which they apply."""
        given = suite.digests()
        same = {name for name, digest in self.digests.items() if name in given and given[name] == digest}
        return {
            task: 0.5 * sum(reply.payoff for reply in self.tasks[task.key])
            for task in suite.tasks()
            if task.key in self.tasks and {task.scenario, task.partner} <= same
        }


@functools.cache
def read_best_replies(path: Path = KEPT) -> BestReplies | None:
    """Return the best replies of a file; None where there is none."""
    if not path.is_file():
        return None
    try:
        return BestReplies.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"best replies: {path} cannot be read: {error}") from None
