"""Protocols through every interface: environments, persona seats, text, the server's messages, training's batch."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import INDEX_ACCEPT, Move
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.game.action import Action
from parlay_marl.game.config import PROTOCOL_NAMES, make_config
from parlay_marl.game.game import Game
from parlay_marl.game.play import play_game
from parlay_marl.game.view import SeatView, view_of
from parlay_marl.players.player import Player
from tests.helpers import AGENTS, PARTNERS, PERSONAS, content, offer, pick

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


def test_the_names_of_the_setting_are_those_of_the_core() -> None:
    assert tuple(PROTOCOLS) == PROTOCOL_NAMES


@every_protocol
@pytest.mark.filterwarnings("ignore:Observation:UserWarning")
@pytest.mark.filterwarnings("ignore:Action space:UserWarning")
@pytest.mark.parametrize("form", ["discrete", "mixed"])
def test_pettingzoos_own_suites(protocol: str, form: str) -> None:
    def seeded(env: Any) -> Any:
        for i, agent in enumerate(env.possible_agents):
            env.action_space(agent).seed(i)
        return env

    chosen: Any = {"scenario": "uniform", "protocol": protocol, "actions": form, "price_levels": 11}
    api_test(seeded(negotiation_v0.env(**chosen, illegal="terminate")), num_cycles=100)
    parallel_api_test(seeded(negotiation_v0.parallel_env(**chosen)), num_cycles=100)
    seed_test(lambda: negotiation_v0.env(**chosen, illegal="terminate"), num_cycles=50)
    parallel_seed_test(lambda: negotiation_v0.parallel_env(**chosen, illegal="terminate"), num_cycles=50)


@every_protocol
@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_gymnasiums_own_suite(protocol: str, role: str) -> None:
    env = gymnasium.make("parlay/Negotiation-v0", role=role, protocol=protocol, scenario="uniform")
    env.action_space.seed(0)
    check_env(env.unwrapped)
    env.close()


@every_protocol
@pytest.mark.parametrize("levels", [6, 41])
def test_a_batch_plays_what_games_play(protocol: str, levels: int) -> None:
    chosen: Any = {"scenario": "uniform", "protocol": protocol, "price_levels": levels}
    batch, rng = Batch(8, **chosen), np.random.default_rng(0)
    batch.reset(seed=5)
    games = [Game(make_config(**chosen)) for _ in range(8)]
    for lane, game in enumerate(games):
        game.reset(seed=5 + lane)
    for _ in range(60):
        actions = []
        for lane, game in enumerate(games):
            if not game.is_over:
                assert content(batch.games[lane : lane + 1]) == content(game.rows)
                assert (batch.masks[lane] == game.mask).all()
                assert (batch.observations[lane] == game.observation).all()
            actions.append(0 if game.is_over else pick(rng, game.mask, 1))
        batch.step(np.array(actions))
        for lane, game in enumerate(games):
            if game.is_over:
                game.reset()
            else:
                game.play_index(actions[lane])
                assert batch.rewards[lane].tolist() == game.rewards
    batch.close()


@every_protocol
@pytest.mark.parametrize("scenario", ["uniform", "saas_enterprise", "family:wide"])
def test_everybody_plays_every_protocol(protocol: str, scenario: str) -> None:
    if protocol == "sealed_bid" and scenario == "family:wide":
        pytest.skip("sealed bids are about a price alone")
    config, ended = make_config(scenario, protocol=protocol), set()
    everybody = [*PERSONAS, *PARTNERS]
    for number, name in enumerate(everybody):
        record = play_game(name, everybody[number - 1], scenario, protocol=protocol, seed=number)
        opener = record.replay(0).seat
        for turn, action in enumerate(record.actions):
            moves = PROTOCOLS[protocol].opener_moves if turn % 2 == 0 else PROTOCOLS[protocol].other_moves
            assert moves >> action.move & 1
        assert config.opener in ("random", ("buyer", "seller")[opener])
        ended.add(record.outcome.ending)
        assert record.transcript()
    assert "deal" in ended


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"protocol": "auction"}, "unknown protocol 'auction'"),
        ({"protocol": "seller_offers", "opener": "buyer"}, "opener: in seller_offers it is seller, not 'buyer'"),
        ({"protocol": "buyer_offers", "opener": "random"}, "opener: in buyer_offers it is buyer"),
        ({"protocol": "sealed_bid", "max_rounds": 3}, "max_rounds: in sealed_bid it is 1, not 3"),
        (
            {"protocol": "sealed_bid", "scenario": "acquisition_terms"},
            "is about a price alone, and acquisition_terms has terms; give a scenario without",
        ),
        ({"protocol": "seller_offers", "moves": ["accept", "offer"]}, "a seat says no by silence; add silence"),
        ({"price_share": 1.5}, "price_share: give a number from 0 to 1, not 1.5"),
        ({"price_share": float("nan")}, "price_share"),
        ({"price_share": 10**400}, "price_share: give a number from 0 to 1, not 1000"),
        ({"price_share": 0.25}, "price_share: there is none in alternating_offers; leave it out, or play sealed_bid"),
    ],
)
def test_choices_that_do_not_go_with_a_protocol_are_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises((ConfigurationError, UnknownNameError), match=reason):
        make_config(**settings)


def test_an_opener_that_the_protocol_does_not_have_cannot_be_fixed_by_a_reset() -> None:
    env = negotiation_v0.env(protocol="seller_offers")
    with pytest.raises(ConfigurationError, match="opener: by this game's protocol it is the seller; leave it out"):
        env.reset(seed=1, options={"opener": "buyer"})
    env.reset(seed=1, options={"opener": "seller"})
    batch = Batch(2, protocol="seller_offers")
    with pytest.raises(ConfigurationError, match="protocol it is the seller"):
        batch.reset(1, {"opener": "buyer"})
    batch.close()


def test_who_opens_take_it_or_leave_it() -> None:
    for opener in ("buyer", "seller"):
        game = Game(make_config("uniform", protocol="take_it_or_leave_it", opener=opener))
        for number in range(4):
            game.reset(seed=0, number=number)
            assert AGENTS[game.seat].startswith(opener)
        other = {"buyer": "seller", "seller": "buyer"}[opener]
        with pytest.raises(ConfigurationError, match=f"it is the {opener}"):
            game.reset(seed=0, options={"opener": other})
    game = Game(make_config("uniform", protocol="take_it_or_leave_it", opener="random"))
    assert len({game.reset(seed=0, number=number) or game.seat for number in range(20)}) == 2
    assert make_config(protocol="take_it_or_leave_it").opener == "seller"
    assert make_config(protocol="take_it_or_leave_it", opener="buyer").opener == "buyer"


class Watcher(Player):
    """A player that names a price out loud, and keeps what it is shown of the other."""

    def __init__(self, name: str, price: float) -> None:
        self._name, self._price = name, price
        self.seen: list[SeatView] = []

    @property
    def name(self) -> str:
        return self._name

    def begin(self, view: SeatView) -> None:
        self.seen.append(view)

    def act(self, view: SeatView) -> Action:
        self.seen.append(view)
        return view.make_offer(self._price, words=f"I say {self._price:,.0f}!")


def test_a_sealed_price_is_in_no_view_of_the_other_seat_and_in_the_record_afterwards() -> None:
    views = []
    for price in (111_000, 177_000):
        first, second = Watcher("first", price), Watcher("second", 140_000)
        record = play_game(first, second, "saas_enterprise", opener="buyer", protocol="sealed_bid", seed=4)
        turn = second.seen[-1].turns[0]
        assert (turn.price, turn.package, turn.words, turn.move) == (None, None, "", Move.OFFER)
        views.append([(v.turns, v.counter_offer, v.belief, v.observation.tobytes(), v.tension) for v in second.seen])
        assert record.actions[0].words == f"I say {price:,.0f}!"
        assert record.outcome.is_deal == (price > 140_000)
        shown = record.replay().seen_turns
        assert [round(each.price, 3) for each in shown] == [round((price - 110_000) / 70_000, 3), 0.429]
        assert f"{price:,.0f}" in record.transcript()
    assert views[0] == views[1]


def test_the_price_of_sealed_bids_lies_where_the_setting_says() -> None:
    game = Game(make_config("uniform", protocol="sealed_bid", price_share=0.25, opener="buyer"))
    game.reset(seed=1)
    game.play_index(offer(30))
    game.play_index(offer(10))
    assert game.outcome().price == 137.5  # 50 to 150 in a range of 100 to 200: 125 + 0.25 * (175 - 125)


def test_an_answering_seat_may_take_the_posted_price() -> None:
    game = Game(make_config("uniform", protocol="take_it_or_leave_it"))
    game.reset(seed=1)
    game.play_index(offer(12))
    assert Move.OFFER not in view_of(game, 0).legal_moves
    game.play_index(INDEX_ACCEPT)
    assert game.outcome().price == 130.0
