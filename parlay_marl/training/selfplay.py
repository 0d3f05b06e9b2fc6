"""Training a policy by self-play: masked PPO over the native batch, against itself, its past and personas."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.personas import load_persona
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Params, build_params, load_scenario
from parlay_marl.core.moves import n_actions
from parlay_marl.core.observation import width
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import ConfigurationError, MissingExtraError
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.policies.policy import Policy, write_policy
from parlay_marl.studies.evaluation import Evaluation, evaluate
from parlay_marl.studies.outcomes import Outcomes, of_seats
from parlay_marl.training import checkpoint
from parlay_marl.training.folder import Folder
from parlay_marl.training.goals import drawn_traits
from parlay_marl.training.league import FIRST_PAST, League, league_player, seat_league
from parlay_marl.training.plan import Plan

if TYPE_CHECKING:
    from sb3_contrib import MaskablePPO

    from parlay_marl.training.sb3 import BatchVecEnv

EVALUATION_SEEDS = 2**62
"""Where the seeds of evaluations begin: far from those of training."""


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    frames: int
    total: int
    seconds: float
    """Time since the run was begun or resumed."""
    frames_per_second: float
    """Of training alone, without evaluations and checkpoints."""
    environment_share: float
    """Share of that time spent in the batch, where the opponents play too."""


OnProgress = Callable[[Progress], None]
OnEvaluation = Callable[[int, Evaluation], None]


def train(
    plan: Plan | None,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    on_progress: OnProgress | None = None,
    on_evaluation: OnEvaluation | None = None,
) -> Policy:
    """Train a policy by a plan and return it; `out` is a folder that takes the run.

    With `resume`, and no plan, the run in `out` goes on from its last checkpoint and ends with the weights that it
    would have ended with anyway. Torch's and NumPy's global generators are seeded. Needs the extra `train`.
    """
    folder = None if out is None else Folder(out)
    if resume:
        if folder is None or plan is not None:
            raise ConfigurationError("resume: give the folder of the run as `out`, and no plan: it holds its own")
        plan = folder.plan()
    elif plan is None:
        raise ConfigurationError("plan: say what to train, or resume a run")
    run = Run(plan, folder)
    try:
        if resume:
            run.resume()
        elif folder is not None:
            folder.begin(plan)
        return run.learn(on_progress, on_evaluation)
    finally:
        run.close()


class Run:
    """A training run: its league, its games and its model, from the first frame or from a checkpoint on."""

    def __init__(self, plan: Plan, folder: Folder | None = None) -> None:
        sb3 = _training_extra()
        self.plan, self.folder = plan, folder
        self.scenarios = [load_scenario(name) for name in plan.scenarios]
        self.packages = max(scenario.n_packages for scenario in self.scenarios)
        self.others = [PersonaPlayer(load_persona(name)) for name in plan.opponents]
        self.league = League(self.others, list(plan.opponents.values()), plan.snapshots)
        self._known_traits = _traits_of(self.others) if plan.persona_rewards else None
        self._blank = _blank_policy(plan, self.packages)
        blank = league_player(plan.name, self._blank)
        self.batch = Batch(
            plan.lanes,
            self.scenarios,
            reward=plan.reward,
            information=plan.information,
            max_rounds=plan.max_rounds,
            illegal="terminate",
            autoreset="same_step",
            learner=plan.role,
            opponent=[*[blank] * (FIRST_PAST + plan.snapshots), *self.others],
            threads=plan.threads,
        )
        self.env: BatchVecEnv = sb3.BatchVecEnv(
            self.batch,
            plan.seed * 2**21,  # lanes take the seeds that follow: those of two runs have none in common
            exit_bonus=plan.exit_bonus,
            turn_discount=plan.turn_discount,
            known_traits=self._known_traits,
            on_end=self._note,
        )
        self.model: MaskablePPO = sb3.make_model(self.env, plan)
        self.evaluations: list[dict[str, Any]] = []
        self._due = {"snapshot": plan.snapshot_every, "evaluation": plan.evaluate_every}
        self._payoffs: list[float] = []
        self._started = self._last_checkpoint = time.perf_counter()
        self._first_frame, self._seconds_aside = 0, 0.0
        if plan.start is not None:
            self._begin_as(plan.start)

    @property
    def frames(self) -> int:
        """Turns of the learner so far."""
        return int(self.model.num_timesteps)

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        plan, layers = self.plan, _layers(self.plan)
        state = {name: tensor.detach().cpu().numpy() for name, tensor in self.model.policy.state_dict().items()}
        figures: dict[str, Any] = {"frames": self.frames, "seed": plan.seed}
        if self.evaluations:
            figures["evaluation"] = {name: self.evaluations[-1][name] for name in ("frames", "payoff", "metrics")}
        return dataclasses.replace(
            self._blank,
            weights=tuple(state[f"{layer}.weight"].copy() for layer in layers),
            biases=tuple(state[f"{layer}.bias"].copy() for layer in layers),
            temperature=plan.temperature,
            scenarios=tuple(scenario.name for scenario in self.scenarios),
            training=figures,
        )

    def learn(self, on_progress: OnProgress | None = None, on_evaluation: OnEvaluation | None = None) -> Policy:
        """Train until the plan's frames are reached; return the policy."""
        sb3 = _training_extra()
        self._started = self._last_checkpoint = time.perf_counter()
        self._first_frame, self._seconds_aside, self.env.seconds = self.frames, 0.0, 0.0

        def between() -> None:
            with self._aside():
                self._look_up(on_evaluation)
            if on_progress is not None:
                on_progress(self.progress())

        if self.folder is not None:
            self.model.set_logger(sb3.curves(self.folder.tensorboard))
        with sb3.threads(self.plan.threads):
            left = self.plan.frames - self.frames
            if left > 0:
                self.model.learn(left, callback=sb3.Hooks(between), reset_num_timesteps=False)
            with self._aside():
                self._look_up(on_evaluation, is_last=True)
        if on_progress is not None:
            on_progress(self.progress())
        return self.policy

    def progress(self) -> Progress:
        """Return how far the run has come."""
        seconds = time.perf_counter() - self._started
        training = max(seconds - self._seconds_aside, 1e-9)
        speed = (self.frames - self._first_frame) / training
        return Progress(self.frames, self.plan.frames, seconds, speed, self.env.seconds / training)

    def evaluate(self) -> Evaluation:
        """Let the policy as it is now play every opponent of the plan, for payoffs."""
        return evaluate(
            league_player(self.plan.name, self.policy),
            self.others,
            deals_of(self.plan),
            games=self.plan.evaluation_games,
            seed=EVALUATION_SEEDS + self.plan.seed,
            threads=self.plan.threads,
        )

    def save(self) -> None:
        """Write the checkpoint and the policy into the run's folder."""
        if self.folder is None:
            return
        state = checkpoint.state_of(self.model, self.env) | {
            "plan": self.plan.model_dump_json(),
            "past": [[_tensors(policy.weights), _tensors(policy.biases)] for policy in self.league.past],
            "born": list(self.league.born),
            "beaten": self.league.beaten.tolist(),
            "due": dict(self._due),
            "evaluations": json.dumps(self.evaluations),
        }
        checkpoint.save(self.folder.checkpoint, state)
        write_policy(self.folder.policy(self.plan), self.policy)
        self._last_checkpoint = time.perf_counter()

    def resume(self) -> None:
        """Go on from the checkpoint in the run's folder, or from the beginning where none was written yet."""
        if self.folder is None or not self.folder.checkpoint.exists():
            return
        state = checkpoint.load(self.folder.checkpoint)
        if state.get("plan") != self.plan.model_dump_json():
            raise ConfigurationError(
                f"{self.folder.checkpoint}: the checkpoint is of another plan than run.json; restore that file"
            )
        checkpoint.restore(state, self.model, self.env)
        self.league.past = [self._past_policy(*tensors) for tensors in state["past"]]
        self.league.born, self.league.beaten[:] = list(state["born"]), state["beaten"]
        self._due, self.evaluations = dict(state["due"]), json.loads(state["evaluations"])

    def close(self) -> None:
        """Release the threads."""
        self.env.close()

    def _begin_as(self, name: str) -> None:
        """Give the learner the weights of a policy of the same shape; what it expects to be paid it learns anew."""
        start = PersonaPlayer(load_persona(name)).policy
        mine = self.policy
        if start is None:
            raise ConfigurationError(f"start: no learned policy plays {name!r}; name one, or a policy file")
        for what in ("inputs", "hidden", "actions", "traits", "activation"):
            theirs, own = getattr(start, what), getattr(mine, what)
            if theirs != own:
                raise ConfigurationError(f"start: {name!r} has another network: {what} {theirs}, not {own} as planned")
        state = dict(self.model.policy.state_dict())
        for layer, weight, bias in zip(_layers(self.plan), start.weights, start.biases, strict=True):
            state |= {f"{layer}.weight": _tensors((weight,))[0], f"{layer}.bias": _tensors((bias,))[0]}
        self.model.policy.load_state_dict(state)

    def _past_policy(self, weights: Any, biases: Any) -> Policy:
        """Return a past policy from the tensors of a checkpoint."""
        return dataclasses.replace(
            self._blank,
            weights=tuple(tensor.numpy() for tensor in weights),
            biases=tuple(tensor.numpy() for tensor in biases),
        )

    def sampling(self) -> Policy:
        """Return the policy as it is while it learns: it draws its actions, however it is to play in the end."""
        return dataclasses.replace(self.policy, temperature=1.0)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Keep the time of what is not training apart."""
        began = time.perf_counter()
        yield
        self._seconds_aside += time.perf_counter() - began

    def _note(self, opponents: NDArray[Any], outcomes: Any, seats: NDArray[Any]) -> None:
        """Take note of games that ended."""
        payoffs = Outcomes(outcomes)["payoff"]
        own, other = of_seats(payoffs, seats), of_seats(payoffs, 1 - seats)
        self.league.note(opponents, own, other)
        self._payoffs.append(float(own.mean()))

    def _look_up(self, on_evaluation: OnEvaluation | None, is_last: bool = False) -> None:
        """Do what is due between two updates: evaluation, checkpoint, the league's next opponents."""
        if self.plan.opponent_share > 0.0 and (self.frames >= self._due["evaluation"] or is_last):
            self._due["evaluation"] = self.frames + self.plan.evaluate_every
            self._evaluate(on_evaluation)
        if self.frames >= self._due["snapshot"]:
            self._due["snapshot"] = self.frames + self.plan.snapshot_every
            self.league.remember(self.sampling(), self.frames)
        if is_last or time.perf_counter() - self._last_checkpoint > self.plan.checkpoint_seconds:
            self.save()
        if self._payoffs:
            self.model.logger.record("league/payoff", float(np.mean(self._payoffs)))
            self._payoffs.clear()
        left = 1.0 - min(self.frames / self.plan.frames, 1.0)
        self.model.ent_coef = self.plan.final_entropy + (self.plan.entropy - self.plan.final_entropy) * left
        traits = None
        if self._known_traits is not None:
            traits = drawn_traits(FIRST_PAST + self.league.places, self._known_traits, self.env.rng)
        plan = self.plan
        shares = plan.self_share, plan.explorer_share, plan.past_share, plan.opponent_share
        seat_league(self.batch, self.league, self.sampling(), shares, traits)

    def _evaluate(self, on_evaluation: OnEvaluation | None) -> None:
        """Evaluate the policy, and keep it and what it was paid; once where a run is resumed at the same place."""
        if self.evaluations and self.evaluations[-1]["frames"] == self.frames:
            return
        evaluation = self.evaluate()
        self.evaluations.append({"frames": self.frames, **evaluation.as_dict()})
        self.model.logger.record("evaluation/payoff", evaluation.payoff.mean)
        for score in evaluation.scores:
            self.model.logger.record(f"evaluation/against_{score.opponent}", score.payoff.mean)
        if self.folder is not None:
            self.folder.keep_evaluations(self.evaluations)
            self.folder.keep_snapshot(self.policy, self.frames)
        if on_evaluation is not None:
            on_evaluation(self.frames, evaluation)


def deals_of(plan: Plan) -> list[Params]:
    """Return the records of a plan's scenarios, as evaluations play them: for payoffs."""
    rules = load_rules("default")
    return [
        build_params(load_scenario(name), rules, rounds=plan.max_rounds, information=plan.information, reward="payoff")
        for name in plan.scenarios
    ]


def _layers(plan: Plan) -> list[str]:
    """Return what Stable-Baselines3 calls the layers of the policy's network, from the first to the logits."""
    return [*(f"mlp_extractor.policy_net.{2 * i}" for i in range(len(plan.hidden))), "action_net"]


def _blank_policy(plan: Plan, packages: int) -> Policy:
    """Return a policy of a plan's shape whose weights are all 0."""
    traits = TRAIT_INPUTS if plan.persona_rewards else ()
    sizes = [width(packages) + len(traits), *plan.hidden, n_actions(packages)]
    return Policy(
        name=plan.name,
        weights=tuple(np.zeros((n, m), np.float32) for m, n in itertools.pairwise(sizes)),
        biases=tuple(np.zeros(n, np.float32) for n in sizes[1:]),
        activation=plan.activation,
        packages=packages,
        traits=traits,
    )


def _traits_of(players: list[PersonaPlayer]) -> NDArray[np.float64]:
    """Return the traits of personas, `(n, traits)`."""
    return np.array([[float(player.record[0]["base"][name]) for name in TRAIT_INPUTS] for player in players])


def _tensors(arrays: tuple[NDArray[Any], ...]) -> list[Any]:
    """Return arrays as tensors of their own."""
    import torch

    return [torch.from_numpy(array.copy()) for array in arrays]


def _training_extra() -> Any:
    """Return the module that needs Stable-Baselines3, or say how to install it."""
    try:
        from parlay_marl.training import sb3
    except ImportError as error:
        raise MissingExtraError(f'training needs {error.name}; pip install "parlay-marl[train]"') from None
    return sb3
