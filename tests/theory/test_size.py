"""The size of a game is known before its tree is made."""

from __future__ import annotations

import time

import numpy as np
import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.theory.report import play_of, strategy_lines, tree_as_dict
from parlay_marl.theory.size import MOST_HISTORIES, Size, check_size, estimated_size
from parlay_marl.theory.small_game import small_game
from parlay_marl.theory.tree import Tree, build_tree


def test_the_estimate_is_near_the_tree(offers_tree: Tree, full_tree: Tree) -> None:
    for tree in (offers_tree, full_tree):
        size = estimated_size(tree.game)
        assert abs(size.histories - len(tree)) < max(4.0 * size.error, 1.0)
        assert size.error < 0.05 * len(tree)
        check_size(size)


def test_a_game_that_does_not_fit_is_refused_with_its_size() -> None:
    size = estimated_size(small_game("saas_enterprise", max_rounds=4, price_levels=11))
    assert size.histories > 1e8
    with pytest.raises(ConfigurationError, match=r"the game has about [\d,]+ histories .* at most 4,000,000 fit"):
        check_size(size)


@pytest.mark.parametrize(
    ("scenario", "rounds"), [("uniform", None), ("saas_enterprise", None), ("uniform", 9), ("uniform", 100)]
)
def test_a_long_game_is_refused_although_its_estimate_is_uncertain(scenario: str, rounds: int | None) -> None:
    """Few probes reach the later turns, so that the standard error is half of the estimate."""
    game = small_game(scenario) if rounds is None else small_game(scenario, max_rounds=rounds)
    refusal = r"the game has about \d\.\de\+\d\d histories \(some [\d.,e+]+ MB\); at most 4,000,000 fit"
    for seed in range(5):
        with pytest.raises(ConfigurationError, match=refusal):
            check_size(estimated_size(game, seed=seed))
    begun = time.monotonic()
    with pytest.raises(ConfigurationError, match=refusal):
        build_tree(game)
    assert time.monotonic() - begun < 20.0  # 4 million histories take minutes


def test_a_game_that_fits_is_never_refused(offers_tree: Tree, full_tree: Tree) -> None:
    """With just enough room for it, few probes and many seeds."""
    for tree in (offers_tree, full_tree):
        for seed in range(20):
            check_size(estimated_size(tree.game, probes=200, seed=seed), most=len(tree))


def test_one_high_estimate_does_not_refuse() -> None:
    """Of a hundred million histories or none: the mean is far over the limit, and its error too."""
    estimates = np.array([1e9] + [1e3] * 9)
    check_size(Size(float(estimates.mean()), float(estimates.std()), float(estimates.min())))
    with pytest.raises(ConfigurationError, match="at most 4,000,000 fit"):
        check_size(Size(1e9, 1e9, 4.1 * MOST_HISTORIES))


def test_how_even_play_goes(offers_tree: Tree) -> None:
    """By hand: an offer is accepted in one of six answers, so that (5/6)^3 of all games end without a deal."""
    play = play_of(offers_tree, offers_tree.uniform())
    assert play.deals == pytest.approx(1.0 - (5.0 / 6.0) ** 3)
    assert play.price == pytest.approx(145_000.0)
    assert play.first_best == pytest.approx((165_000.0 - 125_000.0) / 70_000.0)
    assert 0.0 < play.gains < play.first_best
    lines = list(strategy_lines(offers_tree, offers_tree.uniform()))
    assert lines[0].reached == pytest.approx(1 / 3)
    assert sum(chance for _, chance in lines[0].actions) == pytest.approx(1.0)
    assert tree_as_dict(offers_tree)["information_states"] == {"buyer": 390, "seller": 78}
