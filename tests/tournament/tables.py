"""Tables of games for the tests of what is measured on them: played in the kernel, or made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parlay_marl.catalogue import build_params, load_rules, load_scenario
from parlay_marl.core.outcome import DEAL
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from parlay_marl.tournament.games import GAME_DTYPE, EntrantInfo, Games


def empty(entrants: Sequence[str], scenarios: Sequence[str], games: int, seed: int = 0) -> Games:
    """Return a table in order in which every game is an efficient deal worth nothing to anybody."""
    deals = tuple(load_scenario(name) for name in scenarios)
    n = len(entrants)
    rows = np.zeros(len(deals) * n * n * 2 * games, GAME_DTYPE)
    axes = np.meshgrid(*(np.arange(k) for k in (len(deals), n, n, 2, games)), indexing="ij")
    for name, axis in zip(("scenario", "buyer", "seller", "opener", "number"), axes, strict=True):
        (rows["outcome"] if name == "opener" else rows)[name] = axis.ravel()
    rows["forfeit_by"] = -1
    rows["outcome"]["ending"], rows["outcome"]["pareto"] = DEAL, 1
    rows["outcome"]["start_width"] = rows["outcome"]["zopa_high"] = 1.0
    infos = tuple(EntrantInfo(name, "persona", {}) for name in entrants)
    return Games(seed, games, {}, infos, deals, rows)


def paid(payoffs: Any, scenarios: Sequence[str], seed: int = 0) -> Games:
    """Return a table with payoffs by seat, scenario, buyer, seller, opener and number."""
    names = [f"entrant_{i:02}" for i in range(payoffs.shape[2])]
    games = empty(names, scenarios, payoffs.shape[-1], seed)
    games.rows["outcome"]["payoff"] = payoffs.reshape(2, -1).T
    return games


def played(personas: Sequence[str], scenarios: Sequence[str], count: int, seed: int = 0) -> Games:
    """Return the games of personas, played in the kernel."""
    games = empty(sorted(personas), sorted(scenarios), count, seed)
    loaded, rules = [as_persona(name) for name in sorted(personas)], load_rules("default")
    cells = games.rows.reshape(len(scenarios), len(loaded), len(loaded), 2, count)
    for deal, scenario in zip(games.scenarios, cells, strict=True):
        params = build_params(deal, rules, reward="payoff")
        for b, s, opener in np.ndindex(scenario.shape[:3]):
            outcomes = play_cell(loaded[b], loaded[s], params, opener=opener, games=count, seed=seed)
            scenario["outcome"][b, s, opener] = outcomes
    return games
