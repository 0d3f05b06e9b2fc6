"""Every metric on games computed by hand, on games played, and against NegMAS where both define the same."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.core import solutions
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import UnknownNameError
from parlay_marl.studies import metrics
from parlay_marl.studies.metrics import KEYS, METRICS, per_game
from tests.tournament.tables import empty

NAN = math.nan
NEGMAS = json.loads(Path(__file__).with_name("peers").joinpath("negmas.json").read_text("utf-8"))

DEAL = {
    "ending": Ending.DEAL,
    "closed_by": 1,
    "round": 4,
    "start_width": 0.6,
    "zopa_low": 0.2,
    "zopa_high": 0.8,
    "nash_price": 0.5,
    "price": 0.35,
    "worth": (0.45, 0.15),
    "share": (0.75, 0.25),
    "payoff": (0.7, 0.2),
    "efficiency": 1.0,
    "pareto": 1,
    "first_price": (0.1, 0.95),
    "given_up": (0.2, 0.6),
    "offers_made": (3, 4),
    "tension_peak": 61.0,
    "erosion_ticks": 2,
    "claims_made": (2, 1),
    "bluffs_made": (1, 0),
    "bluffs_caught": (0, 1),
    "wrong_challenges": (1, 0),
    "belief_error": (0.05, 0.1),
    "best_worth": (0.8, 0.75),
    "ks_worth": (0.3, 0.3),
    "egalitarian_worth": (0.3, 0.3),
}
"""A deal at 0.35 over a ZOPA from 0.2 to 0.8."""

WALKED = DEAL | {
    "ending": Ending.WALK_AWAY,
    "closed_by": 0,
    "price": NAN,
    "worth": (0, 0),
    "share": (0, 0),
    "payoff": (0, 0),
    "efficiency": 0.0,
    "pareto": -1,
    "first_price": (NAN, 0.9),
    "given_up": (0, 0),
    "offers_made": (0, 1),
}
"""The buyer walks away from the same ZOPA without an offer."""

NO_ZOPA = {
    "start_width": 0.0,
    "zopa_low": 0.6,
    "zopa_high": 0.5,
    "nash_price": NAN,
    "efficiency": NAN,
    "ks_worth": (NAN, NAN),
    "egalitarian_worth": (NAN, NAN),
}
FOLLY = DEAL | NO_ZOPA | {"worth": (0.15, -0.25), "share": (1, 0), "payoff": (0.1, -0.3), "price": 0.35}
"""A deal although there is no ZOPA, at the cost of the seller."""
WISE = WALKED | NO_ZOPA
LATE = WISE | {"ending": Ending.DEADLINE, "closed_by": -1}
FORFEITED = WALKED | {"ending": Ending.FORFEIT, "closed_by": 1, "payoff": (0, -1)}

CASES: dict[str, list[tuple[dict[str, Any], tuple[float, float]]]] = {
    "payoff": [(DEAL, (0.7, 0.2)), (WALKED, (0, 0)), (FORFEITED, (0, -1))],
    "share": [(DEAL, (0.75, 0.25)), (WALKED, (0, 0)), (FOLLY, (NAN, NAN))],
    "deal_rate": [(DEAL, (1, 1)), (WALKED, (0, 0)), (FOLLY, (1, 1))],
    "zopa_deal_rate": [(DEAL, (1, 1)), (WALKED, (0, 0)), (FOLLY, (NAN, NAN))],
    "false_deal_rate": [(DEAL, (NAN, NAN)), (FOLLY, (1, 1)), (WISE, (0, 0)), (LATE, (0, 0))],
    "correct_walk_away_rate": [(WALKED, (NAN, NAN)), (FOLLY, (0, 0)), (WISE, (1, 1)), (LATE, (0, 0))],
    "walk_away_rate": [(DEAL, (0, 0)), (WALKED, (1, 0)), (LATE, (0, 0)), (FORFEITED, (0, 0))],
    "efficiency": [(DEAL, (1, 1)), (WALKED, (0, 0)), (FOLLY, (NAN, NAN))],
    "nash_distance": [(DEAL, (0.15, 0.15)), (WALKED, (0.3, 0.3)), (FOLLY, (NAN, NAN))],
    "ks_distance": [
        (DEAL, (0.15, 0.15)),
        (DEAL | {"ks_worth": (0.4, 0.2)}, (0.05, 0.05)),
        (WALKED, (0.3, 0.3)),
        (FOLLY, (NAN, NAN)),
    ],
    "egalitarian_distance": [
        (DEAL | {"egalitarian_worth": (0.15, 0.45)}, (0.3, 0.3)),
        (WALKED, (0.3, 0.3)),
        (FOLLY, (NAN, NAN)),
    ],
    "pareto": [(DEAL, (1, 1)), (DEAL | {"pareto": 0}, (0, 0)), (WALKED, (0, 0)), (WISE, (NAN, NAN))],
    "fairness": [(DEAL, (1 / 3, 1 / 3)), (FOLLY, (0, 0)), (DEAL | {"worth": (0, 0)}, (NAN, NAN)), (WALKED, (NAN, NAN))],
    "nash_welfare": [(DEAL, (math.sqrt(0.75), math.sqrt(0.75))), (WALKED, (0, 0)), (FOLLY, (NAN, NAN))],
    "rounds": [(DEAL, (5, 5))],
    "opening": [(DEAL, (0.1, 0.05)), (WALKED, (NAN, 0.1))],
    "concession_rate": [(DEAL, (0.1, 0.2)), (WALKED, (NAN, 0))],
    "tension_peak": [(DEAL, (61, 61))],
    "erosion": [(DEAL, (2, 2))],
    "claims_made": [(DEAL, (2, 1))],
    "bluffs_made": [(DEAL, (1, 0))],
    "bluffs_caught": [(DEAL, (0, 1))],
    "bluffs_exposed": [(DEAL, (1, 0))],
    "wrong_challenges": [(DEAL, (1, 0))],
    "capitulation_rate": [(DEAL, (0, 0)), (FOLLY, (0, 1)), (WALKED, (0, 0))],
    "belief_error": [(DEAL, (0.05, 0.1))],
    "advantage": [(DEAL, (0.5625, 0.2)), (WALKED, (0, 0)), (DEAL | {"best_worth": (0, 0.75)}, (0, 0.2))],
    "forfeit_rate": [(DEAL, (0, 0)), (FORFEITED, (0, 1))],
}
"""Games and what a metric says of them, buyer and seller."""


def rows_of(*games: dict[str, Any]) -> Any:
    rows = empty(["a"], ["uniform"], len(games)).rows["outcome"][: len(games)]
    for row, figures in zip(rows, games, strict=True):
        for name, value in figures.items():
            row[name] = value
    return rows


def test_every_metric_has_a_case() -> None:
    assert list(CASES) == list(KEYS)
    assert len(set(KEYS)) == len(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_metrics_by_hand(key: str) -> None:
    rows = rows_of(*(figures for figures, _ in CASES[key]))
    np.testing.assert_allclose(per_game(rows, key), [expected for _, expected in CASES[key]], atol=1e-12)


def test_an_unknown_metric_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="unknown metric 'eficiency'; did you mean 'efficiency'"):
        per_game(rows_of(DEAL), "eficiency")


@pytest.mark.parametrize("metric", METRICS, ids=KEYS)
def test_every_metric_says_what_it_is(metric: metrics.Metric) -> None:
    assert metric.name
    assert metric.unit
    assert len(metric.meaning) > 10
    assert metric.formula


# --- against NegMAS ---------------------------------------------------------------------------------------------------

GRID = 1e-3
"""How finely NegMAS sees prices: as a grid."""


def record(case: dict[str, Any], deal: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a deal of a case, by the rules that the core writes it with."""
    limits, values = np.array(case["reservation"]), np.array(case["values"])
    packages = values.shape[1]
    k, price = deal["package"], deal["price"]
    best = int(np.argmax(values.sum(axis=0)))
    ideal = [solutions.ideal_worth(seat, limits, values, packages) for seat in (0, 1)]
    return DEAL | {
        "worth": (limits[0] + values[0, k] - price, price + values[1, k] - limits[1]),
        "zopa_low": limits[1] - values[1, best],
        "zopa_high": limits[0] + values[0, best],
        "best_worth": (limits[0] + values[0].max(), 1 + values[1].max() - limits[1]),
        "ks_worth": solutions.proportional_gains(limits, values, packages, *ideal),
        "egalitarian_worth": solutions.proportional_gains(limits, values, packages, 1.0, 1.0),
        "pareto": int(solutions.is_efficient(price, k, values, packages)),
    }


@pytest.mark.parametrize("case", NEGMAS, ids=lambda case: str(case["reservation"]))
def test_solutions_lie_where_negmas_finds_them(case: dict[str, Any]) -> None:
    found = record(case, case["deals"][0])
    for name in ("ks", "egalitarian"):
        (point,) = case["solutions"][name]
        assert found[f"{name}_worth"] == pytest.approx(point, abs=GRID)
    half = 0.5 * (found["zopa_high"] - found["zopa_low"])
    assert case["solutions"]["nash"][0] == pytest.approx([half, half], abs=GRID)


@pytest.mark.parametrize("case", NEGMAS, ids=lambda case: str(case["reservation"]))
def test_metrics_are_those_of_negmas(case: dict[str, Any]) -> None:
    rows = rows_of(*(record(case, deal) for deal in case["deals"]))
    for i, deal in enumerate(case["deals"]):
        assert per_game(rows, "advantage")[i] == pytest.approx(deal["advantage"])
        assert per_game(rows, "pareto")[i, 0] == deal["efficient"]
        for name in ("nash_distance", "egalitarian_distance", "ks_distance"):
            # NegMAS measures Euclid's distance, we the root mean square.
            assert per_game(rows, name)[i] == pytest.approx(deal[name] / math.sqrt(2), abs=GRID)
