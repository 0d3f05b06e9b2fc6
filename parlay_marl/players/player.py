"""Players from outside: of one game at a time, or of many games at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from parlay_marl.game.action import Action
    from parlay_marl.game.outcome import Outcome
    from parlay_marl.game.view import SeatView


class Player:
    """A player of a seat: a person, a language model, a strategy of another library, a solver.

    A subclass has a `name` and an `act`; `begin` and `end` are optional, to prepare and to learn. One object plays
    one game at a time, and any number of games in sequence.
    """

    name: str = "player"

    draws_globally: bool = False
    """Whether its code draws from Python's `random` and NumPy's global generator, as that of many libraries does.

    A game then seeds them by its own seed and number for the calls of the player, and restores them after each: the
    same seed gives the same game, and other code draws what it would have drawn.
    """

    def begin(self, view: SeatView) -> None:
        """Prepare for a game; the view is the seat's before the first turn of either seat."""

    def act(self, view: SeatView) -> Action:
        """Return the turn of the seat, such as `view.make_offer(140_000)` or `view.accept()`."""
        raise NotImplementedError(f"{type(self).__name__} has no method act(view)")

    def end(self, outcome: Outcome) -> None:
        """Learn how the game ended; the outcome includes hidden figures."""


@runtime_checkable
class BatchedPlayer(Protocol):
    """A player of many games at once from observation vectors: a learned policy or a script.

    It is called once for a batch, which may be a single game.
    """

    name: str

    def act(self, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> NDArray[np.integer[Any]]:
        """Return a legal discrete action for each row: `(n, fields)` and `(n, actions)` in, `(n,)` out."""
