"""Makes alpharank.json, the output of OpenSpiel's alpha-rank on some games, which the tests compare ours with.

pip install open_spiel==2.0.2 numpy && python tests/tournament/peers/make_alpharank.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyspiel
from open_spiel.python import policy
from open_spiel.python.algorithms import expected_game_score, fictitious_play
from open_spiel.python.egt import alpharank, utils


def kuhn_poker(iterations: int) -> Any:
    """Return the meta-game of a uniform policy and those of fictitious play, both seats averaged."""
    game = pyspiel.load_game("kuhn_poker")
    solver = fictitious_play.XFPSolver(game)
    policies = [policy.UniformRandomPolicy(game)]
    for _ in range(iterations):
        solver.iteration()
        average = solver.average_policy().action_probabilities
        policies.append(policy.tabular_policy_from_callable(game, average))

    def values(first: Any, second: Any) -> Any:
        return expected_game_score.policy_value(game.new_initial_state(), [first, second])

    return np.array([[0.5 * (values(a, b)[0] + values(b, a)[1]) for b in policies] for a in policies]).round(12)


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(7)
    games = {
        name: np.array(utils.game_payoffs_array(pyspiel.load_matrix_game(name))[0], float)
        for name in ("matrix_rps", "matrix_bos", "matrix_pd", "matrix_sh")
    }
    games["biased_rps"] = np.array([[0.0, -1.0, 2.0], [1.0, 0.0, -1.0], [-1.0, 3.0, 0.0]])
    games["random_6"] = rng.normal(size=(6, 6)).round(3)
    games["random_12"] = rng.uniform(0, 0.5, size=(12, 12)).round(4)
    games["kuhn_poker"] = kuhn_poker(5)
    vectors = []
    for name, payoffs in games.items():
        for alpha, local in ((0.1, True), (1.0, True), (10.0, True), (None, True), (0.1, False), (1.0, False)):
            how = {"use_inf_alpha": True, "inf_alpha_eps": 0.01} if alpha is None else {"alpha": alpha}
            share = alpharank.compute([payoffs], m=50, use_local_selection_model=local, **how)[2]
            vectors.append({"game": name, "alpha": alpha, "local": local, "share": share.round(12).tolist()})
    data = {"payoffs": {name: payoffs.tolist() for name, payoffs in games.items()}, "vectors": vectors}
    Path(__file__).with_name("alpharank.json").write_text(json.dumps(data) + "\n", "utf-8")


if __name__ == "__main__":
    main()
