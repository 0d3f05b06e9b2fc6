"""The conditions of a game that both seats must know: rules, rewards, public information, and who chose the seed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from parlay_marl.catalogue.rules import short_form
from parlay_marl.game.config import GameConfig


@dataclass(frozen=True)
class Conditions:
    """The settings of a game, as chosen by the client that began it."""

    rules: str | dict[str, dict[str, float]]
    """Name of the preset, or the parameters that differ from the default."""
    reward_mode: str
    information: str
    seed_chosen: bool
    """True where the client that began the game chose the seed, and so may know the private figures of both seats."""

    @classmethod
    def of(cls, config: GameConfig, seed_chosen: bool) -> Conditions:
        """Return the conditions of a game."""
        return cls(_rules(config), config.reward, config.information, seed_chosen)

    def text(self) -> str:
        """Return the unusual conditions, one sentence per line, for a seat that did not choose them."""
        lines = []
        if self.rules != "default":
            named = self.rules if isinstance(self.rules, str) else json.dumps(self.rules)
            lines.append(f"The rules of this game are not the usual ones: {named}.")
        if self.reward_mode != "payoff":
            lines.append("Single turns are paid as well, not the deal alone.")
        if self.information == "complete":
            lines.append("Both limits are public in this game.")
        if self.seed_chosen:
            lines.append("Whoever began this game chose its seed, and may know both limits.")
        return "\n".join(lines)


def _rules(config: GameConfig) -> str | dict[str, dict[str, float]]:
    """Return the preset of the rules, or the parameters that differ from the default."""
    named = short_form(config.rules)
    if isinstance(named, str):
        return named
    return {section: {name: float(number) for name, number in numbers.items()} for section, numbers in named.items()}
