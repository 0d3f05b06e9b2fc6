#!/usr/bin/env python3
"""Study one persona: how soon does its partner know its limit, and do its bluffs hide it?"""

from collections import defaultdict

import numpy as np

from parlay_marl.catalogue import load_persona
from parlay_marl.negotiation_v0 import Action, Outcome, Player, SeatView, play_game


class Watcher(Player):
    """Concede in equal steps as a buyer, and note how far the own belief is from the seller's limit."""

    name = "watcher"

    def __init__(self) -> None:
        self.errors: dict[int, list[float]] = defaultdict(list)
        self.guesses: list[tuple[int, float]] = []

    def begin(self, view: SeatView) -> None:
        """Begin a game without guesses."""
        self.guesses = []

    def act(self, view: SeatView) -> Action:
        """Return an offer, or accept what is worth as much."""
        self.guesses.append((view.round + 1, view.belief.reservation))
        low, progress = view.scenario.low, view.round / view.rounds
        price = view.in_units(low + progress * (view.reservation_price - low))
        if view.counter_offer and view.counter_offer.worth >= max(view.worth(price), 0.0):
            return view.accept()
        return view.make_offer(price)

    def end(self, outcome: Outcome) -> None:
        """Compare the guesses with the truth, which the outcome shows."""
        for number, guess in self.guesses:
            self.errors[number].append(abs(guess - outcome.reservation[1]))


def main(games: int = 60) -> None:
    """Print the median error by round, for the shark and for a shark that never bluffs."""
    shark = load_persona("shark")
    honest = shark.model_copy(
        update={"name": "honest_shark", "traits": shark.traits.model_copy(update={"bluff_rate": 0.0})}
    )
    watchers = {persona.name: Watcher() for persona in (shark, honest)}
    for persona, watcher in zip((shark, honest), watchers.values(), strict=True):
        for seed in range(games):
            play_game(watcher, persona, scenario="saas_enterprise", seed=seed)
    print("median error of the belief, in USD\nround  " + "  ".join(f"{name:>12}" for name in watchers))
    for number in (1, 4, 8, 12, 16):
        medians = (np.median(watcher.errors[number] or [np.nan]) for watcher in watchers.values())
        print(f"{number:>5}  " + "  ".join(f"{median:>12,.0f}" for median in medians))


if __name__ == "__main__":
    main()
