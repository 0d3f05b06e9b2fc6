"""A batch of n games is n single games, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.core import moves, observation, step, views
from parlay_marl.core.moves import Refusal
from parlay_marl.core.outcome import OUTCOME_DTYPE
from tests.core.games import (
    SCENARIOS,
    VARIANTS,
    batch_params,
    content,
    new_games,
    params_of,
    play_index,
    play_move,
    sized,
    views_of,
)

ROOM = max(setting.n_packages for setting in SCENARIOS.values())


class Batch:
    """Several games at once, of several scenarios, with buffers to step them in."""

    def __init__(self, variant: str, n: int) -> None:
        rules, options = VARIANTS[variant]
        self.params = batch_params(*(params_of(setting, rules, **options) for setting in SCENARIOS.values()))
        self.rows = new_games(self.params, range(n), scenarios=np.arange(n) % len(SCENARIOS))
        self.observations = np.zeros((n, observation.width(ROOM)), np.float32)
        self.masks = np.zeros((n, moves.n_actions(ROOM)), np.int8)
        self.refusals = np.zeros(n, np.int8)
        self._views: dict[int, Any] = {}
        for i in range(n):
            seat = int(self.rows["seat"][i])
            step.observe_game(self.rows, self.params, i, seat, ROOM, self.observations[i], self.masks[i])

    def step(self, actions: Any) -> None:
        step.step_games(self.rows, self.params, np.asarray(actions), ROOM, self.observations, self.masks, self.refusals)

    def view(self, i: int) -> views.View:
        """Return a view of one of the games."""
        scenario = int(self.rows["scenario"][i])
        self._views[i] = views_of(self.rows[i : i + 1], self.params[scenario : scenario + 1], ROOM)
        return next(self._views[i])

    @property
    def running(self) -> Any:
        return self.rows["ending"] == 0

    def legal_actions(self, rng: np.random.Generator) -> Any:
        """Return a random legal action for every game; claims and accepting no likelier than the rest."""
        return np.array([rng.choice(np.flatnonzero(mask)) if mask.any() else -1 for mask in self.masks])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_batch_plays_as_its_games_would_one_by_one(variant: str) -> None:
    batch, single = Batch(variant, 8), Batch(variant, 8)
    rng = np.random.default_rng(1)
    while batch.running.any():
        actions = batch.legal_actions(rng)
        running = batch.running
        batch.step(actions)
        assert not batch.refusals.any()
        for i in np.flatnonzero(running).tolist():
            view = single.view(i)
            assert play_index(view, int(actions[i])) == Refusal.LEGAL
            _, seen, mask, _ = view
            assert seen.tobytes() == batch.observations[i].tobytes()
            assert mask.tobytes() == batch.masks[i].tobytes()
        assert content(single.rows) == content(batch.rows)


def test_games_do_not_depend_on_their_neighbours() -> None:
    numbers = [7, 2, 2, 9]
    params = batch_params(*(params_of(setting) for setting in SCENARIOS.values()))
    together = new_games(params, numbers, scenarios=[1, 2, 2, 0])
    for i, (number, index) in enumerate(zip(numbers, [1, 2, 2, 0], strict=True)):
        assert content(new_games(params, [number], scenarios=[index])) == content(together[i : i + 1])


def test_an_exact_move_on_the_grid_is_its_index() -> None:
    by_index, by_move = Batch("default", 8), Batch("default", 8)
    rng = np.random.default_rng(2)
    while by_index.running.any():
        actions = by_index.legal_actions(rng)
        for i in np.flatnonzero(by_index.running).tolist():
            chosen = moves.decode(int(actions[i]), int(by_move.rows["seat"][i]), ROOM)
            assert play_move(by_move.view(i), *chosen) == Refusal.LEGAL
        by_index.step(actions)
        assert content(by_move.rows) == content(by_index.rows)


def test_a_batch_refuses_illegal_actions_and_leaves_those_games_as_they_were() -> None:
    batch = Batch("default", max(sized(64), 32))
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(40):
        legal, running = batch.legal_actions(rng), batch.running
        illegal = rng.random(len(legal)) < 0.5
        actions = legal.copy()
        for i in np.flatnonzero(illegal):
            actions[i] = rng.choice([*np.flatnonzero(batch.masks[i] == 0), -1, moves.n_actions(ROOM)])
        before = batch.rows.copy()
        looks = batch.observations.copy(), batch.masks.copy()
        batch.step(actions)
        for i in range(len(actions)):
            if illegal[i] or not running[i]:
                assert content(batch.rows[i]) == content(before[i])
                assert batch.observations[i].tobytes() == looks[0][i].tobytes()
                assert batch.masks[i].tobytes() == looks[1][i].tobytes()
        assert (batch.refusals[running & illegal] != 0).all()
        assert (batch.refusals[running & ~illegal] == 0).all()
        seen |= set(batch.refusals[running].tolist())
    assert {Refusal.LEGAL, Refusal.UNKNOWN_MOVE, Refusal.NOTHING_TO_ACCEPT, Refusal.NOTHING_TO_CHALLENGE} <= seen


def test_a_finished_game_is_not_stepped() -> None:
    batch = Batch("default", 4)
    batch.step([moves.INDEX_OFFERS] * 4)
    batch.step([moves.INDEX_WALK_AWAY] * 4)
    assert not batch.running.any()
    assert not batch.masks.any()
    before = batch.rows.tobytes()
    batch.step([moves.INDEX_OFFERS] * 4)
    assert batch.rows.tobytes() == before


def test_reports_are_those_of_single_games() -> None:
    batch = Batch("hot", 16)
    rng = np.random.default_rng(4)
    while batch.running.any():
        batch.step(batch.legal_actions(rng))
    together = np.zeros(16, OUTCOME_DTYPE)
    step.report_games(batch.rows, batch.params, together)
    for i in range(16):
        alone = np.zeros(1, OUTCOME_DTYPE)
        step.report_games(batch.rows[i : i + 1], batch.params, alone)
        assert content(alone) == content(together[i : i + 1])
