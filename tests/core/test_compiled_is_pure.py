"""The compiled rules and the same code as plain Python play the same games, bit for bit."""

import os
import sys

import pytest

from tests.core import digest
from tests.core.games import Game, content
from tests.processes import run


@pytest.mark.compiled_only
def test_compiled_games_are_those_of_plain_python_bit_for_bit() -> None:
    pure = run([sys.executable, "-m", "tests.core.digest"], env=os.environ | {"NUMBA_DISABLE_JIT": "1"})
    assert pure.returncode == 0, pure.stderr
    assert digest.digests() == pure.stdout.split("\n")[:-1]


def test_a_digest_notices_another_game() -> None:
    found = {digest.digest_of_play("saas", variant) for variant in ("default", "seed", "payoff", "hot")}
    assert len(found) == 4
    assert digest.digest_of_play("saas", "default") == digest.digest_of_play("saas", "default")


@pytest.mark.parametrize("name", ["posterior", "frame", "estimate", "belief"])
def test_a_digest_covers_what_a_belief_is_made_of(name: str) -> None:
    game = Game()
    before = content(game.rows)
    game.rows[name][0, 1].flat[-1] += 0.001
    assert content(game.rows) != before
