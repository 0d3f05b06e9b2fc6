"""Beliefs compared with the truth at each quarter of a game, for all trackers at once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.belief import ALTERNATIVE, HIGH, LOW, RESERVATION, URGENCY
from parlay_marl.core.moves import BATNA_REVEAL, BUYER, SELLER
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.simulation.cells import in_order
from parlay_marl.simulation.record import ACCURACY
from parlay_marl.studies.beliefs.report import Quarters, TrackerQuality
from parlay_marl.studies.recorded import recorded

TRACKERS = ("bayes", "heuristic")
"""The trackers; personas act on the beliefs of the first."""
QUARTERS = 4
MOST_GAMES = 1_000_000
TURNS_AT_ONCE = 40_000
"""Most turns that a thread records at a time, some 12 MB: a thousand games of the usual length."""
TUNED_ON = (
    *("diplomat", "linear", "nash", "shark", "tit_for_tat", "veteran"),
    *("absolute_tit_for_tat", "averaged_tit_for_tat", "combi", "tough", "family:broad", "family:hard"),
)
"""Personas and families on which the parameters of the bayes tracker were tuned; all others are held out."""
Figures = NDArray[np.float64]
Flags = NDArray[np.bool_]
_COUNT, _COVERED, _ERROR, _WIDTH, _ACCURACY, _URGENCY, _ALTERNATIVE = range(7)
_N_SUMS = 7


@dataclass(frozen=True)
class TrackedCell:
    """A buyer, a seller, a scenario and an opener, with the parameters of all trackers."""

    buyer: PersonaPlayer
    seller: PersonaPlayer
    scenario: AnyScenario
    params: Params
    opener: int


class Claims(NamedTuple):
    """Claims by personas that bluff: the probability that each is a bluff, and whether it was one."""

    doubts: Figures
    bluffs: Flags

    @classmethod
    def joined(cls, parts: Sequence[Claims]) -> Claims:
        """Return the claims of several parts."""
        return cls(
            np.concatenate([np.zeros(0), *(part.doubts for part in parts)]),
            np.concatenate([np.zeros(0, np.bool_), *(part.bluffs for part in parts)]),
        )


class TrackerTally:
    """Sums of one tracker's scores, by the persona that beliefs are about and by scenario."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], Figures] = {}

    def add(self, persona: str, scenario: str, sums: Figures) -> None:
        """Add the sums of one cell."""
        self._sums[persona, scenario] = self._sums.get((persona, scenario), np.zeros_like(sums)) + sums

    def _means(self, which: int, names: tuple[str, ...] | None = None, scenario: str | None = None) -> Quarters | None:
        """Return a mean for each quarter, over some personas or one scenario; None where there are no beliefs."""
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

    Quarter q ends with the first turn at which at least q quarters of the turns are played; the last ends with the
    game.
    """
    return -(-lengths[:, None] * np.arange(1, QUARTERS + 1) // QUARTERS) - 1


def first_number(buyer: str, seller: str, opener: int) -> int:
    """Return the number of a cell's first game: far from those of other cells, whichever cells are played."""
    return zlib.crc32(f"{buyer} {seller} {opener}".encode()) * MOST_GAMES


def tracked(
    cells: Sequence[TrackedCell], games: int, seed: int, threads: int, step: Callable[[], None]
) -> tuple[dict[str, TrackerTally], Claims]:
    """Play all cells; return the tally of each tracker, and every claim by personas that bluff."""
    tallies, claims = {tracker: TrackerTally() for tracker in TRACKERS}, list[Claims]()
    for cell, (sums, claimed) in in_order(lambda cell: _follow(cell, games, seed), cells, threads):
        for k, tracker in enumerate(TRACKERS):
            for other, persona in ((BUYER, cell.buyer), (SELLER, cell.seller)):
                tallies[tracker].add(persona.name, cell.scenario.name, sums[k, other])
        claims.append(claimed)
        step()
    return tallies, Claims.joined(claims)


def _follow(cell: TrackedCell, games: int, seed: int) -> tuple[Figures, Claims]:
    """Play a cell's games, few at a time to save memory; return their sums and claims.

    Axes of the sums are tracker, seat that beliefs are about, figure, and quarter.
    """
    at_once = max(1, TURNS_AT_ONCE // (2 * int(cell.params[0]["scenario"]["rounds"])))
    total, claims = np.zeros((len(TRACKERS), 2, _N_SUMS, QUARTERS)), list[Claims]()
    start = first_number(cell.buyer.name, cell.seller.name, cell.opener)
    bluffers = [seat for seat, persona in enumerate((cell.buyer, cell.seller)) if _bluffs(persona)]
    for first in range(0, games, at_once):
        numbers = start + np.arange(first, min(first + at_once, games))
        turns, beliefs, lengths = recorded(
            cell.buyer, cell.seller, cell.params, opener=cell.opener, seed=seed, numbers=numbers
        )
        ends, which = quarter_turns(lengths), np.arange(len(numbers))[:, None]
        total += _all_sums(beliefs[which, ends], turns[which, ends])
        is_claim = (turns["move"] == BATNA_REVEAL) & np.isin(turns["seat"], bluffers)
        claims.append(Claims(turns["doubt"][is_claim], turns["is_bluff"][is_claim] == 1))
    return total, Claims.joined(claims)


def _bluffs(persona: PersonaPlayer) -> bool:
    """Return whether a persona bluffs, before or after its drift; a learned policy or a family may."""
    record = persona.record[0]
    return (
        persona.policy is not None
        or persona.is_family
        or bool(record["base"]["bluff_rate"] > 0.0 or record["drifted"]["bluff_rate"] > 0.0)
    )


def _all_sums(beliefs: Figures, turns: Any) -> Figures:
    """Return the sums of all trackers and seats over `(n, quarters, trackers, seats, figures)` beliefs."""
    sums = np.empty((len(TRACKERS), 2, _N_SUMS, QUARTERS))
    for k in range(len(TRACKERS)):
        for other in (BUYER, SELLER):
            sums[k, other] = _sums(beliefs[:, :, k, 1 - other], turns, other)
    return sums


def _sums(beliefs: Figures, turns: Any, other: int) -> Figures:
    """Return the sums over `(n, quarters, figures)` beliefs about a seat, given `(n, quarters)` turns."""
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
