"""Playing one cell of a schedule: in the kernel where both seats are personas, else with a host that calls policies."""

from __future__ import annotations

from collections.abc import Callable, Generator

from parlay_marl.players.persona import AnyPlayer
from parlay_marl.simulation.cells import play_cell
from parlay_marl.tournament.executors.batched import BatchedCell
from parlay_marl.tournament.executors.cell_games import CellGames
from parlay_marl.tournament.executors.hosts import Host, HostPool
from parlay_marl.tournament.executors.player_cell import PlayerCell
from parlay_marl.tournament.executors.remote import remote_player
from parlay_marl.tournament.forfeits import Forfeit, forfeits_of
from parlay_marl.tournament.games import Rows
from parlay_marl.tournament.schedule import Cell, Schedule

Finished = Generator[tuple[int, list[Forfeit]], None, None]
"""The numbers of finished cells, each with its forfeits."""
OnRows = Callable[[int, Rows], None]
"""Called with the number of a finished cell and its rows."""


def play_any(schedule: Schedule, index: int, hosts: HostPool) -> tuple[Rows, list[Forfeit]]:
    """Play a cell of either kind, by its number."""
    cell = schedule.cells[index]
    if not schedule.needs_host(cell):
        return play_in_kernel(schedule, cell), []
    with hosts.borrowed() as host:
        return play_with_host(schedule, cell, host)


def play_in_kernel(schedule: Schedule, cell: Cell) -> Rows:
    """Play a cell of two personas."""
    buyer, seller = (entrant.player for entrant in schedule.pair(cell))
    assert buyer is not None
    assert seller is not None
    rows = schedule.blank_rows(cell)
    rows["outcome"] = play_cell(
        buyer, seller, schedule.params[cell.scenario], opener=cell.opener, games=schedule.games, seed=schedule.seed
    )
    return rows


def play_with_host(schedule: Schedule, cell: Cell, host: Host) -> tuple[Rows, list[Forfeit]]:
    """Play a cell with one or two policies, which a host calls."""
    games = begun(schedule, cell, host)
    games.play()
    rows = schedule.blank_rows(cell)
    rows["outcome"] = games.outcomes()
    rows["forfeit_by"] = games.forfeit_by
    return rows, forfeits_of(schedule, cell, games.faults)


def begun(schedule: Schedule, cell: Cell, host: Host) -> CellGames:
    """Return the games of a cell before their first turn; the host makes new policies for it."""
    pair = schedule.pair(cell)
    asked = {seat: entrant.name for seat, entrant in enumerate(pair) if entrant.recipe is not None}
    host.begin(schedule.random_key(cell), asked)
    players: list[AnyPlayer] = [
        entrant.player if entrant.player is not None else remote_player(entrant, seat, host)
        for seat, entrant in enumerate(pair)
    ]
    how = cell.opener, schedule.games, schedule.seed
    if any(entrant.plays_views for entrant in pair):
        return PlayerCell(players, schedule.config(cell), *how)
    return BatchedCell(players, schedule.params[cell.scenario], *how)
