"""Playing a game of a finished tournament again, bit for bit."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from parlay_marl import __version__
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.core.moves import SEATS
from parlay_marl.core.outcome import OUTCOME
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.action import Action
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import make_report
from parlay_marl.players.persona import AnyPlayer, PersonaPlayer
from parlay_marl.tournament.entrants import Entrant, recalled
from parlay_marl.tournament.executors.cell_games import CellGames
from parlay_marl.tournament.executors.cells import begun
from parlay_marl.tournament.executors.hosts import LATE
from parlay_marl.tournament.executors.local import host_pool
from parlay_marl.tournament.games import NOBODY, Games
from parlay_marl.tournament.run import checked_timeout
from parlay_marl.tournament.schedule import Cell, Schedule

_NOT_COMPARED = "scenario"
"""The index of the scenario within a cell, which is always 0."""
_PLAY_ALIKE = "a policy must play alike when it is asked alike"


def replay_game(games: Games, index: int, *, workers: int = 1, timeout: float = 10.0) -> Game:
    """Return the game of a row of the table, played again to its end.

    Raise an error if it differs from the stored one.

    The file of a persona's learned policy is read again, and must not have changed. A policy that is asked is loaded
    again by its import path, and its whole cell is played, as it was asked about all games of the cell at once. A game
    that a seat forfeited is forfeited again at the same turn. `workers` and `timeout` are those of `run_tournament`.
    """
    row = games.rows[checked_index(games, index)]
    schedule, cell = _schedule_of(games, row)
    if not schedule.needs_host(cell):
        game = _begun(schedule, cell, int(row["number"]))
        game.let_players_play()
        _compare(games, index, [game])
        return game
    actions = _played_again(games, index, schedule, cell, workers, timeout)
    candidates = [_with_actions(schedule, cell, row, actions[:turns]) for turns in _possible_turns(row, len(actions))]
    return _compare(games, index, candidates)


def checked_index(games: Games, index: Any) -> int:
    """Return the number of a row as a plain integer."""
    try:
        plain = operator.index(index)
    except TypeError:
        plain = -1
    if not 0 <= plain < len(games.rows):
        raise ConfigurationError(
            f"game: give the number of a game in the file, from 0 to {len(games.rows) - 1:,}, not {index!r}"
        )
    return plain


def rows_of(
    games: Games,
    buyer: str | None = None,
    seller: str | None = None,
    scenario: str | None = None,
    opener: str | None = None,
) -> Any:
    """Return the numbers of the rows of some entrants, scenario or opener; None takes all."""
    chosen = np.ones(len(games.rows), np.bool_)
    columns = (
        ("buyer", buyer, games.names, games.rows["buyer"]),
        ("seller", seller, games.names, games.rows["seller"]),
        ("scenario", scenario, games.scenario_names, games.rows["scenario"]),
        ("opener", opener, SEATS, games.rows["outcome"]["opener"]),
    )
    for kind, name, known, numbers in columns:
        if name is not None:
            if name not in known:
                raise ConfigurationError(f"{kind}: the file has no {name!r}; it has {', '.join(known)}")
            chosen &= numbers == known.index(name)
    return np.flatnonzero(chosen)


def _schedule_of(games: Games, row: Any) -> tuple[Schedule, Cell]:
    """Return a schedule of the entrants and the scenario of a row, and the row's cell in it."""
    pair = [recalled(games.entrants[int(row[seat])]) for seat in SEATS]
    entrants = sorted({entrant.name: entrant for entrant in pair}.values(), key=lambda entrant: entrant.name)
    scenario = games.scenarios[int(row["scenario"])]
    schedule = Schedule(
        tuple(entrants), (scenario,), load_rules(games.rules), games.games_per_cell, games.seed, games.form
    )
    buyer, seller = ([entrant.name for entrant in entrants].index(entrant.name) for entrant in pair)
    return schedule, Cell(0, buyer, seller, int(row["outcome"]["opener"]))


def _begun(schedule: Schedule, cell: Cell, number: int) -> Game:
    """Return a game before its first turn, with its players."""
    players = [_player(entrant) for entrant in schedule.pair(cell)]
    game = Game(schedule.config(cell), players)
    sensitivity = {
        seat: player.event_sensitivity
        for seat, player in zip(SEATS, game.seated(schedule.seed, number), strict=True)
        if isinstance(player, PersonaPlayer)
    }
    game.begin(schedule.seed, number, {"opener": SEATS[cell.opener], "event_sensitivity": sensitivity})
    return game


def _player(entrant: Entrant) -> AnyPlayer:
    """Return the player of an entrant."""
    if entrant.player is not None:
        return entrant.player
    assert entrant.recipe is not None
    return entrant.recipe.make()


def _with_actions(schedule: Schedule, cell: Cell, row: Any, actions: Sequence[int | Action]) -> Game:
    """Return the game of a row after some actions, with its forfeit if a seat forfeited it."""
    game = _begun(schedule, cell, int(row["number"]))
    for action in actions:
        if isinstance(action, Action):
            game.turn(action)
        else:
            game.turn_by_index(action)
    if row["forfeit_by"] != NOBODY and not game.is_over:
        game.forfeit(int(row["forfeit_by"]))
    return game


def _possible_turns(row: Any, most: int) -> list[int]:
    """Return the numbers of turns that a game may have had.

    A forfeit is either at the seat's turn or, where it failed in an earlier game of the cell, before the first turn:
    the stored figures decide between these two.
    """
    if row["forfeit_by"] == NOBODY:
        return [most]
    return [most, 0] if _turns_before_forfeit(row) == 1 else [most]


def _turns_before_forfeit(row: Any) -> int:
    """Return the number of turns before a forfeit at the seat's own turn."""
    outcome = row["outcome"]
    return 2 * int(outcome["round"]) + int(row["forfeit_by"] != outcome["opener"])


def _played_again(
    games: Games, index: int, schedule: Schedule, cell: Cell, workers: int, timeout: float
) -> list[int | Action]:
    """Return the actions of a game with a called policy, by playing its cell again up to its last turn."""
    row = games.rows[index]
    turns = None if row["forfeit_by"] == NOBODY else _turns_before_forfeit(row)
    hosts = host_pool(schedule, workers, checked_timeout(timeout))
    try:
        with hosts.borrowed() as host:
            cell_games = begun(schedule, cell, host)
            cell_games.record(int(row["number"]))
            cell_games.play(turns)
    finally:
        hosts.close()
    _check_fault(games, index, cell_games, turns)
    return cell_games.actions


def _check_fault(games: Games, index: int, played: CellGames, turns: int | None) -> None:
    """Refuse a replay in which a seat forfeits at another turn than in the tournament."""
    if played.recorded_fault is None or len(played.actions) == turns:
        return
    seat, reason = played.recorded_fault
    row = games.rows[index]
    if turns == 1 and seat == row["forfeit_by"]:
        return  # it failed in an earlier game of the cell, in the replay as in the tournament
    name, is_late = games.names[int(row[SEATS[seat]])], reason.startswith(LATE)
    raise ConfigurationError(
        f"game {index} cannot be played again: where it went on in the tournament, {name} as {SEATS[seat]} forfeits it "
        f"now: {reason}; {'give a longer timeout' if is_late else _PLAY_ALIKE}"
    )


def _compare(games: Games, index: int, candidates: Sequence[Game]) -> Game:
    """Return the candidate that equals the stored game.

    Otherwise raise an error that names the first different figure.
    """
    stored, found = games.rows[index]["outcome"], []
    for game in candidates:
        again = make_report(game.rows, game.params)
        different = [
            field.name
            for field in OUTCOME
            if field.name != _NOT_COMPARED and stored[field.name].tobytes() != again[field.name].tobytes()
        ]
        if not different:
            return game
        found.append((different[0], again[different[0]].tolist()))
    name, value = found[0]
    raise ConfigurationError(
        f"game {index} does not come out as stored: its {name} is {value}, not {stored[name].tolist()}; the games were "
        f"played by version {games.version} (this is {__version__}), and {_PLAY_ALIKE}"
    )
