"""The games of a cell: a buyer, a seller, a scenario and an opener, played whole in the kernel."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from parlay_marl.catalogue.deals import with_room
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.core.state import state_dtype
from parlay_marl.players.persona import PersonaPlayer, persona_tables
from parlay_marl.players.scripted import play_games, seated
from parlay_marl.simulation.threads import Workers

MOST_GAMES = 2**31 - 1
"""The largest number of games in a cell."""
LEAST_PER_THREAD = 64
"""The least number of games for each thread; with fewer, another thread saves no time."""
CELLS_AHEAD = 64
"""Cells that may finish before an earlier one."""
Task = TypeVar("Task")
Result = TypeVar("Result")


def openers_of(params: Any) -> tuple[int, ...]:
    """Return the seats that may open a game: both or, where the protocol says so, one."""
    only = int(params[0]["form"]["opener"])
    return (BUYER, SELLER) if only < 0 else (only,)


def play_cell(
    buyer: PersonaPlayer,
    seller: PersonaPlayer,
    params: Any,
    *,
    opener: int,
    games: int,
    seed: int,
    threads: int = 1,
) -> Any:
    """Play games 0 to `games` of a seed between two personas; return `(games,)` of `OUTCOME_DTYPE`.

    Threads share the games where there are enough of them.
    """
    for player in (buyer, seller):
        player.check_packages(int(params[0]["scenario"]["packages"]))
    outcomes = np.zeros(games, OUTCOME_DTYPE)
    dtype = state_dtype(int(params[0]["scenario"]["packages"]))
    blank, numbers = np.zeros(1, dtype), np.arange(games)

    def play(work: Any) -> int:
        scratch, fixed = np.zeros(1, dtype), seated([buyer.record, seller.record], opener)
        tables = persona_tables([buyer, seller], room=2)
        return play_games(
            work,
            with_room(params, 1),
            *tables,
            BUYER,
            SELLER,
            fixed,
            blank,
            np.uint64(seed),
            0,
            numbers,
            scratch,
            outcomes,
        )

    workers = Workers(threads, games, LEAST_PER_THREAD)
    workers.run(play)
    workers.close()
    return outcomes


def in_order(
    play: Callable[[Task], Result], tasks: Sequence[Task], threads: int, halt: Callable[[], None] = lambda: None
) -> Generator[tuple[Task, Result], None, None]:
    """Run tasks in threads, and yield each with its result in the order of the tasks.

    If the iteration ends early, `halt` is called before the running tasks are awaited.
    """
    if threads == 1:
        yield from ((task, play(task)) for task in tasks)
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            for start in range(0, len(tasks), CELLS_AHEAD):
                some = tasks[start : start + CELLS_AHEAD]
                yield from zip(some, pool.map(play, some), strict=True)
        except BaseException:
            halt()
            raise
