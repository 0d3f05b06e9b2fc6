"""Packages: which one to offer, by yielding terms that the other wants (logrolling) or by the largest joint worth."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import part, rule
from parlay_marl.core.moves import BATNA_REVEAL, package_offered
from parlay_marl.core.table import Parameter

PARAMETERS = (
    Parameter("logrolling", 0.0, 0.0, 1.0, "worth up to which it yields a term to the other's liking"),
    Parameter("joint_surplus", 0.0, 0.0, 1.0, "1: it offers the package that it takes to be best for both together"),
)


@rule
def chosen_package(s: Any, p: Any, seat: int, style: Any) -> tuple[int, float]:
    """Return the package to offer, and its assumed worth to the other, 0 where the persona does not estimate it.

    It is the seat's best package with each term yielded that costs no more than `logrolling`, or the one with the
    largest joint worth.
    """
    if style["joint_surplus"] > 0.0:
        return best_for_both(s, p, seat)
    return yielding_package(s, p, seat, style["logrolling"]), 0.0


@rule
def yielding_package(s: Any, p: Any, seat: int, yields: float) -> int:
    """Return the seat's best package, with each term yielded that costs no more than `yields`.

    The other's wishes are taken from its last offer, unless that was a claim, which concerns the price.
    """
    best, other, sc = s["own_best"][seat], 1 - seat, p["scenario"]
    if sc["packages"] == 1 or s["offers_made"][other] == 0 or yields <= 0.0:
        return int(best)
    if s["last_move"][other] == BATNA_REVEAL:
        return int(package_offered(s, seat)) if s["offers_made"][seat] > 0 else int(best)
    return with_terms_yielded(s["package_values"][seat], sc, int(package_offered(s, other)), best, yields)


@rule
def with_terms_yielded(values: Any, sc: Any, wanted: int, mine: int, yields: float) -> int:
    """Return the own package with the wanted option of each term where that costs no more than `yields`.

    The cost of a term follows from the own `values` of the packages.

    `sc` has the options of each term.
    """
    stride, package = 1, 0
    for back in range(sc["terms"]):
        options = sc["term_options"][sc["terms"] - 1 - back]
        option, wished = mine % options, wanted % options
        if values[option * stride] - values[wished * stride] <= yields:
            option = wished
        package += option * stride
        mine //= options
        wanted //= options
        stride *= options
    return package


@rule
def _believed_care(theirs: Any, ours: Any, stride: int, options: int, wanted: int, spread: float) -> float:
    """Return the estimated weight of a term to the other, as a multiple of the nominal, given its offer.

    The other is assumed to offer the option with the largest joint worth, by its own worths and our nominal ones,
    which are public. That bounds its weight, which is uniform within `spread` of 1; the mean is the middle of the
    remaining interval. Where the interval is empty the other follows another rule, and the mean is 1.
    """
    low, high = 1.0 - spread, 1.0 + spread
    for option in range(options):
        gain = theirs[wanted * stride] - theirs[option * stride]
        loss = ours[option * stride] - ours[wanted * stride]
        if gain > 0.0:
            low = max(low, loss / gain)
        elif gain < 0.0:
            high = min(high, loss / gain)
    return 0.5 * (low + high) if low <= high else 1.0


@part(is_late=True)
def best_for_both(s: Any, p: Any, seat: int) -> tuple[int, float]:
    """Return the package with the largest expected joint worth, and its expected worth to the other.

    Worths of terms add up, so that each term is chosen separately: the other's worths are the nominal ones times the
    weights estimated from its last offer. Where the rules say that nominal figures are not common knowledge, it is
    the seat's own best package.
    """
    sc, other = p["scenario"], 1 - seat
    if p["belief"]["common_prior"] == 0.0:
        return int(s["own_best"][seat]), 0.0
    values, ours, theirs = s["package_values"][seat], sc["package_values"][seat], sc["package_values"][other]
    has_offer = s["offers_made"][other] > 0 and s["last_move"][other] != BATNA_REVEAL
    rest = int(package_offered(s, other))
    stride, package, worth = 1, 0, theirs[0]
    for back in range(sc["terms"]):
        options = sc["term_options"][sc["terms"] - 1 - back]
        care = 1.0
        if has_offer:
            care = _believed_care(theirs, ours, stride, options, rest % options, sc["value_spread"])
        best, most, brings = 0, 0.0, 0.0
        for option in range(1, options):
            gain = care * (theirs[option * stride] - theirs[0])
            total = values[option * stride] - values[0] + gain
            if total > most:
                best, most, brings = option, total, gain
        package += best * stride
        worth += brings
        rest //= options
        stride *= options
    return package, worth
