"""The native vector environment of Gymnasium: one learner in each lane, personas in the kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from parlay_marl.core.belief import N_FIGURES
from parlay_marl.core.moves import SEATS
from parlay_marl.core.observation import BELIEF_AT
from parlay_marl.core.outcome import NONE
from parlay_marl.envs.batch import Batch
from parlay_marl.envs.infos import BEFORE, figure_columns, write_final_figures
from parlay_marl.envs.many import Many
from parlay_marl.envs.spaces import action_space, observation_space
from parlay_marl.errors import ActionTypeError, ConfigurationError
from parlay_marl.game.config import ACTIONS, DEFAULT_SCENARIO, GameArguments, one_of, takes_game, whole_number

Observations = dict[str, NDArray[Any]]
ROLES = (*SEATS, "mixed")
_MODES = {
    AutoresetMode.NEXT_STEP: "next_step",
    AutoresetMode.SAME_STEP: "same_step",
    AutoresetMode.DISABLED: "disabled",
}


class NegotiationVectorEnv(VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
    """The environment that `gymnasium.make_vec("parlay/Negotiation-v0", num_envs=...)` makes.

    It takes the arguments of the single environment and some more. `role` may be `mixed`; `scenario` and `opponent` may
    be a sequence, drawn per game with equal shares, or a mapping of names to shares; the action space has room for the
    scenario with the most packages. `autoreset_mode` is Gymnasium's; `threads` moves lanes in parallel, with the same
    results; `copy=False` returns the buffers themselves, which the next step overwrites. `max_episode_steps` truncates
    games after this number of the learner's actions, as Gymnasium's `TimeLimit` does.

    Infos are the single environment's, as Gymnasium batches them: an array for each key of `envs.infos`, and `_key`, a
    mask of the lanes that have it. With `beliefs="elicited"` the actions are
    `{"action": (n,), "belief": (n, 2)}`; `belief` may be left out. The mask of a lane that waits for its reset allows
    every action, and none of them is played. `batch.outcomes` holds the whole report of every lane's last finished
    game, an array of `OUTCOME_DTYPE`.
    """

    @takes_game
    def __init__(
        self,
        num_envs: int = 1,
        role: str = "buyer",
        opponent: Many = "shark",
        scenario: Many = DEFAULT_SCENARIO,
        *,
        actions: str = "discrete",
        illegal: str = "terminate",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int = 1,
        copy: bool = True,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        **game: Unpack[GameArguments],
    ) -> None:
        one_of("role", role, ROLES)
        if render_mode is not None:
            raise ConfigurationError("many games cannot be rendered; make a single environment to watch one")
        one_of("form of actions", actions, ACTIONS)
        if actions != "discrete":
            raise ConfigurationError(
                f"actions: many games take discrete actions, not {actions!r}; for those use vectorization_mode='sync'"
            )
        whole_number("num_envs", num_envs, 1, 2**31 - 1)
        self._most_steps = 0
        if max_episode_steps is not None:
            self._most_steps = whole_number("max_episode_steps", max_episode_steps, 1, 2**31 - 1)
        self.autoreset_mode = _autoreset_mode(autoreset_mode)
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": []}
        self.batch = Batch(
            num_envs,
            scenario,
            illegal=illegal,
            autoreset=_MODES[self.autoreset_mode],
            learner=role,
            opponent=opponent,
            threads=threads,
            **game,
        )
        self.num_envs = self.batch.num_games
        self.render_mode = None
        self._copies = copy
        self._lanes, self._all = np.arange(self.num_envs), np.ones(self.num_envs, np.bool_)
        self._steps = np.zeros(self.num_envs, np.int64)
        self._last: tuple[Any, NDArray[np.int8]] = (), np.zeros(0, np.int8)
        packages = self.batch.packages
        self.single_observation_space = observation_space("discrete", packages)
        self.single_action_space = action_space("discrete", packages, states=self.batch.elicits)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Begin a game in every lane, or in those marked by `options["reset_mask"]`.

        See `Batch.reset` for the seeds.
        """
        rest = dict(options or {})
        chosen = rest.pop("reset_mask", None)
        self.batch.reset(seed, rest, chosen)
        begun = self._all if chosen is None else np.array(chosen)
        self._steps[begun] = 0
        observations = self._observations()
        return observations, self._infos(observations, begun)

    def step(
        self, actions: Any
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Play an action in every lane, and the opponents' turns."""
        batch = self.batch
        actions, estimates = self._parts(actions)
        learners, waiting = batch.learners.copy(), batch.lanes["is_over"] == 1
        ended = batch.step(actions, estimates)
        self._last = np.array(actions), learners
        rewards = batch.rewards[self._lanes, learners]
        terminated = batch.endings != NONE
        truncated = self._truncated(waiting)
        said: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            if ended or truncated.any():
                said = self._final(terminated, truncated, learners)
        elif self.autoreset_mode is AutoresetMode.NEXT_STEP:
            batch.lanes["is_over"][truncated] = 1
        observations = self._observations()
        infos = self._infos(observations, self._all)
        if ended and self.autoreset_mode is not AutoresetMode.SAME_STEP:
            write_final_figures(infos, np.flatnonzero(terminated), batch.outcomes, learners)
        return observations, rewards, terminated, truncated, infos | said

    def _truncated(self, waiting: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Count the step of the lanes that did not wait for a reset; return where the step limit is reached."""
        self._steps += 1
        self._steps[waiting] = 0
        return self._steps >= self._most_steps if self._most_steps else np.zeros(self.num_envs, np.bool_)

    def _parts(self, actions: Any) -> tuple[Any, Any]:
        """Return (actions, estimates) from a mapping or, without estimates, from the actions alone."""
        if not isinstance(actions, Mapping):
            return actions, None
        if "action" not in actions or set(actions) - {"action", "belief"}:
            raise ActionTypeError(
                f"actions: give {self.num_envs} whole numbers, or {{'action': ..., 'belief': ...}}, not {actions!r}"
            )
        return actions["action"], actions.get("belief")

    def _observations(self) -> Observations:
        batch = self.batch
        if not self._copies:
            return {"observation": batch.observations, "action_mask": batch.masks}
        return {"observation": batch.observations.copy(), "action_mask": batch.masks.copy()}

    def _infos(self, seen: Observations, told: NDArray[np.bool_]) -> dict[str, Any]:
        """Return the infos; `told`, `(num_envs,)`, says which games have any, and `seen` holds the masks of actions."""
        belief = seen["observation"][:, BELIEF_AT]
        sights = {"action_mask": seen["action_mask"], "belief": belief.copy() if self._copies else belief}
        infos = sights | figure_columns(self.num_envs)
        return infos | {f"_{name}": told.copy() for name in infos}

    def _final(
        self, terminated: NDArray[np.bool_], truncated: NDArray[np.bool_], learners: NDArray[np.int8]
    ) -> dict[str, Any]:
        """Return the final infos of SAME_STEP for games that ended, in Gymnasium's form; restart truncated games."""
        batch, ended, cut = self.batch, terminated | truncated, truncated & ~terminated
        lanes, over = np.flatnonzero(ended), terminated[ended][:, None]
        seen = np.where(over, batch.final_observations[lanes], batch.observations[lanes])
        masks = np.where(over, np.int8(1), batch.masks[lanes])
        infos: dict[str, Any] = {
            "action_mask": np.zeros_like(batch.masks),
            "belief": np.zeros((self.num_envs, N_FIGURES), np.float32),
        }
        infos["action_mask"][lanes], infos["belief"][lanes] = masks, seen[:, BELIEF_AT]
        infos |= figure_columns(self.num_envs)
        for name in BEFORE:
            infos[name][~ended] = 0
        write_final_figures(infos, np.flatnonzero(terminated), batch.outcomes, learners)
        infos |= {f"_{name}": ended.copy() for name in infos}
        final = np.full(self.num_envs, None, object)
        for i, lane in enumerate(lanes.tolist()):
            final[lane] = {"observation": seen[i], "action_mask": masks[i]}
        if cut.any():
            batch.reset(chosen=cut)
        self._steps[ended] = 0
        return {"final_obs": final, "_final_obs": ended.copy(), "final_info": infos, "_final_info": ended.copy()}

    def action_masks(self) -> NDArray[np.int8]:
        """Return the masks of the legal actions, shape (num_envs, actions), as sb3-contrib asks for them."""
        return self.batch.masks.copy()

    def refusals(self) -> tuple[str | None, ...]:
        """Return why an illegal action has ended the game of each lane; None for the other lanes."""
        return tuple(self._refusal(lane) for lane in range(self.num_envs))

    def _refusal(self, lane: int) -> str | None:
        reason = int(self.batch.refusals[lane])
        if not reason:
            return None
        actions, learners = self._last
        return self.batch.refusal_text(lane, int(learners[lane]), int(actions[lane]), reason)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """The seed of every lane's games, in the form of `SyncVectorEnv`."""
        return tuple(self.batch.lanes["seed"].tolist())

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """A generator for every lane, made from its seed; games do not use it."""
        return tuple(seeding.np_random(seed)[0] for seed in self.np_random_seed)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Return the results of `SyncVectorEnv.call` for the attributes that lanes have.

        Raises:
            AttributeError: for other names.
        """
        own = self._of_lanes()
        if name not in own:
            raise AttributeError(f"lanes have no {name!r}; they have {', '.join(sorted(own))}")
        return own[name](*args, **kwargs)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return an attribute of each lane; see `call`."""
        return self.call(name)

    def _of_lanes(self) -> dict[str, Callable[..., tuple[Any, ...]]]:
        """Return the attributes of lanes, each as a function that returns its values for all lanes."""
        n, batch = self.num_envs, self.batch
        same: dict[str, Any] = {
            "spec": self.spec,
            "render_mode": None,
            "observation_space": self.single_observation_space,
            "action_space": self.single_action_space,
        }
        return {name: lambda value=value: (value,) * n for name, value in same.items()} | {
            "action_masks": lambda: tuple(self.action_masks()),
            "config": lambda: tuple(batch.config_of(i) for i in range(n)),
            "np_random_seed": lambda: self.np_random_seed,
            "np_random": lambda: self.np_random,
            "refusal": self.refusals,
        }

    def close_extras(self, **_: Any) -> None:
        """Stop the threads; Gymnasium 1.2 calls this even where the arguments were refused."""
        if hasattr(self, "batch"):
            self.batch.close()


def _autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    """Return a member of Gymnasium's `AutoresetMode`."""
    one_of(
        "autoreset_mode", mode.value if isinstance(mode, AutoresetMode) else mode, tuple(m.value for m in AutoresetMode)
    )
    return AutoresetMode(mode)
