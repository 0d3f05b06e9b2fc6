"""No reward during play tells a seat what is hidden (rules, section 8): twins, and an attempt to invert rewards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.core import step, tracking
from parlay_marl.core.moves import INDEX_OFFERS, INDEX_SILENCE, PRICE_LEVELS
from parlay_marl.core.reward import RewardMode
from tests.core.games import BUYER, SAAS, SCENARIOS, SELLER, UNIFORM, Game, buffers, sized
from tests.core.test_leak import MILD, TRACKERS, play_alike, stranger_games

MODES = [mode.name.lower() for mode in RewardMode]
PAIRS = 1_536


def state_alike(first: Game, second: Game, watcher: int, rng: np.random.Generator) -> None:
    """Let the watcher state the same belief in both games, and the other what is inferred for it."""
    stated = rng.uniform(-1, 2), rng.uniform(0, 1)
    for game in (first, second):
        if game.on_turn == watcher:
            tracking.state_estimate(game.row, watcher, *stated)
        else:
            tracking.state_inferred(game.row, game.p, 1 - watcher)


@pytest.mark.parametrize("rules", ["default", MILD], ids=["default", "mild"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("setting", SCENARIOS)
def test_rewards_before_the_ending_are_the_same_whatever_is_hidden(
    setting: str, tracker: str, mode: str, rules: Any
) -> None:
    rng = np.random.default_rng(15)
    for number in range(sized(PAIRS // (2 * len(MODES) * len(TRACKERS) * len(SCENARIOS)))):
        watcher = number % 2
        first, second = stranger_games(setting, watcher, number, rules, beliefs=tracker, reward=mode)
        state_alike(first, second, watcher, rng)
        while play_alike(first, second, rng):
            assert first.row["reward"][watcher].tobytes() == second.row["reward"][watcher].tobytes()
            state_alike(first, second, watcher, rng)


def test_an_erosion_in_units_of_the_true_zopa_shows_in_rewards_and_the_twins_see_it() -> None:
    # which is why the `seed` preset, whose erosion tells the width of the ZOPA, is excepted
    rng, differed = np.random.default_rng(15), False
    for number in range(20):
        first, second = stranger_games("saas", BUYER, number, {"preset": "seed", **MILD}, reward="shaped")
        while play_alike(first, second, rng):
            differed |= first.row["reward"][BUYER] != second.row["reward"][BUYER]
    assert differed


# --- an attempt to find the other's limit -----------------------------------------------------------------------------

TURNS = 16
CANDIDATES = 60


def what_each_limit_would_pay(number: int, watcher: int, tracker: str, setting: Any) -> tuple[Any, Any]:
    """Return what the watcher is paid in each turn of one public history, were the other's limit each candidate.

    Two arrays of shape (turns, candidates), as it is, and as it would be if beliefs were paid turn by turn; the first
    candidate is the true limit. The watcher is even told the other's urgency and alternative.
    """
    rng = np.random.default_rng(number)
    truth = Game(setting, number=number, options={"reward": "shaped", "beliefs": tracker})
    other, limit = 1 - watcher, float(truth.row["reservation"][1 - watcher])
    spread = np.linspace(0.004, 0.2, CANDIDATES // 2)
    limits = np.concatenate([[limit], limit - spread, limit + spread])
    games = []
    for candidate in limits:
        figures = [np.nan, np.nan]
        figures[other] = candidate
        games.append(Game(setting, number=number, options=truth.options, reservation=figures))
    rows = np.concatenate([game.rows for game in games])
    n = len(rows)
    seen, masks = (np.stack([buffer] * n) for buffer in buffers(1))
    refusals, paid, paid_by_the_turn = np.zeros(n, np.int8), [], []

    def accuracy() -> np.ndarray[Any, Any]:
        return np.array([tracking.accuracy(row, truth.p, watcher) for row in rows])

    before = accuracy()
    for _ in range(TURNS):
        if tracker == "elicited":
            rows["estimate"][:, watcher] = -1.0, 0.0
        level = int(rng.integers(PRICE_LEVELS))
        action = INDEX_SILENCE if rng.random() < 0.2 else INDEX_OFFERS + level
        step.step_games(rows, truth.params, np.full(n, action), 1, seen, masks, refusals)
        assert not refusals.any()
        if rows["ending"].any():
            break
        now = accuracy()
        paid.append(rows["reward"][:, watcher].copy())
        paid_by_the_turn.append(paid[-1] + 5.0 * (now - before))
        before = now
    return np.array(paid), np.array(paid_by_the_turn)


def tells(paid: Any) -> bool:
    """Whether rewards rule out every limit of the other but the true one."""
    fits = (np.abs(paid - paid[:, :1]) < 1e-9).all(axis=0)
    return fits.sum() == 1


@pytest.mark.parametrize("tracker", ["bayes", "heuristic", "elicited"])
@pytest.mark.parametrize("setting", [SAAS, UNIFORM], ids=["saas", "uniform"])
def test_rewards_cannot_be_solved_for_the_others_limit(setting: Any, tracker: str) -> None:
    games = [what_each_limit_would_pay(number, number % 2, tracker, setting) for number in range(sized(40))]
    assert sum(tells(paid) for paid, _ in games) == 0
    assert np.mean([tells(by_the_turn) for _, by_the_turn in games]) > 0.9, "the attempt finds what was told once"


@pytest.mark.parametrize("watcher", [BUYER, SELLER])
def test_no_limit_at_all_is_ruled_out(watcher: int) -> None:
    paid, _ = what_each_limit_would_pay(3, watcher, "bayes", SAAS)
    assert len(paid) > 10
    assert (paid == paid[:, :1]).all()
