#!/usr/bin/env python3
"""Measure the parts of a step of the batch, in nanoseconds.

    python benchmarks/step_profile.py [--rounds 5] [--json FILE]

Games are recorded at some turns of random offers and anchors over one price; each part then runs alone over all of
them, in one thread. Bringing a row from memory is measured by itself and taken off the other parts. The figures are
approximate: the compiler cannot share work among parts, nor the processor overlap them, so their sum is not the step,
which is measured, too, as is merely writing an observation and a mask. Figures are CPU time: the least of some rounds,
the mean over the turns.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import measuring
import numpy as np
from numba.core.caching import NullCache

from parlay_marl.core import tracking
from parlay_marl.core.compiled.jit import entry_point, rule
from parlay_marl.core.compiled.memory import prefetcher
from parlay_marl.core.moves import N_MOVES, decode, refusal, seat_on_turn, write_action_mask
from parlay_marl.core.observation import write_observation
from parlay_marl.core.outcome import NONE, OUTCOME_DTYPE, write_outcome
from parlay_marl.core.turn import take_turn
from parlay_marl.envs.batch import Batch
from parlay_marl.players.persona import as_persona, persona_tables
from parlay_marl.players.scripted import choose
from parlay_marl.simulation.lanes import AHEAD

SIZES = (4_096, 65_536)
TURNS = (6, 17, 30)
"""Turns before which games are recorded, of 40 at most."""
STEPS = 40
PACKAGES = 1
WHOLE_STEP, UNSEEN_STEP, FLOOR = "whole step", "whole step, nothing observed", "write floor"
_prefetch = prefetcher()


class Recorded(NamedTuple):
    """Games before a turn, and the buffers of a kernel that runs over them."""

    games: Any
    params: Any
    actions: Any
    personas: Any
    weights: Any
    observations: Any
    masks: Any
    outcomes: Any


@rule
def _nothing(r: Any, i: int, s: Any, p: Any) -> float:
    return s["round"]


@rule
def _decode(r: Any, i: int, s: Any, p: Any) -> float:
    move, price, package = decode(r.actions[i], seat_on_turn(s), PACKAGES)
    return refusal(s, p, move, price, package)


@rule
def _take_turn(r: Any, i: int, s: Any, p: Any) -> float:
    move, price, package = decode(r.actions[i], seat_on_turn(s), PACKAGES)
    take_turn(s, p, move, price, package)
    return 0.0


@rule
def _see_offer(r: Any, i: int, s: Any, p: Any) -> float:
    seat = seat_on_turn(s)
    move, price, package = decode(r.actions[i], seat, PACKAGES)
    tracking.see_offer(s, p, seat, move, price, package, False, 0.0)
    return 0.0


@rule
def _conclude(r: Any, i: int, s: Any, p: Any) -> float:
    tracking.conclude(s, p, 1 - seat_on_turn(s))
    return 0.0


@rule
def _observe(r: Any, i: int, s: Any, p: Any) -> float:
    write_observation(s, p, seat_on_turn(s), PACKAGES, r.observations[i])
    return 0.0


@rule
def _mask(r: Any, i: int, s: Any, p: Any) -> float:
    write_action_mask(s, p, PACKAGES, r.masks[i])
    return 0.0


@rule
def _choose(r: Any, i: int, s: Any, p: Any) -> float:
    move, price, package = choose(s, p, r.personas[0], r.weights, seat_on_turn(s))
    return move + N_MOVES * (price + package)


@rule
def _report(r: Any, i: int, s: Any, p: Any) -> float:
    write_outcome(s, p, r.outcomes[i])
    return 0.0


ROW = "row from memory"
PARTS = {
    ROW: (_nothing, True),
    "decoding and legality": (_decode, True),
    "turn without beliefs": (_take_turn, False),
    "belief: an offer": (_see_offer, True),
    "belief: its summary": (_conclude, True),
    "turn in all": (_take_turn, True),
    "observation": (_observe, True),
    "mask": (_mask, True),
    "a persona's choice": (_choose, True),
    "outcome, once a game": (_report, True),
}
"""What runs over the games, and whether beliefs are inferred; the first is in all the others."""


def kernel(part: Callable[..., float]) -> Callable[[Recorded], float]:
    """Return a part as a loop over recorded games; what it returns is added up so that nothing is left out."""

    @entry_point
    def loop(r: Any) -> float:
        total = 0.0
        for i in range(len(r.games)):
            _prefetch(r.games, i + AHEAD)
            s = r.games[i]
            total += part(r, i, s, r.params[s["scenario"]])
        return total

    loop._cache = NullCache()  # type: ignore[attr-defined]  # all parts have this name, and these types
    return loop


def played(batch: Batch, steps: int, seed: int) -> None:
    """Play random offers and anchors, which are always legal."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        batch.step(rng.integers(4, 46, batch.num_games))


def recorded(games: int, persona: str) -> list[Recorded]:
    """Return games before each of the turns; one that has ended by then is replaced by one that goes on."""
    found = []
    for turn in TURNS:
        batch = Batch(games, illegal="terminate")
        batch.reset(seed=turn)
        played(batch, turn, turn)
        rows = batch.games.copy()
        ended = rows["ending"] != NONE
        rows[ended] = rows[np.flatnonzero(~ended)[0]]
        actions = np.random.default_rng(turn).integers(4, 46, games)
        tables = persona_tables([as_persona(persona)])
        outcomes = np.zeros(games, OUTCOME_DTYPE)
        params = batch.configs[0].params
        found.append(Recorded(rows, params, actions, *tables, batch.observations, batch.masks, outcomes))
        batch.close()
    return found


def least(work: Callable[[], Any], rounds: int) -> float:
    """Return the least CPU time of a piece of work in seconds; a first round warms up."""
    return min([cpu_time(work) for _ in range(rounds + 1)][1:])


def cpu_time(work: Callable[[], Any]) -> float:
    """Return the CPU time of a piece of work in seconds."""
    started = time.thread_time()
    work()
    return time.thread_time() - started


def parts(games: int, rounds: int) -> dict[str, float]:
    """Return the nanoseconds of each part for one game, those of bringing its row taken off the other parts.

    In each round all parts are measured in turn, so that they meet the same neighbours.
    """
    loops = {name: kernel(part) for name, (part, _) in PARTS.items()}
    found: dict[str, list[float]] = {name: [] for name in PARTS}
    for state in recorded(games, "boulware"):
        times: dict[str, list[float]] = {name: [] for name in PARTS}
        rows = state.games.copy()
        for _, (name, (_, infers)) in itertools.product(range(rounds + 1), PARTS.items()):
            rows[:] = state.games
            params = state.params.copy()
            params["belief"]["tracker"] *= infers
            run = functools.partial(loops[name], state._replace(games=rows, params=params))
            times[name].append(cpu_time(run))
        for name, each in times.items():
            found[name].append(min(each[1:]))
    nanoseconds = {name: 1e9 * statistics.mean(each) / games for name, each in found.items()}
    return {name: each - (nanoseconds[ROW] if name != ROW else 0.0) for name, each in nanoseconds.items()}


def whole_steps(games: int, rounds: int) -> dict[str, float]:
    """Return the nanoseconds of a whole step, with its share of outcomes and new games, and of writing alone."""
    found = {}
    for name, observe in ((WHOLE_STEP, True), (UNSEEN_STEP, False)):
        batch = Batch(games, illegal="terminate", observe=observe)
        batch.reset(seed=1)
        rng = np.random.default_rng(0)
        actions = [rng.integers(4, 46, games) for _ in range(STEPS)]

        def play(batch: Batch = batch, actions: Any = actions) -> None:
            for chosen in actions:
                batch.step(chosen)

        found[name] = 1e9 * least(play, rounds) / (STEPS * games)
        batch.close()
    write = measuring.write_floor()
    observations, masks = recorded(games, "boulware")[0][-3:-1]
    floor = least(lambda: write(observations, masks, 0, games), rounds)
    return found | {FLOOR: 1e9 * floor / games}


def main() -> None:
    """Measure, print and, where asked, write the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure the parts of a step of the batch.")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    arguments = parser.parse_args()
    print(measuring.machine(), flush=True)
    began = measuring.yardstick()
    found = {f"{games} games": parts(games, arguments.rounds) | whole_steps(games, arguments.rounds) for games in SIZES}
    yardstick = measuring.record({"nanoseconds": found}, began, arguments.json)["yardstick"]
    print(f"{'yardstick':32} {yardstick:12,.0f} steps/s of raw tic-tac-toe, {1e9 / yardstick:,.0f} ns a step")
    print(f"{'ns':32}" + "".join(f"{games:>16}" for games in found))
    for name in next(iter(found.values())):
        print(f"{name:32}" + "".join(f"{each[name]:16.1f}" for each in found.values()))


if __name__ == "__main__":
    main()
