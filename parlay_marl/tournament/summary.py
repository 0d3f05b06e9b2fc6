"""The results of a tournament in figures: every entrant's record, and the means of every cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from parlay_marl.catalogue.rules import RULE_PRESETS, load_rules
from parlay_marl.core.moves import BUYER, SEATS, SELLER
from parlay_marl.core.outcome import DEAL, WALKED
from parlay_marl.tournament.games import Games, Rows

_OF_OUTCOMES = ("bluffs_made", "bluffs_caught")


@dataclass(frozen=True)
class Cell:
    """What a pair came to in one scenario with one opener.

    Payoffs are discounted worths in units of the scenario's nominal ZOPA. `deal_rate` counts all games;
    `zopa_deal_rate` those that began with a ZOPA, None where none did.
    """

    buyer: str
    seller: str
    scenario: str
    opener: str
    games: int
    mean_payoff_buyer: float
    mean_payoff_seller: float
    deal_rate: float
    zopa_games: int
    zopa_deal_rate: float | None
    mean_efficiency: float | None
    mean_rounds: float


@dataclass(frozen=True)
class Entrant:
    """One entrant's record over all its games, in both seats."""

    name: str
    games: int
    mean_payoff: float
    payoff_stderr: float
    mean_payoff_buyer: float
    mean_payoff_seller: float
    deal_rate: float
    zopa_deal_rate: float | None
    mean_share: float | None
    """Share of the ZOPA won, over deals; None without a deal."""
    mean_rounds: float
    bluffs_made: int
    bluffs_caught: int
    """Bluffs of the others that it caught."""
    capitulations: int
    """Deals worth less than nothing to it."""
    walk_aways: int
    forfeits: int
    """Games that it lost by an error, an illegal move or a late answer."""


@dataclass(frozen=True)
class Results:
    """The results of a tournament: entrants from the best to the worst by mean payoff, and every cell."""

    seed: int
    games_per_cell: int
    rules: str
    entrants: tuple[Entrant, ...]
    cells: tuple[Cell, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the results as plain data."""
        return asdict(self)


class _Tally:
    """Running sums of one entrant."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = dict.fromkeys(
            ("games", "payoff", "squares", "deals", "zopa", "zopa_deals", "share", "rounds"), 0.0
        )
        self.counts: dict[str, int] = dict.fromkeys((*_OF_OUTCOMES, "capitulations", "walk_aways", "forfeits"), 0)
        self.by_seat = [[0.0, 0.0], [0.0, 0.0]]

    def add(self, rows: Rows, seat: int) -> None:
        """Add games played in a seat."""
        outcomes = rows["outcome"]
        payoff, deal = outcomes["payoff"][:, seat], outcomes["ending"] == DEAL
        zopa = outcomes["start_width"] > 0.0
        sums = {
            "games": len(outcomes),
            "payoff": payoff.sum(),
            "squares": (payoff**2).sum(),
            "deals": deal.sum(),
            "zopa": zopa.sum(),
            "zopa_deals": (deal & zopa).sum(),
            "share": outcomes["share"][:, seat][deal].sum(),
            "rounds": (outcomes["round"] + 1).sum(),
        }
        for name, value in sums.items():
            self.sums[name] += float(value)
        self.by_seat[seat][0] += len(outcomes)
        self.by_seat[seat][1] += float(payoff.sum())
        for name in _OF_OUTCOMES:
            self.counts[name] += int(outcomes[name][:, seat].sum())
        self.counts["capitulations"] += int((deal & (outcomes["worth"][:, seat] < -1e-9)).sum())
        self.counts["walk_aways"] += int(((outcomes["ending"] == WALKED) & (outcomes["closed_by"] == seat)).sum())
        self.counts["forfeits"] += int((rows["forfeit_by"] == seat).sum())

    def entrant(self, name: str) -> Entrant:
        """Return the record of the entrant."""
        sums = self.sums
        games = max(sums["games"], 1.0)
        mean = sums["payoff"] / games
        means = [total / max(count, 1.0) for count, total in self.by_seat]
        return Entrant(
            name=name,
            games=int(sums["games"]),
            mean_payoff=mean,
            payoff_stderr=float(np.sqrt(max(sums["squares"] / games - mean**2, 0.0) / games)),
            mean_payoff_buyer=means[BUYER],
            mean_payoff_seller=means[SELLER],
            deal_rate=sums["deals"] / games,
            zopa_deal_rate=sums["zopa_deals"] / sums["zopa"] if sums["zopa"] else None,
            mean_share=sums["share"] / sums["deals"] if sums["deals"] else None,
            mean_rounds=sums["rounds"] / games,
            **self.counts,
        )


def _cell(outcomes: Rows, buyer: str, seller: str, scenario: str) -> Cell:
    """Return the summary of a cell."""
    deal, zopa = outcomes["ending"] == DEAL, outcomes["start_width"] > 0.0
    efficiency = outcomes["efficiency"][~np.isnan(outcomes["efficiency"])]
    return Cell(
        buyer=buyer,
        seller=seller,
        scenario=scenario,
        opener=SEATS[int(outcomes["opener"][0])],
        games=len(outcomes),
        mean_payoff_buyer=float(outcomes["payoff"][:, BUYER].mean()),
        mean_payoff_seller=float(outcomes["payoff"][:, SELLER].mean()),
        deal_rate=float(deal.mean()),
        zopa_games=int(zopa.sum()),
        zopa_deal_rate=float(deal[zopa].mean()) if zopa.any() else None,
        mean_efficiency=float(efficiency.mean()) if len(efficiency) else None,
        mean_rounds=float((outcomes["round"] + 1).mean()),
    )


def cells_of(games: Games) -> Iterator[Rows]:
    """Yield the rows of one cell after the other: a buyer, a seller, a scenario and an opener."""
    for start in range(0, len(games.rows), games.games_per_cell):
        yield games.rows[start : start + games.games_per_cell]


def rules_name(games: Games) -> str:
    """Return the name of the preset that the rules are, or `custom`."""
    known = (name for name in RULE_PRESETS if load_rules(name).model_dump(mode="json") == games.rules)
    return next(known, "custom")


def summarise(games: Games) -> Results:
    """Return the records of all entrants, the best by mean payoff first, and the means of all cells."""
    tallies = [_Tally() for _ in games.entrants]
    cells = []
    for rows in cells_of(games):
        buyer, seller, scenario = (int(rows[name][0]) for name in ("buyer", "seller", "scenario"))
        tallies[buyer].add(rows, BUYER)
        tallies[seller].add(rows, SELLER)
        cells.append(_cell(rows["outcome"], games.names[buyer], games.names[seller], games.scenario_names[scenario]))
    records = (tally.entrant(name) for tally, name in zip(tallies, games.names, strict=True))
    ranked = sorted(records, key=lambda entrant: (-entrant.mean_payoff, entrant.name))
    return Results(games.seed, games.games_per_cell, rules_name(games), tuple(ranked), tuple(cells))
