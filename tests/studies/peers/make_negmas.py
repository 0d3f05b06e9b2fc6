"""Makes negmas.json, what NegMAS says of some deals, which the tests compare our figures with.

pip install negmas==0.16.0 && python tests/tournament/peers/make_negmas.py

NegMAS enumerates outcomes, so that prices are a grid here: of 2001, on which solutions lie to within half a step.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from negmas.preferences import ops

PRICES = np.linspace(0.0, 1.0, 2001)
TERMS = [[0.0, 0.0, 0.0, -0.08, -0.08, -0.08], [0.0, 0.09, 0.0, 0.14, 0.23, 0.14]]
GRANTS = [[0.0, 0.3, -0.02, 0.1], [0.0, -0.26, 0.3, 0.02]]
CASES: list[dict[str, Any]] = [
    {"reservation": [0.8, 0.2], "values": [[0.0], [0.0]]},
    {"reservation": [1.2, 0.4], "values": [[0.0], [0.0]]},
    {"reservation": [0.5, -0.3], "values": [[0.0], [0.0]]},
    {"reservation": [0.5, 0.4], "values": TERMS},
    {"reservation": [0.95, 0.1], "values": GRANTS},
    {"reservation": [0.9, 0.7], "values": GRANTS},
    {"reservation": [0.3, 0.05], "values": GRANTS},
]
DEALS = [0.05, 0.45, 0.6, 0.95]


def worths(case: dict[str, Any], package: int, price: float) -> tuple[float, float]:
    """Return the utilities of a deal, buyer then seller; reserved values are 0."""
    buyer, seller = case["values"][0][package], case["values"][1][package]
    return case["reservation"][0] + buyer - price, price + seller - case["reservation"][1]


def judged(case: dict[str, Any]) -> dict[str, Any]:
    """Return what NegMAS says of one case."""
    packages = range(len(case["values"][0]))
    outcomes = list(itertools.product(packages, PRICES.tolist()))
    utilities = np.array([worths(case, *outcome) for outcome in outcomes])
    rational = utilities[(utilities >= -1e-12).all(axis=1)]
    frontier = [tuple(point) for point in rational[ops.pareto_frontier_numpy(rational)].tolist()]
    whole = {tuple(point) for point in utilities[ops.pareto_frontier_numpy(utilities)].round(9).tolist()}
    ideal = rational.max(axis=0).tolist()
    parties = [SimpleNamespace(reserved_value=0.0)] * 2
    ranges = [(0.0, most) for most in ideal]
    nash, kalai, ks = (
        find(parties, frontier, ranges=list(ranges)) for find in (ops.nash_points, ops.kalai_points, ops.ks_points)
    )
    extremes = [(float(u.min()), float(u.max())) for u in utilities.T]
    deals = []
    for package, price in itertools.product(packages, DEALS):
        agreed = worths(case, package, price)
        metrics = [
            ops.calc_negotiator_metrics([], agreed, (0.0, 0.0), index=seat, utility_ranges=extremes) for seat in (0, 1)
        ]
        deals.append(
            {
                "package": package,
                "price": price,
                "advantage": [m.advantage for m in metrics],
                "nash_distance": ops.distance_to(agreed, [point for point, _ in nash]),
                "egalitarian_distance": ops.distance_to(agreed, [point for point, _ in kalai]),
                "ks_distance": ops.distance_to(agreed, [point for point, _ in ks]),
                "efficient": tuple(np.round(agreed, 9).tolist()) in whole,
            }
        )
    points = {"nash": nash, "egalitarian": kalai, "ks": ks}
    return case | {"solutions": {name: [p for p, _ in found] for name, found in points.items()}, "deals": deals}


def main() -> None:
    """Write the file."""
    text = json.dumps([judged(case) for case in CASES])
    Path(__file__).with_name("negmas.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
