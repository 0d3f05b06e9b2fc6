from __future__ import annotations

import pytest

from parlay_marl.theory.small_game import SmallGame, small_game
from parlay_marl.theory.tree import Tree, build_tree


@pytest.fixture(scope="session")
def offers() -> SmallGame:
    """Two rounds of plain offers on five prices, three types a seat, the seller opens."""
    return small_game("saas_enterprise", max_rounds=2, price_levels=5, types=3, opener="seller")


@pytest.fixture(scope="session")
def offers_tree(offers: SmallGame) -> Tree:
    return build_tree(offers)


ALL_MOVES = ("accept", "walk_away", "offer", "anchor_high", "batna_reveal", "silence", "challenge")


@pytest.fixture(scope="session")
def full_tree() -> Tree:
    """Two rounds with all seven moves on three prices, two types a seat; chance draws the opener."""
    return build_tree(
        small_game("hiring_package", max_rounds=2, price_levels=3, types=2, moves=ALL_MOVES, opener="random")
    )
