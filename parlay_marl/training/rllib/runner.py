"""A runner of RLlib that plays hundreds of games in one kernel call, and asks each network once for all of them."""

from __future__ import annotations

import math
import secrets
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.callbacks.utils import make_callback
from ray.rllib.core.columns import Columns
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.utils import metrics as names
from ray.rllib.utils.torch_utils import convert_to_torch_tensor

from parlay_marl.envs.table import AGENTS
from parlay_marl.errors import ConfigurationError
from parlay_marl.training.rllib.figures import Figures
from parlay_marl.training.rllib.lanes import Lanes
from parlay_marl.training.rllib.module import MASK, OBSERVATION
from parlay_marl.training.rllib.rollout import Game, NegotiationEpisode, Rows, chunk
from parlay_marl.training.rllib_settings import SEEDS_APART, env_settings, lane_seed

OWN_RUNNER = "take RLlib's own runner instead, config.env_runners(env_runner_cls=None)"


class BatchEnvRunner(MultiAgentEnvRunner):
    """Samples as RLlib's `MultiAgentEnvRunner` does, from `num_envs_per_env_runner` games at once.

    Episodes, metrics and states are RLlib's, and game k of lane i is the one that its own runner plays in environment
    i. Agents whose module is not trained are left out of the episodes, since their turns would be thrown away;
    callbacks see them. Episode metrics are means over the games that ended in a call of `sample`. Connectors of one's
    own, modules with a memory and `on_episode_step` are refused: they would need Python for each turn.
    """

    def __init__(self, config: Any, **settings: Any) -> None:
        if config._env_to_module_connector is not None or config._module_to_env_connector is not None:
            raise ConfigurationError(f"connectors of your own have no place in a BatchEnvRunner; {OWN_RUNNER}")
        self.figures = Figures()
        super().__init__(config, **settings)
        if self._is_hooked("on_episode_step"):
            raise ConfigurationError(f"on_episode_step is not called by a BatchEnvRunner; {OWN_RUNNER}")
        self._hooks = {
            which: self._is_hooked(which) for which in ("on_episode_created", "on_episode_start", "on_episode_end")
        }

    def _is_hooked(self, which: str) -> bool:
        """Return whether the user has a callback of this kind."""
        methods = any(getattr(type(each), which) is not getattr(RLlibCallback, which) for each in self._callbacks)
        return methods or bool(getattr(self.config, f"callbacks_{which}"))

    # ------------------------------------------------------------------ making

    def make_env(self) -> None:
        """Make the games; drop those in progress."""
        if self.env is not None:
            self.env.close()
        context = self.config.env_config
        self.env: Lanes = Lanes(env_settings(context), self.config.num_envs_per_env_runner)
        self.num_envs = lanes = self.env.num_envs
        self._rows = Rows(lanes, self.env.fields, self.env.actions, self._turns_of_a_rollout())
        self._games: list[Game] = []
        self._modules = np.zeros((lanes, len(AGENTS)), np.int64)
        self._names: list[str] = []
        self._needs_initial_reset, self._has_begun = True, False
        make_callback(
            "on_environment_created",
            self._callbacks,
            self.config.callbacks_on_environment_created,
            kwargs={
                "env_runner": self,
                "metrics_logger": self.metrics,
                "env": self.env,
                "env_context": context,
            },
        )

    def make_module(self) -> None:
        """Make the networks, without critics."""
        super().make_module()
        for name, module in self.module.items() if self.module is not None else ():
            if module.is_stateful():
                raise ConfigurationError(f"module {name!r} has a memory, which a BatchEnvRunner has not; {OWN_RUNNER}")

    def _turns_of_a_rollout(self) -> int:
        return int(self.config.get_rollout_fragment_length(self.worker_index or 0))

    # ------------------------------------------------------------------ sampling

    def _sample(
        self,
        *,
        num_timesteps: int | None = None,
        num_episodes: int | None = None,
        explore: bool,
        random_actions: bool = False,
        force_reset: bool = False,
    ) -> list[NegotiationEpisode]:
        """Play a number of turns or games; return the episodes, and the parts of those in progress."""
        if force_reset or num_episodes is not None or self._needs_initial_reset:
            self._begin_all()
        self._needs_initial_reset = num_episodes is not None
        episodes: list[NegotiationEpisode] = []
        done, turns = 0, 0
        while turns * self.num_envs < num_timesteps if num_timesteps is not None else done < (num_episodes or 0):
            turns += 1
            ended = self._play_turn(explore, random_actions)
            lanes = np.flatnonzero(ended).tolist()
            done += len(lanes)
            episodes += [episode for lane in lanes for episode in self._finish(lane)]
            if lanes:
                self.env.begin(ended)
                for lane in lanes:
                    self._begin(lane)
        if num_timesteps is not None:
            episodes += self._cut()
        self._count(turns, done)
        return episodes

    def _begin_all(self) -> None:
        """Begin a game in every lane: the first of the runner's seed or, later, the next one."""
        seeds = None
        if not self._has_begun:
            first = secrets.randbits(31) if self._seed is None else self._seed
            later = self.num_env_steps_sampled_lifetime % SEEDS_APART  # of a runner that replaces another
            seeds = [lane_seed(first + lane, self.worker_index or 0) + later for lane in range(self.num_envs)]
        self.env.reset(seeds)
        self._has_begun = True
        self._rows.clear()
        self._games = [Game("", {}, self.config.policy_mapping_fn) for _ in range(self.num_envs)]
        for lane in range(self.num_envs):
            self._begin(lane)

    def _begin(self, lane: int) -> None:
        """Assign modules to a lane's new game."""
        game = Game(self.env.name(lane), {}, self.config.policy_mapping_fn)
        episode = game.episode()
        self._call("on_episode_created", lane, episode)
        for seat in self.env.played(lane):
            name = game.modules[AGENTS[seat]] = episode.module_for(AGENTS[seat])
            self._modules[lane, seat] = self._index_of(name)
        self._games[lane] = game
        self._rows.first[lane] = self._rows.last + 1
        self._call("on_episode_start", lane, episode)

    def _index_of(self, module: str) -> int:
        if module not in self._names:
            if module not in self.module:
                known = sorted(self.module.keys())
                raise ConfigurationError(f"policy_mapping_fn returned {module!r}, but there are only {known}")
            self._names.append(module)
        return self._names.index(module)

    def _call(self, which: str, lane: int, episode: NegotiationEpisode) -> None:
        """Call the user's callbacks of a kind."""
        if self._hooks[which]:
            more: dict[str, Any] = {"prev_episode_chunks": []} if which == "on_episode_end" else {}
            make_callback(
                which,
                self._callbacks,
                getattr(self.config, f"callbacks_{which}"),
                kwargs={
                    "episode": episode,
                    "env_runner": self,
                    "metrics_logger": self.metrics,
                    "env": self.env,
                    "rl_module": self.module,
                    "env_index": lane,
                    **more,
                },
            )

    def _play_turn(self, explore: bool, random_actions: bool) -> NDArray[np.bool_]:
        """Play a turn in every lane; return where that ended the game."""
        rows, t = self._rows, self._rows.advance()
        self.env.write_sights(rows[OBSERVATION][t], rows[MASK][t])
        seats = rows["seat"][t] = self.env.seats()
        asked = self._modules[np.arange(self.num_envs), seats]
        self.figures.count(seats, asked, self._names)
        if random_actions:
            rows[Columns.ACTIONS][t] = (np.random.random(rows[MASK][t].shape) * rows[MASK][t]).argmax(axis=1)
        else:
            with self.metrics.log_time(names.RLMODULE_INFERENCE_TIMER):
                for module in np.unique(asked).tolist():
                    self._decide(t, self._names[module], np.flatnonzero(asked == module), explore)
        with self.metrics.log_time(names.ENV_STEP_TIMER):
            ended = self.env.step(rows[Columns.ACTIONS][t])
        rows["rewards"][t] = self.env.rewards()
        self.figures.illegal_moves += self.env.refused()
        return ended

    def _decide(self, t: int, module: str, lanes: NDArray[np.int64], explore: bool) -> None:
        """Let a module choose the actions of some lanes."""
        rows, network = self._rows, self.module[module]
        seen = {name: rows[name][t, lanes] for name in (OBSERVATION, MASK)}
        batch = {Columns.OBS: convert_to_torch_tensor(seen, device=self._device)}
        with torch.no_grad():
            forward = network.forward_exploration if explore else network.forward_inference
            logits = forward(batch)[Columns.ACTION_DIST_INPUTS]
            kind = network.get_exploration_action_dist_cls() if explore else network.get_inference_action_dist_cls()
            actions = kind.from_logits(logits) if explore else kind.from_logits(logits).to_deterministic()
            drawn = actions.sample()
            rows[Columns.ACTIONS][t, lanes] = drawn.cpu().numpy()
            rows[Columns.ACTION_DIST_INPUTS][t, lanes] = logits.cpu().numpy()
            if explore:
                rows[Columns.ACTION_LOGP][t, lanes] = actions.logp(drawn).cpu().numpy()

    # ------------------------------------------------------------------ episodes

    def _finish(self, lane: int) -> list[NegotiationEpisode]:
        """Return the episode of a game that is over, as a list of one or none."""
        rows = self._rows
        episode, game = chunk(
            rows, lane, rows.first[lane], rows.last + 1, self._games[lane], True, self.env.sights(lane)
        )
        self.figures.note(game, self.env.outcome(lane))
        self._call("on_episode_end", lane, episode)
        return self._trained(episode)

    def _cut(self) -> list[NegotiationEpisode]:
        """Return the parts of the games in progress, and begin the next rollout."""
        rows, lanes = self._rows, range(self.num_envs)
        seats, there = self.env.seats(), rows.first <= rows.last
        seen: dict[str, NDArray[Any]] = {
            OBSERVATION: np.empty((self.num_envs, self.env.fields), np.float32),
            MASK: np.empty((self.num_envs, self.env.actions), np.int8),
        }
        self.env.write_sights(seen[OBSERVATION], seen[MASK])
        episodes: list[NegotiationEpisode] = []
        for lane in lanes:
            if there[lane]:
                sights = {int(seats[lane]): {name: column[lane] for name, column in seen.items()}}
                episode, self._games[lane] = chunk(
                    rows, lane, rows.first[lane], rows.last + 1, self._games[lane], False, sights
                )
                episodes += self._trained(episode)
        unpaid = there & (rows["seat"][rows.last] != seats)
        settled = np.array([self._games[lane].steps[seats[lane]] > 0 for lane in lanes])
        rows.carry(unpaid, settled)
        return episodes

    def _trained(self, episode: NegotiationEpisode) -> list[NegotiationEpisode]:
        """Return an episode without the agents that do not learn, as a list of one or none."""
        wanted = self.config.policies_to_train
        if wanted is not None and not callable(wanted):
            for agent, own in list(episode.agent_episodes.items()):
                if own.module_id not in wanted:
                    del episode.agent_episodes[agent]
        return [episode] if episode.agent_episodes else []

    # ------------------------------------------------------------------ metrics

    def _count(self, turns: int, done: int) -> None:
        """Log the numbers of turns and games."""
        log, total = self.metrics.log_value, turns * self.num_envs
        self.num_env_steps_sampled_lifetime += total
        log(names.NUM_ENV_STEPS_SAMPLED, total, reduce="sum")
        log(names.NUM_ENV_STEPS_SAMPLED_LIFETIME, total, reduce="lifetime_sum", with_throughput=True)
        log(names.NUM_EPISODES, done, reduce="sum")
        log(names.NUM_EPISODES_LIFETIME, done, reduce="lifetime_sum")
        self._log_env_steps(self._metrics_num_env_steps_sampled, max(total, 1))

    def get_metrics(self) -> Any:
        """Return the metrics since the last call."""
        share = self.config.num_env_runners or 1
        self.figures.log(self.metrics, math.ceil(self.config.metrics_num_episodes_for_smoothing / share))
        return self.metrics.reduce()
