"""How good beliefs are: calibration, error, bluffs told from honest claims, and what a belief is worth to its owner.

Every ordered pair of personas plays the same games, and each game is followed by all trackers at once. A belief is
looked at when a quarter, half, three quarters and the whole of its own game has been played, so that every game counts
alike at each stage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from parlay_marl.catalogue.personas import Persona, load_persona, persona_names
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Scenario, build_params, load_scenario, scenario_names
from parlay_marl.core.belief import HIGH, LOW, RESERVATION
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.moves import BATNA_REVEAL, BUYER, SELLER
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.core.style import PERSONA_DTYPE
from parlay_marl.envs.batch import joined
from parlay_marl.envs.config import whole_number
from parlay_marl.envs.game import checked_seed
from parlay_marl.errors import ConfigurationError
from parlay_marl.opponents.record import BELIEF_FIGURES, TURN_DTYPE, record_games
from parlay_marl.tournament.matches import play_cell

TRACKERS = ("bayes", "heuristic")
QUARTERS = 4
BINS = 10
FEWEST_CLAIMS = 50
"""Claims that a bin of the reliability table must hold to count as filled."""
MOST_GAMES = 1_000_000
TUNED_ON = ("diplomat", "linear", "nash", "shark", "tit_for_tat", "veteran")
"""Personas of the catalogue that the numbers of the bayes tracker were chosen on; the others were never looked at."""
Figures = NDArray[np.float64]
OnCell = Callable[[int, int], None]


@dataclass(frozen=True)
class TrackerQuality:
    """How well a tracker does: a number for each quarter of the game; prices are shares of the public range."""

    coverage90: tuple[float, ...]
    """Share of beliefs whose 90% band holds the truth."""
    mae: tuple[float, ...]
    """Mean absolute error of the reservation price."""
    width90: tuple[float, ...]
    """Mean width of the 90% band."""
    coverage90_by_persona: dict[str, tuple[float, ...]]
    """By whom the belief is about."""
    mae_by_persona: dict[str, tuple[float, ...]]
    coverage90_by_scenario: dict[str, tuple[float, ...]]
    mae_by_scenario: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class ReliabilityBin:
    """Claims whose probability of being a bluff fell into one tenth."""

    low: float
    high: float
    claims: int
    mean_probability: float
    bluff_share: float


@dataclass(frozen=True)
class ValueOfBelief:
    """What a persona gains by its belief: mean payoff with it minus without it, in the same games, with its 95% interval.

    The interval is over games: all of a game's pairings, seats and openers are one draw of chance.
    """

    gain: float
    low: float
    high: float
    with_belief: float
    without_belief: float


@dataclass(frozen=True)
class BeliefReport:
    """The quality of beliefs over all ordered pairs of personas."""

    seed: int
    games_per_cell: int
    rules: str
    personas: tuple[str, ...]
    scenarios: tuple[str, ...]
    tuned_on: tuple[str, ...]
    trackers: dict[str, TrackerQuality]
    claims: int
    """Claims by personas that bluff."""
    bluffs: int
    bluff_auc: float | None
    """Probability that a bluff is held likelier to be one than an honest claim is; None without both."""
    bluff_reliability: tuple[ReliabilityBin, ...]
    value_of_belief: dict[str, ValueOfBelief]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)


class _Sums:
    """Running sums of coverage, error and width by quarter, about one group of beliefs."""

    def __init__(self) -> None:
        self.count = 0
        self.covered, self.error, self.width = (np.zeros(QUARTERS) for _ in range(3))

    def add(self, belief: Figures, truth: Figures) -> None:
        """Add beliefs, `(n, quarters, figures)`, about `(n, quarters)` true limits."""
        self.count += len(truth)
        self.covered += ((belief[..., LOW] <= truth) & (truth <= belief[..., HIGH])).sum(axis=0)
        self.error += np.abs(belief[..., RESERVATION] - truth).sum(axis=0)
        self.width += (belief[..., HIGH] - belief[..., LOW]).sum(axis=0)

    def means(self, sums: Figures) -> tuple[float, ...]:
        return tuple((sums / max(self.count, 1)).tolist())


class _Tally:
    """What is counted of one tracker: all of it, and by whom the belief is about, and by scenario."""

    def __init__(self) -> None:
        self.all = _Sums()
        self.by_persona: dict[str, _Sums] = {}
        self.by_scenario: dict[str, _Sums] = {}

    def add(self, persona: str, scenario: str, belief: Figures, truth: Figures) -> None:
        for sums in (
            self.all,
            self.by_persona.setdefault(persona, _Sums()),
            self.by_scenario.setdefault(scenario, _Sums()),
        ):
            sums.add(belief, truth)

    def quality(self) -> TrackerQuality:
        def coverage(groups: dict[str, _Sums]) -> dict[str, tuple[float, ...]]:
            return {name: sums.means(sums.covered) for name, sums in sorted(groups.items())}

        def error(groups: dict[str, _Sums]) -> dict[str, tuple[float, ...]]:
            return {name: sums.means(sums.error) for name, sums in sorted(groups.items())}

        return TrackerQuality(
            coverage90=self.all.means(self.all.covered),
            mae=self.all.means(self.all.error),
            width90=self.all.means(self.all.width),
            coverage90_by_persona=coverage(self.by_persona),
            mae_by_persona=error(self.by_persona),
            coverage90_by_scenario=coverage(self.by_scenario),
            mae_by_scenario=error(self.by_scenario),
        )


@dataclass(frozen=True)
class _Cell:
    """A buyer, a seller, a scenario and an opener, with the parameters of all trackers."""

    buyer: Persona
    seller: Persona
    scenario: Scenario
    params: Any
    opener: int


def _recorded(cell: _Cell, games: int, seed: int) -> tuple[Any, Figures, NDArray[np.int64]]:
    """Play a cell's games; return turns (n, m), beliefs (n, m, trackers, 2, figures) and lengths (n,)."""
    personas = joined([cell.buyer.record(), cell.seller.record()], PERSONA_DTYPE)
    fixed = nothing_fixed()
    fixed["opener"] = cell.opener
    fixed["sensitivity"] = personas["base"]["event_sensitivity"]
    most = 2 * int(cell.params[0]["scenario"]["rounds"])
    turns = np.zeros((games, most), TURN_DTYPE)
    beliefs = np.zeros((games, most, len(cell.params), 2, BELIEF_FIGURES))
    lengths = np.zeros(games, np.int64)
    scratch, blank = np.zeros(len(cell.params), STATE_DTYPE), np.zeros(1, STATE_DTYPE)
    record_games(
        cell.params,
        personas,
        fixed,
        blank,
        np.uint64(seed),
        np.arange(games),
        scratch,
        turns,
        beliefs,
        lengths,
    )
    return turns, beliefs, lengths


def _bluffs(persona: Persona) -> bool:
    """Whether a persona bluffs on purpose, before or after it drifts."""
    record = persona.record()[0]
    return bool(record["base"]["bluff_rate"] > 0.0 or record["drifted"]["bluff_rate"] > 0.0)


def _follow(
    cells: Sequence[_Cell], games: int, seed: int, on_cell: OnCell | None
) -> tuple[dict[str, _Tally], Figures, NDArray[np.bool_]]:
    """Play all cells; return the tally of each tracker, and doubt and truth of every claim by personas that bluff."""
    tallies = {tracker: _Tally() for tracker in TRACKERS}
    doubts: list[Figures] = []
    bluffs: list[NDArray[np.bool_]] = []
    stages = np.arange(1, QUARTERS + 1)
    for done, cell in enumerate(cells, 1):
        turns, beliefs, lengths = _recorded(cell, games, seed)
        last = -(-lengths[:, None] * stages // QUARTERS) - 1
        which = np.arange(games)[:, None]
        truth, seen = turns["reservation"][which, last], beliefs[which, last]
        for other, persona in ((BUYER, cell.buyer), (SELLER, cell.seller)):
            for k, tracker in enumerate(TRACKERS):
                tallies[tracker].add(
                    persona.name, cell.scenario.name, seen[:, :, k, 1 - other], truth[:, :, other]
                )
            if _bluffs(persona):
                claims = turns[(turns["seat"] == other) & ~np.isnan(turns["doubt"])]
                claims = claims[claims["move"] == BATNA_REVEAL]
                doubts.append(claims["doubt"])
                bluffs.append(claims["is_bluff"] == 1)
        if on_cell is not None:
            on_cell(done, len(cells))
    empty = [np.zeros(0)]
    return tallies, np.concatenate(doubts or empty), np.concatenate(bluffs or empty).astype(bool)


def auc(probability: Figures, truth: NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve: Mann and Whitney's U over its largest value, ties counted by half."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if positives == 0 or negatives == 0:
        return None
    _, place, counts = np.unique(probability, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((rank[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def reliability(probability: Figures, truth: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    """Return how often claims were bluffs, by tenths of their probability; bins with too few claims are left out."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    return tuple(
        ReliabilityBin(
            low=b / BINS,
            high=(b + 1) / BINS,
            claims=int((bins == b).sum()),
            mean_probability=float(probability[bins == b].mean()),
            bluff_share=float(truth[bins == b].mean()),
        )
        for b in range(BINS)
        if (bins == b).sum() >= FEWEST_CLAIMS
    )


def _mindless(persona: Persona) -> Persona:
    """Return the same persona without any use of its belief."""
    drift = persona.drift.model_copy(update={"traits": {**persona.drift.traits, "mind_reading": 0.0}})
    traits = persona.traits.model_copy(update={"mind_reading": 0.0})  # type: ignore[attr-defined]
    return persona.model_copy(update={"traits": traits, "drift": drift})


def _value(
    persona: Persona, others: Sequence[Persona], deals: Sequence[tuple[Scenario, Any]], games: int, seed: int
) -> ValueOfBelief:
    """Return what its belief is worth to a persona against all others, in both seats, with both openers."""
    minds = (persona, _mindless(persona))
    payoffs = np.zeros((len(minds), len(deals), games))
    for i, mind in enumerate(minds):
        for d, (_, params) in enumerate(deals):
            for other in others:
                for opener in (BUYER, SELLER):
                    as_buyer = play_cell(mind, other, params, opener=opener, games=games, seed=seed)
                    as_seller = play_cell(other, mind, params, opener=opener, games=games, seed=seed)
                    payoffs[i, d] += as_buyer["payoff"][:, BUYER] + as_seller["payoff"][:, SELLER]
    payoffs /= 4.0 * len(others)
    gains = payoffs[0] - payoffs[1]
    mean = float(gains.mean())
    error = math.sqrt(float((gains.var(axis=1, ddof=1) / games).sum())) / len(deals) if games > 1 else math.nan
    reach = 1.96 * error
    return ValueOfBelief(mean, mean - reach, mean + reach, float(payoffs[0].mean()), float(payoffs[1].mean()))


def _cells(
    pairs: Sequence[tuple[Persona, Persona]], deals: Sequence[tuple[Scenario, Sequence[Any]]]
) -> Iterator[_Cell]:
    """Yield the cells of all pairs."""
    for scenario, records in deals:
        params = joined(records, PARAMS_DTYPE)
        for buyer, seller in pairs:
            for opener in (BUYER, SELLER):
                yield _Cell(buyer, seller, scenario, params, opener)


def assess_beliefs(
    personas: Sequence[str | Path | Persona] | None = None,
    scenarios: Sequence[str | Path | Scenario] | None = None,
    *,
    games: int = 100,
    seed: int = 0,
    rules: str | Mapping[str, Any] | BaseModel = "default",
    value: bool = True,
    on_cell: OnCell | None = None,
) -> BeliefReport:
    """Play every ordered pair of personas over every scenario with both openers, and assess what they believe.

    `games` are those of each cell, a buyer, a seller, a scenario and an opener. None takes the whole catalogue, but
    for scenarios whose limits are public: there is nothing to believe. `value` also plays each persona that uses its
    belief with and without it. `on_cell` is told how many cells are done and how many there are.
    """
    entrants = [load_persona(persona) for persona in (persona_names() if personas is None else personas)]
    loaded = [load_scenario(scenario) for scenario in (scenario_names() if scenarios is None else scenarios)]
    hidden = [scenario for scenario in loaded if scenario.information == "incomplete"]
    if scenarios is not None and len(hidden) < len(loaded):
        public = next(scenario.name for scenario in loaded if scenario.information == "complete")
        raise ConfigurationError(f"scenario {public!r}: both limits are public, there is nothing to believe; leave it out")
    if not entrants or not hidden:
        raise ConfigurationError("name at least one persona and one scenario, or leave them out for the catalogue")
    games, seed = whole_number("games", games, 1, MOST_GAMES), checked_seed(seed)
    numbers = load_rules(rules)
    deals = [
        (scenario, [build_params(scenario, numbers, reward="payoff", beliefs=tracker) for tracker in TRACKERS])
        for scenario in hidden
    ]
    pairs = [(buyer, seller) for buyer in entrants for seller in entrants]
    cells = list(_cells(pairs, deals))
    minded = [entrant for entrant in entrants if entrant.record()[0]["base"]["mind_reading"] > 0.0] if value else []
    total = len(cells) + len(minded)
    if on_cell is not None:
        on_cell(0, total)
    tallies, doubts, bluffs = _follow(cells, games, seed, on_cell and (lambda done, _: on_cell(done, total)))
    values = {}
    for done, entrant in enumerate(minded, 1):
        values[entrant.name] = _value(entrant, entrants, [(s, records[0]) for s, records in deals], games, seed)
        if on_cell is not None:
            on_cell(len(cells) + done, total)
    names = tuple(entrant.name for entrant in entrants)
    return BeliefReport(
        seed=seed,
        games_per_cell=games,
        rules=rules if isinstance(rules, str) else "custom",
        personas=names,
        scenarios=tuple(scenario.name for scenario in hidden),
        tuned_on=tuple(name for name in TUNED_ON if name in names),
        trackers={tracker: tally.quality() for tracker, tally in tallies.items()},
        claims=len(doubts),
        bluffs=int(bluffs.sum()),
        bluff_auc=auc(doubts, bluffs),
        bluff_reliability=reliability(doubts, bluffs),
        value_of_belief=values,
    )
