"""The size of a game is known before its tree is made."""

from __future__ import annotations

import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.theory.report import play_of, strategy_lines, tree_as_dict
from parlay_marl.theory.size import check_size, estimated_size
from parlay_marl.theory.small_game import small_game
from parlay_marl.theory.tree import Tree


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
