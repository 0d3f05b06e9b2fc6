"""Compare self-play with the known answer where both limits are public: alternating offers with a deadline.

Two games of 1, 2, 3 and 4 rounds. In a round the opener offers, the other accepts or offers in turn, and the last turn
can only accept: T rounds have 2T - 1 offers, the last one the opener's. A deal is worth d^t to both after t steps.

* `by_turn`: each turn is a step, as in Stahl (1972) and Rubinstein (1982): who makes the last offer takes all, and
  x_n = 1, x_k = 1 - d * x_(k+1) is what the maker of offer k takes.
* `by_round`: each round is a step, as these rules discount. A counter-offer in the same round costs no time, so that
  x_k = 1 - d * x_(k+1) for the opener's offers and x_k = 1 - x_(k+1) for the other's: the opener takes all for every T.

The limits lie between two prices of the grid, so that the highest demand leaves the other 1.5% of the gain. Games begin
after a random number of random offers (exploring starts), so that the learner sees the end of a game, too.

    python experiments/stahl.py --frames 3000000 --json distances.json
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.outcome import DEAL
from parlay_marl.policies.policy import Policy
from parlay_marl.studies.evaluation import games_of
from parlay_marl.theory.closed_forms import stahl_share, stahl_share_by_rounds
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.league import league_player
from parlay_marl.training.selfplay import train

DISCOUNT = 0.9
SCENARIO = """
title = "Open cards, equal patience"
low = 0
high = 100
information = "complete"
reservation = {{ buyer = 99, seller = 1, spread = 0.0 }}
urgency = {{ buyer = 0.5, seller = 0.5, spread = 0.0 }}
alternative = {{ buyer = 0.0, seller = 0.0 }}
discount_factor = {{ buyer = {discount}, seller = {discount} }}
"""


def known_share(rounds: int, by_turn: bool) -> float:
    """Return the opener's share in the subgame-perfect equilibrium of one of the two games."""
    return stahl_share(2 * rounds - 1, DISCOUNT, DISCOUNT) if by_turn else stahl_share_by_rounds(rounds, DISCOUNT)


def stahl_config(scenario: Path, rounds: int, by_turn: bool, **settings: Any) -> TrainingConfig:
    """Return the config of a learner that plays itself alone, from exploring starts."""
    return TrainingConfig(
        scenarios=(str(scenario),),
        opponents={},
        self_share=0.0,
        explorer_share=1.0,
        past_share=0.0,
        opponent_share=0.0,
        max_rounds=rounds,
        turn_discount=DISCOUNT if by_turn else 1.0,
        exit_bonus=0.0,
        lanes=512,
        steps=16,
        batch_size=2048,
        entropy=0.05,
        final_entropy=0.003,
        **settings,
    )


def opener_share(policy: Policy, params: Any, games: int) -> tuple[float, float]:
    """Return the opener's mean share of the gain over deals against itself, and the share of games with a deal."""
    player = league_player("learner", policy)
    played = games_of(player, player, [params], BUYER, games=games, seed=2**62)[0]
    deal = played["ending"] == DEAL
    shares = [played["share"][opener, deal[opener], opener].mean() for opener in (BUYER, SELLER) if deal[opener].any()]
    return float(np.mean(shares)) if shares else float("nan"), float(deal.mean())


def main() -> None:
    """Train a learner for each game and length, and print its distance from the equilibrium."""
    parser = argparse.ArgumentParser(description="Self-play beside Stahl's and Rubinstein's answer.")
    parser.add_argument("--frames", type=int, default=3_000_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"discount factor {DISCOUNT}, {options.frames:,} frames each, seed {options.seed}")
    print("game      rounds  equilibrium  likeliest  distance  drawing  distance  deals")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for by_turn in (True, False):
            path = Path(folder) / ("by_turn.toml" if by_turn else "by_round.toml")
            path.write_text(SCENARIO.format(discount=1.0 if by_turn else DISCOUNT))
            for rounds in (1, 2, 3, 4):
                settings = {"frames": options.frames, "seed": options.seed, "threads": options.threads}
                learned = train(stahl_config(path, rounds, by_turn, **settings))
                params = build_params(load_scenario(path), load_rules("default"), rounds=rounds, reward="payoff")
                known = known_share(rounds, by_turn)
                share, deals = opener_share(learned, params, options.games)
                drawn, _ = opener_share(dataclasses.replace(learned, temperature=1.0), params, options.games)
                results.append(
                    {"game": path.stem, "rounds": rounds, "known": known, "likeliest": share, "drawing": drawn}
                )
                print(
                    f"{path.stem:<9} {rounds:>6} {known:>12.3f} {share:>10.3f} {abs(share - known):>9.3f} "
                    f"{drawn:>8.3f} {abs(drawn - known):>9.3f} {deals:>6.1%}",
                    flush=True,
                )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
