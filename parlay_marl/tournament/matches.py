"""A round-robin of personas: every ordered pair, over every scenario, with both openers, on the same games.

Game k of a scenario has the same reservation prices and other draws for every pair, so that differences between
personas are not differences of luck.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel

from parlay_marl.catalogue.personas import Persona, load_persona, persona_names
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Scenario, build_params, load_scenario, scenario_names
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.moves import BUYER, SEATS, SELLER
from parlay_marl.core.outcome import DEAL, OUTCOME_DTYPE, WALKED
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.core.style import PERSONA_DTYPE
from parlay_marl.envs.batch import joined
from parlay_marl.envs.config import whole_number
from parlay_marl.envs.game import checked_seed
from parlay_marl.envs.threads import MOST_THREADS, Workers
from parlay_marl.errors import ConfigurationError
from parlay_marl.opponents.scripted import play_games

MOST_GAMES = 2**31 - 1
"""Games that a cell may have."""
LEAST_PER_THREAD = 64
"""Games that a thread must have for itself; fewer gain nothing from another thread."""
CELLS_AHEAD = 64
"""Cells whose outcomes may wait in memory until they are counted."""
Outcomes = np.ndarray[Any, np.dtype[np.void]]
_Plan = tuple[Persona, Persona, Scenario, Any, int]
Task = TypeVar("Task")
Played = TypeVar("Played")


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
    """One persona's record over all its games, in both seats."""

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
        self.counts: dict[str, int] = dict.fromkeys(("bluffs_made", "bluffs_caught", "capitulations", "walk_aways"), 0)
        self.by_seat = [[0.0, 0.0], [0.0, 0.0]]

    def add(self, outcomes: Outcomes, seat: int) -> None:
        """Add the outcomes of games played in a seat."""
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
        for name in ("bluffs_made", "bluffs_caught"):
            self.counts[name] += int(outcomes[name][:, seat].sum())
        self.counts["capitulations"] += int((deal & (outcomes["worth"][:, seat] < -1e-9)).sum())
        self.counts["walk_aways"] += int(((outcomes["ending"] == WALKED) & (outcomes["closed_by"] == seat)).sum())

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


def play_cell(
    buyer: Persona, seller: Persona, params: Any, *, opener: int, games: int, seed: int, threads: int = 1
) -> Outcomes:
    """Play games 0 to `games` of a seed between two personas; return `(games,)` of `OUTCOME_DTYPE`.

    The games are played in the kernel from beginning to end, shared among threads where there are enough.
    """
    personas = joined([buyer.record(), seller.record()], PERSONA_DTYPE)
    fixed = nothing_fixed()
    fixed["opener"] = opener
    fixed["sensitivity"] = personas["base"]["event_sensitivity"]
    outcomes = np.zeros(games, OUTCOME_DTYPE)
    blank, numbers = np.zeros(1, STATE_DTYPE), np.arange(games)

    def play(work: Any) -> int:
        scratch = np.zeros(1, STATE_DTYPE)
        return play_games(
            work, params, personas, BUYER, SELLER, fixed, blank, np.uint64(seed), 0, numbers, scratch, outcomes
        )

    workers = Workers(threads, games, LEAST_PER_THREAD)
    workers.run(play)
    workers.close()
    return outcomes


def _cell(outcomes: Outcomes, buyer: str, seller: str, scenario: str, opener: int) -> Cell:
    """Return the summary of a cell."""
    deal, zopa = outcomes["ending"] == DEAL, outcomes["start_width"] > 0.0
    efficiency = outcomes["efficiency"][~np.isnan(outcomes["efficiency"])]
    return Cell(
        buyer=buyer,
        seller=seller,
        scenario=scenario,
        opener=SEATS[opener],
        games=len(outcomes),
        mean_payoff_buyer=float(outcomes["payoff"][:, BUYER].mean()),
        mean_payoff_seller=float(outcomes["payoff"][:, SELLER].mean()),
        deal_rate=float(deal.mean()),
        zopa_games=int(zopa.sum()),
        zopa_deal_rate=float(deal[zopa].mean()) if zopa.any() else None,
        mean_efficiency=float(efficiency.mean()) if len(efficiency) else None,
        mean_rounds=float((outcomes["round"] + 1).mean()),
    )


def _plan(personas: Sequence[Persona], scenarios: Sequence[Scenario], params: Sequence[Any]) -> Iterator[_Plan]:
    """Yield every cell to play: ordered pairs, self-play included, over scenarios and openers."""
    for scenario, record in zip(scenarios, params, strict=True):
        for opener in (BUYER, SELLER):
            for buyer in personas:
                for seller in personas:
                    yield buyer, seller, scenario, record, opener


def in_order(play: Callable[[Task], Played], tasks: Sequence[Task], threads: int) -> Iterator[tuple[Task, Played]]:
    """Yield tasks with what they came to, in order, whichever thread has played them."""
    if threads == 1:
        yield from ((task, play(task)) for task in tasks)
        return
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(tasks), CELLS_AHEAD):
            some = tasks[start : start + CELLS_AHEAD]
            yield from zip(some, pool.map(play, some), strict=True)


def run_tournament(
    personas: Sequence[str | Path | Persona] | None = None,
    scenarios: Sequence[str | Path | Scenario] | None = None,
    *,
    games: int = 200,
    seed: int = 0,
    rules: str | Mapping[str, Any] | BaseModel = "default",
    threads: int = 1,
    on_cell: Callable[[int, int], None] | None = None,
) -> Results:
    """Play every ordered pair of personas over every scenario with both openers, `games` games a cell.

    None takes the whole catalogue. Cells are shared among `threads`, on which the
    results do not depend. `on_cell` is told how many cells are done and how many there are.
    """
    entrants = [load_persona(persona) for persona in (persona_names() if personas is None else personas)]
    deals = [load_scenario(scenario) for scenario in (scenario_names() if scenarios is None else scenarios)]
    games, seed = whole_number("games", games, 1, MOST_GAMES), checked_seed(seed)
    threads = whole_number("threads", threads, 1, MOST_THREADS)
    check_plan([entrant.name for entrant in entrants], [deal.name for deal in deals])
    loaded = load_rules(rules)
    params = [build_params(deal, loaded, reward="payoff") for deal in deals]
    plan = list(_plan(entrants, deals, params))
    tallies = {entrant.name: _Tally() for entrant in entrants}
    cells = []

    def play(cell: _Plan) -> Outcomes:
        buyer, seller, _, record, opener = cell
        return play_cell(buyer, seller, record, opener=opener, games=games, seed=seed)

    if on_cell is not None:
        on_cell(0, len(plan))
    for done, ((buyer, seller, scenario, _, opener), outcomes) in enumerate(in_order(play, plan, threads), 1):
        tallies[buyer.name].add(outcomes, BUYER)
        tallies[seller.name].add(outcomes, SELLER)
        cells.append(_cell(outcomes, buyer.name, seller.name, scenario.name, opener))
        if on_cell is not None:
            on_cell(done, len(plan))
    ranked = sorted((tally.entrant(name) for name, tally in tallies.items()), key=lambda e: (-e.mean_payoff, e.name))
    return Results(seed, games, rules if isinstance(rules, str) else "custom", tuple(ranked), tuple(cells))


def check_plan(personas: Sequence[str], scenarios: Sequence[str]) -> None:
    """Refuse a plan that cannot be played or told apart."""
    for kind, names in (("persona", personas), ("scenario", scenarios)):
        if not names:
            raise ConfigurationError(f"{kind}s: name at least one, or leave them out for all of the catalogue")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigurationError(f"the {kind} {twice[0]!r} is named twice; name each once")
