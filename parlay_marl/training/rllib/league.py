"""A self-play league in RLlib: a callback freezes copies of the learner, and a mapping seats them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.core import COMPONENT_RL_MODULE
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS

from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import whole_number
from parlay_marl.training.league import pfsp_shares, place_to_free
from parlay_marl.training.rllib.figures import NEGOTIATION, SCORE

LEARNER = "learner"
PAST = "past_{}"
"""The name of a frozen copy of the learner, by its place."""
KEPT = 0.7
"""The weight of the earlier estimate of how often a copy is beaten, when an iteration adds its games."""


class Matchmaking:
    """The modules of a game, by its name: the learner in either seat, against itself or a frozen copy.

    `beaten` is how often the learner beats each copy. Copies are chosen by prioritised fictitious self-play, as in
    `parlay_marl.training.league`, without a generator: a game of one name has the same players in every process.
    """

    def __init__(self, past: Sequence[str] = (), beaten: Sequence[float] = (), self_share: float = 0.5) -> None:
        self.past, self.beaten, self.self_share = tuple(past), tuple(beaten), self_share

    @property
    def shares(self) -> list[float]:
        """Return the share of each copy of the games against copies."""
        shares: list[float] = pfsp_shares(np.array(self.beaten)).tolist()
        return shares

    def __call__(self, agent: str, episode: Any, **_: Any) -> str:
        """Return the module of an agent."""
        side, draw = divmod(2.0 * zlib.crc32(str(episode.id_).encode()) / 2**32, 1.0)
        learner = "buyer_0" if side == 0.0 else "seller_0"
        if agent == learner or not self.past or draw < self.self_share:
            return LEARNER
        bounds = self.self_share + (1.0 - self.self_share) * np.cumsum(self.shares)
        return self.past[min(int(np.searchsorted(bounds, draw, side="right")), len(self.past) - 1)]


class LeagueCallback(RLlibCallback):
    """Freezes the learner every `every` iterations, as a module that plays and does not learn; at most `most` of them.

    When all places are taken, the copy that is beaten most often makes room, never the first. To set them:
    `config.callbacks(functools.partial(LeagueCallback, every=10))`.
    """

    def __init__(self, every: int = 5, most: int = 6) -> None:
        super().__init__()
        self.every = whole_number("every", every, 1, 10**9)
        self.most = whole_number("most", most, 1, 1000)

    def on_train_result(self, *, algorithm: Any, result: dict[str, Any], **_: Any) -> None:
        """Update the estimates, freeze the learner when it is due, and give all runners the new mapping."""
        mapping = algorithm.config.policy_mapping_fn
        if not isinstance(mapping, Matchmaking):
            raise ConfigurationError("policy_mapping_fn: a league needs a Matchmaking; take self_play_league()")
        past, beaten = list(mapping.past), _noted(mapping, result)
        if result["training_iteration"] % self.every == 0:
            place = len(past)
            if place >= self.most:
                place = place_to_free(beaten)
            else:
                past.append(PAST.format(place))
                beaten.append(0.5)
            beaten[place] = 0.5
            freeze(algorithm, past[place])
        seat(algorithm, Matchmaking(past, beaten, mapping.self_share))
        result["league"] = dict(zip(past, beaten, strict=True))


def _noted(mapping: Matchmaking, result: dict[str, Any]) -> list[float]:
    """Return how often the learner beats each copy, with the games of an iteration."""
    scores = result.get(ENV_RUNNER_RESULTS, {}).get(NEGOTIATION, {}).get(SCORE, {}).get(LEARNER, {})
    return [
        KEPT * known + (1.0 - KEPT) * float(scores[name]) if np.isfinite(scores.get(name, np.nan)) else known
        for name, known in zip(mapping.past, mapping.beaten, strict=True)
    ]


def freeze(algorithm: Any, name: str) -> None:
    """Give the module of a name the weights of the learner, in the learner group and in all runners; add a new one.

    RLlib itself does not sync modules that do not learn.
    """
    if name not in algorithm.config.policies:
        spec = first(algorithm.learner_group, lambda learner: RLModuleSpec.from_module(learner.module[LEARNER]))
        algorithm.add_module(name, spec, new_should_module_be_updated=[LEARNER])

    def copy(learner: Any) -> Any:
        learner.module[name].set_state(learner.module[LEARNER].get_state())
        return learner.module[LEARNER].get_state(inference_only=True)

    state = {COMPONENT_RL_MODULE: {name: first(algorithm.learner_group, copy)}}
    for group in (algorithm.env_runner_group, algorithm.eval_env_runner_group):
        if group is not None:
            group.foreach_env_runner(lambda runner: runner.set_state(state))


def seat(algorithm: Any, mapping: Matchmaking) -> None:
    """Give a mapping to all runners, also to those that start or restart later."""
    algorithm.config._is_frozen = False
    algorithm.config.multi_agent(policy_mapping_fn=mapping)
    algorithm.config.freeze()
    for group in (algorithm.env_runner_group, algorithm.eval_env_runner_group):
        if group is not None:
            group.foreach_env_runner(lambda runner: runner.config.multi_agent(policy_mapping_fn=mapping) and None)


def first(learners: Any, ask: Any) -> Any:
    """Return the answer of the first learner of a group, after all have been asked."""
    return next(iter(learners.foreach_learner(ask))).get()
