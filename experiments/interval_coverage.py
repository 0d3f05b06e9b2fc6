#!/usr/bin/env python3
"""Measure how often the 95% intervals of a tournament hold the truth, on many tournaments whose truth is known.

python experiments/interval_coverage.py                      # 200 tournaments of made-up payoffs
python experiments/interval_coverage.py --played             # 200 tournaments of personas; the truth is their mean
python experiments/interval_coverage.py --games 20 --skew 1  # fewer games in a cell, payoffs with a long tail

Made-up payoffs have effects of the entrants and of the game number, which all pairs and scenarios share, and of number
and entrant together: what makes games of one number alike. Intervals are of each entrant's mean, in both seats and in
each, of each entrant in each scenario, and of the difference of each pair.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from parlay_marl.studies.intervals import bootstrap_intervals, resampled_means
from parlay_marl.tournament import ratings

ENTRANTS, SCENARIOS = 4, 3
PERSONAS, DEALS = ("boulware", "micro", "random", "veteran"), ("hiring_package_terms", "saas_enterprise", "uniform")


def made_up(rng: np.random.Generator, games: int, skew: float) -> tuple[Any, Any]:
    """Return the payoffs of a tournament, with axes as in `payoff_table`, and those expected without chance."""
    expected = rng.normal(0.3, 0.1, (2, SCENARIOS, ENTRANTS, ENTRANTS, 1, 1))
    luck = rng.normal(0.0, 1.0, games) + skew * (rng.exponential(1.0, games) - 1.0)
    own = rng.normal(0.0, 0.1, (2, SCENARIOS, ENTRANTS, 1, 1, games))
    other = rng.normal(0.0, 0.05, (2, SCENARIOS, 1, ENTRANTS, 1, games))
    noise = rng.normal(0.0, 0.1, (2, SCENARIOS, ENTRANTS, ENTRANTS, 2, games))
    slope = rng.uniform(0.0, 0.2, (2, SCENARIOS, ENTRANTS, 1, 1, 1))
    return expected + slope * luck + own + other + noise, np.broadcast_to(expected, (*noise.shape[:-1], 1))


def all_made_up(tournaments: int, games: int, skew: float, seed: int) -> Iterator[tuple[Any, Any]]:
    """Yield tournaments of made-up payoffs."""
    rng = np.random.default_rng(seed)
    yield from (made_up(rng, games, skew) for _ in range(tournaments))


def all_played(tournaments: int, games: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Yield tournaments of personas: different games of one large one, whose means are the truth."""
    personas, rules = [as_persona(name) for name in PERSONAS], load_rules("default")
    table = np.empty((2, len(DEALS), len(personas), len(personas), 2, tournaments * games))
    for d, name in enumerate(DEALS):
        params = build_params(load_scenario(name), rules, reward="payoff")
        for b, s, o in np.ndindex(table.shape[2:5]):
            cell = play_cell(personas[b], personas[s], params, opener=o, games=table.shape[-1], seed=seed)
            table[:, d, b, s, o] = cell["payoff"].T
    truth = table.mean(axis=-1, keepdims=True)
    yield from ((part, truth) for part in np.split(table, tournaments, axis=-1))


def figures(clusters: Any) -> Any:
    """Return the figures that intervals are of, (clusters, figures), of cluster means."""
    both, seats = clusters.mean(axis=(1, 2)), clusters.mean(axis=2)
    pairs = [both[:, a] - both[:, b] for a, b in combinations(range(both.shape[1]), 2)]
    parts = (both, seats, clusters.mean(axis=1), np.stack(pairs, axis=1))
    return np.concatenate([part.reshape(len(clusters), -1) for part in parts], axis=1)


def coverage(tournaments: Iterator[tuple[Any, Any]], resamples: int, seed: int) -> Any:
    """Return how often the interval of each figure holds the truth, (figures,)."""
    held = []
    for number, (payoffs, expected) in enumerate(tournaments):
        found = figures(ratings.cluster_means(payoffs))
        truth = figures(ratings.cluster_means(expected))[0]
        resampled = resampled_means(found, resamples, seed + number)
        bounds = bootstrap_intervals(found.mean(axis=0), resampled, len(found))
        held.append([one.low <= value <= one.high for one, value in zip(bounds, truth, strict=True)])
    return np.mean(held, axis=0)


def main() -> None:
    """Print the coverage by kind of figure."""
    parser = argparse.ArgumentParser(description="How often do 95% intervals hold the truth?")
    parser.add_argument("--played", action="store_true", help="play personas instead of making payoffs up")
    parser.add_argument("--tournaments", type=int, default=200)
    parser.add_argument("--games", type=int, default=100, help="games in a cell")
    parser.add_argument("--skew", type=float, default=0.5, help="weight of a long tail in made-up payoffs")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.played:
        source = all_played(given.tournaments, given.games, given.seed)
    else:
        source = all_made_up(given.tournaments, given.games, given.skew, given.seed)
    found = coverage(source, given.resamples, given.seed)
    n = ENTRANTS
    kinds = {"both seats": n, "one seat": 2 * n, "one scenario": SCENARIOS * n, "differences": n * (n - 1) // 2}
    print(f"{given.tournaments} tournaments of {given.games} games a cell: {found.mean():.1%} of all intervals")
    start = 0
    for kind, count in kinds.items():
        part = found[start : start + count]
        print(f"  {kind:12}  mean {part.mean():.1%}, from {part.min():.1%} to {part.max():.1%}")
        start += count


if __name__ == "__main__":
    main()
