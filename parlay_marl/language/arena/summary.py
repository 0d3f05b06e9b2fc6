"""The result of an arena from its finished games."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl import __version__
from parlay_marl.core.bargain import ROUNDING
from parlay_marl.core.compiled.kept import source_digest
from parlay_marl.core.moves import BUYER, SEATS, SELLER
from parlay_marl.language.arena.entrants import Model
from parlay_marl.language.arena.figures import FIGURE_KEYS, FIGURES, Seen, means_of, seen_by, table_of
from parlay_marl.language.arena.look import Look
from parlay_marl.language.arena.plan import Plan
from parlay_marl.language.arena.play import PlayedGame
from parlay_marl.language.arena.result import ArenaResult, Comparison, FigureInfo, ModelResult, Rate, Rates, Totals
from parlay_marl.studies.benchmark.scores import DIFFICULTIES
from parlay_marl.studies.intervals import Interval, holm, paired_p, student_interval
from parlay_marl.tournament.forfeits import Forfeit
from parlay_marl.tournament.ratings import bradley_terry, elo

Floats = NDArray[np.float64]
Games = Sequence[tuple[PlayedGame, Look]]
DIGITS = 6


@dataclass(frozen=True)
class Arena:
    """A played arena: its result, and the finished games with their figures, in the order of the plan."""

    result: ArenaResult
    games: tuple[tuple[PlayedGame, Look], ...]

    def forfeits(self) -> list[Forfeit]:
        """Return the games that a model or a partner has forfeited, with the reason."""
        found = []
        for played, _ in self.games:
            record, match = played.record, played.match
            if record.forfeit_by is None:
                continue
            seat = SEATS.index(record.forfeit_by)
            names = match.names[seat], record.forfeit_by, match.names[1 - seat]
            found.append(Forfeit(*names, match.scenario, record.outcome.opener, 1, record.illegal or "no reason known"))
        return found


def summarise(plan: Plan, games: Games, *, spent: float, stopped: str | None) -> ArenaResult:
    """Return the result of the finished games of a plan, given in the order of the plan."""
    ratings = _ratings(plan, games)
    seen = {model.name: seen_by(model.name, games) for model in plan.models}
    tables = {name: table_of(each) for name, each in seen.items()}
    return ArenaResult(
        package_version=__version__,
        rules_digest=source_digest(),
        seed=plan.seed,
        deals=plan.games,
        repeats=plan.repeats,
        scenarios=tuple(scenario.name for scenario in plan.scenarios),
        partners=tuple(plan.partner_names),
        form=dict(plan.form),
        finished=len(games),
        planned=plan.total,
        stopped=stopped,
        spent=_rounded(spent) or 0.0,
        figures={figure.key: FigureInfo(unit=figure.unit, meaning=figure.meaning) for figure in FIGURES},
        models=tuple(_model(m, seen[m.name], tables[m.name], ratings.get(m.name), plan) for m in plan.models),
        comparisons=_comparisons(seen, tables),
    )


def _model(model: Model, seen: Seen, table: Floats, rating: float | None, plan: Plan) -> ModelResult:
    """Return the figures of one model."""
    partners = [name for name in (*plan.model_names, *plan.partner_names) if name != model.name]
    scenarios = [scenario.name for scenario in plan.scenarios]
    return ModelResult(
        name=model.name,
        settings=dict(model.settings),
        elo=rating,
        totals=_totals(seen),
        figures=_rates(table, seen.number),
        by_partner=_split(table, seen.number, seen.partner, partners),
        by_scenario=_split(table, seen.number, seen.scenario, scenarios),
        by_difficulty=_split(table, seen.number, seen.difficulty, DIFFICULTIES),
        by_seat=_split(table, seen.number, np.array([SEATS[seat] for seat in seen.seat], object), SEATS),
    )


def _totals(seen: Seen) -> Totals:
    """Return the sums over a model's games."""
    sums = {name: float(np.nansum(values)) for name, values in seen.usage.items()}
    whole: dict[str, Any] = {name: int(total) for name, total in sums.items() if name != "cost"}
    return Totals(games=len(seen.number), cost=_rounded(sums["cost"]) or 0.0, **whole)


def _split(table: Floats, numbers: NDArray[np.int64], keys: NDArray[Any], names: Sequence[str]) -> dict[str, Rates]:
    """Return the figures of each group of games that occurs, in the order of their names."""
    groups = {name: keys == name for name in names}
    return {name: _rates(table[chosen], numbers[chosen]) for name, chosen in groups.items() if chosen.any()}


def _rates(table: Floats, numbers: NDArray[np.int64]) -> Rates:
    """Return the figures of a group of games."""
    return {key: _rate(*found) for key, found in zip(FIGURE_KEYS, means_of(table, numbers), strict=True)}


def _rate(interval: Interval, games: int) -> Rate:
    return Rate(mean=_rounded(interval.mean), low=_rounded(interval.low), high=_rounded(interval.high), games=games)


def _rounded(value: float) -> float | None:
    """Return a rounded number, None for NaN; a rounded -0.0 becomes 0.0."""
    return None if math.isnan(value) else round(value, DIGITS) + 0.0


# --- models beside each other -----------------------------------------------------------------------------------------


def _comparisons(seen: dict[str, Seen], tables: dict[str, Floats]) -> tuple[Comparison, ...]:
    """Return the paired comparisons of all models, the better one first."""
    payoff = FIGURE_KEYS.index("payoff")
    payoffs = {name: dict(zip(_places(seen[name]), tables[name][:, payoff], strict=True)) for name in seen}
    found: list[tuple[str, str, Floats, int]] = []
    for one, other in combinations(payoffs, 2):
        both = [place for place in payoffs[one] if place in payoffs[other]]
        if not both:
            continue
        differences = _by_number(both, [payoffs[one][place] - payoffs[other][place] for place in both])
        pair = (one, other) if differences.mean() >= 0.0 else (other, one)
        found.append((*pair, differences if pair[0] == one else -differences, len(both)))
    corrected = _corrected([paired_p(differences) for _, _, differences, _ in found])
    return tuple(
        Comparison(better=better, worse=worse, games=games, payoff=_rate(student_interval(differences), games), p=p)
        for (better, worse, differences, games), p in zip(found, corrected, strict=True)
    )


def _places(seen: Seen) -> list[tuple[Any, ...]]:
    """Return the keys by which games are compared: deal, repetition, seat and partner."""
    return list(
        zip(seen.number.tolist(), seen.scenario, seen.repeat.tolist(), seen.seat.tolist(), seen.partner, strict=True)
    )


def _by_number(places: Sequence[tuple[Any, ...]], values: Sequence[float]) -> Floats:
    """Return the means of values by deal number, the first part of their key."""
    _, cluster = np.unique([place[0] for place in places], return_inverse=True)
    means: Floats = np.bincount(cluster, values) / np.bincount(cluster)
    return means


def _corrected(p_values: Sequence[float]) -> list[float | None]:
    """Return p-values corrected for the number of known ones."""
    known = [p for p in p_values if not math.isnan(p)]
    corrected = iter(holm(known))
    return [None if math.isnan(p) else _rounded(next(corrected)) for p in p_values]


def _ratings(plan: Plan, games: Games) -> dict[str, float]:
    """Return Elo ratings from duels: two games of a deal with exchanged seats, won by the larger sum of payoffs."""
    names = [*plan.model_names, *plan.partner_names]
    payoffs = {played.match: look.outcome["payoff"] for played, look in games}
    won = np.zeros((len(names), len(names)))
    for match, own in payoffs.items():
        mirrored = match._replace(buyer=match.seller, seller=match.buyer)
        if match.buyer > match.seller or mirrored not in payoffs:
            continue  # each duel counts once
        other = payoffs[mirrored]
        ahead = float(own[BUYER] + other[SELLER] - own[SELLER] - other[BUYER])
        one, two = names.index(match.buyer), names.index(match.seller)
        score = 0.5 if abs(ahead) <= ROUNDING else float(ahead > 0.0)
        won[one, two] += score
        won[two, one] += 1.0 - score
    if not won.any():
        return {}
    return dict(zip(names, (round(rating, 1) for rating in elo(bradley_terry(won)).tolist()), strict=True))
