"""The quality of a seat's belief about players of any kind, NegMAS's included, beside that of the prior.

One viewer, a persona whose moves do not depend on its belief, plays against each player. The belief is that of the
`bayes` tracker, measured after each quarter of a game, as in `assess_beliefs`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.core.belief import HIGH, LOW, RESERVATION
from parlay_marl.core.moves import BUYER, SELLER, Move
from parlay_marl.core.step import doubt_game
from parlay_marl.errors import ConfigurationError, PolicyError
from parlay_marl.game.config import GameConfig, make_config, whole_number
from parlay_marl.game.game import Game
from parlay_marl.game.position import checked_seed
from parlay_marl.game.record import GameRecord
from parlay_marl.players.generators import OwnGenerators
from parlay_marl.players.persona import AnyPlayer, as_player
from parlay_marl.studies.beliefs.report import Quarters
from parlay_marl.studies.beliefs.scores import auc
from parlay_marl.studies.beliefs.tracking import MOST_GAMES, QUARTERS, quarter_turns
from parlay_marl.studies.names import check_names

Floats = NDArray[np.float64]
Claims = list[tuple[float, bool]]
"""The viewer's probability that each claim is a bluff, and whether it was one."""

VIEWER = "linear"
DEALS = ("saas_enterprise", "uniform")
COVERED, ERROR, PRIOR_ERROR, WIDTH = range(4)
_FIGURES = 4


@dataclass(frozen=True)
class SeenQuality:
    """The quality of beliefs about a limit, by quarter of the game; prices are shares of the public range."""

    games: int
    coverage90: Quarters
    """Share of beliefs whose 90% band covers the truth."""
    mae: Quarters
    """Mean absolute error of the limit."""
    prior_mae: Quarters
    """Mean absolute error of the prior, before the first turn."""
    width90: Quarters
    """Mean width of the band."""
    claims: int
    bluffs: int
    bluff_auc: float | None
    """Probability that a bluff gets a higher probability of being one than an honest claim; None without both."""


@dataclass(frozen=True)
class SeenReport:
    """The quality of one viewer's beliefs about players, by scenario: of all players together, and of each."""

    seed: int
    games_per_cell: int
    viewer: str
    players: tuple[str, ...]
    pooled: dict[str, SeenQuality]
    about: dict[str, dict[str, SeenQuality]]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)


def assess_seen(
    players: Sequence[str | Path | AnyPlayer],
    scenarios: Sequence[str | Path | AnyScenario] | None = None,
    *,
    viewer: str | Path | AnyPlayer = VIEWER,
    games: int = 100,
    seed: int = 0,
    rules: Any = "default",
    on_cell: Callable[[int, int], None] | None = None,
) -> SeenReport:
    """Play a viewer against each player, in both seats of every scenario; assess the viewer's beliefs about them.

    `games` is the number of games in each cell: a player, a scenario and a seat. Game k of a seed has the same limits
    for all players. Players are what `as_player` takes, such as personas, families and `negmas:NAME`. None takes the
    scenarios `DEALS`. A game in which a player fails counts up to the failure. Raises `ConfigurationError` before the
    first game for arguments that cannot be used.
    """
    seated, watcher = [as_player(player) for player in players], as_player(viewer)
    games, seed = whole_number("games", games, 1, MOST_GAMES), checked_seed(seed)
    configs = [make_config(scenario, rules=rules, beliefs="bayes") for scenario in scenarios or DEALS]
    deals = [config.scenario.name for config in configs]
    names = tuple(str(player.name) for player in seated)
    check_names("player", list(names))
    check_names("scenario", deals)
    for config in configs:
        if config.information == "complete":
            raise ConfigurationError(f"scenario {config.scenario.name!r}: both limits are public; leave it out")
    total = len(configs) * len(seated)
    if on_cell is not None:
        on_cell(0, total)
    found: dict[str, dict[str, tuple[Floats, Claims]]] = {deal: {} for deal in deals}
    for done, (config, player) in enumerate(product(configs, seated), 1):
        found[config.scenario.name][str(player.name)] = _seen(config, watcher, player, games, seed)
        if on_cell is not None:
            on_cell(done, total)
    about = {deal: {name: _quality([cell]) for name, cell in cells.items()} for deal, cells in found.items()}
    pooled = {deal: _quality(list(cells.values())) for deal, cells in found.items()}
    return SeenReport(seed, games, str(watcher.name), names, pooled, about)


def _quality(cells: Sequence[tuple[Floats, Claims]]) -> SeenQuality:
    """Return the quality over the games of some cells, with equal weights."""
    figures = np.concatenate([figures for figures, _ in cells])
    claims = [claim for _, some in cells for claim in some]
    means = figures.mean(axis=0)
    covered, error, prior, width = (tuple(means[k].tolist()) for k in (COVERED, ERROR, PRIOR_ERROR, WIDTH))
    doubts = np.array([doubt for doubt, _ in claims], np.float64)
    bluffs = np.array([is_bluff for _, is_bluff in claims], np.bool_)
    found = auc(doubts, bluffs)
    return SeenQuality(len(figures), covered, error, prior, width, len(claims), int(bluffs.sum()), found)


def _seen(config: GameConfig, viewer: AnyPlayer, player: AnyPlayer, games: int, seed: int) -> tuple[Floats, Claims]:
    """Return the figures of the games of a player in both seats, `(games, figures, quarters)`, and its claims."""
    rows, claims = list[Floats](), Claims()
    for seat in (BUYER, SELLER):
        for record in played(config, viewer, player, seat, range(games), seed):
            _look(record, 1 - seat, rows, claims)
    return np.array(rows).reshape(-1, _FIGURES, QUARTERS), claims


def played(
    config: GameConfig, viewer: AnyPlayer, player: AnyPlayer, seat: int, numbers: Sequence[int], seed: int
) -> Iterator[GameRecord]:
    """Yield the records of games with a player in a seat, and the viewer in the other.

    Strategies of other libraries draw from the generators of Python and NumPy, which are seeded for each game.
    """
    game = Game(config, (player, viewer) if seat == BUYER else (viewer, player))
    for number in numbers:
        with OwnGenerators(seed + number):
            record = _one(game, seed, number)
        yield record


def _one(game: Game, seed: int, number: int) -> GameRecord:
    """Play one game, up to a player's failure if there is one; return its record."""
    with contextlib.suppress(PolicyError):
        game.start(seed, number)
    return GameRecord(game.config, seed, number, game.options, tuple(game.actions))


def _look(record: GameRecord, viewer: int, rows: list[Floats], claims: Claims) -> None:
    """Add the figures of a game, `(figures, quarters)`, and the other seat's claims in it."""
    moments, other = record.moments(), 1 - viewer
    start = next(moments)
    prior = float(start.row["belief"][viewer][RESERVATION])
    seen = np.zeros((len(record.actions), _FIGURES))
    for turn, game in enumerate(moments):
        belief, truth = game.row["belief"][viewer], float(game.row["reservation"][other])
        seen[turn, COVERED] = belief[LOW] <= truth <= belief[HIGH]
        seen[turn, ERROR], seen[turn, PRIOR_ERROR] = abs(belief[RESERVATION] - truth), abs(prior - truth)
        seen[turn, WIDTH] = belief[HIGH] - belief[LOW]
        mover = int(game.row["opener"]) ^ (turn & 1)
        if mover == other and record.actions[turn].move == Move.BATNA_REVEAL:
            doubt = float(doubt_game(game.rows, game.params, 0, viewer))
            claims.append((doubt, bool(game.row["claim_is_bluff"][other])))
    if len(seen):
        rows.append(seen[quarter_turns(np.array([len(seen)]))[0]].T)
