"""The tree of a small game is the environment's game, and its values are exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.theory.cfr import CounterfactualRegret, solve
from parlay_marl.theory.closed_forms import stahl_share_by_rounds
from parlay_marl.theory.small_game import SmallGame, small_game
from parlay_marl.theory.tree import Tree, build_tree
from parlay_marl.theory.values import best_reply, check_table, gaps, values


def walk_like_the_environment(tree: Tree, histories: int, seed: int) -> int:
    """Play random histories in the environment and in the tree, and compare what both say; return the turns."""
    game, rng, turns = tree.game, np.random.default_rng(seed), 0
    config = game.config
    env = negotiation_v0.env(
        config.scenario,
        rules=config.rules,
        opener=config.opener,
        max_rounds=config.max_rounds,
        price_levels=config.price_levels,
        moves=config.moves,
        protocol=config.protocol,
    )
    for _ in range(histories):
        node = int(rng.integers(len(game.draws)))
        env.reset(seed=int(rng.integers(2**31)), options=game.options(node))
        paid = np.zeros(2)
        while env.agents:
            state, seat = int(tree.state[node]), env.possible_agents.index(env.agent_selection)
            entries = tree.states.entries(state)
            seen = env.observe(env.agent_selection)
            legal = np.flatnonzero(seen["action_mask"])
            assert tree.owner[node] == seat
            assert np.array_equal(seen["observation"], tree.states.observation[state])
            assert np.array_equal(legal, tree.states.action[entries])
            chosen = int(rng.integers(len(legal)))
            env.step(int(legal[chosen]))
            paid += [env.rewards[name] for name in env.possible_agents]
            node, turns = int(tree.first_child[node]) + chosen, turns + 1
            while env.agents and env.terminations[env.agent_selection]:
                env.step(None)
        assert tree.state[node] < 0
        assert np.allclose(paid, tree.returns[node], rtol=0.0, atol=1e-12)
    env.close()
    return turns


def test_the_environment_agrees_along_random_histories(offers_tree: Tree, full_tree: Tree) -> None:
    """Observations, legal actions and returns of 10,000 histories."""
    assert walk_like_the_environment(offers_tree, 6000, 1) > 6000
    assert walk_like_the_environment(full_tree, 4000, 2) > 4000


@pytest.mark.parametrize("protocol", ["seller_offers", "buyer_offers", "take_it_or_leave_it", "sealed_bid"])
def test_the_environment_agrees_in_every_protocol(protocol: str) -> None:
    tree = build_tree(small_game("uniform", protocol=protocol, max_rounds=2 if "offers" in protocol else None))
    assert walk_like_the_environment(tree, 500, 3) >= 1000


def test_a_sealed_price_is_not_seen() -> None:
    """The second seat has one information state for each of its types, whatever the first has named."""
    tree = build_tree(small_game("uniform", protocol="sealed_bid", opener="seller"))
    assert len(tree.states) == 3 + 3
    assert {text.split(" | ")[-1] for text in tree.states.text if text.startswith("buyer")} == {
        "seller: a sealed price"
    }


def test_the_number_of_histories_by_hand(offers_tree: Tree) -> None:
    """Nine pairs of types; five first offers, and six answers to each offer, of which one ends the game."""
    sizes = [level.stop - level.start for level in offers_tree.levels]
    assert sizes == [9, 45, 270, 1350, 6750]
    assert len(offers_tree.states) == 3 * (1 + 5 + 25 + 125)
    assert offers_tree.game.draws[0].probability == pytest.approx(1 / 9)


def test_an_information_state_holds_what_its_seat_cannot_tell_apart(full_tree: Tree) -> None:
    """In each of them the seat has one type, has done the same, and the other may be of either type."""
    tree = full_tree
    for state in range(0, len(tree.states), 7):
        seat = int(tree.states.seat[state])
        nodes = np.flatnonzero(tree.state == state)
        draws = {tree.draw_of(int(node)) for node in nodes}
        assert len({tree.game.draws[draw].types[seat] for draw in draws}) == 1
        assert len({tuple(tree.actions_to(int(node))[-1:]) for node in nodes}) == 1
    others = [
        {
            tree.game.draws[tree.draw_of(int(n))].types[1 - int(tree.states.seat[s])]
            for n in np.flatnonzero(tree.state == s)
        }
        for s in range(8)
    ]
    assert all(len(types) == 2 for types in others)
    assert len(set(tree.states.text)) == len(tree.states)


def test_a_challenge_tells_the_truth_about_a_claim(full_tree: Tree) -> None:
    """What a challenge brings to light splits the information states: one game ends caught, another verified."""
    ends = {text.rsplit(" ", 1)[-1] for text in full_tree.states.text if "challenge" in text.rsplit(" | ", 1)[-1]}
    assert ends == {"caught", "verified"}


def test_backward_induction_with_open_cards() -> None:
    """One type a seat is a game of perfect information: the opener takes all, up to the grid."""
    for rounds in (1, 2):
        tree = build_tree(small_game("complete_information", max_rounds=rounds, price_levels=11, opener="seller"))
        found = solve(tree, iterations=2000, goal=1e-6)
        assert found.gaps.nash_conv < 1e-3
        assert found.gaps.payoff[1] / 0.8 == pytest.approx(stahl_share_by_rounds(rounds, 0.9), abs=0.13)


def test_a_best_reply_is_the_best_of_all_plans() -> None:
    """In a game so small that all plans of a seat can be tried."""
    tree = build_tree(small_game("saas_enterprise", max_rounds=1, price_levels=3, types=2, opener="seller"))
    table = np.random.default_rng(0).random(int(tree.states.start[-1]))
    table /= np.add.reduceat(table, tree.states.start[:-1])[tree.states.owner]
    own = [state for state in range(len(tree.states)) if tree.states.seat[state] == 0]
    assert len(own) <= 8
    best = -1.0
    for plan in itertools.product(*(range(len(tree.states.action[tree.states.entries(s)])) for s in own[:4])):
        tried = best_reply(tree, table, 0)[0]
        for state, choice in zip(own[:4], plan, strict=True):
            entries = tree.states.entries(state)
            tried[entries] = 0.0
            tried[entries.start + choice] = 1.0
        best = max(best, float(values(tree, tried, 0)[tree.levels[0]] @ tree.chance[tree.levels[0]]))
    assert best_reply(tree, table, 0)[1] == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("rounds", [1, 2])
def test_cfr_plus_finds_an_equilibrium(rounds: int) -> None:
    tree = build_tree(small_game("saas_enterprise", max_rounds=rounds, price_levels=5, types=3, opener="seller"))
    found = solve(tree, goal=1e-3)
    assert 0.0 <= found.gaps.nash_conv <= 1e-3
    assert gaps(tree, tree.uniform()).nash_conv > 0.1
    assert gaps(tree, check_table(tree, found.table)).nash_conv == found.gaps.nash_conv


def test_cfr_finds_it_more_slowly(offers_tree: Tree) -> None:
    plain, plus = CounterfactualRegret(offers_tree, "cfr"), CounterfactualRegret(offers_tree, "cfr+")
    for _ in range(100):
        plain.iterate()
        plus.iterate()
    assert gaps(offers_tree, plus.average).nash_conv < gaps(offers_tree, plain.average).nash_conv < 0.2


def test_refusals(offers: SmallGame, offers_tree: Tree) -> None:
    with pytest.raises(ConfigurationError, match="more than 500 histories: 1,674 within 3 turns"):
        build_tree(offers, most=500)
    with pytest.raises(UnknownNameError, match="pray"):
        small_game("saas_enterprise", max_rounds=1, moves=("pray",))
    with pytest.raises(UnknownNameError, match="algorithm"):
        CounterfactualRegret(offers_tree, "magic")
    with pytest.raises(ConfigurationError, match="has 2,805 entries"):
        check_table(offers_tree, np.ones(3))
    with pytest.raises(ConfigurationError, match="do not sum to 1"):
        check_table(offers_tree, offers_tree.uniform() * 0.5)
