"""Compare self-play with the known answer where both limits are public: alternating offers with a deadline.

Two games of 1, 2, 3 and 4 rounds. In a round the opener offers, the other accepts or offers in turn, and the last turn
can only accept: T rounds have 2T - 1 offers, the last one the opener's. A deal is worth d^t to both after t steps.

* `by_turn`: each turn is a step, as in Stahl (1972) and Rubinstein (1982): who makes the last offer takes all, and
  x_n = 1, x_k = 1 - d * x_(k+1) is what the maker of offer k takes.
* `by_round`: each round is a step, as these rules discount. A counter-offer in the same round costs no time, so that
  x_k = 1 - d * x_(k+1) for the opener's offers and x_k = 1 - x_(k+1) for the other's: the opener takes all for every T.

Tension takes nothing from the gain here: by the default rules late offers are made over a gain that has shrunk, and the
closed forms know of no such loss. The limits lie between two prices of the grid, so that the highest demand leaves the
other 1.5% of the gain. Games begin after a random number of random offers (exploring starts), so that the learner sees
the end of a game, too.

    python experiments/stahl.py --json distances.json
    python experiments/stahl.py --only by_turn --rounds 3 --profile    # what it demands and accepts at each offer
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.core.moves import ACCEPT, BUYER, INDEX_OFFERS, OFFER, PRICE_LEVELS, SEATS, SELLER
from parlay_marl.core.outcome import DEAL
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.game import Game
from parlay_marl.policies.policy import Policy
from parlay_marl.studies.evaluation import games_of
from parlay_marl.theory.closed_forms import alternating_offers, stahl_share, stahl_share_by_rounds
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.league import league_player
from parlay_marl.training.selfplay import train

DISCOUNT = 0.9
LEARNER: dict[str, Any] = {
    "lanes": 512, "steps": 16, "batch_size": 256, "gae_lambda": 1.0, "no_losses": True,
    "learning_rate": 2e-3, "final_learning_rate": 3e-4,
    "exploration": "log_barrier", "entropy_unit": "pay",
    "entropy": 0.3, "final_entropy": 1e-3, "entropy_fall": "geometric", "rarity_power": 0.5,
}  # fmt: skip
"""Settings of a learner that meets nobody but itself.

The equilibrium moves while a policy settles: each offer follows from the one after it. What it has given up must stay
likely enough to be tried again, what is tried rarely must be learned from quickly, and the barrier must end far below
what a step of the grid is worth. Many small gradient steps matter more than large batches.
"""
FRAMES_OF_A_ROUND = 2_000_000
"""Offers are learned from the last one backwards, so that the frames grow with the rounds."""
NO_EROSION = {"erosion": {"rate": 0.0}}
"""The changed rules: tension takes nothing from the gain, as the closed forms have it."""
MOVES = ("offer", "accept")
"""The moves of the closed forms; a refusal is a counter-offer."""
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
        rules=NO_EROSION,
        moves=MOVES,
        opponents={},
        self_share=0.0,
        explorer_share=1.0,
        past_share=0.0,
        opponent_share=0.0,
        max_rounds=rounds,
        turn_discount=DISCOUNT if by_turn else 1.0,
        exit_bonus=0.0,
        **LEARNER | settings,
    )


def stahl_game(scenario: Path, rounds: int) -> GameConfig:
    """Return the configuration of the game that is learned."""
    return make_config(scenario, rules=NO_EROSION, moves=MOVES, max_rounds=rounds, reward="payoff")


def opener_shares(policy: Policy, params: Any, games: int) -> tuple[list[float], float]:
    """Return the opener's mean share of the gain over deals against itself, as buyer and as seller, and how many deal.

    A share is NaN where no game ends in a deal.
    """
    player = league_player("learner", policy)
    played = games_of(player, player, [params], BUYER, games=games, seed=2**62)[0]
    deal = played["ending"] == DEAL
    shares = [
        float(played["share"][opener, deal[opener], opener].mean()) if deal[opener].any() else float("nan")
        for opener in (BUYER, SELLER)
    ]
    return shares, float(deal.mean())


def known_shares(rounds: int, by_turn: bool) -> list[float]:
    """Return what the maker of each offer takes in equilibrium, and 0 for the turn that can only accept."""
    kept = [DISCOUNT if by_turn or k % 2 == 0 else 1.0 for k in range(2 * rounds - 2)]
    return [*alternating_offers([1.0] * (2 * rounds - 1), kept), 0.0]


def profile(
    policy: Policy, scenario: Path, rounds: int, by_turn: bool, opener: str, histories: int = 200
) -> list[dict[str, Any]]:
    """Return, for each turn after random offers, what the likeliest offer demands and from which share it accepts.

    `demand` is the median over histories that are not accepted, `refused` the largest standing share that is refused
    and `accepted` the smallest that is accepted, all as shares of the gain; None where there is none.
    """
    drawing = dataclasses.replace(policy, temperature=1.0)
    config = stahl_game(scenario, rounds)
    rng = np.random.default_rng(0)
    found: list[dict[str, Any]] = []
    for turn, known in enumerate(known_shares(rounds, by_turn)):
        demands, refused, accepted = list[float](), list[float](), list[float]()
        for _ in range(histories):
            game, price = after_random_offers(config, opener, turn, rng)
            if game.is_over:
                continue
            chances = drawing.probabilities(game.observation[None], game.mask[None])[0]
            level = int(chances[INDEX_OFFERS : INDEX_OFFERS + PRICE_LEVELS].argmax())
            accepts = chances[ACCEPT] >= 0.5
            (accepted if accepts else refused).append(share_of(price, game.seat))
            if not accepts:
                demands.append(share_of(level / (PRICE_LEVELS - 1), game.seat))
        found.append(
            {
                "opener": opener,
                "turn": turn,
                "known": known,
                "demand": float(np.median(demands)) if demands and turn < 2 * rounds - 1 else None,
                "refused": max(refused) if turn and refused else None,
                "accepted": min(accepted) if turn and accepted else None,
            }
        )
    return found


def after_random_offers(config: GameConfig, opener: str, turns: int, rng: np.random.Generator) -> tuple[Game, float]:
    """Return a game after some turns of random offers, and the price of the last one."""
    game, price = Game(config), float("nan")
    game.begin(0, 0, {"opener": opener})
    for _ in range(turns):
        if game.is_over:
            break
        price = float(rng.integers(PRICE_LEVELS)) / (PRICE_LEVELS - 1)
        game.play(OFFER, price)
    return game, price


def share_of(price: float, seat: int) -> float:
    """Return a seat's share of the gain at a normalised price."""
    return ((0.99 - price) if seat == BUYER else (price - 0.01)) / 0.98


def main() -> None:
    """Train a learner for each game and length, and print its distance from the equilibrium."""
    parser = argparse.ArgumentParser(description="Self-play beside Stahl's and Rubinstein's answer.")
    parser.add_argument("--frames", type=int, default=FRAMES_OF_A_ROUND, help="turns to learn from, for each round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--only", choices=("by_turn", "by_round"), help="one of the two games")
    parser.add_argument("--rounds", type=int, nargs="*", default=(1, 2, 3, 4))
    parser.add_argument("--exploration", choices=("entropy", "log_barrier"), default=LEARNER["exploration"])
    parser.add_argument("--unit", choices=("spread", "pay"), default=LEARNER["entropy_unit"], help="unit of its weight")
    parser.add_argument(
        "--entropy",
        type=float,
        nargs=2,
        default=(LEARNER["entropy"], LEARNER["final_entropy"]),
        help="its weight, first and last",
    )
    parser.add_argument("--rarity", type=float, default=LEARNER["rarity_power"], help="power of an action's chance")
    parser.add_argument("--fall", choices=("linear", "geometric"), default=LEARNER["entropy_fall"])
    parser.add_argument("--profile", action="store_true", help="print what is demanded and accepted at each offer")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"discount factor {DISCOUNT}, {options.frames:,} frames for each round, seed {options.seed}")
    print("game      rounds  equilibrium  likeliest  distance  drawing  distance  deals  as buyer  as seller")
    results = []
    settings: dict[str, Any] = {
        "seed": options.seed, "threads": options.threads, "exploration": options.exploration,
        "entropy_unit": options.unit, "entropy": options.entropy[0], "final_entropy": options.entropy[1],
        "entropy_fall": options.fall, "rarity_power": options.rarity,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for by_turn in (True, False):
            path = Path(folder) / ("by_turn.toml" if by_turn else "by_round.toml")
            if options.only not in (None, path.stem):
                continue
            path.write_text(SCENARIO.format(discount=1.0 if by_turn else DISCOUNT))
            for rounds in options.rounds:
                learned = train(stahl_config(path, rounds, by_turn, frames=options.frames * rounds, **settings))
                results.append(
                    {"game": path.stem, "rounds": rounds, **measured(learned, path, rounds, by_turn, options)}
                )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def measured(policy: Policy, path: Path, rounds: int, by_turn: bool, options: argparse.Namespace) -> dict[str, Any]:
    """Print and return a learner's distance from the equilibrium, and its profile where that is asked for."""
    params = stahl_game(path, rounds).params
    known = known_share(rounds, by_turn)
    shares, deals = opener_shares(policy, params, options.games)
    drawing, _ = opener_shares(dataclasses.replace(policy, temperature=1.0), params, options.games)
    share, drawn = float(np.mean(shares)), float(np.mean(drawing))
    print(
        f"{path.stem:<9} {rounds:>6} {known:>12.3f} {share:>10.3f} {abs(share - known):>9.3f} "
        f"{drawn:>8.3f} {abs(drawn - known):>9.3f} {deals:>6.1%} {shares[0]:>9.3f} {shares[1]:>10.3f}",
        flush=True,
    )
    result: dict[str, Any] = {"known": known, "likeliest": share, "drawing": drawn, "as_buyer_and_seller": shares}
    if options.profile:
        result["profile"] = [row for seat in SEATS for row in profile(policy, path, rounds, by_turn, seat)]
        for row in result["profile"]:
            shown = ((name, value) for name, value in row.items() if value is not None and name != "opener")
            print(f"   {row['opener']} opens:", ", ".join(f"{name} {value:.3g}" for name, value in shown), flush=True)
    return result


if __name__ == "__main__":
    main()
