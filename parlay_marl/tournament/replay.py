"""Playing a game of a finished tournament again, bit for bit."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from parlay_marl import __version__
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.core.moves import SEATS
from parlay_marl.core.outcome import OUTCOME
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.action import Action
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import make_report
from parlay_marl.players.persona import AnyPlayer, PersonaPlayer
from parlay_marl.tournament.entrants import Contestant, recalled
from parlay_marl.tournament.games import NOBODY, Games, Rows
from parlay_marl.tournament.hosts import Hosts
from parlay_marl.tournament.matches import Cup, Pairing, checked_timeout

_NOT_COMPARED = "scenario"
"""An index that says nothing."""


def replay_game(games: Games, index: int, *, workers: int = 1, timeout: float = 10.0) -> Game:
    """Return the game of a row of the table, played again to its end; refuse it if it comes out otherwise than stored.

    The file of a persona's learned policy is read again, and must not have changed. A policy that is asked is loaded
    again by its import path, and its whole cell is played, as it was asked for all games of the cell at once. A game
    that a seat forfeited is forfeited again at the same turn. `workers` and `timeout` are those of `run_tournament`.
    """
    row = games.rows[checked_index(games, index)]
    pair = _entrant(games, row, "buyer"), _entrant(games, row, "seller")
    if all(entrant.player is not None for entrant in pair):
        game = _begun(games, row, pair)
        game.let_players_play()
    else:
        moves = _moves(games, row, pair, workers, timeout)
        game = _begun(games, row, pair)
        for played in moves:
            if isinstance(played, Action):
                game.turn(played)
            else:
                game.turn_by_index(played)
        if row["forfeit_by"] != NOBODY and not game.is_over:
            game.forfeit(int(row["forfeit_by"]))
    _compare(games, index, game)
    return game


def checked_index(games: Games, index: Any) -> int:
    """Return the number of a row as a plain whole number."""
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


def _entrant(games: Games, row: Any, seat: str) -> Contestant:
    return recalled(games.entrants[int(row[seat])])


def _begun(games: Games, row: Any, pair: tuple[Contestant, Contestant]) -> Game:
    """Return the game before its first turn, with those who play it."""
    scenario = games.scenarios[int(row["scenario"])]
    players = [_player(entrant) for entrant in pair]
    game = Game(make_config(scenario, rules=dict(games.rules), reward="payoff"), players)
    sensitivity = {
        seat: player.event_sensitivity
        for seat, player in zip(SEATS, players, strict=True)
        if isinstance(player, PersonaPlayer)
    }
    options = {"opener": SEATS[int(row["outcome"]["opener"])], "event_sensitivity": sensitivity}
    game.begin(games.seed, int(row["number"]), options)
    return game


def _player(entrant: Contestant) -> AnyPlayer:
    """Return who plays a seat."""
    if entrant.player is not None:
        return entrant.player
    assert entrant.recipe is not None
    return entrant.recipe.make()


def _moves(
    games: Games, row: Rows, pair: tuple[Contestant, Contestant], workers: int, timeout: float
) -> list[int | Action]:
    """Return the moves of a game with a policy in it, by playing its cell again up to its last turn."""
    cup = Cup(
        tuple(sorted({entrant.name: entrant for entrant in pair}.values(), key=lambda entrant: entrant.name)),
        (games.scenarios[int(row["scenario"])],),
        load_rules(games.rules),
        games.games_per_cell,
        games.seed,
    )
    names, opener = [entrant.name for entrant in cup.entrants], int(row["outcome"]["opener"])
    cell = Pairing(0, names.index(pair[0].name), names.index(pair[1].name), opener)
    turns = None
    if row["forfeit_by"] != NOBODY:
        turns = 2 * int(row["outcome"]["round"]) + int(row["forfeit_by"] != opener)
    batched = cup.batched(cell)
    moves = batched.watch(int(row["number"]))
    hosts = Hosts(cup.recipes(), workers, checked_timeout(timeout))
    try:
        with hosts.borrowed() as host:
            cup.let_play(batched, cell, host, turns)
    finally:
        hosts.close()
    return moves


def _compare(games: Games, index: int, game: Game) -> None:
    """Refuse a game that has come out otherwise than stored, or not at all."""
    stored, again = games.rows[index]["outcome"], make_report(game.rows, game.config.params)
    for field in OUTCOME:
        if field.name != _NOT_COMPARED and stored[field.name].tobytes() != again[field.name].tobytes():
            raise ConfigurationError(
                f"game {index} does not come out as stored: its {field.name} is {again[field.name].tolist()}, not "
                f"{stored[field.name].tolist()}; the games were played by version {games.version} (this is "
                f"{__version__}), and a policy must play alike when it is asked alike"
            )
