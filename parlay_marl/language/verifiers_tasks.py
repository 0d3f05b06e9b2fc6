"""verifiers: tasksets of deals for a model in one seat against an opponent, and for a model in each of both seats.

    vf-eval parlay_one_seat -n 20 -m MODEL --env.taskset.opponent diplomat
    vf-eval parlay_two_seats -n 20 -m MODEL --env.seller.model ANOTHER

verifiers finds a taskset by the name of a module that exports it: `parlay_one_seat` and `parlay_two_seats`. The game is
played by the environment itself, which tells each agent its position as a user would and reads its replies. Agents talk
in verifiers' `null` harness, without tools of their own, in a process of this machine, unless it is said otherwise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, Literal

import verifiers.v1 as vf
from verifiers.v1.runtimes import SubprocessConfig

from parlay_marl.core.moves import SEATS
from parlay_marl.game.config import DEFAULT_SCENARIO, make_config
from parlay_marl.game.game import Game
from parlay_marl.language.deals import Deals
from parlay_marl.language.forms import FormName
from parlay_marl.language.text_game import TextGame, Unreadable

TALKER = vf.AgentConfig(harness={"id": "null"}, runtime=SubprocessConfig())
"""A harness in which a model only talks; it needs no container."""


class DealData(vf.TaskData):
    """One deal: game 0 of a seed."""

    seed: int


class DealTask(vf.Task[DealData]):
    """One deal to bargain about, as a seat sees it; the environment plays it and pays its rewards."""


class DealConfig(vf.TasksetConfig):
    """The options of a taskset's deals."""

    scenario: str = DEFAULT_SCENARIO
    """A scenario or `family:NAME`, which draws a deal for each seed."""
    first_seed: int = 0
    """The seed of the first task; each further one has the next."""
    form: FormName = "commands"
    """The form of reply that the text explains: `commands` or `json`."""
    attempts: int = 3
    """Most replies in a turn; after them the turn is lost."""
    unreadable: Unreadable = "silence"
    """The effect of a lost turn: `silence`, or `forfeit` of the game."""
    max_rounds: int | None = None
    """Rounds until the deadline; by default the scenario's own."""
    opener: Literal["buyer", "seller", "random"] | None = None
    """The seat that opens each round; by default the scenario's own."""

    def game_settings(self) -> dict[str, Any]:
        """Return the settings of the game."""
        return {"max_rounds": self.max_rounds, "opener": self.opener}

    def in_text(self, game: Game) -> TextGame:
        """Return a game with its free seats in text."""
        return TextGame(game, self.form, attempts=self.attempts, unreadable=self.unreadable)


class OneSeatConfig(DealConfig):
    """The options of a taskset with one seat, and its opponent."""

    role: Literal["buyer", "seller", "mixed"] = "buyer"
    """The model's seat; `mixed` draws it for each task."""
    opponent: str | list[str] = "shark"
    """The persona in the other seat, or several, of which one is drawn for each task."""


class TwoSeatsConfig(DealConfig):
    """The deals of a taskset with two seats."""


class _Deals(vf.Taskset[DealTask, DealConfig]):
    """An endless sequence of deals, one for each seed."""

    INFINITE = True

    def load(self) -> Iterator[DealTask]:
        """Yield a task for each seed."""
        for i in itertools.count():
            seed = self.config.first_seed + i
            yield DealTask(
                DealData(idx=i, name=f"{self.config.scenario}#{seed}", prompt=None, seed=seed), self.config.task
            )


class OneSeatTaskset(_Deals, vf.Taskset[DealTask, OneSeatConfig]):
    """Deals for one model."""


class TwoSeatsTaskset(_Deals, vf.Taskset[DealTask, TwoSeatsConfig]):
    """Deals for two models."""


class OneSeatEnvConfig(vf.EnvConfig):
    """The agent of the environment with one seat."""

    player: vf.AgentConfig = TALKER


class TwoSeatsEnvConfig(vf.EnvConfig):
    """The agents of the environment with two seats, one for each."""

    buyer: vf.AgentConfig = TALKER
    seller: vf.AgentConfig = TALKER


class OneSeatEnv(vf.Env[OneSeatEnvConfig]):
    """A game of one model against a persona."""

    async def run(self, task: Any, agents: Any) -> None:
        """Play the game of a task."""
        config = self.taskset.config
        deals = Deals(config.role, config.opponent, config.scenario, **config.game_settings())
        drawn = deals.drawn(task.data.seed)
        game = config.in_text(deals.game(drawn))
        game.begin(task.data.seed)
        await _play(game, {drawn.seat: agents.player}, task)


class TwoSeatsEnv(vf.Env[TwoSeatsEnvConfig]):
    """A game between two models, each of which is paid and scored for itself."""

    async def run(self, task: Any, agents: Any) -> None:
        """Play the game of a task."""
        config = self.taskset.config
        game = config.in_text(Game(make_config(config.scenario, **config.game_settings())))
        game.begin(task.data.seed)
        await _play(game, {0: agents.buyer, 1: agents.seller}, task)


async def _play(game: TextGame, agents: dict[int, Any], task: Any) -> None:
    """Let agents play a game to its end; one that gives no further reply forfeits it.

    Where a model cannot be reached, the episode fails without rewards, and a resumed evaluation plays it again.
    """
    async with AsyncExitStack() as open_talks:
        talks = {
            seat: await open_talks.enter_async_context(agent.interaction(_seat_task(task, game, seat)))
            for seat, agent in agents.items()
        }
        while not game.game.is_over:
            seat = game.game.seat
            segment = await talks[seat].turn(game.prompt(seat))
            if talks[seat].trace.errors:
                raise RuntimeError(f"the {SEATS[seat]}'s model could not be asked; see the errors of its trace")
            if segment.terminated:
                game.forfeit(seat)
            else:
                game.reply(segment.last_reply)
        for seat, talk in talks.items():
            _score(talk.trace, game, seat)


def _seat_task(task: Any, game: TextGame, seat: int) -> Any:
    """Return the task for one seat: its rules and figures are the system message."""
    own = task.data.model_copy(update={"system_prompt": task.data.system_prompt or game.rules_text(seat)})
    return type(task)(own, task.config)


def _score(trace: Any, game: TextGame, seat: int) -> None:
    """Record the reward and the figures of a seat in the finished game."""
    outcome = game.game.outcome()
    trace.record_reward("payoff", game.paid[seat])
    trace.record_metrics(
        {
            "deal": float(outcome.is_deal),
            "share": outcome.shares[seat],
            "rounds": float(outcome.round + 1),
            "forfeited": float(outcome.ending == "forfeit" and outcome.closed_by == SEATS[seat]),
            **{name: float(count) for name, count in game.figures(seat).items()},
        }
    )
    trace.info["negotiation"] = {"role": SEATS[seat], "ending": outcome.ending, "price": outcome.price}
