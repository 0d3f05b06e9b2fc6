"""The choices for a game on a server: scenarios, opponents and numbers of rounds."""

from __future__ import annotations

from typing import Any

from parlay_marl.catalogue.families import AnyScenario, Family
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.game_request import OPEN_ROUNDS


def choices(factory: GameFactory) -> dict[str, Any]:
    """Return all choices for a new game."""
    return {
        "type": "choices",
        "scenarios": [_about(scenario) for scenario in factory.scenarios.values()],
        "opponents": factory.opponents.about(),
        "rounds": list(OPEN_ROUNDS),
        "invites": factory.settings.workers == 1,
        "turn_seconds": factory.settings.turn,
        "longest_words": factory.settings.max_words,
    }


def _about(scenario: AnyScenario) -> dict[str, Any]:
    """Return the name, the title, the story and the rounds of a scenario, and its terms by name."""
    is_family = isinstance(scenario, Family)
    return {
        "name": scenario.name,
        "title": scenario.title,
        "story": " ".join(scenario.story.split()),
        "terms": [] if isinstance(scenario, Family) else [term.name for term in scenario.terms],
        "is_family": is_family,
        "rounds": None if isinstance(scenario, Family) else scenario.rounds,
    }
