"""The learner: an update is that of sb3-contrib's MaskablePPO, and threads change neither games nor weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.logger import Logger

from parlay_marl.envs.batch import Batch
from parlay_marl.training import ppo
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.games import LearnerGames
from tests.training.maskable_ppo import layers, maskable_ppo

LANES, STEPS = 32, 20
N = LANES * STEPS


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minibatch of the tests has several chunks, the last of them a small one."""
    monkeypatch.setattr(ppo, "CHUNK", 48)


def config(**changes: Any) -> TrainingConfig:
    settings = {"lanes": LANES, "steps": STEPS, "batch_size": 160, "epochs": 2, "hidden": (16, 24), "entropy": 0.05}
    return TrainingConfig.model_validate(settings | changes)


def games(scenario: Any = "uniform") -> LearnerGames:
    batch = Batch(
        LANES, scenario, reward="payoff", illegal="terminate", autoreset="same_step", learner="mixed",
        opponent=["shark", "random"],
    )  # fmt: skip
    begun = LearnerGames(batch, 3)
    begun.reset()
    return begun


@pytest.fixture
def made() -> Iterator[Any]:
    """Return a function that makes learners, which are closed in the end."""
    learners = []

    def make(**changes: Any) -> ppo.Learner:
        learners.append(ppo.Learner(games(), config(**changes)))
        return learners[-1]

    yield make
    for learner in learners:
        learner.close()


def reference(learner: ppo.Learner, settings: TrainingConfig) -> Any:
    """Return MaskablePPO with the weights and the last rollout of a learner, before its first update."""
    model = maskable_ppo(learner._games, settings)
    both = layers(model, len(settings.hidden))
    for own, theirs in zip((learner.acting.policy, learner.acting.value), both, strict=True):
        for source, target in zip(itertools.chain(*own), itertools.chain(*theirs), strict=True):
            target.copy_(source)
    buffer, frames, starts = model.rollout_buffer, learner._frames, np.zeros(LANES)
    shaped = {
        name: getattr(frames, name)[:N].reshape(STEPS, LANES, -1)
        for name in ("observations", "actions", "log_probabilities", "illegal")
    }
    for step in range(STEPS):
        seen, actions, chances, illegal = (each[step] for each in shaped.values())
        with torch.no_grad():
            values, log_probs, _ = model.policy.evaluate_actions(seen, actions[:, 0], 1 - illegal)
        assert chances[:, 0] == pytest.approx(log_probs, abs=1e-5)
        buffer.add(
            seen.numpy(), actions.numpy(), learner._rewards[step], starts, values, log_probs,
            action_masks=1 - illegal.numpy(),
        )  # fmt: skip
        starts = learner._ends[step]
    with torch.no_grad():
        last = model.policy.predict_values(frames.observations[N:])
    buffer.compute_returns_and_advantage(last, starts)
    return model


def orders_of(learner: ppo.Learner, epochs: int) -> Iterator[Any]:
    """Return the orders of frames that the next update of a learner draws, as indices of Stable-Baselines3's buffer."""
    generator = torch.Generator()
    generator.set_state(learner.generator.get_state())
    for _ in range(epochs):
        order = torch.randperm(N, generator=generator).numpy()
        yield order % LANES * STEPS + order // LANES


@pytest.mark.parametrize(("activation", "batch_size"), [("relu", 160), ("tanh", 160), ("relu", 150)])
def test_an_update_is_that_of_maskable_ppo(
    monkeypatch: pytest.MonkeyPatch, made: Any, activation: str, batch_size: int
) -> None:
    """The same weights and the same rollout give the same advantages, figures and weights.

    The rate makes many of the ratios leave the clip range. Minibatches of 150 leave a smaller one of 40.
    """
    changes = {"activation": activation, "batch_size": batch_size, "epochs": 4, "threads": 2}
    learner, settings = made(**changes), config(learning_rate=3e-3, **changes)
    learner.acting.policy[-1][0].mul_(100.0)  # logits as far apart as those of a policy that has learned something
    learner.collect()
    model = reference(learner, settings)
    orders = orders_of(learner, settings.epochs)
    monkeypatch.setattr(np.random, "permutation", lambda n: next(orders))
    figures = Logger(None, [])
    model.set_logger(figures)
    advantages, returns = model.rollout_buffer.advantages.ravel(), model.rollout_buffer.returns.ravel()
    model.train()
    before = learner.acting.vector.clone()
    found = learner.update(settings.learning_rate, settings.entropy)
    assert learner._frames.advantages == pytest.approx(advantages, abs=1e-5)
    assert learner._frames.returns == pytest.approx(returns, abs=1e-5)
    assert float((learner.acting.vector - before).abs().mean()) > 1e-3
    theirs = torch.cat([part.ravel() for part in itertools.chain(*itertools.chain(*layers(model, 2)))])
    assert float((learner.acting.vector - theirs).abs().max()) < 2e-5
    told = figures.name_to_value
    assert found["clip_fraction"] > 0.02
    if N % batch_size == 0:  # else their means give the frames of the small minibatch more weight
        for name in (*ppo.FIGURES, "explained_variance"):
            if name != "approx_kl":  # theirs is of the last pass, ours of all passes
                assert found[name] == pytest.approx(told[f"train/{name}"], abs=1e-5), name


def test_new_weights_are_drawn_as_those_of_maskable_ppo(made: Any) -> None:
    learner = made()
    for own, theirs in zip(
        (learner.acting.policy, learner.acting.value), layers(maskable_ppo(games(), config()), 2), strict=True
    ):
        for (weight, bias), (other, _) in zip(own, theirs, strict=True):
            assert (bias == 0.0).all()
            assert weight.shape == other.shape
            assert torch.linalg.svdvals(weight) == pytest.approx(torch.linalg.svdvals(other), rel=1e-4)


def test_an_entropy_in_units_of_pay_weighs_more_the_less_advantages_spread(made: Any) -> None:
    """Dividing the weight by the spread keeps its ratio to the pay, whatever the advantages are divided by."""
    weights = []
    for unit in ("pay", "spread", "spread"):
        learner = made(batch_size=N, epochs=1, entropy_unit=unit)
        learner.collect()
        learner._estimate(learner._frames)
        spread = float(learner._frames.advantages.std())
        learner.update(1e-3, 0.5 if unit == "pay" or weights[1:] else 0.5 / spread)
        weights.append(learner.acting.vector.clone())
    assert spread < 0.5
    assert weights[1] == pytest.approx(weights[0], abs=1e-6)
    assert float((weights[2] - weights[0]).abs().max()) > 1e-4


@pytest.mark.parametrize("is_barrier", [False, True])
def test_derivatives_by_the_logits_are_those_of_autograd(made: Any, is_barrier: bool) -> None:
    """The entropy is -sum p log p; the log barrier is the mean of log p over the legal actions."""
    learner, n, weight, clip = made(), 40, 0.3, 0.2
    learner.collect()
    frames, worker, rows = learner._frames, learner._learners._workers[0], torch.arange(n)
    draw = torch.Generator().manual_seed(1)
    illegal, advantages = frames.illegal[rows], torch.randn(n, generator=draw)
    logits = torch.randn(n, illegal.shape[1], generator=draw).add_(illegal, alpha=ppo.ILLEGAL)
    worker._illegal[:n].copy_(illegal)
    found = worker._policy_errors(logits, frames, ppo._Part(rows, advantages, n, weight, clip, is_barrier)).clone()
    logits.requires_grad_()
    log, legal = torch.log_softmax(logits, 1), illegal == 0
    ratio = torch.exp(log.gather(1, frames.actions[rows])[:, 0] - frames.log_probabilities[rows])
    gain = torch.minimum(advantages * ratio, advantages * ratio.clamp(1.0 - clip, 1.0 + clip))
    bonus = (log * legal).sum(1) / legal.sum(1) if is_barrier else -(log.exp() * log).sum(1)
    (-(gain + weight * bonus).mean()).backward()
    assert legal.sum(1).unique().numel() > 1
    assert float((found - logits.grad).abs().max()) < 1e-7


def test_a_log_barrier_keeps_actions_that_lose_and_an_entropy_gives_them_up(made: Any) -> None:
    """Its pull does not fade with the chance of an action, so that what pays later is still tried."""
    least = {}
    for exploration in ("entropy", "log_barrier"):
        learner = made(exploration=exploration, entropy_unit="pay", batch_size=N, epochs=40, clip_range=100.0)
        for _ in range(4):
            learner.collect()
            learner.update(1e-2, 0.01)
        learner.collect()
        logits = learner._learners._workers[0]._policy.forward(learner.acting.policy, learner._frames.observations[:40])
        legal = learner._frames.illegal[:40] == 0
        chances = torch.softmax(logits.masked_fill(~legal, -torch.inf), 1)
        least[exploration] = float(chances[legal].min())
    assert least["log_barrier"] > 100.0 * least["entropy"], least


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_an_advantage_is_divided_by_a_power_of_the_chance_of_its_action(made: Any, power: float) -> None:
    """The last biases have the plainest derivatives: the mean of p - 1[a], each times its advantage and weight."""
    learner = made(rarity_power=power, batch_size=N, epochs=1)
    learner.acting.policy[-1][0].mul_(300.0)  # drawn so that all actions are nearly as likely
    learner.collect()
    frames, policy = learner._frames, learner.acting.policy
    learner._estimate(frames)
    logits = learner._learners._workers[0]._policy.forward(policy, frames.observations[:40]).clone()
    learner._step(frames, torch.arange(40), 0.0)
    chances = torch.softmax(logits.masked_fill(frames.illegal[:40] == 1, -torch.inf), 1).double().numpy()
    actions, advantages = frames.actions[:40, 0].numpy(), frames.advantages[:40].double().numpy()
    taken = chances[np.arange(40), actions]
    weights = (advantages - advantages.mean()) / advantages.std(ddof=1) / taken**power
    chances[np.arange(40), actions] -= 1.0
    expected = (weights[:, None] * chances).mean(0)
    found = learner._gradients[0][0][-1][1].double().numpy()
    assert taken.max() > 4.0 * taken.min()
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-5)


def trained(learner: ppo.Learner) -> bytes:
    for _ in range(3):
        learner.collect()
        learner.update(1e-3, 0.01)
    return learner.acting.vector.numpy().tobytes() + learner._games.batch.games.tobytes()


def test_threads_change_neither_games_nor_weights(made: Any) -> None:
    assert len({trained(made(threads=threads)) for threads in (1, 2, 3)}) == 1


def test_a_learner_on_another_device_learns_the_same(made: Any) -> None:
    """`cpu:0` is the CPU, but another name than that of the games: everything is carried there and back."""
    here, there = made(), made(device="cpu:0")
    for learner in (here, there):
        learner.collect()
        learner.update(1e-3, 0.01)
    assert there._learning is not there.acting
    assert (here._frames.actions == there._frames.actions).all()
    assert float((here.acting.vector - there.acting.vector).abs().max()) < 2e-5
    there.collect()
    kept, again = there.state(), made(device="cpu:0")
    again.restore(kept)
    assert (again.acting.vector == there.acting.vector).all()
    assert (again.acting.vector == again._learning.vector).all()


def test_global_generators_are_neither_used_nor_changed(made: Any) -> None:
    torch.manual_seed(0)
    first, state = trained(made()), torch.get_rng_state()
    torch.manual_seed(1)
    assert trained(made()) == first
    torch.manual_seed(0)
    assert (torch.get_rng_state() == state).all()


def test_actions_are_drawn_by_their_chances_among_the_legal_ones(made: Any) -> None:
    learner = made(batch_size=LANES)
    learner.acting.policy[-1][0].mul_(200.0)
    learner.collect()
    frames = learner._frames
    frames.observations[:N], frames.illegal[:] = frames.observations[0].clone(), frames.illegal[0].clone()
    frames.illegal[:, ::3] = 1
    logits = torch.zeros(1, frames.illegal.shape[1])
    worker = learner._actors._workers[0]
    drawn = torch.zeros(logits.shape[1])
    rounds, rows = 2000, slice(0, 48)
    for _ in range(rounds):
        worker.act(learner.acting.policy, frames, torch.rand(48, 1, generator=learner.generator), rows)
        drawn += torch.bincount(frames.actions[rows, 0], minlength=len(drawn))
    logits = worker._policy.forward(learner.acting.policy, frames.observations[:1])[0].double()
    legal = frames.illegal[0] == 0
    chances = torch.where(legal, logits, -torch.inf).softmax(0)
    assert 0.02 < float(chances.max()) < 0.9
    assert (drawn[~legal] == 0).all()
    spread = (rounds * 48 * chances * (1 - chances)).sqrt()
    assert ((drawn - rounds * 48 * chances).abs() <= 5.0 * spread + 1e-9).all()
    assert frames.log_probabilities[0] == pytest.approx(float(chances.log()[frames.actions[0, 0]]), abs=1e-5)


def test_training_makes_no_illegal_move() -> None:
    played = games(["saas_enterprise", "hiring_package_terms"])
    refused, step = list[int](), played.step

    def watched(actions: Any) -> Any:
        result = step(actions)
        refused.append(int((played.batch.refusals != 0).sum()))
        return result

    played.step = watched  # type: ignore[method-assign]
    learner = ppo.Learner(played, config())
    trained(learner)
    learner.close()
    assert len(refused) == 3 * STEPS
    assert sum(refused) == 0


def test_an_error_in_any_chunk_is_raised(made: Any) -> None:
    crew = made(threads=3)._actors

    def job(worker: Any, rows: slice) -> None:
        if rows.start > 48:
            raise ArithmeticError("a chunk")

    for _ in range(20):
        with pytest.raises(ArithmeticError, match="a chunk"):
            crew.share(slice(0, 300), job)
