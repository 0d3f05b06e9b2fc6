"""A player of the operator's own, `parlay serve --opponent module:Name`, which sits in the other seat of a game.

It is asked in threads beside the event loop, so that it stops no other game. One that raises, gives no answer in time
or plays illegally forfeits its game; the log has the type of the error and its place in the code, never its text.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from parlay_marl.core.moves import Move
from parlay_marl.errors import ActionTypeError, IllegalMoveError, RequestError
from parlay_marl.game.action import Action, as_belief, as_index, as_move, as_price
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.view import SeatView
from parlay_marl.players.player import BatchedPlayer, Player
from parlay_marl.printable import escaped
from parlay_marl.server.telemetry import Telemetry

MOST_CALLS = 128
"""Most calls of one opponent that may run when a new game against it begins; each has a thread."""

Result = tuple[Any, BaseException | None]
"""The answer of a call, or the error that it raised."""


class PlayerThreads:
    """The threads in which the players of one opponent are asked.

    A call keeps its thread and counts as running until it returns, even after its game has stopped waiting for it.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self._name, self._seconds = name, seconds
        self._running: set[threading.Thread] = set()

    def check_free(self) -> None:
        """Refuse a game where too many calls of the opponent are running."""
        if len(self._running) >= MOST_CALLS:
            raise RequestError(
                f"the opponent {self._name!r} is busy: {MOST_CALLS} of its calls run; name another, or try again later"
            )

    async def ask(self, call: Callable[[], Any]) -> Result:
        """Return the result of a call, or raise `TimeoutError` where it takes too long."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()

        def deliver(returned: Any, error: BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(result.set_result, (returned, error))

        self.start(call, deliver)
        done, _ = await asyncio.wait([result], timeout=self._seconds)
        if not done:
            raise TimeoutError
        return result.result()

    def start(self, call: Callable[[], Any], finished: Callable[[Any, BaseException | None], None]) -> None:
        """Start a call in a thread of its own, and report its result or error.

        The process does not wait for the thread at exit.
        """

        def run() -> None:
            try:
                returned, error = call(), None
            except BaseException as raised:
                returned, error = None, raised
            self._running.discard(thread)
            finished(returned, error)

        thread = threading.Thread(target=run, name="parlay-player", daemon=True)
        self._running.add(thread)
        try:
            thread.start()
        except BaseException:
            self._running.discard(thread)
            raise


class HostedPlayer:
    """The player in one seat of one game, created at its first turn."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Player | BatchedPlayer],
        threads: PlayerThreads,
        longest_words: int,
        telemetry: Telemetry,
    ) -> None:
        self.name = name
        self._make, self._threads, self._longest_words, self._telemetry = make, threads, longest_words, telemetry
        self._player: Player | BatchedPlayer | None = None
        self._first: SeatView | None = None

    def begin(self, view: SeatView) -> None:
        """Keep the first view of the game; the player gets it before its own first turn."""
        self._first = view

    async def act(self, view: SeatView) -> Action | None:
        """Return the player's action, or None where the player fails; a failure is logged."""
        try:
            action, error = await self._threads.ask(functools.partial(self._act, view))
        except TimeoutError:
            self._telemetry.player_forfeited("late")
            return None
        if error is not None:
            self._telemetry.player_forfeited("illegal" if isinstance(error, IllegalMoveError) else "raises", error)
            return None
        turn: Action = action
        return turn

    def refused(self, error: Exception) -> None:
        """Log that the player's action was illegal."""
        self._telemetry.player_forfeited("illegal", error)

    def end(self, outcome: Outcome) -> None:
        """Give the player the outcome of the game, without waiting for it to return."""
        player = self._player
        if isinstance(player, Player):
            self._threads.start(functools.partial(player.end, outcome), self._has_ended)

    def _has_ended(self, _returned: Any, error: BaseException | None) -> None:
        if error is not None:
            self._telemetry.failed("player", error)

    # ------------------------------------------------------------------ in a thread

    def _act(self, view: SeatView) -> Action:
        """Return the player's action, with its words in the form in which clients get them."""
        action = _action_of(self._begun(), view)
        if not isinstance(action, Action) or not isinstance(action.words, str):
            raise ActionTypeError("the player must return an Action, with words that are text")
        return _plain(action, self._longest_words)

    def _begun(self) -> Player | BatchedPlayer:
        """Return the player; before its first turn, make it and begin its game."""
        if self._player is None:
            self._player = self._make()
            if isinstance(self._player, Player) and self._first is not None:
                self._player.begin(self._first)
        return self._player


def _action_of(player: Player | BatchedPlayer, view: SeatView) -> Any:
    """Return the player's action for a view; a policy gets the view as an observation vector."""
    if isinstance(player, Player):
        return player.act(view)
    answer = np.asarray(player.act(view.observation[None], view.action_mask[None]))
    if answer.size != 1 or answer.dtype.kind not in "iu":
        raise ActionTypeError("a policy must answer one whole number for each row")
    index = int(answer.item())
    if not 0 <= index < len(view.action_mask):
        raise IllegalMoveError("there is no such action")
    return Action.from_index(index, view.seat, view.room)


def _plain(action: Action, longest_words: int) -> Action:
    """Copy an action with values of built-in types only, so that the event loop runs none of the player's code."""
    move, price, package, belief, words = action.move, action.price, action.package, action.belief, action.words
    try:
        return Action(
            Move(as_move(move)),
            None if price is None else as_price(price),
            None if package is None else as_index(package, "package"),
            None if belief is None else as_belief(belief),
            _shown(str.__str__(words), longest_words),  # words may be an instance of a subclass of str
        )
    except (ActionTypeError, ValueError) as error:
        raise IllegalMoveError("a part of the action is of a wrong type") from error


def _shown(words: str, longest: int) -> str:
    """Return words as clients get them: escaped, and cut to a length without splitting an escape."""
    pieces, room = [], longest
    for character in words[:longest]:
        piece = escaped(character)
        room -= len(piece)
        if room < 0:
            break
        pieces.append(piece)
    return "".join(pieces)
