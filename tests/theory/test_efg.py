"""The `.efg` file is the same game to OpenSpiel and to Gambit, and Gambit's equilibria are equilibria here."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.theory.cfr import solve
from parlay_marl.theory.efg import efg_text, fractions_of, write_efg
from parlay_marl.theory.small_game import small_game
from parlay_marl.theory.tree import Tree, build_tree
from parlay_marl.theory.values import gaps


@pytest.fixture(scope="module")
def smallest() -> Tree:
    return build_tree(small_game("saas_enterprise", max_rounds=1, price_levels=3, types=2, opener="seller"))


def test_the_file_has_every_history(smallest: Tree) -> None:
    lines = efg_text(smallest).splitlines()
    assert lines[0] == 'EFG 2 R "An enterprise software contract" { "buyer" "seller" }'
    assert sum(line.startswith("t ") for line in lines) == smallest.n_terminals
    assert sum(line.startswith("p ") for line in lines) == len(smallest) - smallest.n_terminals
    assert sum(line.startswith("c ") for line in lines) == 1


def test_chances_sum_to_exactly_one() -> None:
    for chances in ([1 / 9] * 9, [0.1, 0.2, 0.7], [1 / 3 * 0.3, 1 / 3 * 0.7, 2 / 3]):
        found = fractions_of(chances)
        assert sum(found) == 1
        assert all(abs(float(one) - other) < 1e-6 for one, other in zip(found, chances, strict=True))
    assert fractions_of([1 / 9] * 9) == [Fraction(1, 9)] * 9


def test_openspiel_reads_it(offers_tree: Tree, full_tree: Tree) -> None:
    """The same NashConv of the even strategy, computed by OpenSpiel's compiled best reply from the file alone."""
    pyspiel: Any = pytest.importorskip("pyspiel", reason="the extra `solve` is not installed")
    from open_spiel.python import policy
    from open_spiel.python.algorithms import exploitability

    for tree in (offers_tree, full_tree):
        game = pyspiel.load_efg_game(efg_text(tree))
        found = exploitability.nash_conv(game, policy.UniformRandomPolicy(game))
        assert found == pytest.approx(gaps(tree, tree.uniform()).nash_conv, abs=1e-9)


def test_gambit_finds_the_same_equilibrium(smallest: Tree, tmp_path: Path) -> None:
    """Both of its solvers end in equilibria by our measure, and the one it follows from even play is that of CFR+."""
    pygambit: Any = pytest.importorskip("pygambit", reason="Gambit is not installed")
    write_efg(tmp_path / "game.efg", smallest)
    game = pygambit.read_efg(str(tmp_path / "game.efg"))

    def table_of(profile: Any) -> Any:
        table = np.zeros(int(smallest.states.start[-1]))
        for state, text in enumerate(smallest.states.text):
            infoset = game.players[("buyer", "seller")[smallest.states.seat[state]]].infosets[text]
            table[smallest.states.entries(state)] = [float(profile[action]) for action in infoset.actions]
        return table

    traced = gaps(smallest, table_of(pygambit.nash.logit_solve(game).equilibria[0]))
    assert traced.nash_conv < 1e-6
    for profile in pygambit.nash.lcp_solve(game, rational=False).equilibria:
        assert gaps(smallest, table_of(profile)).nash_conv < 1e-9
    ours = solve(smallest, goal=1e-5, iterations=5000).gaps
    assert ours.payoff == pytest.approx(traced.payoff, abs=1e-3)
