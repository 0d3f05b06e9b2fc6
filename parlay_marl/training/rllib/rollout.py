"""The turns of a runner, in rows, and the episodes made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ray.rllib.core.columns import Columns
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.env.utils.infinite_lookback_buffer import InfiniteLookbackBuffer

from parlay_marl.envs.table import AGENTS
from parlay_marl.game.position import Observation
from parlay_marl.training.rllib.module import MASK, OBSERVATION

SKIPPED = MultiAgentEpisode.SKIP_ENV_TS_TAG
"""RLlib's mark of a turn on which an agent observes nothing."""

Mapping = Callable[..., str]


class NegotiationEpisode(MultiAgentEpisode):
    """An episode of RLlib with a fixed order of agents: RLlib has a set, whose order differs between processes."""

    @property
    def agent_ids(self) -> tuple[str, ...]:
        """The agents, the buyer first."""
        return tuple(agent for agent in AGENTS if agent in self.agent_episodes)


class Game(NamedTuple):
    """The current game of a lane: its modules, and the part of it in earlier rollouts."""

    id_: str
    modules: dict[str, str]
    """The module of each agent; a seat that an opponent plays has none."""
    mapping: Mapping
    turns: int = 0
    steps: tuple[int, int] = (0, 0)
    """Own turns of each seat."""
    pays: tuple[float, float] = (0.0, 0.0)
    """The rewards of each seat so far."""

    def episode(self) -> NegotiationEpisode:
        """Return an episode of the game without any turns."""
        return NegotiationEpisode(
            self.id_, agent_module_ids=dict(self.modules), agent_to_module_mapping_fn=self.mapping
        )


class Rows:
    """The turns of all lanes, a row for each; row 0 has turns of the earlier rollout that are still unpaid.

    The reward of a turn is known when its seat is on turn again or the game is over.
    """

    def __init__(self, lanes: int, fields: int, actions: int, turns: int) -> None:
        self.lanes = lanes
        self.shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            OBSERVATION: ((fields,), np.float32),
            MASK: ((actions,), np.int8),
            Columns.ACTION_DIST_INPUTS: ((actions,), np.float32),
            Columns.ACTION_LOGP: ((), np.float32),
            Columns.ACTIONS: ((), np.int64),
            "seat": ((), np.int8),
            "rewards": ((2,), np.float64),
        }
        self.columns: dict[str, NDArray[Any]] = {}
        self._make_room(turns + 1)
        self.first = np.ones(lanes, np.int64)
        """The first row of each lane: 0 where the earlier rollout left a turn."""
        self.last = 0
        """The last row that is filled."""

    def _make_room(self, rows: int) -> None:
        """Extend all columns to a number of rows."""
        for name, (shape, dtype) in self.shapes.items():
            new = np.zeros((rows, self.lanes, *shape), dtype)
            if name in self.columns:
                new[: len(self.columns[name])] = self.columns[name]
            self.columns[name] = new

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self.columns[column]

    def advance(self) -> int:
        """Return the next row, which is to be filled."""
        self.last += 1
        if self.last == len(self["seat"]):
            self._make_room(2 * self.last)
        return self.last

    def clear(self) -> None:
        """Remove all rows."""
        self.last = 0
        self.first[:] = 1

    def carry(self, unpaid: NDArray[np.bool_], settled: NDArray[np.bool_]) -> None:
        """Begin the next rollout: the last turn of the lanes `unpaid` becomes its row 0.

        In the lanes `settled` the other seat has already been paid for that turn.
        """
        for column in self.columns.values():
            column[0, unpaid] = column[self.last, unpaid]
        paid = np.flatnonzero(unpaid & settled)
        self["rewards"][0, paid, 1 - self["seat"][0, paid]] = 0.0
        self.first[:] = np.where(unpaid, 0, 1)
        self.last = 0


def chunk(
    rows: Rows, lane: int, start: int, stop: int, game: Game, ended: bool, sights: dict[int, Observation]
) -> tuple[NegotiationEpisode, Game]:
    """Return the turns `start` to `stop` of a lane as an episode of RLlib, or a part of one, and the game after it.

    `sights` are the observations of seats after their last turn; a seat without one has an unpaid turn, which is left
    for the next rollout.
    """
    episode = game.episode()
    seats, paid = rows["seat"][start:stop, lane], rows["rewards"][start:stop, lane]
    carried, turns = int(start == 0), stop - start
    steps, pays = list(game.steps), list(game.pays)
    episode.env_t_started = game.turns
    episode.env_t = game.turns + turns - carried
    episode.is_terminated = ended
    for seat, agent in enumerate(AGENTS):
        own = np.flatnonzero(seats == seat)
        if not len(own):
            continue
        rewards = np.add.reduceat(paid[:, seat], own)
        if own[0] > 0 and game.steps[seat] == 0:
            rewards[0] += paid[: own[0], seat].sum()  # the pay before its first turn
        final = sights.get(seat)
        if final is None:
            paid[own[-1], seat] = rewards[-1]  # with the earlier pay, where it is the first turn
            last, own, rewards = start + own[-1], own[:-1], rewards[:-1]
            if not len(own):
                continue
            final = {name: rows[name][last, lane] for name in (OBSERVATION, MASK)}
        picked, module = start + own, game.modules[agent]
        episode.agent_episodes[agent] = _own_episode(
            rows, lane, picked, rewards, final, episode.id_, seat, module, steps[seat], ended
        )
        _note_times(episode, agent, own, turns, steps[seat], carried, ended)
        steps[seat] += len(own)
        pays[seat] += float(rewards.sum())
    return episode, game._replace(turns=episode.env_t, steps=(steps[0], steps[1]), pays=(pays[0], pays[1]))


def _own_episode(
    rows: Rows,
    lane: int,
    picked: NDArray[np.int64],
    rewards: NDArray[np.float64],
    final: Observation,
    id_: str,
    seat: int,
    module: str,
    started: int,
    ended: bool,
) -> SingleAgentEpisode:
    """Return the turns of one seat as an episode of RLlib."""
    n = len(picked)
    seen = {}
    for name in (OBSERVATION, MASK):
        column = rows[name]
        seen[name] = np.empty((n + 1, column.shape[2]), column.dtype)
        seen[name][:n], seen[name][n] = column[picked, lane], final[name]
    return SingleAgentEpisode(
        id_=f"{id_}_{seat}",
        observations=InfiniteLookbackBuffer(seen),
        infos=InfiniteLookbackBuffer([{}] * (n + 1)),
        actions=InfiniteLookbackBuffer(rows[Columns.ACTIONS][picked, lane]),
        rewards=InfiniteLookbackBuffer(rewards),
        terminated=ended,
        extra_model_outputs={
            name: InfiniteLookbackBuffer(rows[name][picked, lane])
            for name in (Columns.ACTION_DIST_INPUTS, Columns.ACTION_LOGP)
        },
        t_started=started,
        agent_id=AGENTS[seat],
        module_id=module,
        multi_agent_episode_id=id_,
        len_lookback_buffer=0,
    )


def _note_times(
    episode: MultiAgentEpisode, agent: str, own: NDArray[np.int64], turns: int, started: int, carried: int, ended: bool
) -> None:
    """Mark the turns that are an agent's own."""
    times: list[Any] = [SKIPPED] * (turns + 1)
    for k, turn in enumerate(own.tolist()):
        times[turn] = started + k
    if ended:
        times[turns] = started + len(own)
    episode.env_t_to_agent_t[agent] = InfiniteLookbackBuffer(times, lookback=carried)
