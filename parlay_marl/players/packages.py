"""Packages: which terms a persona yields to the other's liking (logrolling)."""

from __future__ import annotations

from typing import Any

from parlay_marl.core.compiled.jit import rule
from parlay_marl.core.moves import BATNA_REVEAL, package_offered
from parlay_marl.core.table import Parameter

PARAMETERS = (Parameter("logrolling", 0.0, 0.0, 1.0, "worth up to which it yields a term to the other's liking"),)


@rule
def chosen_package(s: Any, p: Any, seat: int, yields: float) -> int:
    """Return the package to offer: the seat's best one, with each term yielded that costs no more than `yields`.

    The other's wishes are read from its last offer, unless that was a claim, which is about the price.
    """
    best, other, sc = s["own_best"][seat], 1 - seat, p["scenario"]
    if sc["packages"] == 1 or s["offers_made"][other] == 0 or yields <= 0.0:
        return best
    if s["last_move"][other] == BATNA_REVEAL:
        return int(package_offered(s, seat)) if s["offers_made"][seat] > 0 else best
    return with_terms_yielded(s["package_values"][seat], sc, int(package_offered(s, other)), best, yields)


@rule
def with_terms_yielded(values: Any, sc: Any, wanted: int, mine: int, yields: float) -> int:
    """Return the own package with the option that is wanted in each term where that costs no more than `yields`.

    The cost of a term is read from the own `values` of the packages; `sc` has the options of each term.
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
