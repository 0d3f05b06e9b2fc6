"""Proximal policy optimisation with masks, in plain torch: the learner of training runs.

The algorithm is PPO with a clipped surrogate (Schulman et al. 2017) over the legal actions (Huang and Ontañón 2022):
generalised advantage estimation, advantages normalised in each minibatch, a value network beside the policy network,
Adam, gradients clipped by their norm. The tests compare an update with that of sb3-contrib's MaskablePPO. Beside it
there are a log barrier in place of the entropy (Agarwal et al. 2021), and advantages divided by a power of the chance
of their action, which at 1 gives the updates of neural replicator dynamics (Hennes et al. 2020).

It is written for small networks, where torch's bookkeeping would cost more than the arithmetic: the gradient is
computed without autograd, every array is allocated once, and threads share a minibatch in chunks of a fixed size
whose gradients are added up in their order. The number of threads therefore changes neither the games nor the
weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from parlay_marl.errors import ConfigurationError
from parlay_marl.training.perceptron import Activation, Layers, Parameters, Passes

if TYPE_CHECKING:
    from parlay_marl.training.config import TrainingConfig
    from parlay_marl.training.games import LearnerGames

CHUNK = 2048
"""Rows that a thread takes at a time: enough for Python not to count, few enough for its cache."""
ILLEGAL = -100_000_000
"""Added to the logits of illegal actions, whose probability then is 0."""
VALUE_WEIGHT = 0.5
"""Weight of the value's loss."""
LARGEST_NORM = 0.5
"""Longer gradients are shortened to this norm."""
_LEAST_STD = 1e-8

FIGURES = ("entropy_loss", "policy_gradient_loss", "clip_fraction", "approx_kl", "value_loss")
"""Means over the frames of an update that `Learner.update` returns; the names are those of Stable-Baselines3."""


@dataclass(frozen=True)
class _Frames:
    """The frames of a rollout; frame t of lane i is row `t * lanes + i`."""

    observations: Any
    """`(n + lanes, inputs)`: the last rows are what the lanes see after the rollout."""
    illegal: Any
    """`(n, actions)` int8: 0 for a legal action, 1 for the others."""
    actions: Any
    """`(n, 1)`"""
    log_probabilities: Any
    values: Any
    """`(n + lanes,)`"""
    advantages: Any
    returns: Any

    @classmethod
    def allocated(cls, steps: int, lanes: int, inputs: int, actions: int) -> _Frames:
        """Return room for a rollout."""
        n = steps * lanes
        illegal, chosen = torch.zeros(n, actions, dtype=torch.int8), torch.zeros(n, 1, dtype=torch.int64)
        seen, values = torch.zeros(n + lanes, inputs), torch.zeros(n + lanes)
        return cls(seen, illegal, chosen, torch.zeros(n), values, torch.zeros(n), torch.zeros(n))

    def on(self, device: str) -> _Frames:
        """Return the frames on a device: themselves where that is the CPU."""
        return _Frames(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


@dataclass(frozen=True)
class _Part:
    """The part of a minibatch that one thread takes."""

    rows: Any
    """Numbers of the frames, `(n,)`."""
    advantages: Any
    """Their advantages, normalised over the minibatch, `(n,)`."""
    of: int
    """Frames of the minibatch."""
    entropy_weight: float
    clip_range: float
    is_barrier: bool
    """Whether the weight is that of a log barrier in place of the entropy."""


class _Worker:
    """The arrays of one thread for a chunk of rows."""

    def __init__(self, shape: Parameters, activation: Activation, rows: int, device: str) -> None:
        policy, value = shape.sizes
        self._policy = Passes(policy, activation, rows, device)
        self._value = Passes(value, activation, rows, device)
        self._seen = torch.empty(rows, policy[0], device=device)
        self._illegal = torch.empty(rows, policy[-1], dtype=torch.int8, device=device)
        self._log, self._chances, self._products = (torch.empty(rows, policy[-1], device=device) for _ in range(3))
        self._figures = torch.empty(len(FIGURES), rows, device=device)

    def act(self, layers: Layers, frames: _Frames, uniform: Any, rows: slice) -> None:
        """Draw an action for each row, given uniform draws `(n, 1)`, and note how likely it was."""
        logits = self._policy.forward(layers, frames.observations[rows]).add_(frames.illegal[rows], alpha=ILLEGAL)
        n, actions = len(logits), frames.actions[rows]
        chances = torch.softmax(logits, 1, out=self._chances[:n])
        reached = torch.cumsum(chances, 1, out=self._products[:n])
        torch.searchsorted(reached, uniform * reached[:, -1:], right=True, out=actions)
        frames.log_probabilities[rows] = chances.gather(1, actions).log_()[:, 0]

    def estimate(self, layers: Layers, frames: _Frames, rows: slice) -> None:
        """Estimate the value of each row."""
        frames.values[rows] = self._value.forward(layers, frames.observations[rows])[:, 0]

    def learn(self, now: Parameters, frames: _Frames, part: _Part, gradient: tuple[Layers, Layers]) -> Any:
        """Write a chunk's part in the gradient of a minibatch; return the sums of `FIGURES` over its rows."""
        rows, n = part.rows, len(part.rows)
        seen = torch.index_select(frames.observations, 0, rows, out=self._seen[:n])
        illegal = torch.index_select(frames.illegal, 0, rows, out=self._illegal[:n])
        logits = self._policy.forward(now.policy, seen).add_(illegal, alpha=ILLEGAL)
        errors = self._policy_errors(logits, frames, part)
        self._policy.backward(now.policy, seen, errors, gradient[0])
        values = self._value.forward(now.value, seen)
        missed = values.sub_(frames.returns.index_select(0, rows)[:, None])
        torch.mul(missed[:, 0], missed[:, 0], out=self._figures[4, :n])
        self._value.backward(now.value, seen, missed.mul_(2.0 * VALUE_WEIGHT / part.of), gradient[1])
        return self._figures[:, :n].sum(1)

    def _policy_errors(self, logits: Any, frames: _Frames, part: _Part) -> Any:
        """Return the derivatives of the policy's loss and of the entropy's by the logits.

        With p the chances, H the entropy, a the action and u even chances of the legal actions,
        d log p(a) / d logits = 1[a] - p, dH / d logits = -p (log p + H), and for the log barrier B, the mean of log p
        over the legal actions, dB / d logits = u - p: unlike the entropy's, it does not vanish with p.
        """
        n, actions, clip = len(logits), frames.actions.index_select(0, part.rows), part.clip_range
        log = torch.log_softmax(logits, 1, out=self._log[:n])
        chances = torch.softmax(logits, 1, out=self._chances[:n])
        products = torch.mul(log, chances, out=self._products[:n])
        entropy = products.sum(1).neg_()
        log_ratio = log.gather(1, actions)[:, 0].sub_(frames.log_probabilities.index_select(0, part.rows))
        ratio = log_ratio.exp()
        gain, clipped_gain = part.advantages * ratio, part.advantages * ratio.clamp(1.0 - clip, 1.0 + clip)
        slope = torch.where(gain <= clipped_gain, gain, 0.0).mul_(-1.0 / part.of)
        self._note(n, entropy, torch.minimum(gain, clipped_gain), ratio, log_ratio, clip)
        by_entropy = part.entropy_weight / part.of
        if part.is_barrier:
            legal = torch.sub(1.0, self._illegal[:n], out=products)
            errors = legal.mul_(-by_entropy / legal.sum(1, keepdim=True))
            errors.addcmul_(chances, (by_entropy - slope)[:, None])
        else:
            errors = products.mul_(by_entropy).addcmul_(chances, entropy.mul(by_entropy).sub_(slope)[:, None])
        return errors.scatter_add_(1, actions, slope[:, None])

    def _note(self, n: int, entropy: Any, gain: Any, ratio: Any, log_ratio: Any, clip_range: float) -> None:
        """Keep the figures of the rows."""
        entropy_row, gain_row, clipped_row, divergence_row = self._figures[:4, :n]
        entropy_row.copy_(entropy).neg_()
        gain_row.copy_(gain).neg_()
        ratio.sub_(1.0)
        torch.sub(ratio, log_ratio, out=divergence_row)
        clipped_row.copy_(ratio.abs_() > clip_range)


class _Crew:
    """Threads that share rows in chunks; which thread takes which chunk changes no result."""

    def __init__(self, threads: int, chunk: int, worker: Callable[[], _Worker]) -> None:
        self.chunk = chunk
        self._workers = [worker() for _ in range(threads)]
        self._pool = ThreadPoolExecutor(max(threads - 1, 1), "parlay-learner", torch.set_num_threads, (1,))

    def share(self, rows: slice, job: Callable[[_Worker, slice], None]) -> None:
        """Do a job for each chunk of rows, in this thread too."""
        starts = iter(range(rows.start, rows.stop, self.chunk))

        def work(worker: _Worker) -> None:
            for start in starts:  # each start goes to the thread that asks for it first
                job(worker, slice(start, min(start + self.chunk, rows.stop)))

        helpers = self._workers[1 : -(-(rows.stop - rows.start) // self.chunk)]
        tasks = [self._pool.submit(work, helper) for helper in helpers]
        try:
            work(self._workers[0])
        finally:
            wait(tasks)
        for task in tasks:
            task.result()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


class Learner:
    """A policy network and a value network that learn from the games of all lanes, rollout by rollout.

    Games and their actions are on the CPU, updates on `device`. No generator but its own is used.
    """

    def __init__(self, games: LearnerGames, config: TrainingConfig) -> None:
        self._games, self._config, self.device = games, config, checked_device(config.device)
        self.frames = 0
        """Frames so far, which are turns of the learner."""
        self.generator = torch.Generator().manual_seed(config.seed)
        self.acting = Parameters(games.inputs, config.hidden, games.actions, "cpu")
        """The weights that act: those that learn, or their copy on the CPU."""
        self.acting.draw(self.generator)
        is_local = self.device == "cpu"
        self._learning = self.acting if is_local else self.acting.copy_to(self.device)
        self._learning.vector.grad = torch.zeros_like(self._learning.vector)
        self.optimizer = torch.optim.Adam([self._learning.vector], config.learning_rate, eps=1e-5, fused=True)
        self._frames = _Frames.allocated(config.steps, games.lanes, games.inputs, games.actions)
        self._rewards = np.zeros((config.steps, games.lanes), np.float32)
        self._ends = np.zeros((config.steps, games.lanes), np.bool_)
        chunk = CHUNK if is_local else config.batch_size
        self._actors = _Crew(config.threads, CHUNK, lambda: _Worker(self.acting, config.activation, CHUNK, "cpu"))
        self._learners = self._actors
        if not is_local:
            self._learners = _Crew(1, chunk, lambda: _Worker(self._learning, config.activation, chunk, self.device))
        self._rows, self._gradients = self._learning.rows(-(-config.batch_size // chunk))

    def begin_as(self, layers: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> None:
        """Give the policy network weights and biases of its shape; the value network stays as it is."""
        for own, given in zip(self.acting.policy, layers, strict=True):
            for tensor, array in zip(own, given, strict=True):
                tensor.copy_(torch.from_numpy(array.copy()))
        self._learning.vector.copy_(self.acting.vector)

    def collect(self) -> None:
        """Play `steps` turns in every lane by the policy as it is now."""
        steps, lanes, frames = self._config.steps, self._games.lanes, self._frames
        uniform = torch.rand(steps * lanes, 1, generator=self.generator)
        seen, chosen = frames.observations.numpy().reshape(steps + 1, lanes, -1), frames.actions.numpy()
        illegal = frames.illegal.numpy()
        for step in range(steps):
            now = slice(step * lanes, (step + 1) * lanes)
            self._games.write_observations(seen[step])
            np.subtract(1, self._games.masks, out=illegal[now])
            self._actors.share(now, lambda worker, rows: worker.act(self.acting.policy, frames, uniform[rows], rows))
            self._rewards[step], self._ends[step] = self._games.step(chosen[now, 0])
        self._games.write_observations(seen[steps])
        self.frames += steps * lanes

    def update(self, learning_rate: float, entropy_weight: float) -> dict[str, float]:
        """Learn from the last rollout; return the means of `FIGURES` and the share of the variance explained."""
        config, frames = self._config, self._frames.on(self.device)
        n = len(frames.actions)
        self._estimate(frames)
        self.optimizer.param_groups[0]["lr"] = learning_rate
        totals = torch.zeros(len(FIGURES), device=self.device)
        for _ in range(config.epochs):
            order = torch.randperm(n, generator=self.generator).to(self.device)
            for rows in order.split(config.batch_size):
                totals += self._step(frames, rows, entropy_weight)
        if self._learning is not self.acting:
            self.acting.vector.copy_(self._learning.vector)
        means = (totals / (n * config.epochs)).tolist()
        returns, unexplained = frames.returns, frames.returns - frames.values[:n]
        explained = 1.0 - float(unexplained.var() / returns.var()) if returns.var() > 0.0 else math.nan
        return dict(zip(FIGURES, means, strict=True)) | {"explained_variance": explained}

    def _estimate(self, frames: _Frames) -> None:
        """Compute values, advantages and returns of a rollout: GAE (Schulman et al. 2016), without a discount.

        The payoff has the discount of time, so that gamma is 1.
        """
        self._learners.share(
            slice(0, len(frames.values)), lambda worker, rows: worker.estimate(self._learning.value, frames, rows)
        )
        values = frames.values.cpu().numpy().reshape(-1, self._games.lanes)
        advantages, going_on = np.empty_like(self._rewards), (~self._ends).astype(np.float32)
        later = np.zeros_like(self._rewards[0])
        for step in reversed(range(len(advantages))):
            surprise = self._rewards[step] + values[step + 1] * going_on[step] - values[step]
            later = surprise + self._config.gae_lambda * going_on[step] * later
            advantages[step] = later
        frames.advantages.copy_(torch.from_numpy(advantages.ravel()))
        torch.add(frames.advantages, frames.values[: len(frames.advantages)], out=frames.returns)

    def _step(self, frames: _Frames, rows: Any, entropy_weight: float) -> Any:
        """Take one step of Adam by a minibatch; return the sums of `FIGURES` over its frames."""
        config = self._config
        is_barrier = config.exploration == "log_barrier"
        advantages = frames.advantages.index_select(0, rows)
        if len(rows) > 1:
            spread = advantages.std() + _LEAST_STD
            advantages = (advantages - advantages.mean()) / spread
            if config.entropy_unit == "pay":
                entropy_weight /= float(spread)
        if config.rarity_power > 0.0:
            rarity = frames.log_probabilities.index_select(0, rows).mul_(-config.rarity_power).exp_()
            advantages = advantages * rarity
        chunk = self._learners.chunk
        count = -(-len(rows) // chunk)
        figures: list[Any] = [None] * count

        def learn(worker: _Worker, part: slice) -> None:
            i = part.start // chunk
            sample = _Part(rows[part], advantages[part], len(rows), entropy_weight, config.clip_range, is_barrier)
            figures[i] = worker.learn(self._learning, frames, sample, self._gradients[i])

        self._learners.share(slice(0, len(rows)), learn)
        gradient = torch.sum(self._rows[:count], 0, out=self._learning.vector.grad)
        gradient.mul_((LARGEST_NORM / (gradient.norm() + 1e-6)).clamp_(max=1.0))
        self.optimizer.step()
        return torch.stack(figures).sum(0)

    def state(self) -> dict[str, Any]:
        """Return weights, optimiser, frames and generator, as `restore` takes them."""
        return {
            "weights": self._learning.vector.detach().cpu().clone(),
            "optimizer": self.optimizer.state_dict(),
            "frames": self.frames,
            "torch_generator": self.generator.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        for parameters in (self._learning, self.acting):
            parameters.vector.copy_(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.frames = state["frames"]
        self.generator.set_state(state["torch_generator"])

    def close(self) -> None:
        """Release the threads."""
        self._actors.close()
        self._learners.close()


def checked_device(name: str) -> str:
    """Return the name of a device that torch can use; `auto` is a GPU where there is one."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:100]
        raise ConfigurationError(f"device: torch cannot use {name!r} here ({reason}); give auto or cpu") from None
    return name


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread for each operation: those of the learner share the work in another way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
