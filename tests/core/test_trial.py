"""Single games and small batches are played as plain Python at first, with the same bits, and compiled when it pays."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.core import views
from parlay_marl.core.compiled import trial
from parlay_marl.core.moves import BUYER
from parlay_marl.core.step import observe_game
from parlay_marl.envs.batch import Batch
from parlay_marl.game import outcome
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import as_persona
from tests.processes import run

pytestmark = pytest.mark.compiled_only

Trial = Callable[[float], None]


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    """Return a function that begins a trial of so many seconds, as in a process that finds nothing kept."""

    def begin(seconds: float) -> None:
        monkeypatch.setattr(trial, "_trial", trial._Trial())
        trial._trial.left = seconds
        monkeypatch.setattr(trial, "_bounds", {})
        views._bound.cache_clear()
        outcome._report_kernel.cache_clear()

    monkeypatch.setattr(trial, "is_kept", lambda kernel, arguments: False)
    yield begin
    views._bound.cache_clear()
    outcome._report_kernel.cache_clear()


def game_of(scenario: str, persona: str, seed: int) -> list[Any]:
    """Play a game at random; return all that its players see and are paid, and its outcome."""
    game, rng, seen = Game(make_config(scenario), (None, as_persona(persona))), np.random.default_rng(seed), []
    game.reset(seed)
    game.read_turns()
    while not game.is_over:
        sight = game.observe(game.seat)
        seen += [sight["observation"].tobytes(), sight["action_mask"].tobytes(), game.belief(BUYER).as_dict()]
        game.turn_by_index(int(rng.choice(np.flatnonzero(sight["action_mask"]))))
        seen.append(list(game.rewards))
    return [*seen, game.outcome().as_dict()]


def batch_of(scenario: str, seed: int) -> list[Any]:
    """Play a batch at random; return all that is seen and paid."""
    batch = Batch(
        8, scenario, learner="mixed", opponent=["shark", "linear"], illegal="terminate", autoreset="same_step"
    )
    batch.reset(seed)
    rng, seen = np.random.default_rng(seed), list[Any]()
    for _ in range(20):
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in batch.masks])
        batch.step(actions)
        seen += [each.tobytes() for each in (batch.observations, batch.masks, batch.rewards, batch.outcomes)]
    return seen


@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms", "family:storms"])
def test_plain_python_and_compiled_code_play_the_same_games(scenario: str, begin: Trial) -> None:
    played = {}
    names = ("shark", "nash", "champion") if scenario == "saas_enterprise" else ("shark",)
    for seconds in (1e9, 0.0):
        begin(seconds)
        played[seconds] = [game_of(scenario, name, seed) for seed, name in enumerate(names)]
        played[seconds] += [batch_of(scenario, seed) for seed in range(2)]
        assert (trial._trial.left < seconds) == (seconds > 0.0), "the first ones were played in plain Python"
    assert played[1e9] == played[0.0]


def test_after_its_time_everything_is_compiled(begin: Trial) -> None:
    begin(1e-4)
    game = Game(make_config("saas_enterprise"))
    game.reset(0)
    assert trial._trial.left < 0.0
    left = trial._trial.left
    game.reset(1)
    game.turn_by_index(20)
    assert trial._trial.left == left
    assert trial.code_for(observe_game, ()) is observe_game


def test_ctrl_c_waits_for_the_end_of_a_turn_in_plain_python() -> None:
    played = []

    def turn() -> None:
        played.append("begun")
        signal.raise_signal(signal.SIGINT)
        played.append("ended")

    with pytest.raises(KeyboardInterrupt):
        trial._plainly(turn)
    assert played == ["begun", "ended"], "no game is left half-changed"


def test_a_large_batch_is_compiled_at_once(begin: Trial) -> None:
    begin(1e9)
    batch = Batch(trial.MOST_GAMES + 1, "saas_enterprise")
    batch.reset(0)
    batch.step(np.full(batch.num_games, 20))
    assert trial._trial.left == 1e9


def test_compiled_code_that_is_kept_is_used_from_the_first_call(begin: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(1e9)
    monkeypatch.setattr(trial, "is_kept", lambda kernel, arguments: True)
    game_of("saas_enterprise", "shark", 0)
    assert trial._trial.left == 1e9


FIRST_GAME = """
from parlay_marl import negotiation_v0
env = negotiation_v0.env()
env.reset(seed=1)
env.step(20)
print(env.last()[0]["observation"].sum())
"""


def test_a_first_game_leaves_nothing_on_the_disk_and_says_nothing_of_compiling(tmp_path: Path) -> None:
    env = os.environ | {"PARLAY_CACHE_DIR": str(tmp_path), "PARLAY_QUIET": "0"}
    found = run([sys.executable, "-c", FIRST_GAME], env=env, check=True)
    assert found.stderr == ""
    assert list(tmp_path.rglob("*.nbc")) == []
