"""Training a policy by self-play: masked PPO over the native batch, against itself, its past and personas."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.personas import load_persona
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Params, build_params, load_scenario
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.opponents.policy import Policy
from parlay_marl.opponents.seat import PersonaOpponent
from parlay_marl.training.evaluation import Evaluation, evaluate
from parlay_marl.training.goals import drawn_traits
from parlay_marl.training.league import SELVES, League, seat_league
from parlay_marl.training.plan import Plan

if TYPE_CHECKING:
    from sb3_contrib import MaskablePPO

    from parlay_marl.training.sb3 import BatchVecEnv


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    frames: int
    total: int
    seconds: float
    """Time since the run was started or resumed."""
    frames_per_second: float
    """Of training alone: without evaluations and checkpoints."""
    environment_share: float
    """Share of that time spent in the batch, opponents included."""


OnProgress = Callable[[Progress], None]
OnEvaluation = Callable[[int, Evaluation], None]


def policy_of(model: MaskablePPO, plan: Plan, packages: int, frames: int) -> Policy:
    """Return the policy that a model is now."""
    state = {name: tensor.detach().cpu().numpy().copy() for name, tensor in model.policy.state_dict().items()}
    hidden = [f"mlp_extractor.policy_net.{2 * i}" for i in range(len(plan.hidden))]
    layers = [*hidden, "action_net"]
    return Policy(
        name=plan.name,
        weights=tuple(state[f"{layer}.weight"] for layer in layers),
        biases=tuple(state[f"{layer}.bias"] for layer in layers),
        activation=plan.activation,
        packages=packages,
        traits=TRAIT_INPUTS if plan.persona_rewards else (),
        scenarios=plan.scenarios,
        training={"frames": frames, "seed": plan.seed},
    )


class Run:
    """A training run: its league, its games and its model, from the first frame or from a checkpoint on."""

    def __init__(self, plan: Plan, folder: Path | None = None) -> None:
        from parlay_marl.training.sb3 import BatchVecEnv, make_model

        self.plan, self.folder = plan, folder
        self.scenarios = [load_scenario(name) for name in plan.scenarios]
        self.packages = max(scenario.n_packages for scenario in self.scenarios)
        self.others = [PersonaOpponent(load_persona(name)) for name in plan.opponents]
        self.league = League(self.others, list(plan.opponents.values()), plan.snapshots)
        self._shares = plan.self_share, plan.past_share, plan.opponent_share
        self.known_traits = _traits_of(self.others) if plan.persona_rewards else None
        blank = _blank_policy(plan, self.packages)
        self.batch = Batch(
            plan.lanes,
            self.scenarios,
            reward=plan.reward,
            information=plan.information,
            max_rounds=plan.max_rounds,
            illegal="terminate",
            autoreset="same_step",
            learner=plan.role,
            opponent=self.league.line_up(blank, self._slot_traits(np.random.default_rng(0))),
            threads=plan.threads,
        )
        self.env: BatchVecEnv = BatchVecEnv(
            self.batch,
            plan.seed * 2**21,  # lanes take the seeds that follow: those of two runs have none in common
            exit_bonus=plan.exit_bonus,
            known_traits=self.known_traits,
            on_end=self._note,
        )
        self.model: MaskablePPO = make_model(self.env, plan)
        self._payoffs: list[float] = []
        self.snapshot_due, self.evaluation_due = plan.snapshot_every, plan.evaluate_every
        self._seconds_aside = 0.0

    @property
    def frames(self) -> int:
        """Turns of the learner so far."""
        return int(self.model.num_timesteps)

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return policy_of(self.model, self.plan, self.packages, self.frames)

    def _slot_traits(self, rng: np.random.Generator) -> NDArray[np.float32] | None:
        """Return traits for the league's policies, where they are given some."""
        if self.known_traits is None:
            return None
        return drawn_traits(SELVES + self.league.places, self.known_traits, rng)

    def _note(self, opponents: NDArray[Any], outcomes: Any, seats: NDArray[Any]) -> None:
        """Take note of games that ended."""
        rows = np.arange(len(outcomes))
        own, other = outcomes["payoff"][rows, seats], outcomes["payoff"][rows, 1 - seats]
        self.league.note(opponents, own, other)
        self._payoffs.append(float(own.mean()))

    def learn(self, on_progress: OnProgress | None = None, on_evaluation: OnEvaluation | None = None) -> Policy:
        """Train until the plan's frames are reached; return the policy."""
        from parlay_marl.training.sb3 import Hooks

        self._started, self._first_frame, self._seconds_aside = time.perf_counter(), self.frames, 0.0
        self._last_checkpoint = self._started
        self.env.seconds = 0.0

        def between() -> bool:
            with self._aside():
                self._look_up(on_evaluation)
            if on_progress is not None and self.frames > self._first_frame:
                on_progress(self.progress())
            return True

        left = self.plan.frames - self.frames
        if left > 0:
            self.model.learn(left, callback=Hooks(between), reset_num_timesteps=False)
        with self._aside():
            self._look_up(on_evaluation)
        if on_progress is not None:
            on_progress(self.progress())
        return self.policy

    def progress(self) -> Progress:
        """Return how far the run has come."""
        now = time.perf_counter() - self._started
        training = max(now - self._seconds_aside, 1e-9)
        speed = (self.frames - self._first_frame) / training
        return Progress(self.frames, self.plan.frames, now, speed, self.env.seconds / training)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Keep the time of what is not training apart."""
        began = time.perf_counter()
        yield
        self._seconds_aside += time.perf_counter() - began

    def _look_up(self, on_evaluation: OnEvaluation | None) -> None:
        """Do what is due between two updates: snapshots, evaluations, and the league's next opponents."""
        if self.frames >= self.snapshot_due:
            self.snapshot_due = self.frames + self.plan.snapshot_every
            self.league.remember(self.policy, self.frames)
        if self.frames >= self.evaluation_due or self.frames >= self.plan.frames:
            self.evaluation_due = self.frames + self.plan.evaluate_every
            if on_evaluation is not None:
                on_evaluation(self.frames, self.evaluate())
        if self._payoffs:
            self.model.logger.record("league/payoff", float(np.mean(self._payoffs)))
            self._payoffs.clear()
        left = 1.0 - min(self.frames / self.plan.frames, 1.0)
        self.model.ent_coef = self.plan.final_entropy + (self.plan.entropy - self.plan.final_entropy) * left
        seat_league(self.batch, self.league, self.policy, self._shares, self._slot_traits(self.env.rng))

    def evaluate(self, games: int | None = None) -> Evaluation:
        """Let the policy as it is now play every opponent of the plan."""
        from parlay_marl.training.league import member

        player = member(self.plan.name, self.policy)
        return evaluate(
            player,
            self.others,
            self.deals(),
            games=games or self.plan.evaluation_games,
            seed=2**62 + self.plan.seed,
            threads=self.plan.threads,
        )

    def deals(self) -> list[Params]:
        """Return the scenarios' records, as evaluations play them: for payoffs."""
        rules = load_rules("default")
        return [
            build_params(
                scenario, rules, rounds=self.plan.max_rounds, information=self.plan.information, reward="payoff"
            )
            for scenario in self.scenarios
        ]


def _blank_policy(plan: Plan, packages: int) -> Policy:
    """Return a policy of a plan's shape whose weights are all 0."""
    from parlay_marl.core.moves import n_actions
    from parlay_marl.core.observation import width

    traits = TRAIT_INPUTS if plan.persona_rewards else ()
    sizes = [width(packages) + len(traits), *plan.hidden, n_actions(packages)]
    return Policy(
        name=plan.name,
        weights=tuple(np.zeros((n, m), np.float32) for m, n in zip(sizes, sizes[1:], strict=False)),
        biases=tuple(np.zeros(n, np.float32) for n in sizes[1:]),
        activation=plan.activation,
        packages=packages,
        traits=traits,
    )


def _traits_of(players: list[PersonaOpponent]) -> NDArray[np.float64]:
    """Return the traits of personas, `(n, traits)`."""
    return np.array([[float(player.record[0]["base"][name]) for name in TRAIT_INPUTS] for player in players])
