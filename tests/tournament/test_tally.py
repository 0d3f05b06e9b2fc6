"""The sums of metrics over the cells of a tournament."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from parlay_marl.core.outcome import Ending
from parlay_marl.studies.metrics import KEYS, per_game
from parlay_marl.tournament.tally import ALL_GAMES, DEALS, tally
from tests.tournament.tables import played

NAN = math.nan


@pytest.fixture(scope="module")
def tournament() -> Any:
    return played(["random", "shark", "veteran"], ["hiring_package_terms", "uniform"], 12, seed=5)


def test_means_are_those_of_the_games_one_by_one(tournament: Any) -> None:
    means = tally(tournament).of_entrants()
    rows = tournament.rows
    deal = rows["outcome"]["ending"] == Ending.DEAL
    for which, key in enumerate(KEYS):
        values = per_game(rows["outcome"], key)
        for entrant in range(3):
            mine = np.stack([rows["buyer"] == entrant, rows["seller"] == entrant], axis=1)
            for kind, chosen in ((ALL_GAMES, mine), (DEALS, mine & deal[:, None])):
                known = values[chosen & ~np.isnan(values)]
                expected = known.mean() if len(known) else NAN
                assert means[kind, which, entrant] == pytest.approx(expected, nan_ok=True), key


def test_means_by_scenario_are_those_of_its_games(tournament: Any) -> None:
    rates = tally(tournament).by_scenario("zopa_deal_rate")
    for scenario, entrant in np.ndindex(rates.shape):
        rows = tournament.rows[tournament.rows["scenario"] == scenario]
        values = per_game(rows["outcome"], "zopa_deal_rate")
        mine = np.concatenate([values[rows["buyer"] == entrant, 0], values[rows["seller"] == entrant, 1]])
        assert rates[scenario, entrant] == pytest.approx(np.nanmean(mine))


def test_figures_stay_in_their_bounds(tournament: Any) -> None:
    rates = [key for key in KEYS if key.endswith("_rate") and key != "concession_rate"]
    for key in (*rates, "share", "pareto", "fairness", "nash_welfare", "opening"):
        values = per_game(tournament.rows["outcome"], key)
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 1 + 1e-9)).all(), key
