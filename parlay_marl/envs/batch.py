"""Thousands of games at once: rows of one array, which one kernel call advances, in buffers written in place."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.deals import with_room
from parlay_marl.core import observation as observed
from parlay_marl.core.compiled import trial
from parlay_marl.core.compiled.work import all_work
from parlay_marl.core.moves import Refusal, n_actions
from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.core.state import cleared_rows
from parlay_marl.core.step import check_index, observe_game
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.envs.many import Many, joined, personas_of, shares_of
from parlay_marl.errors import ActionTypeError, ConfigurationError, IllegalMoveError, NotStartedError
from parlay_marl.game.config import (
    DEFAULT_SCENARIO,
    ILLEGAL,
    GameArguments,
    GameConfig,
    make_config,
    one_of,
    takes_game,
    whole_number,
)
from parlay_marl.game.options import OF_ONE_SCENARIO, fixed_draws
from parlay_marl.game.position import LARGEST_SEED, checked_seed
from parlay_marl.game.refusals import action_text, belief_text, refusal_text
from parlay_marl.players.packages import best_for_both
from parlay_marl.players.persona import PersonaPlayer, persona_tables
from parlay_marl.players.scripted import choose_move
from parlay_marl.policies.one_package import as_about_package
from parlay_marl.policies.policy import Policy
from parlay_marl.simulation.lane import LANE_DTYPE, Autoreset, Seating
from parlay_marl.simulation.lanes import (
    draw_lanes_again,
    first_illegal,
    first_unstatable,
    reset_lanes,
    state_lanes,
    step_lanes,
)
from parlay_marl.simulation.threads import Workers

LEAST_PER_THREAD = 1024
"""Fewest lanes for each thread; with fewer, another thread gains nothing."""

_NO_ACTION = -1
_INT64, _ALL_WORK = np.dtype(np.int64), all_work()

_BUFFERS = ("games", "lanes", "observations", "masks", "outcomes", "final_observations")
_VIEWS = ("seats", "learners", "rewards", "endings", "refusals")
"""Views into the lanes."""


class Batch:
    """Many games: the caller plays both seats, or personas in the kernel play one of them.

    The arguments besides its own are listed in `negotiation_v0`; `scenario` and `opponent` may be several. The buffers
    `observations`, `masks`, `seats` (on turn), `rewards` (n, 2), `endings` (an `Ending`, 0 while a game goes on),
    `refusals` (a `Refusal`, the reason why the last action was illegal; `refusal_text` puts it in words) and `outcomes`
    are overwritten by every call. The mask of a lane whose game is over allows every action, and none of them is
    played. Lane i plays game 0, 1, 2... of seed `seed + i`, exactly as a single environment of that seed, for any
    number of lanes and threads. `observe=False` leaves observations and masks unwritten: callers then read the rows.
    With `prices_only` there is room for one package: of deals with terms `observations` show the price of the package
    that is best for both as far as the seat can know, and actions are about that one.
    """

    @takes_game
    def __init__(
        self,
        num_games: int,
        scenario: Many = DEFAULT_SCENARIO,
        *,
        illegal: str = "raise",
        autoreset: str = "next_step",
        learner: str = "both",
        opponent: Many = None,
        threads: int = 1,
        observe: bool = True,
        prices_only: bool = False,
        **game: Unpack[GameArguments],
    ) -> None:
        self.num_games = whole_number("num_games", num_games, 1, 2**31 - 1)
        one_of("treatment of illegal moves", illegal, ILLEGAL)
        one_of("autoreset", autoreset, tuple(mode.name.lower() for mode in Autoreset))
        one_of("learner", learner, tuple(seating.name.lower() for seating in Seating))
        deals, self._deal_shares = shares_of("scenario", scenario)
        self.configs: list[GameConfig] = [make_config(deal, **game) for deal in deals]
        self._seating = Seating[learner.upper()]
        self.personas, self._persona_shares = personas_of(self._seating is not Seating.BOTH, opponent)
        for persona, config in product(self.personas, self.configs):
            persona.check_room(config.scenario)
        self._autoreset = Autoreset[autoreset.upper()]
        self._raises = illegal == "raise"
        self._params = with_room(joined([config.params for config in self.configs], PARAMS_DTYPE), self.num_games)
        self._tables = persona_tables(self.personas, self.num_games)
        self._row_packages = max(config.scenario.n_packages for config in self.configs)
        self.packages = 1 if prices_only else self._row_packages
        self.n_actions = n_actions(self.packages)
        self.elicits = self.configs[0].beliefs == "elicited"
        self._allocate(observe)
        self._has_several = len(self._params) > 1
        self._threads = threads
        self._workers = Workers(threads, self.num_games, LEAST_PER_THREAD)
        self._is_started = False

    def _allocate(self, observe: bool) -> None:
        n, fields = self.num_games, observed.width(self.packages) if observe else 0
        self.games = cleared_rows(n, self._row_packages)
        self.lanes = np.zeros(n, LANE_DTYPE)
        self.observations = np.zeros((n, fields), np.float32)
        self.masks = np.zeros((n, self.n_actions), np.int8)
        self.outcomes = np.zeros(n, OUTCOME_DTYPE)
        self.final_observations = np.zeros((n if self._autoreset is Autoreset.SAME_STEP else 0, fields), np.float32)
        self.seats, self.learners = self.lanes["seat"], self.lanes["learner"]
        self.rewards, self.endings = self.lanes["reward"], self.lanes["ending"]
        self.refusals = self.lanes["refusal"]
        self._actions, self._shape = np.zeros(n, np.int64), (n,)
        stated = n if self.elicits else 0
        self._estimates, self._unstated = np.zeros((stated, 2)), np.zeros(stated, np.bool_)
        # Plain numbers and prepared tuples keep the overhead of a call on a single game small.
        self._players = (
            self.lanes, self.games, self._params, *self._tables, int(self._seating), self._deal_shares,
            self._persona_shares,
        )  # fmt: skip
        self._view = (self.packages, self.observations, self.masks)
        self._step_arguments = (
            *self._players, int(self._autoreset), *self._view, self.final_observations, self.outcomes,
        )  # fmt: skip
        self._stepping = trial.Bound(step_lanes, _ALL_WORK, self._actions, *self._step_arguments, games=n)

    def reset(
        self,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
        chosen: NDArray[np.bool_] | None = None,
    ) -> None:
        """Begin a game in every lane, or in those `chosen` by a mask: the first of a seed or, without one, the next.

        Lane i has seed `seed + i`, or the i-th of a sequence of seeds, where None stands for the next game of the
        lane's own. `options` are those of `ResetOptions`.
        """
        picked = np.ones(self.num_games, np.bool_) if chosen is None else _checked_mask(chosen, self.num_games)
        if not self._is_started and not picked.all():
            raise NotStartedError("no games have been started; the first reset must be of every lane")
        if self._has_several and isinstance(options, Mapping) and OF_ONE_SCENARIO & set(options):
            told = ", ".join(sorted(OF_ONE_SCENARIO & set(options)))
            raise ConfigurationError(f"reset options: {told}: they are of one scenario, but this batch has several")
        first = self.configs[0]
        fixed = fixed_draws(options, first.scenario, first.max_rounds, first.only_opener)
        seeds, given = self._seeds(secrets.randbits(62) if seed is None and not self._is_started else seed)
        self.lanes["number"][picked & ~given] += 1
        self.lanes["seed"][picked & given] = seeds[picked & given]
        self.lanes["number"][picked & given] = 0
        self._is_started = True
        arguments = *self._players, fixed, *self._view, picked
        reset = trial.code_for(reset_lanes, (_ALL_WORK, *arguments), self.num_games)
        self._workers.run(reset, *arguments)

    def _seeds(self, seed: int | Sequence[int | None] | None) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """Return the seed of every lane, and which lanes get one."""
        n = self.num_games
        if seed is None:
            return np.zeros(n, np.uint64), np.zeros(n, np.bool_)
        is_one = seed.ndim == 0 if isinstance(seed, np.ndarray) else isinstance(seed, str | bytes)
        if isinstance(seed, Sequence | np.ndarray) and not is_one:
            if len(seed) != n:
                raise ConfigurationError(f"seed: {len(seed)} seeds for {n} lanes; give one each")
            given = np.array([not self._is_started or each is not None for each in seed], np.bool_)
            plain = [secrets.randbits(62) if each is None else checked_seed(each) for each in seed]
            return np.array(plain, np.uint64), given
        first = checked_seed(seed)
        if first > LARGEST_SEED - n:
            raise ConfigurationError(f"seed: {seed} leaves no room for {n} lanes below 2**64")
        return np.uint64(first) + np.arange(n, dtype=np.uint64), np.ones(n, np.bool_)

    def step(self, actions: Any, estimates: Any = None) -> int:
        """Play one discrete action in every lane, and the turns of personas; return the number of games that ended.

        With `beliefs="elicited"`, `estimates` (n, 2) are the means and spreads, normalised, of what the seats on turn
        believe about the other's reservation price; without them, the last stated beliefs stand.
        A lane whose game is over begins the next one instead (`next_step`) or stays as it is (`disabled`); with
        `same_step` it has begun already, and `final_observations` holds the last observation of the game before.
        """
        if not self._is_started:
            raise NotStartedError("no games have been started; call reset() first")
        taken = self._taken(actions)
        if estimates is not None:
            return self._step_stated(taken, estimates)
        if self._raises:
            self._refuse_illegal(taken)
        return self._play(taken)

    def _play(self, taken: NDArray[np.int64]) -> int:
        """Play an action in every lane; return how many games that ended."""
        step = self._stepping.code()
        if self._workers.count == 1:  # as `run` does, with one call less, which counts for a single game
            return step(_ALL_WORK, taken, *self._step_arguments)  # type: ignore[no-any-return]
        return self._workers.run(step, taken, *self._step_arguments)

    def _step_stated(self, taken: NDArray[np.int64], estimates: Any) -> int:
        """Let the seats on turn state beliefs and play their actions; an invalid belief is an illegal move."""
        self._estimates[:] = self._stated(estimates)
        if self._raises:
            self._refuse_illegal(taken)
            self._refuse_unstatable()
        trial.call(
            state_lanes,
            self.lanes,
            self.games,
            self._params,
            taken,
            self._estimates,
            self.packages,
            self._unstated,
            games=self.num_games,
        )
        if not self._unstated.any():
            return self._play(taken)
        refused = self._unstated.copy()
        ended = self._play(np.where(refused, _NO_ACTION, taken))
        self.refusals[refused] = Refusal.BELIEF_OUT_OF_RANGE
        return ended

    def _stated(self, estimates: Any) -> NDArray[Any]:
        """Return estimates as an array of the right shape; the rules check the bounds."""
        if not self.elicits:
            raise ActionTypeError("no estimates go with actions here; leave them out, or set beliefs='elicited'")
        try:
            given = np.asarray(estimates)
        except ValueError:  # rows of different lengths
            given = np.zeros((), object)
        if given.shape != (self.num_games, 2) or given.dtype.kind not in "fiu":
            raise ActionTypeError(
                f"estimates: give {self.num_games} rows of mean and spread, "
                f"not an array of {given.dtype} of shape {given.shape}"
            )
        return given

    def _taken(self, actions: Any) -> NDArray[np.int64]:
        """Return the actions in the kernel's form, copied where necessary."""
        is_plain = type(actions) is np.ndarray and actions.dtype is _INT64 and actions.shape == self._shape
        if is_plain and actions.flags.carray:
            ready: NDArray[np.int64] = actions
            return ready
        try:
            given = np.asarray(actions)
        except ValueError:  # rows of different lengths
            given = np.zeros((), object)
        if given.shape != (self.num_games,) or given.dtype.kind not in "iu":
            raise ActionTypeError(
                f"actions: give {self.num_games} whole numbers, not an array of {given.dtype} of shape {given.shape}"
            )
        self._actions[:] = given
        return self._actions

    def _refuse_illegal(self, actions: NDArray[np.int64]) -> None:
        """Refuse a step with an illegal action before anything is played."""
        lane = trial.call(
            first_illegal, self.lanes, self.games, self._params, actions, self.packages, games=self.num_games
        )
        if lane < 0:
            return
        action, seat = int(actions[lane]), int(self.games["seat"][lane])
        reason = trial.call(check_index, self.games, self._params, lane, action, self.packages)
        raise IllegalMoveError(f"lane {lane}, {self.refusal_text(lane, seat, action, reason)}")

    def _refuse_unstatable(self) -> None:
        """Refuse a step with a belief that cannot be stated before anything is played."""
        lane = trial.call(first_unstatable, self.lanes, self._estimates, games=self.num_games)
        if lane >= 0:
            text = self.refusal_text(lane, int(self.games["seat"][lane]), -1, Refusal.BELIEF_OUT_OF_RANGE)
            raise IllegalMoveError(f"lane {lane}, {text}")

    def refusal_text(self, lane: int, seat: int, action: int, reason: int) -> str:
        """Return the message of an illegal action in a lane, by its `Refusal`."""
        if reason == Refusal.BELIEF_OUT_OF_RANGE:
            return refusal_text(seat, belief_text(*self._estimates[lane].tolist()), reason)
        return refusal_text(seat, action_text(action, action, seat, self.packages), reason)

    def config_of(self, lane: int) -> GameConfig:
        """Return the configuration of the game in a lane; for a family, with the deal of this game."""
        place = int(self.games["scenario"][lane])
        if place < len(self.configs):
            return self.configs[place]
        own = self._params[place : place + 1]
        return self.configs[int(own["deal"]["source"][0]) - 1].with_deal(own)

    def sight(self, lane: int, seat: int) -> dict[str, NDArray[Any]]:
        """Return copies of the observation and the mask (all 0 off turn) of a seat in a lane."""
        vector, mask = np.empty(observed.width(self.packages), np.float32), np.empty(self.n_actions, np.int8)
        trial.call(observe_game, self.games, self._params, lane, seat, self.packages, vector, mask)
        return {"observation": vector, "action_mask": mask}

    def set_opponents(self, shares: Sequence[float], changed: Mapping[int, PersonaPlayer]) -> None:
        """Change the opponents' shares for games that begin from now on, and replace some opponents.

        Only an opponent with a learned policy can be replaced, and only by one whose network has the same shape. The
        new opponent also takes over the current games. A refused call changes nothing.
        """
        if self._seating is Seating.BOTH or len(shares) != len(self.personas):
            raise ConfigurationError(f"opponent: give a share for each of {len(self.personas)}, not {len(shares)}")
        _, cumulative = shares_of("opponent", dict(enumerate(shares)))
        for index, player in changed.items():
            self._check_change(index, player)
        self._persona_shares[:] = cumulative
        records, weights = self._tables
        for index, player in changed.items():
            start = int(records[index]["network"]["start"])
            weights[start : start + len(player.weights)] = player.weights
            records[index] = player.record[0]
            records[index]["network"]["start"] = start
            self.personas[index] = player

    def _check_change(self, index: int, player: PersonaPlayer) -> None:
        """Refuse an opponent that cannot replace the current one, whose weights have a fixed size."""
        if not 0 <= index < len(self.personas):
            raise ConfigurationError(f"opponent: there is no number {index}; they are 0 to {len(self.personas) - 1}")
        now, then = self.personas[index].policy, player.policy
        if now is None or then is None:
            name = (player if now is not None else self.personas[index]).name
            raise ConfigurationError(f"opponent {index}: {name!r} is not played by a learned policy, and cannot change")
        if _shape(now) != _shape(then):
            raise ConfigurationError(
                f"opponent {index}: {player.name!r} has a network of another shape, {_shape(then)}, not {_shape(now)}; "
                "make another batch for it"
            )

    def choices(self, player: PersonaPlayer) -> NDArray[Any]:
        """Return the move of a persona for the seat on turn in each lane, `(n,)` of `CHOICE_DTYPE`.

        With `prices_only`, prices refer to the package of the actions, which is given as 0.
        """
        tables, choices = persona_tables([player]), np.zeros(self.num_games, CHOICE_DTYPE)
        for lane in range(self.num_games):
            choose_move(self.games, self._params, lane, *tables, 0, choices[lane : lane + 1])
            if self.packages < self._row_packages:
                row, choice, seat = self.games[lane], choices[lane], int(self.seats[lane])
                package = best_for_both(row, self._params[row["scenario"]], seat)[0]
                move, price, about = choice.item()
                choice["price"], choice["package"] = as_about_package(row, seat, package, move, price, about), 0
        return choices

    def draw_again(self) -> None:
        """Draw the deals and personas of families again for current games, after `games` and `lanes` were restored."""
        draw_lanes_again(self.lanes, self.games, self._params, *self._tables, self._deal_shares, self._persona_shares)

    def close(self) -> None:
        """Stop the threads."""
        self._workers.close()

    def __getstate__(self) -> dict[str, Any]:
        """Return the data of a copy: no threads, and the contents of the buffers."""
        kept = dict(vars(self))
        del kept["_workers"]
        for name in (*_VIEWS, "_players", "_view", "_step_arguments", "_stepping"):
            del kept[name]
        return kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy; its buffers, which share memory, are allocated again."""
        vars(self).update(state)
        self._allocate(state["observations"].shape[1] > 0)
        for name in _BUFFERS:
            getattr(self, name)[...] = state[name]
        self._workers = Workers(self._threads, self.num_games, LEAST_PER_THREAD)


def _shape(policy: Policy) -> tuple[int, ...]:
    """Return the units of all layers of a policy's network, from the inputs to the actions."""
    return policy.inputs, *policy.hidden, policy.actions


def _checked_mask(chosen: Any, n: int) -> NDArray[np.bool_]:
    """Return a mask over lanes; raise an error where it is none.

    It is always a copy: for a strided or read-only array the kernel would be compiled again.
    """
    try:
        mask = np.array(chosen, order="C")
    except ValueError:  # rows of different lengths
        mask = np.zeros((), object)
    if mask.shape != (n,) or mask.dtype != np.bool_:
        raise ConfigurationError(f"the lanes to reset: give a boolean mask of {n}, not {mask.dtype} of {mask.shape}")
    return mask
