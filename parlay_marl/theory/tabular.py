"""A strategy of a small game as a player: in games, in environments, as an entrant of tournaments, and as a file."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.files import reason_of, write_whole
from parlay_marl.core.moves import Move, makes_offer
from parlay_marl.core.moves import decode as decode_action
from parlay_marl.core.observation import AT
from parlay_marl.errors import ConfigurationError, PolicyFileError
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig
from parlay_marl.players.player import Player
from parlay_marl.policies.policy import checked_file
from parlay_marl.theory.strategy_file import Strategy, decode, encode
from parlay_marl.theory.tree import Floats, InformationStates, Ints, Tree
from parlay_marl.theory.values import check_table

if TYPE_CHECKING:
    from parlay_marl.game.view import SeatView

SUFFIX = ".npz"
"""The end of the name of a strategy's file."""
_SAME = [
    AT.seat,
    AT.is_opener,
    AT.time,
    AT.round_length,
    AT.reservation,
    AT.urgency,
    AT.alternative,
    AT.discount_factor,
]
"""Fields of an observation in which a known information state must agree with the one that is seen."""


class TabularPlayer(Player):
    """Plays a table of probabilities, in either seat of the game that it was made for.

    It knows its information state by what it has seen and done since the game began. Where the game has more prices
    than it was solved for, an offer of the other counts as the nearest that it knows; where it has other prices, the
    own offers are the nearest legal ones. Another protocol is refused. Its draws come from a stream of its own, always
    the same ones in the same order.
    """

    def __init__(self, config: GameConfig, states: InformationStates, table: Floats, name: str = "solved") -> None:
        self.config, self.states, self.table = config, states, table
        self.name = name
        self._draws = np.random.default_rng(0)
        self._last = -1

    @classmethod
    def of(cls, tree: Tree, table: Floats, name: str = "solved") -> Self:
        """Return the player of a strategy of a tree."""
        return cls(tree.game.config, tree.states, check_table(tree, table), name)

    @functools.cached_property
    def _known(self) -> dict[tuple[int, int, bytes, bytes], int]:
        """The information state of (seat, entry of the own last action, observation, legal actions)."""
        states = self.states
        return {
            (int(states.seat[i]), int(states.previous[i]), states.observation[i].tobytes(), self._legal(i)): i
            for i in range(len(states))
        }

    def _legal(self, state: int) -> bytes:
        return self.states.action[self.states.entries(state)].astype(np.int64).tobytes()

    def begin(self, view: SeatView) -> None:
        """Forget the game before."""
        self._last = -1

    def act(self, view: SeatView) -> Action:
        """Return an action, drawn by the probabilities of the information state."""
        state = self.state_of(view)
        entries = self.states.entries(state)
        drawn = self._draws.choice(entries.stop - entries.start, p=_normalised(self.table[entries]))
        self._last = entries.start + int(drawn)
        legal = np.flatnonzero(view.action_mask)
        action = nearest_legal(int(self.states.action[self._last]), legal, view.seat, self.config.room)
        return Action.from_index(action, view.seat, self.config.room)

    def state_of(self, view: SeatView) -> int:
        """Return the number of the information state that a view shows after the player's own turns so far."""
        if view.protocol != self.config.protocol:
            raise ConfigurationError(
                f"{self.name!r} was solved for {self.config.protocol}, not for {view.protocol}; "
                "let it play its own protocol"
            )
        legal = np.flatnonzero(view.action_mask).astype(np.int64)
        found = self._known.get((view.seat, self._last, view.observation.tobytes(), legal.tobytes()))
        if found is None and view.room == self.config.room:
            found = self._nearest(view.seat, view.observation, legal)
        if found is None:
            config = self.config
            raise ConfigurationError(
                f"{self.name!r} was solved for {config.scenario.name} with {config.max_rounds} rounds, "
                f"{config.price_levels} prices and the moves {', '.join(config.moves)}, and does not know this "
                "position; let it play that configuration"
            )
        return found

    def _nearest(self, seat: int, seen: NDArray[np.float32], legal: Ints) -> int | None:
        """Return the state whose offer of the other is nearest, where the other named a price off the grid.

        All else that the seat knows of itself and of the clock must be the same. States with the same legal moves come
        first.
        """
        states = self.states
        near = np.flatnonzero((states.seat == seat) & (states.previous == self._last))
        near = near[(states.observation[near][:, _SAME] == seen[_SAME]).all(axis=1)]
        if len(near) == 0:
            return None
        moves = self._moves(legal, seat)
        same = [self._moves(states.action[states.entries(int(state))], seat) == moves for state in near]
        near = near[same] if any(same) else near
        distances = np.abs(states.observation[near] - seen).sum(axis=1)
        return int(near[distances.argmin()])

    def _moves(self, actions: Ints, seat: int) -> set[int]:
        return {decode_action(int(action), seat, self.config.room)[0] for action in actions}

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies keep: the player as it is before its first game."""
        return {"config": self.config, "states": self.states, "table": self.table, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the copy."""
        self.__init__(**state)  # type: ignore[misc]

    # ------------------------------------------------------------------ files

    def content(self) -> bytes:
        """Return the content of the player's file."""
        return encode(Strategy(self.config, self.states, self.table, self.name))

    def write(self, path: str | Path) -> None:
        """Write the player to a `.npz` file, whole or not at all.

        Raises:
            PolicyFileError: where the file cannot be written.
        """
        try:
            write_whole(Path(path), self.content())
        except (OSError, ValueError) as error:
            raise PolicyFileError(f"{path}: cannot be written: {error}; give another path") from None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Return the player of a file; nothing in a file is ever run.

        Raises:
            PolicyFileError: where it is no file that `write` wrote.
        """
        checked_file(path, "a strategy")
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise PolicyFileError(f"{path}: cannot be read: {reason_of(error)}; give the path of a strategy") from None
        try:
            return cls(*decode(content))
        except ValueError as error:
            raise PolicyFileError(f"{path}: not a strategy of a small game: {error}; solve it again") from None


def nearest_legal(action: int, legal: Ints, seat: int, room: int) -> int:
    """Return the legal action nearest to a discrete one of a seat: itself, or the same move at the nearest price.

    Of two prices as near the one that is better for the seat. Where the move is not legal at all, another that does
    not end the game, if there is one.
    """
    if action in legal:
        return action
    move, named, package = decode_action(action, seat, room)
    price = named if makes_offer(move) else float(seat)

    def distance(other: int) -> tuple[bool, bool, bool, float, float]:
        its_move, its_price, its_package = decode_action(other, seat, room)
        ends = its_move in (Move.ACCEPT, Move.WALK_AWAY)
        away = round(abs(its_price - price), 9)
        return its_move != move, ends, its_package != package, away, its_price if seat == 0 else -its_price

    actions: list[int] = legal.tolist()
    return min(actions, key=distance)


def _normalised(chances: Floats) -> Floats:
    """Return probabilities whose sum is 1 for NumPy's check."""
    kept = np.maximum(chances, 0.0)
    normalised: Floats = kept / kept.sum()
    return normalised
