#!/usr/bin/env python3
"""Set closed forms, solved grids, players and what training learns side by side, all in games of the compiled rules.

python experiments/theory.py --json experiments/theory.json   # everything, in some 20 minutes
python experiments/theory.py --only protocols                 # one part: offers, protocols, players or learned
python experiments/theory.py --only --json experiments/theory.json --plot docs/theory_grids.svg   # draw what is there
python scripts/tables.py                                      # write docs/theory.md anew from that file

Games have no erosion where a closed form has none; the other numbers of the rules are the defaults. Seeds are fixed;
times are those of the machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.catalogue.toml_text import scenario_text
from parlay_marl.theory.behaviour import behaviour
from parlay_marl.theory.cfr import Solution, solve
from parlay_marl.theory.closed_forms import double_auction, posted_price, repeated_offers
from parlay_marl.theory.mechanism import best_mechanism
from parlay_marl.theory.report import play_of
from parlay_marl.theory.small_game import SmallGame, small_game
from parlay_marl.theory.tree import Tree, build_tree
from parlay_marl.theory.values import gaps
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.exploit import exploit
from parlay_marl.training.selfplay import train

Row = dict[str, Any]
CALM: Any = {"erosion": {"rate": 0.0}}
DISCOUNT = 0.9
ALL_MOVES = ("accept", "walk_away", "offer", "anchor_high", "batna_reveal", "silence", "challenge")
PLAYERS = ("champion", "linear", "shark", "diplomat", "tit_for_tat", "random")
EXPLOITED = ("champion", "linear", "shark")
TRAINED = 200_000
"""Frames of each trained reply."""
SEEDS = 3
"""Learners of each game."""
LEARNER: dict[str, Any] = {
    "opponents": {}, "self_share": 1.0, "explorer_share": 0.0, "past_share": 0.0, "opponent_share": 0.0,
    "frames": 2_000_000, "lanes": 512, "steps": 16, "batch_size": 4096, "gae_lambda": 1.0, "exit_bonus": 0.0,
    "entropy": 0.3, "final_entropy": 0.01, "learning_rate": 2e-3, "final_learning_rate": 0.0,
}  # fmt: skip
"""Settings of a learner that meets nobody but itself: the weight of the entropy is 30 times the default.

With a small weight a policy settles while the other's answers still change, and then no longer tries what would gain.
"""


def evenly(types: int) -> list[float]:
    """Return the middles of equal parts of [0, 1]."""
    return [(i + 0.5) / types for i in range(types)]


def unit_scenario(buyers: Sequence[float], sellers: Sequence[float], discount: float, name: str = "unit") -> Scenario:
    """Return a scenario whose limits are those types, on a range of 0 to 1,000."""
    types = {
        seat: [{"reservation": 1000.0 * limit} for limit in limits]
        for seat, limits in (("buyer", buyers), ("seller", sellers))
    }
    return Scenario.model_validate(
        {
            "name": name,
            "title": "Limits on a line",
            "low": 0.0,
            "high": 1000.0,
            "reservation": {"distribution": "types"},
            "urgency": {"buyer": 0.5, "seller": 0.5, "spread": 0.0},
            "alternative": {"buyer": 0.0, "seller": 0.0},
            "discount_factor": {"buyer": discount, "seller": discount},
            "types": types,
        }
    )


def solved(game: SmallGame, goal: float, iterations: int) -> tuple[Tree, Solution, Row]:
    """Return a solved game, and its figures."""
    began = time.perf_counter()
    tree = build_tree(game)
    built = time.perf_counter() - began
    found = solve(tree, goal=goal, iterations=iterations)
    play = play_of(tree, found.table)
    return tree, found, {
        "prices": game.config.price_levels,
        "types": [len(types) for types in game.types],
        "rounds": game.config.max_rounds,
        "histories": len(tree) + 1,
        "information_states": len(tree.states),
        "iterations": found.iterations,
        "nash_conv": found.gaps.nash_conv,
        "payoff": list(found.gaps.payoff),
        "deals": play.deals,
        "gains": play.gains,
        "first_best": play.first_best,
        "seconds_to_build": built,
        "seconds": time.perf_counter() - began,
    }  # fmt: skip


def offers() -> list[Row]:
    """Solve alternating offers: 3 x 3 types, 5 prices, 1 to 3 rounds."""
    rows = []
    for scenario in ("saas_enterprise", "uniform"):
        for rounds in (1, 2, 3):
            game = small_game(scenario, types=3, price_levels=5, max_rounds=rounds, opener="seller")
            row = {"scenario": scenario, **solved(game, 1e-3, 5000)[2]}
            print(row, flush=True)
            rows.append(row)
    return rows


def opening_price(tree: Tree, found: Solution) -> float:
    """Return the expected first price of the seller, normalised."""
    state = int(tree.state[0])
    entries = tree.states.entries(state)
    prices = [_price_of(tree, int(action)) for action in tree.states.action[entries]]
    return float(np.dot(prices, found.table[entries]))


def _price_of(tree: Tree, action: int) -> float:
    from parlay_marl.core.moves import SELLER, decode

    return float(decode(action, SELLER, tree.game.config.room)[1])


def protocols() -> dict[str, list[Row]]:
    """Solve games whose answer is known, on finer and finer grids."""
    return {"seller_offers": list(_seller_offers()), "sealed_bid": list(_sealed_bids())}


def _seller_offers() -> Iterator[Row]:
    """Yield the posted price, and repeated offers by the seller, beside the closed forms."""
    grids = {
        1: ((5, 10), (11, 20), (21, 20), (41, 20)),
        2: ((5, 10), (11, 20), (21, 20), (41, 20)),
        3: ((5, 10), (11, 20), (21, 10)),
    }
    for periods, sizes in grids.items():
        for prices, types in sizes:
            deal = unit_scenario(evenly(types), [0.0], DISCOUNT)
            form: Any = {"protocol": "take_it_or_leave_it"}
            if periods > 1:
                form = {"protocol": "seller_offers", "max_rounds": periods}
            tree, found, row = solved(
                small_game(deal, price_levels=prices, rules=CALM, beliefs="none", **form), 2e-4, 1500
            )
            known = posted_price().price if periods == 1 else repeated_offers(periods, DISCOUNT)
            row |= {
                "periods": periods,
                "price": opening_price(tree, found),
                "known_price": known,
                "known_profit": known / 2,
            }
            print(row, flush=True)
            yield row


def _sealed_bids() -> Iterator[Row]:
    """Yield the sealed-bid double auction, beside its linear equilibrium and the bound on any rule of trade."""
    for prices, types in ((5, 4), (11, 5), (11, 10), (21, 10), (21, 20)):
        deal = unit_scenario(evenly(types), evenly(types), 1.0)
        game = small_game(deal, price_levels=prices, protocol="sealed_bid", opener="seller", rules=CALM, beliefs="none")
        _, _, row = solved(game, 2e-4, 1500)
        known = double_auction(0.5)
        row |= {
            "known_gains": known.gains,
            "known_trade": known.trade,
            "bound": best_mechanism(evenly(types), evenly(types)).gains,
        }
        print(row, flush=True)
        yield row


# ------------------------------------------------------------------ players and learners


def two_games() -> dict[str, dict[str, Any]]:
    """Return two small games that players know: plain offers, and all moves on fewer prices and types."""
    return {
        "offers": {"types": 3, "max_rounds": 2, "price_levels": 5, "moves": ("accept", "offer")},
        "all moves": {"types": 2, "max_rounds": 2, "price_levels": 3, "moves": ALL_MOVES},
    }


def players() -> list[Row]:
    """Compute the exact gaps of players in two small games, and what trained replies find of them."""
    rows = []
    for title, form in two_games().items():
        tree = build_tree(small_game("saas_enterprise", opener="random", **form))
        for name in PLAYERS:
            exact = gaps(tree, behaviour(tree, name))
            row: Row = {"game": title, "player": name, "payoff": list(exact.payoff), "gain": list(exact.gain)}
            if name in EXPLOITED:
                row["found"] = _exploited(tree, name, form)
            print(row, flush=True)
            rows.append(row)
    return rows


def _exploited(tree: Tree, name: str, form: dict[str, Any]) -> list[float]:
    """Return the gains of trained replies against a player, by seat, in the same game."""
    settings = {key: form[key] for key in ("max_rounds", "price_levels", "moves")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.toml"
        path.write_text(scenario_text(tree.game.config.played))
        found = exploit(
            name, [str(path)], frames=TRAINED, games=2000, seed=0, events=False, lanes=512, steps=16, **settings
        )
    return [seat.gap.mean for seat in found.seats]


def learned() -> list[Row]:
    """Train self-play in small games with several seeds, and compute its exact gaps."""
    deals: dict[str, tuple[Scenario, dict[str, Any]]] = {
        "take it or leave it": (
            unit_scenario(evenly(20), [0.0], 1.0),
            {"protocol": "take_it_or_leave_it", "price_levels": 21},
        ),
        "sealed bid": (unit_scenario(evenly(10), evenly(10), 1.0), {"protocol": "sealed_bid", "price_levels": 21}),
        "two rounds of offers": (unit_scenario(evenly(3), evenly(3), DISCOUNT), {"max_rounds": 2, "price_levels": 5}),
    }
    rows = []
    for title, (deal, form) in deals.items():
        game = small_game(deal, **form)
        tree = build_tree(game)
        for seed in range(SEEDS):
            row: Row = {"game": title, "seed": seed, **_learned(tree, form, seed)}
            print(row, flush=True)
            rows.append(row)
    return rows


def _learned(tree: Tree, form: dict[str, Any], seed: int) -> Row:
    """Return the figures of a learner in one game: as it draws its actions, and at its likeliest ones."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unit.toml"
        path.write_text(scenario_text(tree.game.config.played))
        own = {"moves": tree.game.config.moves, "events": False} | form
        policy = train(TrainingConfig(scenarios=(str(path),), seed=seed, **LEARNER, **own))
    drawing, likeliest = (
        gaps(tree, behaviour(tree, dataclasses.replace(policy, temperature=temperature))) for temperature in (1.0, 0.0)
    )
    return {
        "frames": LEARNER["frames"],
        "payoff": list(drawing.payoff),
        "gain": list(drawing.gain),
        "gain_of_likeliest": list(likeliest.gain),
        "seconds": time.perf_counter() - began,
    }


def draw(found: dict[str, list[Row]], path: Path) -> None:
    """Draw the opening prices of sellers and the gains of sealed bids on finer and finer grids, beside closed forms."""
    import matplotlib
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    prices, gains = figure.subplots(1, 2)
    offers = found["seller_offers"]
    for periods, colour in ((1, "#1b6ca8"), (2, "#c8553d"), (3, "#4c956c")):
        rows = [row for row in offers if row["periods"] == periods]
        label = f"{periods} offer" if periods == 1 else f"{periods} offers"
        prices.plot([row["prices"] for row in rows], [row["price"] for row in rows], "o-", color=colour, label=label)
        prices.axhline(rows[0]["known_price"], color=colour, linestyle="--", linewidth=0.9)
    prices.set_title("The seller's opening price", fontsize=10)
    rows = found["sealed_bid"]
    grids = [f"{row['prices']} x {row['types'][0]}" for row in rows]
    gains.plot(grids, [row["gains"] for row in rows], "o-", color="#1b6ca8", label="CFR+")
    gains.plot(grids, [row["bound"] for row in rows], "o", color="#999999", label="no rule gains more, for these types")
    gains.axhline(rows[0]["known_gains"], color="#333333", linestyle="--", linewidth=0.9)
    gains.set_title("Gains of sealed bids", fontsize=10)
    prices.set_xlabel("prices of the grid; dashed: the closed form")
    gains.set_xlabel("prices x types a seat; dashed: the linear equilibrium")
    for axes in (prices, gains):
        axes.legend(fontsize=8)
    with matplotlib.rc_context({"svg.hashsalt": "parlay_marl"}):
        figure.savefig(path, metadata={"Date": None})


PARTS: dict[str, Callable[[], Any]] = {"offers": offers, "protocols": protocols, "players": players, "learned": learned}


def main() -> None:
    """Compute all parts, or those that are named, and add them to the file."""
    parser = argparse.ArgumentParser(description="Closed forms, solved grids, players and learners side by side.")
    parser.add_argument("--only", nargs="*", choices=tuple(PARTS), default=tuple(PARTS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="picture of the grids beside the closed forms")
    options = parser.parse_args()
    kept = options.json is not None and options.json.exists()
    found: Row = json.loads(options.json.read_text("utf-8")) if kept else {}
    for part in options.only:
        found[part] = PARTS[part]()
        found["machine"] = f"{platform.machine()}, Python {platform.python_version()}"
        if options.json is not None:
            options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.plot is not None:
        if "protocols" not in found:
            parser.error("--plot draws `protocols`; compute that part, or give the --json FILE that has it")
        draw(found["protocols"], options.plot)


if __name__ == "__main__":
    main()
