"""The native vector environment of Gymnasium: one learner in each lane, personas in the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from pydantic import BaseModel

from parlay_marl.core.belief import N_FIGURES
from parlay_marl.core.moves import SEATS
from parlay_marl.core.observation import AT
from parlay_marl.core.outcome import NONE
from parlay_marl.envs.batch import Batch, Many
from parlay_marl.envs.config import one_of
from parlay_marl.envs.spaces import action_space, observation_space
from parlay_marl.errors import ActionTypeError, ConfigurationError

Observations = dict[str, NDArray[Any]]
ROLES = (*SEATS, "mixed")
_BELIEF = slice(AT.belief_reservation, AT.belief_reservation + N_FIGURES)
"""Where in an observation the figures of a belief are."""
_MODES = {
    AutoresetMode.NEXT_STEP: "next_step",
    AutoresetMode.SAME_STEP: "same_step",
    AutoresetMode.DISABLED: "disabled",
}


class NegotiationVectorEnv(VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
    """What `gymnasium.make_vec("parlay/Negotiation-v0", num_envs=...)` makes.

    The arguments are those of the single environment, and: `role` may be `mixed`; `scenario` and `opponent` may be a
    sequence, drawn per game with equal shares, or a mapping of names to shares; the action space has room for the
    scenario with the most packages. `autoreset_mode` is Gymnasium's; `threads` moves lanes in parallel, with the same
    results; `copy=False` returns the buffers themselves, which the next step overwrites.

    `infos["belief"]` (n, 7) float32 is what the learners believe of the other seat, normalised, in the order of
    `core.belief.Belief`: the figures of their observations, which with `copy=False` it looks into. When games end,
    `infos["outcome"]` holds their reports, an array of `OUTCOME_DTYPE`, where `infos["_outcome"]`. With
    `beliefs="elicited"` the actions are `{"action": (n,), "belief": (n, 2)}`; `belief` may be left out.
    """

    def __init__(
        self,
        num_envs: int = 1,
        role: str = "buyer",
        opponent: Many = "shark",
        scenario: Many = "saas_enterprise",
        rules: str | Mapping[str, Any] | BaseModel = "default",
        reward: str = "payoff",
        information: str | None = None,
        opener: str | None = None,
        max_rounds: int | None = None,
        illegal: str = "terminate",
        beliefs: str = "bayes",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int = 1,
        copy: bool = True,
        render_mode: str | None = None,
    ) -> None:
        one_of("role", role, ROLES)
        if render_mode is not None:
            raise ConfigurationError("many games cannot be rendered; make a single environment to watch one")
        self.autoreset_mode = _autoreset_mode(autoreset_mode)
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": []}
        self.batch = Batch(
            num_envs, scenario, rules, reward, information, opener, max_rounds, beliefs, illegal,
            autoreset=_MODES[self.autoreset_mode], learner=role, opponent=opponent, threads=threads,
        )  # fmt: skip
        self.num_envs = self.batch.num_games
        self.render_mode = None
        self._copies = copy
        self._lanes, self._all = np.arange(self.num_envs), np.ones(self.num_envs, np.bool_)
        packages = self.batch.packages
        self.single_observation_space = observation_space("discrete", packages)
        self.single_action_space = action_space("discrete", packages, states=self.batch.elicits)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Begin a game in every lane, or in those of `options["reset_mask"]`; see `Batch.reset` for the seeds."""
        rest = dict(options or {})
        chosen = rest.pop("reset_mask", None)
        self.batch.reset(seed, rest, chosen)
        return self._observations(), self._beliefs()

    def step(
        self, actions: Any
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Play an action in every lane, and the opponents' answers."""
        batch = self.batch
        actions, estimates = self._parts(actions)
        learners = batch.learners.copy()
        ended = batch.step(actions, estimates)
        rewards = batch.rewards[self._lanes, learners]
        terminated = batch.endings != NONE
        infos = self._beliefs()
        if ended:
            infos |= self._ends(terminated, learners, actions)
        return self._observations(), rewards, terminated, np.zeros(self.num_envs, np.bool_), infos

    def _parts(self, actions: Any) -> tuple[Any, Any]:
        """Return (actions, estimates) of what a step is given: a mapping or, without estimates, the actions alone."""
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

    def _beliefs(self) -> dict[str, Any]:
        """Return the infos about what the learners believe."""
        seen, there = self.batch.observations[:, _BELIEF], self._all
        return {"belief": seen.copy(), "_belief": there.copy()} if self._copies else {"belief": seen, "_belief": there}

    def _ends(self, terminated: NDArray[np.bool_], learners: NDArray[np.int8], actions: Any) -> dict[str, Any]:
        """Return what there is to say about games that ended.

        Their outcomes, what was illegal where that ended them and, with SAME_STEP, their last observations.
        """
        infos: dict[str, Any] = {"outcome": self.batch.outcomes.copy(), "_outcome": terminated.copy()}
        refused = self.batch.refusals != 0
        if refused.any():
            infos["illegal"] = texts = np.full(self.num_envs, None, object)
            infos["_illegal"] = refused
            for lane in np.flatnonzero(refused).tolist():
                texts[lane] = self.batch.refusal_text(
                    lane, int(learners[lane]), int(actions[lane]), self.batch.refusals[lane]
                )
        if self.autoreset_mode is not AutoresetMode.SAME_STEP:
            return infos
        infos |= {"belief": self.batch.final_observations[:, _BELIEF].copy(), "_belief": terminated.copy()}
        return {
            "final_obs": self._final_observations(terminated),
            "_final_obs": terminated.copy(),
            "final_info": infos,
            "_final_info": terminated.copy(),
        }

    def _final_observations(self, terminated: NDArray[np.bool_]) -> NDArray[Any]:
        """Return the last observation of each lane whose game ended, None elsewhere: unbatched, as Gymnasium's are."""
        lanes = np.flatnonzero(terminated)
        seen, masks = self.batch.final_observations[lanes], np.zeros((len(lanes), self.batch.n_actions), np.int8)
        final = np.full(self.num_envs, None, object)
        for i, lane in enumerate(lanes.tolist()):
            final[lane] = {"observation": seen[i], "action_mask": masks[i]}
        return final

    def action_masks(self) -> NDArray[np.int8]:
        """Return the masks of the legal actions, shape (num_envs, actions), as sb3-contrib asks for them."""
        return self.batch.masks.copy()

    def close_extras(self, **_: Any) -> None:
        """Release the threads; Gymnasium 1.2 calls this even where the arguments were refused."""
        if hasattr(self, "batch"):
            self.batch.close()


def _autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    """Return one of Gymnasium's autoreset modes."""
    one_of(
        "autoreset_mode", mode.value if isinstance(mode, AutoresetMode) else mode, tuple(m.value for m in AutoresetMode)
    )
    return AutoresetMode(mode)
