"""Claims: when a persona claims a limit, at what price, and when it challenges a claim of the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.core.chance import uniform
from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BATNA_REVEAL, ClaimStatus
from parlay_marl.core.table import Parameter
from parlay_marl.players.draws import TO_BLUFF, TO_CHALLENGE, TO_CLAIM
from parlay_marl.players.view import StrategyView, best_end, may_pass, other_has_conceded, own_price, own_worth
from parlay_marl.players.walking import ultimatum_has_begun

PARAMETERS = (
    Parameter("claim_rate", 0.0, 0.0, 1.0, "probability of a claim in a turn that suits one"),
    Parameter("claim_after_concession", 0.0, 0.0, 1.0, "1: claims only once the other has conceded"),
    Parameter("claim_below", 5.0, 0.0, 5.0, "claims only while it asks for no more than this worth"),
    Parameter("exaggeration", 0.3, 0.0, 1.0, "least distance of a bluff from the truth, as a share of the range"),
    Parameter("honest_margin", 0.05, 0.0, 1.0, "most distance of an honest claim from it, as a share of the range"),
    Parameter("challenge_rate", 0.0, 0.0, 1.0, "share of its aggression that goes into challenging implausible claims"),
)

_OPEN, _VERIFIED = int(ClaimStatus.OPEN), int(ClaimStatus.VERIFIED)
_BREAK_EVEN = 1.0 / 3.0
"""Probability of a bluff at which a challenge breaks even: it gains 1 if right and loses 1/2 if wrong."""


@rule
def has_standing_claim(view: StrategyView) -> bool:
    """Return whether the seat has made a claim that is open or verified."""
    return view.claim_status in (_OPEN, _VERIFIED)


@rule
def calls_bluff(view: StrategyView, style: Any, belief: float, key: np.uint64) -> bool:
    """Return whether the persona challenges the claim that the other has just made.

    The doubt is `belief`, the probability of a bluff, weighed by the persona's mind-reading; the remaining weight
    counts as doubt where the claim would leave it nothing. Above a doubt of a third, a challenge gains on average,
    because a wrong one costs half.
    """
    leaves_nothing = own_worth(view, view.other_claim_price, view.best_value) < 0.0
    doubt = (1.0 - style["mind_reading"]) * (1.0 if leaves_nothing else 0.0) + style["mind_reading"] * belief
    if doubt <= _BREAK_EVEN:
        return False
    return uniform(key, TO_CHALLENGE) < style["challenge_rate"] * style["aggression"] and may_pass(view)


@rule
def wants_to_claim(view: StrategyView, style: Any, asked: float, key: np.uint64) -> bool:
    """Return whether the persona would make a claim now: after its first offer, one at a time, never near the end."""
    if view.offers == 0 or has_standing_claim(view) or asked > style["claim_below"]:
        return False
    if view.round + 2.0 >= view.rounds or ultimatum_has_begun(view, style):
        return False
    if style["claim_after_concession"] > 0.0 and not other_has_conceded(view):
        return False
    if own_worth(view, best_end(view), view.reference_value) < style["exaggeration"]:
        return False
    return uniform(key, TO_CLAIM) < style["claim_rate"]


@rule
def claim(view: StrategyView, style: Any, asked: float, key: np.uint64) -> tuple[int, float, int]:
    """Return a claim: a bluff at the demand or beyond it, or an honest claim within a margin of the limit."""
    if uniform(key, TO_BLUFF) < style["bluff_rate"]:
        return BATNA_REVEAL, own_price(view, max(asked, style["exaggeration"]), view.reference_value), 0
    return BATNA_REVEAL, own_price(view, min(asked, style["honest_margin"]), view.reference_value), 0
