#!/usr/bin/env python3
"""Play a strategy of your own against a persona of the catalogue, and print the transcript."""

from parlay_marl.negotiation_v0 import Action, Player, SeatView, play_game


class Stubborn(Player):
    """Accept at half of the best gain seen from the start; else move slowly towards the limit."""

    name = "stubborn"

    def act(self, view: SeatView) -> Action:
        """Return the turn of the seat."""
        scenario = view.scenario
        own_end = scenario.low if view.role == "buyer" else scenario.high
        if view.counter_offer and view.counter_offer.worth > 0.5 * view.worth(own_end):
            return view.accept()
        progress = (view.round / view.rounds) ** 2
        return view.make_offer(view.in_units(own_end + progress * (view.reservation_price - own_end)))


if __name__ == "__main__":
    print(play_game(Stubborn(), "diplomat", seed=7).transcript())
