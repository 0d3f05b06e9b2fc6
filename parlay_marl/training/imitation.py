"""Imitation of a scripted persona, which gives a learner its first weights instead of random ones.

A policy that has to find everything by chance learns to wait for those who concede by themselves, and never meets what
is gained from those who only answer steps with steps. One that begins by playing as a scripted persona does meets it in
the first games. The network learns the persona's actions by cross-entropy, in games that the two play in turns: half of
the lanes go where the persona leads, half where the network does (DAgger; Ross, Gordon and Bagnell 2011).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from parlay_marl.core.moves import INDEX_OFFERS, PRICE_LEVELS, discrete_index
from parlay_marl.envs.batch import Batch
from parlay_marl.players.persona import PersonaPlayer

if TYPE_CHECKING:
    from parlay_marl.training.games import LearnerGames
    from parlay_marl.training.perceptron import Layers

ROUNDS, STEPS, EPOCHS, MINIBATCH, RATE = 16, 64, 3, 1024, 1e-3
WIDTH = 1.0
"""Standard deviation, in levels of the price grid, of what is learned in place of one price: PPO then can explore."""
FLOOR = 0.02
"""Share that is spread over all legal actions, for the same reason."""
ILLEGAL = -1e8


def imitate(games: LearnerGames, player: PersonaPlayer, layers: Layers, activation: str, seed: int) -> list[Any]:
    """Return layers, `(weight, bias)` tensors of the same shapes, that imitate a persona in a run's games."""
    generator = torch.Generator().manual_seed(seed)
    learned = [(weight.clone().requires_grad_(), bias.clone().requires_grad_()) for weight, bias in layers]
    tensors = [tensor for layer in learned for tensor in layer]
    optimizer = torch.optim.Adam(tensors, RATE)
    for turn in range(ROUNDS):
        seen, targets, masks = _shown(games, player, learned, activation, generator, leads=turn == 0)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(seen), generator=generator).split(MINIBATCH):
                logits = _logits(learned, activation, seen[rows], masks[rows])
                loss = -(targets[rows] * torch.log_softmax(logits, 1)).sum(1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return [(weight.detach(), bias.detach()) for weight, bias in learned]


def _logits(layers: Layers, activation: str, seen: Any, masks: Any) -> Any:
    """Return the logits of rows `(n, inputs)`; those of illegal actions are far below all others."""
    units = seen
    for i, (weight, bias) in enumerate(layers):
        units = torch.addmm(bias, units, weight.t())
        if i < len(layers) - 1:
            units = torch.relu(units) if activation == "relu" else torch.tanh(units)
    return units.masked_fill(masks == 0, ILLEGAL)


def _shown(
    games: LearnerGames,
    player: PersonaPlayer,
    layers: Layers,
    activation: str,
    generator: torch.Generator,
    leads: bool,
) -> tuple[Any, Any, Any]:
    """Return what learners saw, what the persona would have done, and what was legal, over `STEPS` turns in every lane.

    The persona acts in every other lane, or in all where it `leads`; the network in the others.
    """
    lanes = games.lanes
    seen = np.zeros((STEPS, lanes, games.inputs), np.float32)
    targets = np.zeros((STEPS, lanes, games.actions), np.float32)
    masks = np.zeros((STEPS, lanes, games.actions), np.int8)
    by_network = np.zeros(lanes, bool) if leads else np.arange(lanes) % 2 == 1
    for step in range(STEPS):
        games.write_observations(seen[step])
        masks[step] = games.masks
        wanted = actions_of(games.batch, player, games.masks)
        targets[step] = _targets(wanted, masks[step])
        with torch.no_grad():
            logits = _logits(layers, activation, torch.from_numpy(seen[step]), torch.from_numpy(masks[step]))
            drawn = torch.multinomial(torch.softmax(logits, 1), 1, generator=generator)[:, 0].numpy()
        games.step(np.where(by_network, drawn, wanted))
    return tuple(torch.from_numpy(each.reshape(STEPS * lanes, -1)) for each in (seen, targets, masks))


def actions_of(batch: Batch, player: PersonaPlayer, masks: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the action of each lane that is nearest to a persona's choice among those of `masks`, `(lanes,)`."""
    actions = np.zeros(batch.num_games, np.int64)
    for lane, choice in enumerate(batch.choices(player)):
        action = discrete_index(int(choice["move"]), float(choice["price"]), int(choice["package"]), batch.packages)
        legal = np.flatnonzero(masks[lane])
        actions[lane] = legal[np.argmin(np.abs(legal - action))]
    return actions


def _targets(wanted: NDArray[np.int64], masks: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return the chances to learn, `(lanes, actions)`: the action, or prices near it, and a little of all others."""
    actions = masks.shape[1]
    distance = np.arange(actions)[None, :] - wanted[:, None]
    first = INDEX_OFFERS + (wanted - INDEX_OFFERS) // PRICE_LEVELS * PRICE_LEVELS
    places = np.arange(actions)[None, :]
    same_kind = (places >= first[:, None]) & (places < first[:, None] + PRICE_LEVELS)
    near = np.where(same_kind, np.exp(-0.5 * (distance / WIDTH) ** 2), 0.0)
    has_price = wanted >= INDEX_OFFERS
    weights = np.where(has_price[:, None], near, distance == 0) * masks.astype(float)
    chances, spread = (each / each.sum(1, keepdims=True) for each in (weights, masks.astype(float)))
    targets: NDArray[np.float32] = ((1.0 - FLOOR) * chances + FLOOR * spread).astype(np.float32)
    return targets
