#!/usr/bin/env python3
"""Solve a small game of the real rules with OpenSpiel's CFR+, and print what each type does. Needs `solve`."""

import pyspiel
from open_spiel.python.algorithms.cfr import CFRPlusSolver
from open_spiel.python.algorithms.expected_game_score import policy_value
from open_spiel.python.algorithms.exploitability import nash_conv
from open_spiel.python.policy import Policy

import parlay_marl.theory.openspiel  # noqa: F401 - registers the game


def describe(state: pyspiel.State, policy: Policy, described: set[str]) -> None:
    """Print what a policy does in each information state that it often comes to from here."""
    if state.is_terminal():
        return
    if state.is_chance_node():
        likely = dict(state.chance_outcomes())
    else:
        likely = {action: p for action, p in policy.action_probabilities(state).items() if p > 0.01}
        text = state.information_state_string()
        if text not in described:
            described.add(text)
            print(f"{text}: " + ", ".join(f"{state.action_to_string(action)} {p:.0%}" for action, p in likely.items()))
    for action in likely:
        describe(state.child(action), policy, described)


def main(iterations: int = 64) -> None:
    """Print how far from an equilibrium both are after 1, 2, 4 ... iterations, and then what they are paid and do."""
    game = pyspiel.load_game("parlay(scenario=saas_enterprise,rounds=1,prices=5,types=3,opener=seller)")
    solver = CFRPlusSolver(game)
    for iteration in range(1, iterations + 1):
        solver.evaluate_and_update_policy()
        if iteration.bit_count() == 1:
            gap = nash_conv(game, solver.average_policy(), use_cpp_br=False)
            print(f"{iteration:>3} iterations: NashConv {gap:.4f}")
    average = solver.average_policy()
    buyer, seller = policy_value(game.new_initial_state(), [average, average])
    print(f"payoffs, in widths of the price range: buyer {buyer:.3f}, seller {seller:.3f}")
    describe(game.new_initial_state(), average, set())


if __name__ == "__main__":
    main()
