"""The same seed gives the same whole episodes: twice in one process, in a fresh one, through every interface."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.errors import ConfigurationError
from tests.envs.digest import digests
from tests.helpers import case_name, content
from tests.processes import run

MAKERS = {
    "aec": negotiation_v0.env,
    "parallel": negotiation_v0.parallel_env,
    "single": NegotiationEnv,
}
every_interface = pytest.mark.parametrize("interface", MAKERS)


def made(interface: str, **arguments: Any) -> Any:
    return MAKERS[interface](**arguments)


def drawn(env: Any) -> bytes:
    """Return everything that chance has drawn for the game that an environment is in."""
    return content(env.game.rows)


def test_whole_episodes_are_the_same_twice_in_a_process_and_in_a_fresh_one() -> None:
    here = digests()
    assert digests() == here
    elsewhere = run([sys.executable, "-W", "error", "-m", "tests.envs.digest"])
    assert elsewhere.stderr == ""
    assert elsewhere.stdout.splitlines() == here


def test_different_seeds_scenarios_and_interfaces_are_different_digests() -> None:
    values = [line.split()[-1] for line in digests()]
    assert len(set(values)) == len(values)


@every_interface
def test_a_reset_without_a_seed_goes_on_with_the_next_game_of_the_seed(interface: str) -> None:
    env, again = made(interface), made(interface)
    env.reset(seed=5)
    games = [drawn(env)]
    for number in range(1, 6):
        env.reset()
        assert (env.game.seed, env.game.number) == (5, number)
        games.append(drawn(env))
    assert len(set(games)) == 6
    again.reset(seed=5)
    for game in games[1:]:
        again.reset()
        assert drawn(again) == game
    env.reset(seed=5)
    assert drawn(env) == games[0]


@every_interface
def test_how_a_game_went_does_not_change_the_next_one(interface: str) -> None:
    env, again = made(interface, illegal="terminate"), made(interface, illegal="terminate")
    env.reset(seed=5)
    again.reset(seed=5)
    if interface == "parallel":
        env.step({"buyer_0": 1, "seller_0": 1})
    else:
        env.step(1)
    env.reset()
    again.reset()
    assert drawn(env) == drawn(again)


@every_interface
def test_environments_without_a_seed_differ(interface: str) -> None:
    first, second = made(interface), made(interface)
    first.reset()
    second.reset()
    assert first.game.seed != second.game.seed
    assert drawn(first) != drawn(second)


@every_interface
@pytest.mark.parametrize("number", [np.int64(9), np.uint64(9), np.int32(9), np.array(9)], ids=case_name)
def test_any_kind_of_whole_number_is_a_seed(interface: str, number: Any) -> None:
    plain, env = made(interface), made(interface)
    plain.reset(seed=9)
    env.reset(seed=number)
    assert drawn(plain) == drawn(env)
    assert type(env.game.seed) is int


@every_interface
@pytest.mark.parametrize("seed", [0, 2**31, 2**63, 2**64 - 1])
def test_every_number_of_64_bits_is_a_seed(interface: str, seed: int) -> None:
    env = made(interface)
    env.reset(seed=seed)
    assert env.game.seed == seed


@every_interface
@pytest.mark.parametrize("seed", [-1, 2**64, 2**200, 1.5, 1.0, float("nan"), np.float64(3), "7", b"7", [7], object()])
def test_anything_else_is_no_seed_and_leaves_the_game_as_it_was(interface: str, seed: Any) -> None:
    env = made(interface)
    env.reset(seed=3)
    before = drawn(env)
    with pytest.raises(ConfigurationError, match="seed: give a whole number"):
        env.reset(seed=seed)
    assert drawn(env) == before
    assert (env.game.seed, env.game.number) == (3, 0)
    env.reset()
    assert (env.game.seed, env.game.number) == (3, 1)


def test_the_seed_keys_all_scenarios_alike_and_fixed_draws_nothing_else() -> None:
    games = [
        negotiation_v0.Game(negotiation_v0.make_config("uniform", opener=opener)) for opener in ("buyer", "seller")
    ]
    for game in games:
        game.reset(11)
    assert games[0].row["reservation"].tolist() == games[1].row["reservation"].tolist()
    assert games[0].row["key"] == games[1].row["key"]


@pytest.mark.parametrize("interface", ["aec", "parallel"])
def test_the_state_at_a_reset_does_not_depend_on_who_sits_where(interface: str) -> None:
    alone, both = made(interface, seller="linear", opener="buyer"), made(interface, opener="buyer")
    alone.reset(seed=4)
    both.reset(seed=4, options=alone.game.options)
    assert np.array_equal(alone.state(), both.state())
