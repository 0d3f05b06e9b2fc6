"""The figures of one game for each seat, from its record: outcome, mistakes, and beliefs against the tracker's."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.bargain import ROUNDING, worth
from parlay_marl.core.belief import HIGH, LOW, RESERVATION
from parlay_marl.core.moves import makes_offer
from parlay_marl.game.action import Action
from parlay_marl.game.outcome import make_report
from parlay_marl.game.record import RecordedGame
from parlay_marl.language.arena.play import PlayedGame
from parlay_marl.studies.benchmark.beliefs import BAND

Floats = NDArray[np.float64]

BELIEFS = ("error", "tracker_error", "prior_error", "covered", "tracker_covered", "spread")
"""Figures of a stated belief; distances and spreads are in public price ranges."""


class Look(NamedTuple):
    """The figures of a game, for both seats."""

    outcome: Any
    """A record of `OUTCOME_DTYPE`."""
    beliefs: tuple[dict[str, float], dict[str, float]]
    """Means over the beliefs that a seat stated; empty where it stated none."""
    stated: tuple[int, int]
    """The number of beliefs that each seat stated."""
    bad_offers: tuple[int, int]
    """Offers, anchors and claims of each seat at a loss to itself."""


def look_at(played: PlayedGame) -> Look:
    """Return the figures of a game. Beliefs count where both limits are not public."""
    moments, stated = played.record.moments(), set(played.stated)
    game = next(moments)
    is_hidden = played.record.config.information != "complete"
    priors = [float(game.row["belief"][seat][RESERVATION]) for seat in range(2)]
    seen: list[list[dict[str, float]]] = [[], []]
    bad = [0, 0]
    for turn, action in enumerate(played.record.actions):
        seat = game.seat
        bad[seat] += _is_bad_offer(game, action)
        if turn in stated and action.belief is not None and is_hidden:
            seen[seat].append(_belief(game, seat, action.belief, priors[seat]))
        next(moments)  # plays the action
    for _ in moments:  # a forfeit
        pass
    means = [{name: float(np.mean([each[name] for each in some])) for name in BELIEFS} if some else {} for some in seen]
    outcome = make_report(game.rows, game.params)[0]
    return Look(outcome, (means[0], means[1]), (len(seen[0]), len(seen[1])), (bad[0], bad[1]))


def _belief(game: RecordedGame, seat: int, belief: tuple[float, float], prior: float) -> dict[str, float]:
    """Return the errors of a belief that a seat states now, and those of its tracker and of the prior."""
    (mean, spread), tracked = belief, game.row["belief"][seat]
    truth = float(game.row["reservation"][1 - seat])
    return {
        "error": abs(mean - truth),
        "tracker_error": abs(float(tracked[RESERVATION]) - truth),
        "prior_error": abs(prior - truth),
        "covered": float(abs(mean - truth) <= BAND * spread + ROUNDING),
        "tracker_covered": float(tracked[LOW] - ROUNDING <= truth <= tracked[HIGH] + ROUNDING),
        "spread": spread,
    }


def _is_bad_offer(game: RecordedGame, action: Action) -> bool:
    """Return whether a turn offers a deal at a loss to its maker."""
    if not makes_offer(action.move) or action.price is None:
        return False
    value = float(game.row["package_values"][game.seat][action.package or 0])
    return worth(game.seat, action.price, value, float(game.row["reservation"][game.seat])) < -ROUNDING
