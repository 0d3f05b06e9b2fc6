"""A round-robin: every ordered pair of entrants, over every scenario, with both openers, on the same games.

Game k of a scenario has the same reservation prices and other draws for every pair, so that differences between
entrants are not differences of luck. Personas play each other in the kernel; policies are asked in worker processes,
for all games of a cell at once.
"""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from pydantic import BaseModel

from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Params, Scenario, build_params, load_scenario, scenario_names
from parlay_marl.core.moves import BUYER, SEATS, SELLER
from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.errors import ConfigurationError, ForfeitWarning
from parlay_marl.game.config import make_config, whole_number
from parlay_marl.game.position import checked_seed
from parlay_marl.players.persona import PersonaPlayer, cast_of
from parlay_marl.players.scripted import play_games, seated
from parlay_marl.simulation.threads import MOST_THREADS, Workers
from parlay_marl.tournament.batched import BatchedCell
from parlay_marl.tournament.entrants import Contestant, Given, Recipe, check_names, load_entrants
from parlay_marl.tournament.games import GAME_DTYPE, NOBODY, Games, Rows
from parlay_marl.tournament.hosts import Host, Hosts
from parlay_marl.tournament.player_cell import PlayerCell
from parlay_marl.tournament.store import Store

MOST_GAMES = 2**31 - 1
"""Games that a cell may have."""
MOST_WORKERS = 256
LONGEST_TIMEOUT = 86_400.0
LEAST_PER_THREAD = 64
"""Games that a thread must have for itself; fewer gain nothing from another thread."""
CELLS_AHEAD = 64
"""Cells that may be finished before one that came earlier."""
OnCell = Callable[[int, int], None]
Task = TypeVar("Task")
Played = TypeVar("Played")
Keep = Callable[[int, Rows], None]
"""Takes the number of a cell that is finished, and its rows."""


class Pairing(NamedTuple):
    """A cell to play: indices of buyer, seller and scenario, and the seat that opens."""

    scenario: int
    buyer: int
    seller: int
    opener: int


@dataclass(frozen=True)
class Forfeit:
    """Games of a cell that a seat forfeited for the same reason."""

    name: str
    seat: str
    against: str
    scenario: str
    opener: str
    games: int
    reason: str


def in_sentences(forfeits: Sequence[Forfeit]) -> list[str]:
    """Return how many games each entrant forfeited, and why it did so first."""
    told = []
    for name in sorted({forfeit.name for forfeit in forfeits}):
        own = [forfeit for forfeit in forfeits if forfeit.name == name]
        first, games = own[0], sum(forfeit.games for forfeit in own)
        told.append(
            f"{name} forfeited {games:,} games; the first as {first.seat} against {first.against} over "
            f"{first.scenario}: {first.reason}"
        )
    return told


OnForfeit = Callable[[Forfeit], None]
Finished = Generator[tuple[int, list[Forfeit]], None, None]
"""Cells that are finished and kept, by their numbers, with what was forfeited in them."""
Play = Callable[[Sequence[int], Keep], Finished]


class Cup:
    """A tournament that can be played: who, over what, under which rules, and how many games of which seed."""

    def __init__(
        self,
        entrants: tuple[Contestant, ...],
        scenarios: tuple[Scenario, ...],
        rules: BaseModel,
        games: int,
        seed: int,
    ) -> None:
        self.entrants, self.scenarios, self.games, self.seed = entrants, scenarios, games, seed
        self.rules = rules
        for entrant, scenario in product(entrants, scenarios):
            if entrant.player is not None:
                entrant.player.check_room(scenario)
        self.params: list[Params] = [build_params(scenario, rules, reward="payoff") for scenario in scenarios]
        indices = range(len(entrants))
        self.pairings = [Pairing(*each) for each in product(range(len(scenarios)), indices, indices, (BUYER, SELLER))]
        """All cells, in the order of the table of games."""

    def table(self, rows: Rows) -> Games:
        """Return the games of the tournament."""
        infos = tuple(contestant.info for contestant in self.entrants)
        return Games(self.seed, self.games, self.rules.model_dump(mode="json"), infos, self.scenarios, rows)

    def recipes(self) -> dict[str, Recipe]:
        """Return how to make the policies, by name."""
        return {entrant.name: entrant.recipe for entrant in self.entrants if entrant.recipe is not None}

    def needs_host(self, cell: Pairing) -> bool:
        """Whether a policy plays in a cell."""
        return any(self.entrants[seat].recipe is not None for seat in (cell.buyer, cell.seller))

    def asked_in(self, indices: Sequence[int]) -> list[str]:
        """Return the names of the policies that play in some cells."""
        playing = {seat for index in indices for seat in (self.pairings[index].buyer, self.pairings[index].seller)}
        return [entrant.name for i, entrant in enumerate(self.entrants) if i in playing and entrant.recipe is not None]

    def play(self, cell: Pairing) -> Rows:
        """Play a cell of two personas in the kernel."""
        buyer, seller = self.entrants[cell.buyer].player, self.entrants[cell.seller].player
        assert buyer is not None
        assert seller is not None
        rows = self._rows(cell)
        rows["outcome"] = play_cell(
            buyer, seller, self.params[cell.scenario], opener=cell.opener, games=self.games, seed=self.seed
        )
        return rows

    def played(self, index: int, hosts: Hosts) -> tuple[Rows, list[Forfeit]]:
        """Play a cell of any kind, by its number."""
        cell = self.pairings[index]
        if not self.needs_host(cell):
            return self.play(cell), []
        with hosts.borrowed() as host:
            return self.play_asking(cell, host)

    def play_asking(self, cell: Pairing, host: Host) -> tuple[Rows, list[Forfeit]]:
        """Play a cell with a policy in it, or two."""
        batched = self.batched(cell)
        self.let_play(batched, cell, host)
        rows = self._rows(cell)
        rows["outcome"] = batched.outcomes()
        rows["forfeit_by"] = batched.forfeit_by
        return rows, self._forfeits(cell, batched)

    def batched(self, cell: Pairing) -> BatchedCell | PlayerCell:
        """Return the games of a cell before their first turn."""
        pair = self.entrants[cell.buyer], self.entrants[cell.seller]
        players, how = [entrant.player for entrant in pair], (cell.opener, self.games, self.seed)
        views = [entrant.recipe is not None and entrant.recipe.plays_views for entrant in pair]
        if not any(views):
            return BatchedCell(players, self.params[cell.scenario], *how)
        config = make_config(self.scenarios[cell.scenario], rules=self.rules, reward="payoff")
        return PlayerCell(players, views, [entrant.name for entrant in pair], config, *how)

    def let_play(self, batched: BatchedCell | PlayerCell, cell: Pairing, host: Host, turns: int | None = None) -> None:
        """Play the games of a cell, or some turns of them, with fresh policies."""
        pair = self.entrants[cell.buyer], self.entrants[cell.seller]
        names = {seat: entrant.name for seat, entrant in enumerate(pair) if entrant.recipe is not None}
        host.begin(self._key(cell), names)
        if isinstance(batched, BatchedCell):
            batched.play(host.ask, turns)
        else:
            batched.play(host, turns)

    def _key(self, cell: Pairing) -> int:
        """Return what seeds the generators of policies: another number for every cell, whatever else is played."""
        scenario = self.scenarios[cell.scenario].name
        names = self.entrants[cell.buyer].name, self.entrants[cell.seller].name
        return zlib.crc32(repr((self.seed, scenario, *names, cell.opener)).encode())

    def _rows(self, cell: Pairing) -> Rows:
        """Return the rows of a cell, without what the games came to."""
        rows = np.zeros(self.games, GAME_DTYPE)
        rows["buyer"], rows["seller"], rows["scenario"] = cell.buyer, cell.seller, cell.scenario
        rows["number"] = np.arange(self.games)
        rows["forfeit_by"] = NOBODY
        return rows

    def _forfeits(self, cell: Pairing, batched: BatchedCell | PlayerCell) -> list[Forfeit]:
        """Return what a cell's games were forfeited for."""
        pair = self.entrants[cell.buyer].name, self.entrants[cell.seller].name
        scenario, opener = self.scenarios[cell.scenario].name, SEATS[cell.opener]
        return [
            Forfeit(pair[seat], SEATS[seat], pair[1 - seat], scenario, opener, games, reason)
            for (seat, reason), games in batched.faults.items()
        ]


def play_cell(
    buyer: PersonaPlayer,
    seller: PersonaPlayer,
    params: Any,
    *,
    opener: int,
    games: int,
    seed: int,
    threads: int = 1,
) -> Rows:
    """Play games 0 to `games` of a seed between two personas; return `(games,)` of `OUTCOME_DTYPE`.

    The games are played in the kernel from beginning to end, shared among threads where there are enough.
    """
    for player in (buyer, seller):
        player.check_packages(int(params[0]["scenario"]["packages"]))
    cast, fixed = cast_of([buyer, seller]), seated([buyer.record, seller.record], opener)
    outcomes = np.zeros(games, OUTCOME_DTYPE)
    blank, numbers = np.zeros(1, STATE_DTYPE), np.arange(games)

    def play(work: Any) -> int:
        scratch = np.zeros(1, STATE_DTYPE)
        return play_games(
            work, params, *cast, BUYER, SELLER, fixed, blank, np.uint64(seed), 0, numbers, scratch, outcomes
        )

    workers = Workers(threads, games, LEAST_PER_THREAD)
    workers.run(play)
    workers.close()
    return outcomes


def in_order(
    play: Callable[[Task], Played], tasks: Sequence[Task], threads: int, halt: Callable[[], None] = lambda: None
) -> Iterator[tuple[Task, Played]]:
    """Yield tasks with what they came to, in order, whichever thread has played them.

    Where that is broken off, `halt` is called before the tasks that are being played are waited for.
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


def run_tournament(
    entrants: Sequence[Given] | None = None,
    scenarios: Sequence[str | Path | Scenario] | None = None,
    *,
    games: int = 200,
    seed: int = 0,
    rules: str | Mapping[str, Any] | BaseModel = "default",
    threads: int = 1,
    workers: int = 1,
    timeout: float = 10.0,
    ray: bool | str = False,
    out: str | Path | None = None,
    resume: bool = False,
    on_cell: OnCell | None = None,
    on_forfeit: OnForfeit | None = None,
) -> Games:
    """Play every ordered pair of entrants over every scenario with both openers, `games` games a cell.

    Entrants are personas (names, files, policy files, `Persona`), policies that are asked (`BatchedPlayer`), players of
    one game at a time (`Player`), or import paths `package.module:Name` of these; None takes the whole catalogue. Cells
    of personas, those that learned policies play included, are shared among `threads`, cells with others among
    `workers`, processes of their own (0: in this process), on none of which the results depend. A policy or player that
    raises, answers nonsense or takes more than `timeout` seconds for a call forfeits the open games of the cell; one
    that plays illegally, that game.
    With `ray` the nodes of a Ray cluster share the cells, in place of threads and workers: the cluster at an address,
    or, with True, that of RAY_ADDRESS in the environment, else a Ray that is started on this machine and ended.
    One that a worker process cannot make is refused before the first game.
    `out` is a folder that takes the results; with `resume` the tournament in it goes on. `on_cell` is told how many
    cells are done and how many there are, `on_forfeit` what was forfeited and why; without it a `ForfeitWarning` says
    so at the end.
    """
    contestants = load_entrants(entrants)
    deals = [load_scenario(scenario) for scenario in (scenario_names() if scenarios is None else scenarios)]
    check_names("scenario", [deal.name for deal in deals])
    games, seed = whole_number("games", games, 1, MOST_GAMES), checked_seed(seed)
    threads = whole_number("threads", threads, 1, MOST_THREADS)
    workers = whole_number("workers", workers, 0, MOST_WORKERS)
    cup = Cup(contestants, tuple(sorted(deals, key=lambda deal: deal.name)), load_rules(rules), games, seed)
    play = _player(cup, threads, workers, checked_timeout(timeout), ray)
    if resume and out is None:
        raise ConfigurationError("resume: say what to resume; give the folder of the tournament as `out`")
    store = None if out is None else Store(out, cup.table(np.zeros(0, GAME_DTYPE)).plan(), resume=resume)
    forfeits: list[Forfeit] = []
    try:
        table = cup.table(_play_all(cup, play, store, on_cell, on_forfeit or forfeits.append))
        if store is not None:
            store.finish(table)
    finally:
        if store is not None:
            store.close()
    if forfeits:
        warnings.warn("\n".join(in_sentences(forfeits)), ForfeitWarning, stacklevel=2)
    return table


def _player(cup: Cup, threads: int, workers: int, timeout: float, ray: bool | str) -> Play:
    """Return what plays the cells: this machine, or a Ray cluster."""
    if ray is False:
        return functools.partial(play_here, cup, threads=threads, workers=workers, timeout=timeout)
    from parlay_marl.tournament.ray_cells import play_on_ray
    from parlay_marl.tournament.ray_cluster import ray_library

    if ray is not True and (not isinstance(ray, str) or not ray):
        raise ConfigurationError(f"ray: give True, or the address of a cluster as HOST:PORT, not {ray!r}")
    if (threads, workers) != (1, 1):
        raise ConfigurationError("ray: the cluster plays a cell on each of its CPUs; leave out threads and workers")
    ray_library()  # better missed now than after the start
    return functools.partial(play_on_ray, cup, timeout=timeout, address=None if ray is True else ray)


def play_here(cup: Cup, indices: Sequence[int], keep: Keep, *, threads: int, workers: int, timeout: float) -> Finished:
    """Play cells in threads and worker processes, keep them, and yield each with its forfeits, in order."""
    hosts = Hosts(cup.recipes(), workers, timeout)

    def play(index: int) -> list[Forfeit]:
        rows, forfeits = cup.played(index, hosts)
        keep(index, rows)
        return forfeits

    try:
        hosts.check(cup.asked_in(indices))
        for needs_host, at_once in ((False, threads), (True, max(workers, 1))):
            some = [index for index in indices if cup.needs_host(cup.pairings[index]) is needs_host]
            yield from in_order(play, some, at_once, hosts.halt)
    finally:
        hosts.close()


def _play_all(cup: Cup, play: Play, store: Store | None, on_cell: OnCell | None, on_forfeit: OnForfeit) -> Rows:
    """Return the rows of all cells: those that the store holds, and those that are played now, kept as they finish.

    Forfeits are told in the order of the cells, whichever finishes first.
    """
    total, n = len(cup.pairings), cup.games
    rows = np.zeros(total * n, GAME_DTYPE)
    done = np.zeros(total, np.bool_)
    for index, kept in store.finished(total, n) if store is not None else ():
        rows[index * n : (index + 1) * n] = kept
        done[index] = True

    def keep(index: int, played: Rows) -> None:
        rows[index * n : (index + 1) * n] = played
        if store is not None:
            store.save(index, played)

    left = sorted(np.flatnonzero(~done).tolist(), key=lambda index: cup.needs_host(cup.pairings[index]))
    count, order, forfeited = total - len(left), deque(left), dict[int, list[Forfeit]]()
    if on_cell is not None:
        on_cell(count, total)
    with contextlib.closing(play(left, keep)) as finished:
        for index, forfeits in finished:
            count += 1
            if on_cell is not None:
                on_cell(count, total)
            forfeited[index] = forfeits
            while order and order[0] in forfeited:
                for forfeit in forfeited.pop(order.popleft()):
                    on_forfeit(forfeit)
    return rows


def checked_timeout(timeout: Any) -> float:
    """Return a time limit in seconds."""
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not is_number or not math.isfinite(timeout) or not 0.0 < timeout <= LONGEST_TIMEOUT:
        raise ConfigurationError(f"timeout: give seconds, over 0 and at most {LONGEST_TIMEOUT:,.0f}, not {timeout!r}")
    return float(timeout)
