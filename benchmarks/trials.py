"""Changes of a step that were tried and left out, with what they came to, so that nobody tries them again unawares.

Each was a draft that computes the same, but its games were not compared with those in the file of digests. It was
measured beside the code as it is, on an AMD EPYC (znver4, AVX-512): CPU time of one thread in short slices of two or
more processes in turn, in random order, 25 to 60 slices each, with other programs running. Differences of 1% say
nothing.
"""

from __future__ import annotations

from typing import NamedTuple


class Trial(NamedTuple):
    """A change, and the median ratio of its CPU time to that of the code as it is, by what was played."""

    change: str
    ratios: str


TRIALS = (
    Trial("rows of whole cache lines, 1,152 bytes instead of 1,120", "1.035 of 4,096 games, 0.978 of 65,536"),
    Trial("ask only for the posterior that the next turn works on", "1.007 of 65,536"),
    Trial(
        "the root of the time once a round, in the row, instead of at each offer",
        "1.014; 1.006 of 256; 0.971 of 65,536",
    ),
    Trial("a belief's figures stored and observed as one register", "1.043; 1.060 of 65,536, on a busy machine"),
    Trial("running sums in fewer dependent steps", "1.010; 1.006 of 65,536"),
    Trial("registers of AVX2 on a processor that has AVX-512", "0.990; 0.980 of 256"),
    Trial("beliefs read off in a part of their own, called after claims, silence and endings", "1.021"),
    Trial("the same for every turn, after 8 games have moved, which then observe", "0.958; 1.178 of 65,536"),
    Trial(
        "the same after 2 games, asking for memory evenly, which alone comes to 0.967, and is done",
        "0.955; 0.919 of 65,536, where asking evenly alone comes to 0.889",
    ),
    Trial("the same, reading off one game and observing another while a third moves", "1.032; 1.084 of 65,536"),
    Trial(
        "4 whole games of personas that take turns in one thread",
        "1.013 of boulware against conceder, 1.048 of shark against veteran",
    ),
)
