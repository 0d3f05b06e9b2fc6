"""Time-dependent: concede on a polynomial clock (Faratin, Sierra and Jennings 1998), with habits on top.

The habits are those of people: holding at first, waiting for the other, paying concession with concession, standing by
a claim, cooling hot talks, an ultimatum, and fairness and exploitation as far as the persona reads minds.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.drift import price_given_up
from parlay_marl.core.moves import makes_offer
from parlay_marl.core.table import Parameter
from parlay_marl.players.acceptance import is_closing
from parlay_marl.players.claims import has_standing_claim
from parlay_marl.players.mind_reading import believed_surplus, best_last_demand
from parlay_marl.players.silence import is_holding
from parlay_marl.players.strategy import Strategy
from parlay_marl.players.view import StrategyView, other_has_conceded
from parlay_marl.players.walking import ultimatum_has_begun

PARAMETERS = (
    Parameter("exponent", 1.0, 0.01, 100.0, "Faratin's beta: below 1 concedes late, above 1 early"),
    Parameter("concession", 1.0, 0.0, 1.0, "share of its aspiration given up by the deadline"),
    Parameter("leverage", 0.0, 0.0, 1.0, "share of that concession that it keeps while it has an alternative"),
    Parameter("small_move", 0.0, 0.0, 1.0, "most worth that a small move gives up"),
    Parameter("waits", 0.0, 0.0, 1.0, "1: never concedes first"),
    Parameter("reciprocity", 0.0, 0.0, 10.0, "most that it gives up for each unit given up by the other; 0: no limit"),
    Parameter("stands_by_claim", 0.0, 0.0, 1.0, "1: gives nothing more while its claim is open, until it closes"),
    Parameter("cool_above", 101.0, 0.0, 101.0, "tension above which it concedes to cool the talks"),
    Parameter("cooling_step", 0.0, 0.0, 1.0, "worth conceded to cool them"),
    Parameter("fairness", 0.0, 0.0, 1.0, "weight of half the believed surplus as the floor of its aspiration"),
    Parameter("exploitation", 0.0, 0.0, 1.0, "weight, times mind-reading, of the best last demand against its belief"),
    Parameter("ultimatum_share", 0.5, 0.0, 1.0, "aspiration of its final offer, as a share of its first demand"),
)


@rule
def _kept_share(time: float, has_alternative: int, style: Any) -> float:
    """Return the share of the aspiration left at a time in [0, 1]: 1 - concession * t^(1/beta), more with leverage."""
    concession = style["concession"] * (1.0 - style["leverage"] * has_alternative)
    return 1.0 - concession * time ** (1.0 / style["exponent"])


@rule
def _fair_worth(view: StrategyView, style: Any) -> float:
    """Return the worth below which the persona finds a deal unfair, weighed by its mind-reading."""
    weight = style["fairness"] * style["mind_reading"]
    return weight * 0.5 * believed_surplus(view, 1.0) if weight > 0.0 else 0.0


@rule
def _last_demand(view: StrategyView, style: Any, asked: float) -> float:
    """Return the demand in an offer that is the last, in place of `asked`, weighed by the persona's mind-reading."""
    weight = style["exploitation"] * style["mind_reading"]
    return asked + weight * (best_last_demand(view) - asked) if weight > 0.0 else asked


@rule
def _last_step_of_other(view: StrategyView) -> float:
    """Return the other's concession in its last move, never negative."""
    if view.other_offers < 2 or not makes_offer(view.other_last_move):
        return 0.0
    return max(price_given_up(1 - view.seat, view.other_previous_price, view.other_price), 0.0)


@rule
def _held_back(view: StrategyView, style: Any, asked: float) -> float:
    """Return the demand of the clock, limited by small concessions at first and by the other's concession later."""
    if is_holding(view, style):
        return max(asked, view.last_worth - style["small_move"])
    if style["reciprocity"] > 0.0 and not is_closing(view, style):
        return max(asked, view.last_worth - style["reciprocity"] * _last_step_of_other(view))
    return asked


@rule
def _stands_by_claim(view: StrategyView, style: Any) -> bool:
    """Return whether the persona concedes nothing more because it has claimed that it cannot."""
    if style["stands_by_claim"] <= 0.0 or is_closing(view, style):
        return False
    return has_standing_claim(view)


@rule
def _taken_back(view: StrategyView, style: Any) -> float:
    """Return the worth that the persona may demand beyond its last offer: 0, unless an event has just helped it."""
    if not view.is_stronger:
        return 0.0
    return style["event_sensitivity"] * view.alternative_shift * view.nominal_width


@rule
def aspiration(view: StrategyView, style: Any, demand: float) -> float:
    """Return the demand of the clock and the habits."""
    asked = _kept_share(view.time, view.alternative, style) * demand
    if view.time >= 1.0 or is_closing(view, style):
        asked = min(_last_demand(view, style, asked), demand)
    else:
        asked = max(asked, min(_fair_worth(view, style), demand))
    if view.offers == 0:
        return asked
    last = view.last_worth
    asked = _held_back(view, style, asked)
    if view.time < 1.0 and _stands_by_claim(view, style):
        asked = last
    if view.tension > style["cool_above"]:
        asked = min(asked, last - style["cooling_step"])
    if ultimatum_has_begun(view, style):
        asked = min(_last_demand(view, style, style["ultimatum_share"] * demand), demand)
    if style["waits"] > 0.0 and not other_has_conceded(view):
        asked = last
    return min(asked, last + _taken_back(view, style))


STRATEGY = Strategy(
    "time-dependent: concedes on a polynomial clock (Faratin, Sierra and Jennings 1998)", aspiration, PARAMETERS
)
