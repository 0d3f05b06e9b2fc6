"""The conditions of a game that both seats must know: its rules, its rewards, what is public, who chose its seed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from parlay_marl.catalogue.rules import short_form
from parlay_marl.game.config import GameConfig


@dataclass(frozen=True)
class Conditions:
    """The choices of whoever began a game, as an observation names them."""

    rules: str | dict[str, dict[str, float]]
    """The preset, or the numbers that differ from the default."""
    reward_mode: str
    information: str
    seed_chosen: bool
    """True where whoever began the game chose its seed, and so may know both seats' figures."""

    @classmethod
    def of(cls, config: GameConfig, seed_chosen: bool) -> Conditions:
        """Return the conditions of a game."""
        return cls(_rules(config), config.reward, config.information, seed_chosen)

    def text(self) -> str:
        """Return what is unusual about them, a sentence a line, for a seat that did not choose them."""
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
    """Return the preset of a game's rules, or the numbers that differ from the default, as an observation has them."""
    named = short_form(config.rules)
    if isinstance(named, str):
        return named
    return {section: {name: float(number) for name, number in numbers.items()} for section, numbers in named.items()}
