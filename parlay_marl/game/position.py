"""One negotiation without players: its state, its moves, and the observations of both seats."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.scenarios import Params, Scenario
from parlay_marl.core import views
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.compiled import trial
from parlay_marl.core.form import without_noise
from parlay_marl.core.moves import N_MOVES, Move, Refusal, decode, discrete_index, n_actions, own_end
from parlay_marl.core.state import state_dtype
from parlay_marl.core.step import forfeit_game
from parlay_marl.core.views import LOOK, LOOK_ACROSS, REFUSED, View
from parlay_marl.errors import ActionTypeError, ConfigurationError, GameOverError, IllegalMoveError, NotStartedError
from parlay_marl.game.action import MOVE_NAMES, Action, as_belief, as_index, as_move, as_price
from parlay_marl.game.belief import BeliefView, sight
from parlay_marl.game.config import GameConfig
from parlay_marl.game.deal import CurrentDeal
from parlay_marl.game.options import OF_ONE_SCENARIO, fixed_draws
from parlay_marl.game.outcome import make_report
from parlay_marl.game.refusals import action_text, belief_text, refusal_text
from parlay_marl.game.turns import TurnReader

Observation = dict[str, NDArray[Any]]
LARGEST_SEED = 2**64 - 1
_MOVES = tuple(Move)
"""Moves by number; a look-up is cheaper than a call of the enumeration."""
LARGEST_NUMBER = 2**62

NOTHING_FIXED = nothing_fixed()
NOTHING_FIXED.flags.writeable = False


@functools.cache
def _first_actions(packages: int) -> list[int]:
    """Return the first discrete action of each move, in the order of `Move`."""
    return [discrete_index(move, 0.0, 0, packages) for move in Move]


def move_mask(action_mask: NDArray[np.int8], packages: int) -> NDArray[np.int8]:
    """Return which of the seven moves are legal, from the mask over the discrete actions.

    The lowest price of a move stands for all of them.
    """
    return action_mask[_first_actions(packages)]


@functools.cache
def _of_moves(packages: int) -> Callable[[bytes], tuple[int, ...]]:
    """Return a function that takes the first action of each move out of a mask in bytes."""
    return operator.itemgetter(*_first_actions(packages))


def legal_in(action_mask: NDArray[np.int8], packages: int) -> tuple[Move, ...]:
    """Return the moves that are legal, from the mask over the discrete actions."""
    return tuple(itertools.compress(_MOVES, _of_moves(packages)(action_mask.tobytes())))


def _cleared(dtype: Any) -> Any:
    """Return an array of one record of zeros, as `np.zeros` does in ten times the time."""
    return np.frombuffer(bytearray(dtype.itemsize), dtype)


class Position:
    """A negotiation that the caller plays turn by turn for both seats.

    `seat` is the seat on turn, 0 buyer or 1 seller. `observation` and `mask` belong to that seat. `rewards` holds the
    payments of the last turn (buyer, seller). Prices are normalised.
    """

    def __init__(self, config: GameConfig) -> None:
        self.config = config
        self.packages = config.room
        self.n_actions = n_actions(self.packages)
        self.rewards: list[float] = [0.0, 0.0]
        self.is_over = False
        self.seat = 0
        self.seed: int | None = None
        self.number = -1
        self.starts = 0
        """Number of games started or restored in this object; a new number means another game."""
        self.options: Mapping[str, Any] | None = None
        self._fixed: Any = None
        """The record of fixed draws in `_draws`; None before the first game."""
        self._elicits = config.beliefs == "elicited"
        self._played: list[int | Action] = []
        self._reader: TurnReader | None = None
        """The reader of the turns; None until turns are requested."""
        self._allocate()

    def _allocate(self) -> None:
        """Allocate the buffers that the kernels write to, with a cleared state."""
        config = self.config
        self._deal = CurrentDeal(config)
        self._params = self._deal.params
        self._rows = _cleared(state_dtype(self.packages))
        self._row = self._rows[0]
        self._reward = self._rows["reward"][0]
        self._ending = self._rows["ending"]
        self._opener = self._rows["opener"]
        self._sights: list[Callable[[], BeliefView] | None] = [None, None]
        """For each seat the function that reads its belief; None until it is read."""
        self._draws = _cleared(NOTHING_FIXED.dtype)
        self._views = views.make_views(self._rows, self._params, self._draws, self.packages)
        self._view: View = next(self._views)
        """The view of the seat on turn, as the kernels write it."""
        self._is_given = False
        """True where a caller holds the arrays of `view`, so that the next turn must be written to others."""
        self._play: Callable[[int, int], int]
        """The kernel that plays discrete actions and writes views; it is compiled when a game starts."""

    # ------------------------------------------------------------------ starting

    def begin(self, seed: int, number: int, options: Mapping[str, Any] | None = None) -> Self:
        """Start game `number` of a seed; see `ResetOptions`."""
        fixed = self._fixed_by(options, seed, number)
        self._set_seed(seed, number)
        self._start(fixed, options)
        return self

    def _fixed_by(self, options: Mapping[str, Any] | None, seed: int, number: int) -> Any:
        """Return the record of fixed draws for a game of a seed, from reset options."""
        config = self.config
        if config.has_deals and isinstance(options, Mapping) and OF_ONE_SCENARIO & set(options):
            config = config.deal(checked_seed(seed), checked_number(number))
        return fixed_draws(options, config.scenario, config.max_rounds, config.only_opener)

    def _set_seed(self, seed: Any, number: int) -> None:
        self.seed, self.number = checked_seed(seed), checked_number(number)

    def _start(self, fixed: Any, options: Mapping[str, Any] | None) -> None:
        self.starts += 1
        if fixed is not self._fixed:
            self._fixed = fixed
            self._draws.view(np.uint8)[:] = fixed.view(np.uint8)  # field by field it takes ten times as long
        self.options = options
        self.is_over = False
        self._deal.forget()
        assert self.seed is not None
        views.start_kernel(self.packages, self.config.has_deals)(self._view[0], self.seed, self.number)
        self._played = []
        self.rewards = [0.0, 0.0]
        self.seat = self._opener.item()
        self._observe_turn()

    # ------------------------------------------------------------------ looking

    @property
    def deal(self) -> GameConfig:
        """The configuration with the scenario of this game: its own or, for a family, the drawn deal."""
        if self.seed is None and self.config.has_deals:
            self.refuse_turn()
        return self._deal.config

    @property
    def scenario(self) -> Scenario:
        """The scenario of this game."""
        return self.deal.played

    @property
    def params(self) -> Params:
        """The core's record of this game, an array of one."""
        return self._params

    @property
    def rows(self) -> Any:
        """The state in the form of the kernels: an array of one record, see `state_dtype`."""
        return self._rows

    @property
    def row(self) -> Any:
        """The state, one record, including hidden figures."""
        return self._row

    @property
    def observation(self) -> Any:
        """The observation of the seat on turn, float32; the next turn may overwrite it."""
        return self._kept()[1]

    @property
    def mask(self) -> Any:
        """The mask of the seat on turn over the discrete actions, int8; the next turn may overwrite it."""
        return self._kept()[2]

    def _kept(self) -> View:
        """Return a view of the seat on turn whose arrays no caller holds."""
        if self._is_given:
            self._observe_turn()
        return self._view

    def given(self) -> View:
        """Return a view of the seat on turn whose arrays belong to the caller."""
        if self._is_given:
            self._observe_turn()
        self._is_given = True
        return self._view

    def observe(self, seat: int) -> Observation:
        """Return the observation of a seat and its mask over the discrete actions (all 0 where it is not on turn).

        The arrays are the caller's own.
        """
        if self.seat == seat:
            _, observation, mask, _ = self.given()
        else:
            address, observation, mask, _ = next(self._views)
            views.play_kernel(self.packages)(address, LOOK_ACROSS)
        return {"observation": observation, "action_mask": mask}

    def move_mask(self, seat: int) -> NDArray[np.int8]:
        """Return which of the seven moves a seat may make, in the order of `Move`."""
        return move_mask(self.observe(seat)["action_mask"], self.packages)

    def zopa(self) -> tuple[float, float]:
        """Return the normalised bounds of the best package's ZOPA now; empty where the first is not the lower."""
        report = make_report(self._rows, self._params)[0]
        return float(report["zopa_low"]), float(report["zopa_high"])

    def belief(self, seat: int) -> BeliefView:
        """Return what a seat believes about the other seat now."""
        if self.seed is None:
            self.refuse_turn()
        read = self._sights[seat]
        if read is None:
            deal = functools.partial(getattr, self, "deal") if self.config.has_deals else None
            read = self._sights[seat] = sight(self._rows, seat, self.config, deal)
        return read()

    # ------------------------------------------------------------------ playing

    def completed(self, move: Any, price: Any, package: Any) -> tuple[int, float, int]:
        """Return the parts of a move as plain numbers, with defaults for parts that may be None.

        Other parts are required.

        An offer and a claim need a price; an anchor without one is at the seat's own end of the range. An offer needs
        a package where the scenario has several; anchors and claims without one use package 0, the reference.
        """
        if self.is_over or self.seed is None:
            self.refuse_turn()
        which = as_move(move)
        if price is None:
            if which in (Move.OFFER, Move.BATNA_REVEAL):
                raise ActionTypeError(f"{MOVE_NAMES[which]} needs a price; give one number from 0 to 1, normalised")
            price = own_end(self.seat) if which == Move.ANCHOR_HIGH else 0.0
        if package is None and which == Move.OFFER and self.packages > 1:
            most = int(self._params[0]["scenario"]["packages"]) - 1
            if most > 0:
                raise ActionTypeError(f"{MOVE_NAMES[which]} needs a package; give a whole number from 0 to {most}")
        price = as_price(price)
        if self.config.prices:
            price = without_noise(price)
        return which, price, 0 if package is None else as_index(package, "package")

    def stated(self, belief: Any) -> tuple[float, float] | None:
        """Return a stated belief as two plain numbers, or None; refuse anything else."""
        if belief is None:
            return None
        if not self._elicits:
            raise ActionTypeError("no belief goes with an action here; leave it out, or set beliefs='elicited'")
        return as_belief(belief)

    def turn_by_index(self, action: Any, belief: tuple[float, float] | None = None, by: str = "") -> bool:
        """Play one discrete action for the seat on turn; return whether a reward or the end of the game is possible."""
        index = action if type(action) is int else as_index(action)
        if self.is_over or self.seed is None:
            self.refuse_turn()
        if not 0 <= index < self.n_actions:
            raise self._illegal(Refusal.UNKNOWN_MOVE, action_text(action, -1, self.seat, self.packages) + by, belief)
        if belief is not None or self._reader is not None:
            reason = self._turn(*decode(index, self.seat, self.packages), belief, "")
        else:
            if self._is_given:
                self._view, self._is_given = next(self._views), False
            answer = self._play(self._view[0], index)
            if not answer:
                self._played.append(index)
                self.rewards = [0.0, 0.0]
                self.seat = 1 - self.seat
                return False
            reason = answer & REFUSED
            if not reason:
                self._played.append(index)
                self._take_stock()
        if reason:
            raise self._illegal(reason, action_text(action, index, self.seat, self.packages) + by, belief)
        return True

    def turn_by_move(
        self, move: int, price: float, package: int, belief: tuple[float, float] | None = None, words: str = ""
    ) -> None:
        """Play one move for the seat on turn."""
        if self.is_over or self.seed is None:
            self.refuse_turn()
        reason = self._turn(move, price, package, belief, words)
        if reason:
            name = Move(move).name if 0 <= move < N_MOVES else f"move {move}"
            raise self._illegal(reason, f"{name} (price {price:g}, package {package})", belief)

    def turn(self, action: Action) -> None:
        """Play an action from the record of a game."""
        move, price, package, belief, words = action
        self.turn_by_move(*self.completed(move, price, package), self.stated(belief), words)

    def _turn(self, move: int, price: float, package: int, belief: tuple[float, float] | None, words: str) -> int:
        """Play a move, with a belief where one is stated, if it is legal; return its `Refusal`."""
        reader, action, begun = self._reader, None, None
        if 0 <= move < N_MOVES:
            action = Action(_MOVES[move], price, package, belief, words)
            begun = None if reader is None else reader.look(self._rows, self.seat, action)
        mean, spread = belief or (0.0, 0.0)
        kernel = views.move_kernel(self.packages)
        reason = kernel(self._unused(), move, price, package, belief is not None, mean, spread) & REFUSED
        if reason or action is None:  # what is no move is refused
            return reason
        self._played.append(action)
        if reader is not None and begun is not None:
            reader.read(self._rows, begun)
        self._take_stock()
        return 0

    def _take_stock(self) -> None:
        """Read the rewards of a turn and the seat now on turn from the row."""
        self.rewards = self._reward.tolist()
        if self._ending.item():
            self.is_over = True
        else:
            self.seat = 1 - self.seat

    def forfeit(self, seat: int | None = None) -> None:
        """End the game by a forfeit of a seat (default: the one on turn), as `illegal="terminate"` does.

        The offender loses the cost of a capitulation or, where only payoffs count, one nominal ZOPA. The other seat
        loses nothing.
        """
        if self.is_over or self.seed is None:
            self.refuse_turn()
        if seat not in (None, 0, 1):
            raise ConfigurationError(f"seat: give 0 for the buyer or 1 for the seller, not {seat!r}")
        trial.call(forfeit_game, self._rows, self._params, 0, self.seat if seat is None else seat)
        self.is_over = True
        self.rewards = self._reward.tolist()
        self._observe_turn()

    def _observe_turn(self) -> None:
        self._play = play = views.play_kernel(self.packages)
        play(self._unused(), LOOK)

    def _unused(self) -> int:
        """Return the address of a view of the seat on turn whose arrays no caller holds, to write to."""
        if self._is_given:
            self._view, self._is_given = next(self._views), False
        return self._view[0]

    # ------------------------------------------------------------------ refusing

    def refuse_turn(self) -> NoReturn:
        """Raise the error of a call before the first game or after the end of a game."""
        if self.seed is None:
            raise NotStartedError("no game has been started; call reset() first")
        raise GameOverError("the game is over; call reset() to start another")

    def _illegal(self, reason: int, what: str, belief: tuple[float, float] | None) -> IllegalMoveError:
        if belief is not None and reason == Refusal.BELIEF_OUT_OF_RANGE:
            what = belief_text(*belief)
        return IllegalMoveError(refusal_text(self.seat, what, reason))


def checked_seed(seed: Any) -> int:
    """Return a seed as an unsigned integer of 64 bits."""
    try:
        number = operator.index(seed)
    except TypeError:
        raise ConfigurationError(f"seed: give a whole number, not {seed!r}") from None
    if not 0 <= number <= LARGEST_SEED:
        raise ConfigurationError(f"seed: give a whole number from 0 to 2**64 - 1, not {seed!r}")
    return number


def checked_number(number: Any) -> int:
    """Return the number of a game as a plain integer."""
    try:
        plain = operator.index(number)
    except TypeError:
        plain = -1
    if not 0 <= plain <= LARGEST_NUMBER:
        raise ConfigurationError(f"number: give the number of a game, from 0 to 2**62, not {number!r}")
    return plain
