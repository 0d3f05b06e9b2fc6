"""OpenSpiel plays our game, and its algorithms run on it as they are."""

from __future__ import annotations

import copy
import pickle
import random
import sys
from typing import Any

import numpy as np
import pytest

from parlay_marl.errors import ConfigurationError, GameOverError, IllegalMoveError
from parlay_marl.theory.cfr import CounterfactualRegret
from parlay_marl.theory.small_game import small_game
from parlay_marl.theory.tree import Tree, build_tree
from parlay_marl.theory.values import gaps
from tests.processes import run

pyspiel: Any = pytest.importorskip("pyspiel", reason="the extra `solve` is not installed")

LOADED = "parlay(scenario=saas_enterprise,rounds=2,prices=5,types=3,opener=seller)"


@pytest.fixture(scope="module")
def game() -> Any:
    import parlay_marl.theory.openspiel  # noqa: F401  registers the game

    return pyspiel.load_game(LOADED)


@pytest.fixture(scope="module")
def smallest() -> Any:
    """One round, three prices, two types: small enough for algorithms that are slow."""
    from parlay_marl.theory.openspiel import ParlayGame

    return ParlayGame(
        tree=build_tree(small_game("saas_enterprise", max_rounds=1, price_levels=3, types=2, opener="seller"))
    )


def test_openspiel_checks_the_game(game: Any, full_tree: Tree, capfd: pytest.CaptureFixture[str]) -> None:
    """Its own test of random games: copies, undo aside, chance, legal actions, sums of returns, tensors."""
    from parlay_marl.theory.openspiel import ParlayGame

    pyspiel.random_sim_test(game, num_sims=20, serialize=True, verbose=False)
    pyspiel.random_sim_test(ParlayGame(tree=full_tree), num_sims=20, serialize=False, verbose=False)
    capfd.readouterr()


def test_states_are_the_nodes_of_the_tree(full_tree: Tree) -> None:
    """Along random histories: the same seats, legal actions, observations, returns; texts differ where states do."""
    from parlay_marl.theory.openspiel import ParlayGame

    game, rng = ParlayGame(tree=full_tree), np.random.default_rng(3)
    for _ in range(500):
        state = game.new_initial_state()
        outcomes = state.chance_outcomes()
        assert sum(chance for _, chance in outcomes) == pytest.approx(1.0)
        node = int(rng.integers(len(outcomes)))
        state.apply_action(node)
        while not state.is_terminal():
            found, entries = int(full_tree.state[node]), full_tree.states.entries(int(full_tree.state[node]))
            assert state.current_player() == full_tree.owner[node]
            assert state.legal_actions() == full_tree.states.action[entries].tolist()
            assert state.information_state_string() == full_tree.states.text[found]
            seen = np.array(state.observation_tensor(), np.float32)
            assert np.array_equal(seen, full_tree.states.observation[found])
            chosen = int(rng.integers(len(state.legal_actions())))
            state.apply_action(state.legal_actions()[chosen])
            node = int(full_tree.first_child[node]) + chosen
        assert state.returns() == full_tree.returns[node].tolist()


def test_an_illegal_action_is_refused_and_changes_nothing(game: Any) -> None:
    """At the draw of chance and on each turn; the error names the action and the legal ones."""
    state = game.new_initial_state()
    draws = len(state.chance_outcomes())
    history: list[int] = []
    while not state.is_terminal():
        legal = state.legal_actions()
        for action in {-2, 0, 1, 77, 999, draws} - set(legal):
            refusal = f"action {action} is not legal here; legal: {', '.join(map(str, legal))}$"
            with pytest.raises(IllegalMoveError, match=refusal):
                state.apply_action(action)
            assert state.history() == history
            assert state.legal_actions() == legal
        state.apply_action(legal[-1])
        history.append(legal[-1])
    with pytest.raises(GameOverError, match="action 0: the game is over"):
        state.apply_action(0)


def test_a_game_made_of_a_tree_never_becomes_another(smallest: Any) -> None:
    """Its text is its own and no game can be made of it; it is not pickled; a copy is the same game."""
    state = smallest.new_initial_state()
    state.apply_action(1)
    assert "tree=given" in str(smallest)
    text = pyspiel.serialize_game_and_state(smallest, state)
    for attempt in (
        lambda: pickle.dumps(smallest),
        lambda: pickle.dumps(state),
        lambda: pyspiel.load_game(str(smallest)),
        lambda: pyspiel.deserialize_game_and_state(text),
    ):
        with pytest.raises(ConfigurationError, match="cannot be pickled, nor read from text"):
            attempt()
    assert copy.copy(smallest) is copy.deepcopy(smallest) is smallest
    copied = copy.deepcopy(state)
    assert str(copied) == str(state)
    copied.apply_action(copied.legal_actions()[0])
    assert state.history() == [1]


def test_a_game_of_parameters_is_pickled_whole() -> None:
    from parlay_marl.theory.openspiel import ParlayGame

    made = ParlayGame({"rounds": 1, "prices": 3, "types": 2}, difference=True)
    state = made.new_initial_state()
    state.apply_action(1)
    again, place = pyspiel.deserialize_game_and_state(pyspiel.serialize_game_and_state(made, state))
    for read in (pickle.loads(pickle.dumps(made)), pyspiel.load_game(str(made)), again):
        assert read.get_type().utility == pyspiel.GameType.Utility.ZERO_SUM
        assert read.get_parameters()["types"] == 2
    assert str(place) == str(pickle.loads(pickle.dumps(state))) == str(state)
    assert str(copy.deepcopy(made).new_initial_state()) == "before the draw"


def test_a_long_game_is_refused_before_its_tree_is_made() -> None:
    import parlay_marl.theory.openspiel  # noqa: F401  registers the game

    with pytest.raises(ConfigurationError, match=r"histories .* at most 4,000,000 fit"):
        pyspiel.load_game("parlay(rounds=9)")


def test_a_waiting_player_sees_no_hidden_type(game: Any) -> None:
    """What the buyer sees while the seller is on turn is the same whatever the seller's type is."""
    texts = set()
    for draw in range(9):
        state = game.new_initial_state()
        state.apply_action(draw)
        types = draw // 3
        texts.add((types, state.information_state_string(0), tuple(state.information_state_tensor(0))))
    assert len(texts) == 3


def test_openspiel_and_our_arrays_run_the_same_cfr_plus(game: Any) -> None:
    """Five iterations of OpenSpiel's solver give the strategy, and its NashConv, that ours gives."""
    from open_spiel.python.algorithms import cfr, exploitability

    theirs = cfr.CFRPlusSolver(game)
    tree = build_tree(small_game("saas_enterprise", max_rounds=2, price_levels=5, types=3, opener="seller"))
    ours = CounterfactualRegret(tree)
    for _ in range(5):
        theirs.evaluate_and_update_policy()
        ours.iterate()
    average = theirs.average_policy()
    assert exploitability.nash_conv(game, average, use_cpp_br=False) == pytest.approx(
        gaps(tree, ours.average).nash_conv, abs=1e-12
    )
    table = ours.average
    for state, text in enumerate(tree.states.text):
        entries = tree.states.entries(state)
        found = average.policy_for_key(text)[tree.states.action[entries]]
        assert np.allclose(found, table[entries], atol=1e-12)


def test_openspiels_compiled_solver_runs(smallest: Any) -> None:
    from open_spiel.python.algorithms import exploitability

    solver = pyspiel.CFRPlusSolver(smallest)
    for _ in range(100):
        solver.evaluate_and_update_policy()
    from open_spiel.python import policy

    average = solver.average_policy()
    table = policy.tabular_policy_from_callable(smallest, lambda state: dict(average.action_probabilities(state)))
    assert exploitability.nash_conv(smallest, table) < 1e-3


def test_psro_runs(smallest: Any) -> None:
    """Policy-space response oracles with exact best replies (Lanctot et al. 2017) come near an equilibrium."""
    pytest.importorskip("cvxpy", reason="OpenSpiel's module of meta-strategies imports cvxpy")
    from open_spiel.python import policy as policies
    from open_spiel.python.algorithms import exploitability, policy_aggregator
    from open_spiel.python.algorithms.psro_v2 import best_response_oracle, psro_v2

    random.seed(0)  # it draws from both global generators
    np.random.seed(0)
    solver = psro_v2.PSROSolver(
        smallest,
        best_response_oracle.BestResponseOracle(game=smallest, policy=None),
        initial_policies=[policies.TabularPolicy(smallest) for _ in range(2)],
        training_strategy_selector="probabilistic",
        sims_per_entry=20,
        meta_strategy_method="prd",
        sample_from_marginals=True,
    )
    for _ in range(2):
        solver.iteration()
    aggregator = policy_aggregator.PolicyAggregator(smallest)
    joint = aggregator.aggregate(range(2), solver.get_policies(), solver.get_meta_strategies())
    assert exploitability.nash_conv(smallest, joint, use_cpp_br=False) < 0.05
    assert gaps(smallest.tree, smallest.tree.uniform()).nash_conv > 0.3


def test_magnetic_mirror_descent_runs_on_the_zero_sum_form(smallest: Any) -> None:
    """OpenSpiel's takes zero-sum games only: each seat wants to be paid more than the other (Sokota et al. 2023)."""
    from open_spiel.python.algorithms import exploitability, mmd_dilated

    from parlay_marl.theory.openspiel import ParlayGame

    game = ParlayGame(tree=smallest.tree, difference=True)
    solver = mmd_dilated.MMDDilatedEnt(game, alpha=0.01, stepsize=0.5)
    for _ in range(100):
        solver.update_sequences()
    assert exploitability.nash_conv(game, solver.get_policies(), use_cpp_br=False) < 0.03


def test_the_missing_library_is_named() -> None:
    code = (
        "import sys; sys.modules['pyspiel'] = None\n"
        "from parlay_marl.errors import MissingExtraError\n"
        "try:\n    import parlay_marl.theory.openspiel\nexcept MissingExtraError as error:\n    print(error)"
    )
    ran = run([sys.executable, "-c", code], check=True)
    assert 'pip install "parlay-marl[solve]"' in ran.stdout
