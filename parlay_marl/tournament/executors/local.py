"""Playing cells on this machine: in threads where both seats are personas, else in worker processes."""

from __future__ import annotations

from collections.abc import Sequence

from parlay_marl.simulation.cells import in_order
from parlay_marl.tournament.executors.cells import Finished, OnRows, play_any
from parlay_marl.tournament.executors.hosts import HostPool, LocalHost
from parlay_marl.tournament.executors.worker_host import WorkerHost
from parlay_marl.tournament.forfeits import Forfeit
from parlay_marl.tournament.schedule import Schedule


def host_pool(schedule: Schedule, workers: int, timeout: float) -> HostPool:
    """Return a host with a process for each of `workers`; with 0 workers this process calls the policies."""
    recipes = schedule.recipes()
    if workers == 0:
        return HostPool([LocalHost(recipes, timeout)])
    return HostPool(WorkerHost(recipes, timeout) for _ in range(workers))


def play_here(
    schedule: Schedule, indices: Sequence[int], on_rows: OnRows, *, threads: int, workers: int, timeout: float
) -> Finished:
    """Play the cells of these numbers, pass on the rows of each, and yield each with its forfeits, in order."""
    hosts = host_pool(schedule, workers, timeout)

    def play(index: int) -> list[Forfeit]:
        rows, forfeits = play_any(schedule, index, hosts)
        on_rows(index, rows)
        return forfeits

    try:
        hosts.check(schedule.asked_in(indices))
        for needs_host, at_once in ((False, threads), (True, max(workers, 1))):
            some = [index for index in indices if schedule.needs_host(schedule.cells[index]) is needs_host]
            yield from in_order(play, some, at_once, hosts.halt)
    finally:
        hosts.close()
