"""Tournaments for the tests of reports: real games, and an analysis of the right shape made in the simplest way."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario
from parlay_marl.catalogue.personas import Persona
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.outcome import DEAL
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from parlay_marl.studies.intervals import Interval
from parlay_marl.studies.metrics import MetricValue
from parlay_marl.tournament.analysis import (
    Analysis,
    Comparison,
    Definition,
    Replicator,
    ScenarioStanding,
    SeatEquilibrium,
    Standing,
)
from parlay_marl.tournament.games import GAME_DTYPE, EntrantInfo, Games


def played(
    entrants: Sequence[str | Persona],
    scenarios: Sequence[str | Scenario],
    games: int,
    seed: int = 7,
    rules: Any = "default",
) -> Games:
    """Return a tournament of personas, every game of it played."""
    personas = sorted((load_persona(entrant) for entrant in entrants), key=lambda persona: persona.name)
    deals = sorted((load_scenario(scenario) for scenario in scenarios), key=lambda scenario: scenario.name)
    loaded = load_rules(rules)
    cells = []
    for (s, deal), (b, buyer), (k, seller), opener in itertools.product(
        enumerate(deals), enumerate(personas), enumerate(personas), range(2)
    ):
        params = build_params(deal, loaded, reward="payoff")
        rows = np.zeros(games, GAME_DTYPE)
        rows["scenario"], rows["buyer"], rows["seller"], rows["forfeit_by"] = s, b, k, -1
        rows["number"] = np.arange(games)
        rows["outcome"] = play_cell(
            as_persona(buyer), as_persona(seller), params, opener=opener, games=games, seed=seed
        )
        cells.append(rows)
    infos = tuple(EntrantInfo(persona.name, "persona", persona.model_dump(mode="json")) for persona in personas)
    return Games(seed, games, loaded.model_dump(mode="json"), infos, tuple(deals), np.concatenate(cells))


HOSTILE = "</script><img src=x onerror=alert(1)>&"
"""A text that would do harm as markup."""


def hostile(games: Games) -> Games:
    """Return the same games between entrants whose texts try to break out."""
    entrants = list(games.entrants)
    persona = load_persona(entrants[1].name).model_dump(mode="json") | {"title": HOSTILE, "summary": HOSTILE}
    persona["voice"] = {key: [HOSTILE + " {price}"] for key in persona["voice"]}
    entrants[0] = EntrantInfo(HOSTILE, "policy", {"object": HOSTILE})
    entrants[1] = EntrantInfo(entrants[1].name, "persona", persona)
    deal = games.scenarios[0].model_copy(update={"title": HOSTILE, "story": HOSTILE})
    return dataclasses.replace(games, entrants=tuple(entrants), scenarios=(deal, *games.scenarios[1:]))


def interval(values: Any) -> Interval:
    """Return a mean with the interval of the normal distribution."""
    mean, half = float(values.mean()), 1.96 * float(values.std()) / max(len(values), 1) ** 0.5
    return Interval(mean, mean - half, mean + half)


def figures(games: Games, n: int) -> dict[str, Any]:
    """Return an entrant's payoffs in both seats, and whether its games were deals and had a ZOPA."""
    rows = games.rows
    sides = [rows["outcome"][rows[name] == n] for name in ("buyer", "seller")]
    payoff = [side["payoff"][:, seat] for seat, side in enumerate(sides)]
    deal = np.concatenate([side["ending"] == DEAL for side in sides])
    zopa = np.concatenate([side["start_width"] > 0 for side in sides])
    return {"payoff": payoff, "deal": deal, "zopa": zopa}


def standing(name: str, found: dict[str, Any]) -> Standing:
    both = np.concatenate(found["payoff"])
    deals = both[found["deal"]]
    return Standing(
        name=name,
        rank=0,
        games=len(both),
        payoff=interval(both),
        as_buyer=interval(found["payoff"][0]),
        as_seller=interval(found["payoff"][1]),
        elo=1500.0 + 400.0 * float(both.mean()),
        bradley_terry=float(both.mean()),
        alpha_rank=0.0,
        nash=0.0,
        regret=0.0,
        rank_as_buyer=0,
        rank_as_seller=0,
        forfeits=0,
        metrics={
            "payoff": MetricValue(float(both.mean()), float(deals.mean()) if len(deals) else None),
            "deal_rate": MetricValue(float(found["deal"].mean()), None),
        },
    )


def ranked(standings: list[Standing]) -> list[Standing]:
    for key, kind in (("rank", "payoff"), ("rank_as_buyer", "as_buyer"), ("rank_as_seller", "as_seller")):
        order = sorted(standings, key=lambda s: -getattr(s, kind).mean)
        standings = [dataclasses.replace(each, **{key: rank}) for rank, each in enumerate(order, 1)]
    best = sorted(standings, key=lambda s: s.rank)
    most = best[0].payoff.mean
    best = [dataclasses.replace(each, regret=most - each.payoff.mean) for each in best]
    return [dataclasses.replace(best[0], nash=1.0, alpha_rank=1.0), *best[1:]]


def matrices(games: Games) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Return the payoffs of rows against columns: both seats, as buyer, as seller, and by scenario."""
    many = len(games.entrants)
    shape = (len(games.scenarios), many, many)
    payoff = games.rows["outcome"]["payoff"].reshape(*shape, -1, 2).mean(axis=3)
    buyer, seller = payoff[..., 0], payoff[..., 1].transpose(0, 2, 1)
    both = (buyer + seller) / 2
    by_scenario = {deal.name: both[i].tolist() for i, deal in enumerate(games.scenarios)}
    return both.mean(axis=0).tolist(), buyer.mean(axis=0).tolist(), seller.mean(axis=0).tolist(), by_scenario


def replicator(matrix: Any, steps: int = 400) -> Replicator:
    share = np.full(len(matrix), 1 / len(matrix))
    shares = [share]
    for _ in range(steps):
        fitness = np.asarray(matrix) @ share
        share = share * np.exp(fitness - share @ fitness)
        share = share / share.sum()
        shares.append(share)
    return Replicator([float(t) for t in range(steps + 1)], [s.tolist() for s in shares])


def within(games: Games, scenario: int) -> Games:
    """Return the games of one scenario."""
    rows = games.rows[games.rows["scenario"] == scenario]
    return Games(games.seed, games.games_per_cell, games.rules, games.entrants, games.scenarios, rows)


def there(games: Games, scenario: int) -> tuple[ScenarioStanding, ...]:
    found = [(name, figures(within(games, scenario), n)) for n, name in enumerate(games.names)]
    rows = [
        ScenarioStanding(
            name=name,
            payoff=interval(np.concatenate(each["payoff"])),
            deal_rate=float(each["deal"].mean()),
            zopa_deal_rate=float(each["deal"][each["zopa"]].mean()) if each["zopa"].any() else math.nan,
        )
        for name, each in found
    ]
    return tuple(sorted(rows, key=lambda row: -row.payoff.mean))


def compared(standings: list[Standing]) -> tuple[Comparison, ...]:
    pairs = list(itertools.combinations(standings, 2))
    found = []
    for better, worse in pairs:
        mean = better.payoff.mean - worse.payoff.mean
        p = float(np.exp(-mean * 300))
        difference = Interval(mean, mean - 0.02, mean + 0.02)
        found.append(Comparison(better.name, worse.name, difference, p, min(1.0, p * len(pairs))))
    return tuple(found)


DEFINITIONS = (
    Definition("payoff", "payoff", "ZOPA", "discounted worth", "v / W", "RULES"),
    Definition("deal_rate", "deal rate", "share", "deals over games", "d / n", "RULES"),
    Definition("regret", "regret", "ZOPA", "what the best reply gains", "max", "Nash"),
)


def analysed(games: Games) -> Analysis:
    """Return an analysis made in the simplest way."""
    standings = ranked([standing(name, figures(games, n)) for n, name in enumerate(games.names)])
    both, buyer, seller, by_scenario = matrices(games)
    return Analysis(
        names=games.names,
        resamples=2,
        standings=tuple(standings),
        by_scenario={deal.name: there(games, i) for i, deal in enumerate(games.scenarios)},
        payoff_matrix=both,
        buyer_matrix=buyer,
        seller_matrix=seller,
        payoff_matrix_by_scenario=by_scenario,
        comparisons=compared(standings),
        equilibrium_epsilon=0.0,
        seats=SeatEquilibrium({standings[0].name: 1.0}, {each.name: 0.5 for each in standings[:2]}, 0.0),
        replicator=replicator(both),
        definitions=DEFINITIONS,
    )
