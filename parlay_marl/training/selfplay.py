"""Training a policy by self-play: masked PPO over the native batch, against itself, its past and personas."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.families import load_any_scenario
from parlay_marl.catalogue.personas import load_persona, refuse_held_out
from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import ConfigurationError, MissingExtraError
from parlay_marl.game.config import make_config
from parlay_marl.game.forms import FORM_CHOICES
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.policies.policy import Policy, write_policy
from parlay_marl.studies.evaluation import Evaluation, evaluate
from parlay_marl.studies.outcomes import Outcomes, of_seats
from parlay_marl.training import checkpoint
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.curves import Curves
from parlay_marl.training.folder import Folder
from parlay_marl.training.games import LearnerGames
from parlay_marl.training.goals import drawn_traits
from parlay_marl.training.league import FIRST_PAST, League, league_player, seat_league
from parlay_marl.training.progress import Clock, Progress
from parlay_marl.training.replies import NAME, measured_gap, reply_config
from parlay_marl.training.weights import from_saved, policy_of, saved_weights, start_policy, zero_policy

if TYPE_CHECKING:
    from parlay_marl.training.ppo import Learner

EVALUATION_SEEDS = 2**62
"""The first seed of evaluations, far from those of training."""
SEEDS_OF_A_RUN = 2**21
"""Lanes take the seeds that follow the first one: those of two runs have none in common."""


OnProgress = Callable[[Progress], None]
OnEvaluation = Callable[[int, Evaluation], None]


def train(
    config: TrainingConfig | None,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    on_progress: OnProgress | None = None,
    on_evaluation: OnEvaluation | None = None,
) -> Policy:
    """Train a policy and return it; `out` is a new folder for the run.

    With `resume`, and no config, the run in `out` continues from its last checkpoint and ends with the same weights as
    without the interruption. Needs the extra `train`.
    """
    folder = None if out is None else Folder(out)
    if resume:
        if folder is None or config is not None:
            raise ConfigurationError("resume: give the folder of the run as `out`, and no config: the folder has one")
        config = folder.config()
    elif config is None:
        raise ConfigurationError("config: give the settings of the run, or resume a run")
    run = Run(config, folder)
    try:
        if resume:
            run.resume()
        elif folder is not None:
            folder.begin(config)
        return run.learn(on_progress, on_evaluation)
    finally:
        run.close()


class Run:
    """A training run: its league, its games and its learner, from the first frame or from a checkpoint on."""

    def __init__(
        self,
        config: TrainingConfig,
        folder: Folder | None = None,
        *,
        measures: bool = False,
        others: list[PersonaPlayer] | None = None,
    ) -> None:
        """Prepare a run; one that `measures` a held-out opponent may meet it, as its policy is not kept.

        `others` are opponents in place of those that the config names.
        """
        ppo = _training_extra()
        self.config, self.folder = config, folder
        self.scenarios = [load_any_scenario(name) for name in config.scenarios]
        self.packages = 1 if config.prices_only else max(scenario.n_packages for scenario in self.scenarios)
        weights = list(config.opponents.values()) if others is None else [1.0] * len(others)
        self.others = others or [PersonaPlayer(load_persona(name)) for name in config.opponents]
        if not measures:
            begins_as = [] if config.start is None else [load_persona(config.start)]
            refuse_held_out([*begins_as, *(player.persona for player in self.others)])
        self.league = League(self.others, weights, config.snapshots)
        self._known_traits = _traits_of(self.others) if config.persona_rewards else None
        self._shape = zero_policy(config, self.packages)
        self.batch = self._make_batch()
        self.games = LearnerGames(
            self.batch,
            config.seed * SEEDS_OF_A_RUN,
            exit_bonus=config.exit_bonus,
            deal_bonus=config.deal_bonus,
            turn_discount=config.turn_discount,
            no_losses=config.no_losses,
            known_traits=self._known_traits,
            on_end=self._note_games,
        )
        self.learner: Learner = ppo.Learner(self.games, config)
        self.evaluations: list[dict[str, Any]] = []
        self.gaps: list[dict[str, Any]] = []
        """What replies that joined the league gained over the policy, in the order of their frames."""
        self._due = {
            "snapshot": config.snapshot_every,
            "evaluation": config.evaluate_every,
            "reply": config.reply_every,
        }
        self._payoffs: list[float] = []
        self._curves = Curves(None)
        self._clock, self._last_checkpoint = Clock(0), time.perf_counter()
        self._imitated: PersonaPlayer | None = None
        if config.start is not None:
            start = start_policy(config.start, self._shape)
            if isinstance(start, Policy):
                self.learner.begin_as(zip(start.weights, start.biases, strict=True))
            else:
                self._imitated = start
        self._seat_opponents()
        self.games.reset()

    def _make_batch(self) -> Batch:
        """Return the games of the run, with the league's places as opponents."""
        config, placeholder = self.config, league_player(self.config.name, self._shape)
        return Batch(
            config.lanes,
            self.scenarios,
            reward=config.reward,
            rules=config.rules,
            information=config.information,
            max_rounds=config.max_rounds,
            **_form_of(config),
            illegal="terminate",
            autoreset="same_step",
            learner=config.role,
            opponent=[*[placeholder] * (FIRST_PAST + config.snapshots), *self.others],
            threads=config.threads,
            prices_only=config.prices_only,
        )

    @property
    def frames(self) -> int:
        """Turns of the learner so far."""
        return self.learner.frames

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        figures: dict[str, Any] = {"frames": self.frames, "seed": self.config.seed}
        if self.evaluations:
            figures["evaluation"] = {name: self.evaluations[-1][name] for name in ("frames", "payoff", "metrics")}
        return dataclasses.replace(
            policy_of(self.learner.acting.policy, self._shape),
            temperature=self.config.temperature,
            scenarios=tuple(dict.fromkeys(scenario.name for scenario in self.scenarios)),
            training=figures,
        )

    def sampling_policy(self) -> Policy:
        """Return the policy as it is now, at temperature 1: it draws its actions, as the learner does."""
        return dataclasses.replace(self.policy, temperature=1.0)

    def learn(self, on_progress: OnProgress | None = None, on_evaluation: OnEvaluation | None = None) -> Policy:
        """Train until the frames of the config are reached; return the policy."""
        if self._imitated is not None and self.frames == 0:
            self._imitate(self._imitated)
        self._clock, self._last_checkpoint = Clock(self.frames), time.perf_counter()
        self.games.seconds = 0.0

        def between_updates(is_last: bool = False) -> None:
            with self._clock.outside_training():
                self._between_updates(on_evaluation, is_last)
            if on_progress is not None:
                on_progress(self.progress())

        folder = None if self.folder is None else self.folder.tensorboard
        with _training_extra().one_thread(), Curves(folder) as self._curves:
            while self.frames < self.config.frames:
                between_updates()
                self._update()
            between_updates(is_last=True)
            self._curves.write(self.frames)
        return self.policy

    def _update(self) -> None:
        """Collect a rollout and learn from it, at the learning rate and the weight of the entropy of now."""
        config, curves = self.config, self._curves
        entropy = self._falling(config.entropy, config.final_entropy, config.entropy_fall)
        self.learner.collect()
        rate = self._falling(config.learning_rate, config.final_learning_rate)
        for name, value in self.learner.update(rate, entropy).items():
            curves.record(f"train/{name}", value)
        curves.record("train/learning_rate", rate)
        curves.record("train/entropy_weight", entropy)
        curves.record("time/frames_per_second", self.progress().frames_per_second)
        if self._payoffs:
            curves.record("league/payoff", float(np.mean(self._payoffs)))
            self._payoffs.clear()
        curves.write(self.frames)

    def _imitate(self, player: PersonaPlayer) -> None:
        """Begin as a scripted persona plays."""
        from parlay_marl.training.imitation import imitate

        layers = imitate(self.games, player, self.learner.acting.policy, self.config.activation, self.config.seed)
        self.learner.begin_as([(weight.numpy(), bias.numpy()) for weight, bias in layers])

    def progress(self) -> Progress:
        """Return the progress of the run."""
        return self._clock.progress(self.frames, self.config.trained_frames, self.games.seconds)

    def evaluate(self) -> Evaluation:
        """Let the policy as it is now play every opponent of the config, for payoffs."""
        return evaluate(
            league_player(self.config.name, self.policy),
            self.others,
            scenario_params(self.config),
            games=self.config.evaluation_games,
            seed=EVALUATION_SEEDS + self.config.seed,
            threads=self.config.threads,
        )

    def save(self) -> None:
        """Write the checkpoint and the policy into the run's folder, if it has one."""
        if self.folder is None:
            return
        state = checkpoint.state_of(self.learner, self.games) | {
            "config": self.config.model_dump_json(),
            "past": [saved_weights(policy) for policy in self.league.past],
            "born": list(self.league.born),
            "beaten": self.league.beaten.tolist(),
            "due": dict(self._due),
            "evaluations": json.dumps(self.evaluations),
            "gaps": json.dumps(self.gaps),
        }
        checkpoint.save(self.folder.checkpoint, state)
        write_policy(self.folder.policy(self.config), self.policy)
        self._last_checkpoint = time.perf_counter()

    def resume(self) -> None:
        """Continue from the checkpoint in the run's folder, or from the beginning where there is none yet."""
        if self.folder is None or not self.folder.checkpoint.exists():
            return
        state = checkpoint.load(self.folder.checkpoint)
        if checkpoint.config_of(state) != self.config:
            raise ConfigurationError(
                f"{self.folder.checkpoint}: the checkpoint has other settings than run.json; restore that file"
            )
        if "weights" not in state:
            raise ConfigurationError(f"{self.folder.checkpoint}: an earlier version wrote it; begin the run again")
        checkpoint.restore(state, self.learner, self.games)
        self.league.past = [from_saved(saved, self._shape) for saved in state["past"]]
        self.league.born, self.league.beaten[:] = list(state["born"]), state["beaten"]
        self._due, self.evaluations = dict(state["due"]), json.loads(state["evaluations"])
        self.gaps = json.loads(state["gaps"])

    def close(self) -> None:
        """Release the threads."""
        self.games.close()
        self.learner.close()

    def _note_games(self, opponents: NDArray[Any], outcomes: Any, seats: NDArray[Any]) -> None:
        """Record the payoffs of games that ended."""
        payoffs = Outcomes(outcomes)["payoff"]
        own, other = of_seats(payoffs, seats), of_seats(payoffs, 1 - seats)
        self.league.note(opponents, own, other)
        self._payoffs.append(float(own.mean()))

    def _between_updates(self, on_evaluation: OnEvaluation | None, is_last: bool = False) -> None:
        """Do what is due between two updates: evaluation, snapshot, checkpoint, the opponents of the next games."""
        if self.config.opponent_share > 0.0 and (self.frames >= self._due["evaluation"] or is_last):
            self._due["evaluation"] = self.frames + self.config.evaluate_every
            self._evaluate(on_evaluation)
        if self.frames >= self._due["snapshot"]:
            self._due["snapshot"] = self.frames + self.config.snapshot_every
            self.league.remember(self.sampling_policy(), self.frames)
        if self.config.reply_every and (self.frames >= self._due["reply"] or is_last):
            self._due["reply"] = self.frames + self.config.reply_every
            self._meet_a_reply()
        if is_last or time.perf_counter() - self._last_checkpoint > self.config.checkpoint_seconds:
            self.save()
        self._seat_opponents()

    def _falling(self, first: float, last: float, fall: str = "linear") -> float:
        """Return a setting that goes from one value to another over the run, linearly or geometrically."""
        left = 1.0 - min(self.frames / self.config.frames, 1.0)
        if fall == "geometric":
            return last * math.pow(first / last, left)
        return last + (first - last) * left

    def _seat_opponents(self) -> None:
        """Give the batch the opponents of the league as it is now."""
        config, traits = self.config, None
        if self._known_traits is not None:
            traits = drawn_traits(FIRST_PAST + self.league.places, self._known_traits, self.games.rng)
        shares = config.self_share, config.explorer_share, config.past_share, config.opponent_share
        seat_league(self.batch, self.league, self.sampling_policy(), shares, traits)

    def _meet_a_reply(self) -> None:
        """Train a reply to the policy as it is, note what it gains, and let it join the past policies."""
        if self.gaps and self.gaps[-1]["frames"] == self.frames:
            return  # a resumed run has met it
        config, target = self.config, league_player(self.config.name, self.policy)
        run = Run(reply_config(config, len(self.gaps)), measures=True, others=[target])
        try:
            run.learner.begin_as(zip(self.policy.weights, self.policy.biases, strict=True))
            found = [run.learn(), run.sampling_policy()]
        finally:
            run.close()
        gap = measured_gap(
            target,
            [league_player(NAME, policy) for policy in found],
            scenario_params(config),
            frames=self.frames,
            games=config.evaluation_games,
            seed=EVALUATION_SEEDS + config.seed,
            threads=config.threads,
        )
        self.league.remember(dataclasses.replace(found[1], name=config.name), self.frames)
        self.gaps.append(gap.as_dict())
        self._curves.record("league/gap", gap.gap.mean)
        if self.folder is not None:
            self.folder.write_gaps(self.gaps)

    def _evaluate(self, on_evaluation: OnEvaluation | None) -> None:
        """Evaluate the policy, and keep the result and the policy; skip it where a resumed run already has it."""
        if self.evaluations and self.evaluations[-1]["frames"] == self.frames:
            return
        evaluation = self.evaluate()
        self.evaluations.append({"frames": self.frames, **evaluation.as_dict()})
        self._curves.record("evaluation/payoff", evaluation.payoff.mean)
        for score in evaluation.scores:
            self._curves.record(f"evaluation/against_{score.opponent}", score.payoff.mean)
        if self.folder is not None:
            self.folder.write_evaluations(self.evaluations)
            self.folder.write_snapshot(self.policy, self.frames)
        if on_evaluation is not None:
            on_evaluation(self.frames, evaluation)


def scenario_params(config: TrainingConfig) -> list[Params]:
    """Return the records of a config's scenarios as evaluations play them: for payoffs."""
    chosen: Any = {name: getattr(config, name) for name in ("rules", "max_rounds", "information")}
    return [make_config(name, **chosen, **_form_of(config)).params for name in config.scenarios]


def _form_of(config: TrainingConfig) -> Any:
    """Return the choices that make the games of a config small."""
    return {name: getattr(config, name) for name in FORM_CHOICES}


def _traits_of(players: list[PersonaPlayer]) -> NDArray[np.float64]:
    """Return the traits of personas, `(n, traits)`."""
    return np.array([[float(player.record[0]["base"][name]) for name in TRAIT_INPUTS] for player in players])


def _training_extra() -> Any:
    """Return the module that needs torch, or say how to install it."""
    try:
        from parlay_marl.training import ppo
    except ImportError as error:
        raise MissingExtraError(f'training needs {error.name}; pip install "parlay-marl[train]"') from None
    return ppo
