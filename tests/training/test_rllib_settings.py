"""The settings of an environment of RLlib, checked without RLlib."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from parlay_marl.errors import CatalogueError
from parlay_marl.training.rllib_settings import SEEDS_APART, EnvSettings, env_settings, lane_seed


def test_without_opponents_both_seats_are_played_from_outside() -> None:
    settings = env_settings({})
    assert settings.share == 0.0
    assert settings.kinds == (False,)
    assert settings.scenarios == ("saas_enterprise",)
    assert settings.reward == "payoff"


@pytest.mark.parametrize(
    ("given", "share", "kinds"),
    [
        ({"opponents": {"shark": 1.0}}, 1.0, (True,)),
        ({"opponents": {"shark": 1.0}, "opponent_share": 0.5}, 0.5, (False, True)),
        ({"opponents": {"shark": 1.0}, "opponent_share": 0.0}, 0.0, (False,)),
        ({"opponents": {"shark": 1.0}, "opponent_share": 1.0}, 1.0, (True,)),
    ],
)
def test_shares_say_which_kinds_of_games_there_are(given: Any, share: float, kinds: tuple[bool, ...]) -> None:
    settings = env_settings(given)
    assert settings.share == share
    assert settings.kinds == kinds
    for kind in kinds:
        batch = settings.batch(3, against_opponents=kind)
        batch.reset(0)
        assert ((batch.learners < 0).all()) == (not kind)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scenarios": []}, "env_config: scenarios"),
        ({"scenario": "uniform"}, "env_config: scenario: Extra"),
        ({"opponents": {"shark": 0.0}}, "not all 0"),
        ({"opponents": {"shark": float("nan")}}, "opponents"),
        ({"opponents": {"shark": float("inf")}}, "opponents"),
        ({"opponents": {"shark": 1.0}, "opponent_share": 1.5}, "env_config: opponent_share"),
        ({"opponent_share": 0.5}, "names nobody"),
        ({"role": "both"}, "env_config: role"),
        ({"max_rounds": 0}, "env_config: max_rounds"),
        ({"beliefs": "elicited"}, "env_config: beliefs"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(given: dict[str, Any], said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        env_settings(given)


def test_the_seeds_of_lanes_never_meet() -> None:
    """Those of another lane, worker or run are far enough away for a training that goes on from a checkpoint."""
    seeds = sorted(lane_seed(seed + lane, worker) for seed in (0, 400) for lane in range(300) for worker in range(5))
    distances = {later - earlier for earlier, later in itertools.pairwise(seeds)}
    assert min(distances) >= SEEDS_APART
    assert lane_seed(2**31 + 2**12, 2**12 - 1) + SEEDS_APART < 2**64


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        EnvSettings().role = "buyer"  # type: ignore[misc]
