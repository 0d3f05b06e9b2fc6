"""How good beliefs are: calibration, error, bluffs told from honest claims, and what a belief is worth to its owner.

Each game is followed by all trackers at once. A belief is looked at when a quarter, half, three quarters and the whole
of its own game has been played, so that every game counts alike at each stage. Every cell plays games of its own, so
that a report rests on as many draws of chance as it plays games; what a belief is worth is told by the same games
played with it and without it.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from parlay_marl.catalogue.personas import Persona, persona_names
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Params, Scenario, build_params, load_scenario, scenario_names
from parlay_marl.core.belief import ALTERNATIVE, HIGH, LOW, RESERVATION, URGENCY
from parlay_marl.core.moves import BATNA_REVEAL, BUYER, SELLER
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.envs.batch import joined
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import whole_number
from parlay_marl.game.position import checked_seed
from parlay_marl.players.persona import PersonaPlayer, as_persona, cast_of
from parlay_marl.players.scripted import seated
from parlay_marl.simulation.record import ACCURACY, RECORDED_FIGURES, TURN_DTYPE, record_games
from parlay_marl.simulation.threads import MOST_THREADS
from parlay_marl.tournament.entrants import check_names
from parlay_marl.tournament.matches import in_order, play_cell

TRACKERS = ("bayes", "heuristic")
"""The first plays, the others look on."""
QUARTERS = 4
BINS = 10
FEWEST_CLAIMS = 50
"""Claims that a bin of the reliability table must hold to count as filled."""
MOST_GAMES = 1_000_000
TURNS_AT_ONCE = 40_000
"""Turns of which a thread holds a record at a time, some 12 MB: a thousand games of the usual length."""
NORMAL_95 = 1.96
"""Half the width of a normal distribution's central 95%, in standard deviations."""
TUNED_ON = ("diplomat", "linear", "nash", "shark", "tit_for_tat", "veteran")
"""Personas of the catalogue that the numbers of the bayes tracker were chosen on; the others were never looked at."""
Figures = NDArray[np.float64]
Flags = NDArray[np.bool_]
_Pair = tuple[PersonaPlayer, PersonaPlayer]
Quarters = tuple[float, ...]
OnCell = Callable[[int, int], None]
_COUNT, _COVERED, _ERROR, _WIDTH, _ACCURACY, _URGENCY, _ALTERNATIVE = range(7)
_N_SUMS = 7


@dataclass(frozen=True)
class TrackerQuality:
    """How well a tracker does: a number for each quarter of the game; prices are shares of the public range.

    Personas are those that beliefs are about; those held out are all but `TUNED_ON`, and None without any.
    """

    coverage90: Quarters
    """Share of beliefs whose 90% band holds the truth."""
    mae: Quarters
    """Mean absolute error of the reservation price."""
    width90: Quarters
    """Mean width of the 90% band."""
    accuracy: Quarters
    """Mean accuracy over reservation price, urgency and alternative, in the sense of the rules."""
    brier_urgency: Quarters
    """Mean squared error of the urgency."""
    brier_alternative: Quarters
    """Brier score of the probability of an alternative (Brier 1950): its mean squared error."""
    coverage90_held_out: Quarters | None
    mae_held_out: Quarters | None
    coverage90_by_persona: dict[str, Quarters]
    mae_by_persona: dict[str, Quarters]
    coverage90_by_scenario: dict[str, Quarters]
    mae_by_scenario: dict[str, Quarters]


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
    """What a persona gains by its belief: its mean payoff with it minus that without it, in the same games.

    The interval is the normal 95% one over games: whatever is played under one number, with any opponent, in either
    seat, with either opener and over any scenario, is one draw of chance. None where there is but one game.
    """

    gain: float
    low: float | None
    high: float | None
    with_belief: float
    without_belief: float


@dataclass(frozen=True)
class BeliefReport:
    """The quality of beliefs over pairs of personas."""

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


@dataclass(frozen=True)
class _Cell:
    """A buyer, a seller, a scenario and an opener, with the parameters of all trackers."""

    buyer: PersonaPlayer
    seller: PersonaPlayer
    scenario: Scenario
    params: Params
    opener: int


class _Deal(NamedTuple):
    """A scenario with the parameters of all trackers, and with those of the tracker that plays."""

    scenario: Scenario
    followed: Params
    played: Params


class _Match(NamedTuple):
    """A cell that tells what a belief is worth: a persona, with its mind or without, in one seat against another."""

    persona: PersonaPlayer
    is_mindless: bool
    seat: int
    other: PersonaPlayer
    params: Params
    opener: int


class _Seen(NamedTuple):
    """What is counted of one cell's games."""

    sums: Figures
    """By tracker, the seat that beliefs are about, what is summed, and quarter."""
    doubts: Figures
    """Probability that a claim is a bluff, for every claim by a persona that bluffs."""
    bluffs: Flags
    """Whether it was."""


class _Tally:
    """What is counted of one tracker, by the persona that beliefs are about and by scenario."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], Figures] = {}

    def add(self, persona: str, scenario: str, sums: Figures) -> None:
        """Add the sums of one cell."""
        self._sums[persona, scenario] = self._sums.get((persona, scenario), np.zeros_like(sums)) + sums

    def _means(self, which: int, names: tuple[str, ...] | None = None, scenario: str | None = None) -> Quarters | None:
        """Return a mean for each quarter, over some personas or one scenario; None where nothing was counted."""
        chosen = [
            sums
            for (persona, deal), sums in self._sums.items()
            if (names is None or persona in names) and scenario in (None, deal)
        ]
        total = np.sum(chosen, axis=0) if chosen else None
        return None if total is None else tuple((total[which] / total[_COUNT]).tolist())

    def _groups(self, which: int, key: int) -> dict[str, Quarters]:
        """Return the means for each persona (key 0) or each scenario (key 1)."""
        names = sorted({names[key] for names in self._sums})
        means = {name: self._means(which, (name,)) if key == 0 else self._means(which, None, name) for name in names}
        return {name: mean for name, mean in means.items() if mean is not None}

    def quality(self) -> TrackerQuality:
        """Return the means."""
        held_out = tuple({persona for persona, _ in self._sums} - set(TUNED_ON))
        return TrackerQuality(
            coverage90=self._means(_COVERED) or (),
            mae=self._means(_ERROR) or (),
            width90=self._means(_WIDTH) or (),
            accuracy=self._means(_ACCURACY) or (),
            brier_urgency=self._means(_URGENCY) or (),
            brier_alternative=self._means(_ALTERNATIVE) or (),
            coverage90_held_out=self._means(_COVERED, held_out),
            mae_held_out=self._means(_ERROR, held_out),
            coverage90_by_persona=self._groups(_COVERED, 0),
            mae_by_persona=self._groups(_ERROR, 0),
            coverage90_by_scenario=self._groups(_COVERED, 1),
            mae_by_scenario=self._groups(_ERROR, 1),
        )


def quarter_turns(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the turns that end the quarters of games, `(n, quarters)`, for `(n,)` lengths of at least one turn.

    Quarter q ends with the first turn by which q quarters of the turns have been played: the last one with the game.
    """
    return -(-lengths[:, None] * np.arange(1, QUARTERS + 1) // QUARTERS) - 1


def recorded(
    buyer: PersonaPlayer,
    seller: PersonaPlayer,
    params: Params,
    *,
    opener: int,
    seed: int,
    numbers: NDArray[np.int64],
) -> tuple[Any, Figures, NDArray[np.int64]]:
    """Play games of a seed by their numbers, each followed by all trackers, whose records `params` holds.

    Returns turns `(n, m)` of `TURN_DTYPE`, beliefs `(n, m, trackers, 2, figures)` and the turns of each game, `(n,)`;
    what comes after a game's last turn is 0.
    """
    for player in (buyer, seller):
        player.check_packages(int(params[0]["scenario"]["packages"]))
    cast, fixed = cast_of([buyer, seller]), seated([buyer.record, seller.record], opener)
    n, most = len(numbers), 2 * int(params[0]["scenario"]["rounds"])
    turns, lengths = np.zeros((n, most), TURN_DTYPE), np.zeros(n, np.int64)
    beliefs = np.zeros((n, most, len(params), 2, RECORDED_FIGURES))
    scratch, blank = np.zeros(len(params), STATE_DTYPE), np.zeros(1, STATE_DTYPE)
    record_games(params, *cast, fixed, blank, np.uint64(seed), numbers, scratch, turns, beliefs, lengths)
    return turns, beliefs, lengths


def _sums(beliefs: Figures, turns: Any, other: int) -> Figures:
    """Return what is summed over `(n, quarters, figures)` beliefs about a seat, given `(n, quarters)` turns."""
    low, high = beliefs[..., LOW], beliefs[..., HIGH]
    truth = turns["reservation"][..., other]
    sums = np.empty((_N_SUMS, QUARTERS))
    sums[_COUNT] = len(truth)
    sums[_COVERED] = ((low <= truth) & (truth <= high)).sum(axis=0)
    sums[_ERROR] = np.abs(beliefs[..., RESERVATION] - truth).sum(axis=0)
    sums[_WIDTH] = (high - low).sum(axis=0)
    sums[_ACCURACY] = beliefs[..., ACCURACY].sum(axis=0)
    sums[_URGENCY] = ((beliefs[..., URGENCY] - turns["urgency"][..., other]) ** 2).sum(axis=0)
    sums[_ALTERNATIVE] = ((beliefs[..., ALTERNATIVE] - turns["alternative"][..., other]) ** 2).sum(axis=0)
    return sums


def first_number(buyer: str, seller: str, opener: int) -> int:
    """Return the number of a cell's first game: far from those of any other cell, whatever else is played."""
    return zlib.crc32(f"{buyer} {seller} {opener}".encode()) * MOST_GAMES


def _bluffs(persona: PersonaPlayer) -> bool:
    """Whether a persona bluffs on purpose, before or after it drifts; a learned policy may."""
    record = persona.record[0]
    return persona.policy is not None or bool(
        record["base"]["bluff_rate"] > 0.0 or record["drifted"]["bluff_rate"] > 0.0
    )


def _follow(cell: _Cell, games: int, seed: int) -> _Seen:
    """Play a cell's games, and count what is believed in them; few games at a time, as a record takes much memory."""
    at_once = max(1, TURNS_AT_ONCE // (2 * int(cell.params[0]["scenario"]["rounds"])))
    sums = np.zeros((len(TRACKERS), 2, _N_SUMS, QUARTERS))
    start = first_number(cell.buyer.name, cell.seller.name, cell.opener)
    bluffers = [seat for seat, persona in enumerate((cell.buyer, cell.seller)) if _bluffs(persona)]
    doubts, bluffs = [np.zeros(0)], [np.zeros(0, np.bool_)]
    for first in range(0, games, at_once):
        numbers = start + np.arange(first, min(first + at_once, games))
        turns, beliefs, lengths = recorded(
            cell.buyer, cell.seller, cell.params, opener=cell.opener, seed=seed, numbers=numbers
        )
        ends = quarter_turns(lengths)
        which = np.arange(len(numbers))[:, None]
        then, seen = turns[which, ends], beliefs[which, ends]
        for k in range(len(TRACKERS)):
            for other in (BUYER, SELLER):
                sums[k, other] += _sums(seen[:, :, k, 1 - other], then, other)
        is_claim = (turns["move"] == BATNA_REVEAL) & np.isin(turns["seat"], bluffers)
        doubts.append(turns["doubt"][is_claim])
        bluffs.append(turns["is_bluff"][is_claim] == 1)
    return _Seen(sums, np.concatenate(doubts), np.concatenate(bluffs))


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


def _mindless(player: PersonaPlayer) -> PersonaPlayer:
    """Return the same persona without any use of its belief."""
    persona = player.persona
    drift = persona.drift.model_copy(update={"traits": {**persona.drift.traits, "mind_reading": 0.0}})
    traits = persona.traits.model_copy(update={"mind_reading": 0.0})  # type: ignore[attr-defined]
    return PersonaPlayer(persona.model_copy(update={"traits": traits, "drift": drift}))


def _reads_minds(persona: PersonaPlayer) -> bool:
    """Whether a persona makes use of its belief, before or after it drifts; none can be taken from a policy."""
    record = persona.record[0]
    return persona.policy is None and bool(
        record["base"]["mind_reading"] > 0.0 or record["drifted"]["mind_reading"] > 0.0
    )


def _payoffs(match: _Match, games: int, seed: int) -> Figures:
    """Return what the persona of a match is paid in each of its games."""
    mind = _mindless(match.persona) if match.is_mindless else match.persona
    buyer, seller = (mind, match.other) if match.seat == BUYER else (match.other, mind)
    outcomes = play_cell(buyer, seller, match.params, opener=match.opener, games=games, seed=seed)
    payoff: Figures = outcomes["payoff"][:, match.seat]
    return payoff.copy()


def value_of(payoffs: Figures) -> ValueOfBelief:
    """Return what a belief is worth, given the mean payoff with it and without it in each game, `(2, games)`."""
    gains, games = payoffs[0] - payoffs[1], payoffs.shape[1]
    mean = float(gains.mean())
    reach = NORMAL_95 * float(gains.std(ddof=1)) / math.sqrt(games) if games > 1 else None
    low, high = (None, None) if reach is None else (mean - reach, mean + reach)
    return ValueOfBelief(mean, low, high, float(payoffs[0].mean()), float(payoffs[1].mean()))


def _cells(pairs: Sequence[_Pair], deals: Sequence[_Deal]) -> Iterator[_Cell]:
    """Yield the cells of all pairs."""
    for deal in deals:
        for buyer, seller in pairs:
            for opener in (BUYER, SELLER):
                yield _Cell(buyer, seller, deal.scenario, deal.followed, opener)


def _matches(pairs: Sequence[_Pair], deals: Sequence[_Deal]) -> Iterator[_Match]:
    """Yield the matches of every persona that uses its belief, with it and without it."""
    for persona, other in pairs:
        if _reads_minds(persona):
            for is_mindless, deal, seat, opener in product((False, True), deals, (BUYER, SELLER), (BUYER, SELLER)):
                yield _Match(persona, is_mindless, seat, other, deal.played, opener)


def _counted(
    cells: Sequence[_Cell], games: int, seed: int, threads: int, step: Callable[[], None]
) -> tuple[dict[str, _Tally], Figures, Flags]:
    """Play all cells; return the tally of each tracker, and doubt and truth of every claim by personas that bluff."""
    tallies = {tracker: _Tally() for tracker in TRACKERS}
    doubts, bluffs = [np.zeros(0)], [np.zeros(0, np.bool_)]
    for cell, seen in in_order(lambda cell: _follow(cell, games, seed), cells, threads):
        for k, tracker in enumerate(TRACKERS):
            for other, persona in ((BUYER, cell.buyer), (SELLER, cell.seller)):
                tallies[tracker].add(persona.name, cell.scenario.name, seen.sums[k, other])
        doubts.append(seen.doubts)
        bluffs.append(seen.bluffs)
        step()
    return tallies, np.concatenate(doubts), np.concatenate(bluffs)


def _valued(
    matches: Sequence[_Match], games: int, seed: int, threads: int, step: Callable[[], None]
) -> dict[str, ValueOfBelief]:
    """Play all matches; return what its belief is worth to each persona."""
    totals: dict[str, Figures] = {}
    counts = Counter(match.persona.name for match in matches if match.is_mindless)
    for match, paid in in_order(lambda match: _payoffs(match, games, seed), matches, threads):
        total = totals.setdefault(match.persona.name, np.zeros((2, games)))
        total[int(match.is_mindless)] += paid
        step()
    return {name: value_of(total / counts[name]) for name, total in totals.items()}


def _hidden(scenarios: Sequence[str | Path | Scenario] | None) -> list[Scenario]:
    """Return scenarios by name; one whose limits are public is refused, or left out where none was named."""
    loaded = [load_scenario(scenario) for scenario in (scenario_names() if scenarios is None else scenarios)]
    hidden = [scenario for scenario in loaded if scenario.information == "incomplete"]
    if scenarios is not None and len(hidden) < len(loaded):
        public = next(scenario.name for scenario in loaded if scenario.information == "complete")
        raise ConfigurationError(
            f"scenario {public!r}: both limits are public, there is nothing to believe; leave it out"
        )
    return sorted(hidden, key=lambda scenario: scenario.name)


def _pairs(entrants: Sequence[PersonaPlayer], self_play: bool) -> list[_Pair]:
    """Return the ordered pairs that play."""
    if len(entrants) == 1 and not self_play:
        raise ConfigurationError(
            f"personas: {entrants[0].name!r} has nobody to play; name another, or let it self_play"
        )
    return [(buyer, seller) for buyer in entrants for seller in entrants if self_play or buyer is not seller]


def assess_beliefs(
    personas: Sequence[str | Path | Persona | PersonaPlayer] | None = None,
    scenarios: Sequence[str | Path | Scenario] | None = None,
    *,
    games: int = 100,
    seed: int = 0,
    rules: str | Mapping[str, Any] | BaseModel = "default",
    self_play: bool = True,
    value: bool = True,
    threads: int = 1,
    on_cell: OnCell | None = None,
) -> BeliefReport:
    """Play every ordered pair of personas over every scenario with both openers, and assess what they believe.

    `games` are those of each cell, a buyer, a seller, a scenario and an opener. None takes the whole catalogue, but
    for scenarios whose limits are public: there is nothing to believe. `self_play` lets each persona play itself, too.
    `value` also plays each persona that uses its belief with and without it. The report depends neither on the order
    of the names nor on `threads`, which share the cells. `on_cell` is told how many cells are done and how many there
    are. Raises `ConfigurationError` for what cannot be played, before anything is.
    """
    loaded = [as_persona(persona) for persona in (persona_names() if personas is None else personas)]
    entrants, hidden = sorted(loaded, key=lambda persona: persona.name), _hidden(scenarios)
    games, seed = whole_number("games", games, 1, MOST_GAMES), checked_seed(seed)
    threads = whole_number("threads", threads, 1, MOST_THREADS)
    check_names("persona", [entrant.name for entrant in entrants])
    check_names("scenario", [scenario.name for scenario in hidden])
    for entrant, scenario in product(entrants, hidden):
        entrant.check_room(scenario)
    pairs, numbers = _pairs(entrants, self_play), load_rules(rules)
    deals = [_deal(scenario, numbers) for scenario in hidden]
    cells = list(_cells(pairs, deals))
    matches = list(_matches(pairs, deals)) if value else []
    step = _counter(len(cells) + len(matches), on_cell)
    tallies, doubts, bluffs = _counted(cells, games, seed, threads, step)
    values = _valued(matches, games, seed, threads, step)
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


def _deal(scenario: Scenario, rules: BaseModel) -> _Deal:
    """Return a scenario with its parameters.

    Those that play are read-only, as those of a tournament are: the kernel is then compiled for both.
    """
    records = [build_params(scenario, rules, reward="payoff", beliefs=tracker) for tracker in TRACKERS]
    return _Deal(scenario, joined(records, PARAMS_DTYPE), records[0])


def _counter(total: int, on_cell: OnCell | None) -> Callable[[], None]:
    """Return what is called after each cell, and tell `on_cell` that there are none so far."""
    done = iter(range(total + 1))

    def step() -> None:
        if on_cell is not None:
            on_cell(next(done), total)

    step()
    return step
