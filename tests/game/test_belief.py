"""What an environment says that an agent believes of the other: in currency, at that moment, its own seat's only."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import ClaimStatus
from parlay_marl.core.observation import AT
from parlay_marl.core.step import doubt_game
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.errors import ConfigurationError, NotStartedError
from parlay_marl.game.game import Game
from tests.helpers import AGENTS, SCENARIOS, claim, offer, pick, same

TRACKERS = ("bayes", "heuristic", "none", "elicited")

every_tracker = pytest.mark.parametrize("beliefs", TRACKERS)
every_scenario = pytest.mark.parametrize("scenario", SCENARIOS)


def check(view: Any, game: Game, seat: int) -> None:
    """Check a belief against what the seat sees, and against the kernel."""
    seen, deal = game.observe(seat)["observation"], game.scenario
    width = deal.high - deal.low
    for price, place in (("reservation", 0), ("low", 2), ("high", 3)):
        shown = float(np.clip(deal.normalise(getattr(view, price)), -4.0, 4.0))
        assert shown == pytest.approx(float(seen[AT.belief_reservation + place]), abs=1e-5)
    assert min(view.sd / width, 4.0) == pytest.approx(float(seen[AT.belief_spread]), abs=1e-5)
    for name in ("urgency", "alternative", "confidence"):
        assert getattr(view, name) == pytest.approx(float(seen[getattr(AT, f"belief_{name}")]), abs=1e-6)
    is_open = game.row["claim_status"][1 - seat] == ClaimStatus.OPEN
    assert view.bluff_probability == (doubt_game(game.rows, game.config.params, 0, seat) if is_open else None)


@every_tracker
@every_scenario
def test_a_belief_is_the_one_that_the_seat_is_shown(scenario: str, beliefs: str) -> None:
    rng, doubts = np.random.default_rng(0), 0
    for seed in range(3):
        env = negotiation_v0.env(scenario=scenario, beliefs=beliefs)
        env.reset(seed=seed)
        while not env.game.is_over:
            for seat, agent in enumerate(AGENTS):
                check(env.belief(agent), env.game, seat)
                doubts += env.belief(agent).bluff_probability is not None
            assert same(env.last()[4], env.infos[env.agent_selection])
            env.step(pick(rng, env.last()[0]["action_mask"], env.game.packages))
        for seat, agent in enumerate(AGENTS):
            check(env.belief(agent), env.game, seat)
    assert doubts > 0


def test_a_belief_is_in_currency() -> None:
    env = negotiation_v0.env(scenario="uniform", opener="buyer")
    env.reset(seed=0)
    view = env.belief("buyer_0")
    assert view.reservation == pytest.approx(150.0, abs=0.5)
    assert view.sd == pytest.approx(100.0 / 12.0**0.5, rel=0.02)
    assert 100.0 <= view.low < view.reservation < view.high <= 200.0
    assert view.bluff_probability is None


def test_a_belief_stays_what_it_was_when_the_game_goes_on() -> None:
    env = negotiation_v0.env(opener="seller")
    env.reset(seed=0)
    views, kept = [], []
    for action in (claim(35), offer(5), offer(30), offer(8), claim(10), 3):
        env.step(action)
        views += [env.belief(agent) for agent in AGENTS]
        kept += [view.as_dict() for view in views[-2:]]
    env.reset()
    assert [view.as_dict() for view in views] == kept
    assert len({repr(view) for view in views}) > 6


def test_an_open_claim_comes_with_its_probability_to_be_a_bluff() -> None:
    env = negotiation_v0.env(opener="seller", scenario="saas_enterprise")
    env.reset(seed=0)
    env.step(claim(9))
    honest = env.belief("buyer_0").bluff_probability
    assert env.belief("seller_0").bluff_probability is None, "its own claim"
    env.reset(seed=0)
    env.step(claim(38))
    assert 0.0 <= honest < env.belief("buyer_0").bluff_probability <= 1.0
    env.step(3)
    assert env.belief("buyer_0").bluff_probability is None, "no longer open"


@every_tracker
def test_a_belief_can_be_copied_pickled_compared_and_not_changed(beliefs: str) -> None:
    env = negotiation_v0.env(opener="seller", beliefs=beliefs)
    env.reset(seed=0)
    first = env.belief("buyer_0")
    env.step(claim(30))
    view = env.belief("buyer_0")
    for each in (copy.copy(view), copy.deepcopy(view), pickle.loads(pickle.dumps(view))):
        assert each == view
        assert hash(each) == hash(view)
        assert repr(each) == repr(view)
    assert view != first
    for name in ("reservation", "bluff_probability", "anything"):
        with pytest.raises(AttributeError):
            setattr(view, name, 1.0)


def test_there_is_no_belief_before_the_first_game() -> None:
    assert negotiation_v0.env().infos == {}
    with pytest.raises(NotStartedError):
        Game(negotiation_v0.make_config()).belief(0)
    for env in (negotiation_v0.env(), negotiation_v0.parallel_env()):
        with pytest.raises(NotStartedError):
            env.belief("buyer_0")
    with pytest.raises(NotStartedError):
        NegotiationEnv().belief()


def test_there_is_no_belief_of_a_seat_without_an_agent() -> None:
    for env in (negotiation_v0.env(seller="shark"), negotiation_v0.parallel_env(seller="shark")):
        env.reset(seed=1)
        for agent in ("seller_0", "buyer", 0):
            with pytest.raises(ConfigurationError, match="is no agent of this environment"):
                env.belief(agent)


@pytest.mark.parametrize("seat", [0, 1])
def test_every_interface_of_one_agent_tells_only_its_own(seat: int) -> None:
    arguments = {"role": ("buyer", "seller")[seat], "opponent": "veteran"}
    env = NegotiationEnv(**arguments)
    env.reset(seed=1)
    rng = np.random.default_rng(0)
    while not env.game.is_over:
        check(env.belief(), env.game, seat)
        env.step(pick(rng, env.action_masks(), 1))
    check(env.belief(), env.game, seat)


def test_many_games_tell_the_figures_of_their_observations() -> None:
    env, bare = NegotiationVectorEnv(5), NegotiationVectorEnv(5, copy=False)
    (_, infos), (_, looked) = env.reset(seed=1), bare.reset(seed=1)
    single = NegotiationEnv()
    for lane in range(5):
        single.reset(seed=1 + lane)
        expected = single.game.row["belief"][0]
        assert infos["belief"][lane] == pytest.approx(expected, abs=1e-6)
    kept = infos["belief"].copy()
    env.step([offer(20)] * 5)
    bare.step([offer(20)] * 5)
    assert np.array_equal(infos["belief"], kept), "a copy stays"
    assert np.array_equal(looked["belief"], bare.batch.observations[:, AT.belief_reservation : AT.known])
    assert np.shares_memory(looked["belief"], bare.batch.observations)
    assert not np.array_equal(looked["belief"], kept)


def test_games_that_end_and_begin_in_one_step_tell_both_beliefs() -> None:
    env = NegotiationVectorEnv(3, opener="buyer", autoreset_mode="SameStep")
    env.reset(seed=1)
    for level in (10, 12, 14, 16):
        env.step([offer(level)] * 3)
    infos = env.step([1, offer(18), 1])[4]
    final = infos["final_info"]
    assert final["_belief"].tolist() == [True, False, True]
    last = env.batch.final_observations[[0, 2], AT.belief_reservation : AT.known]
    assert np.array_equal(final["belief"][[0, 2]], last)
    assert not np.array_equal(final["belief"][0], infos["belief"][0])
