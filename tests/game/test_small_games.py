"""Settings that make a game small, and what players see of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from parlay_marl.catalogue import load_scenario
from parlay_marl.core.moves import INDEX_ACCEPT, INDEX_OFFERS, Move
from parlay_marl.errors import CatalogueError, ConfigurationError, IllegalMoveError, UnknownNameError
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.game import Game
from parlay_marl.game.play import play_game
from parlay_marl.game.record import GameRecord
from parlay_marl.game.view import SeatView, view_of
from parlay_marl.players.persona import as_player
from parlay_marl.players.player import Player
from tests.helpers import PARTNERS, PERSONAS, content, pick

TOML = """
name = "two_by_two"
title = "Two types of each seat"
low = 100
high = 200
rounds = 2
opener = "seller"

[reservation]
distribution = "types"

[[types.buyer]]
reservation = 140
[[types.buyer]]
reservation = 180

[[types.seller]]
probability = 0.3
reservation = 120
urgency = 0.9
[[types.seller]]
probability = 0.7
reservation = 160
alternative = true
"""
SMALL = {"price_levels": 5, "moves": ["accept", "offer"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "two_by_two.toml"
    file.write_text(TOML)
    return file


def test_a_scenario_of_types_is_read_from_its_file_and_drawn(path: Path) -> None:
    game, found = Game(make_config(path, **SMALL)), set()
    for number in range(60):
        game.reset(seed=0, number=number)
        row = game.row
        buyer, seller = row["reservation"].tolist()
        found.add((buyer, seller, row["urgency"][1].item(), row["alternative"][1].item()))
    assert found == {(b, *seller) for b in (0.4, 0.8) for seller in ((0.2, 0.9, 0), (0.6, 0.5, 1))}
    assert game.params[0]["scenario"]["nominal_width"] == 1.0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("probability = 0.7", "probability = 0.6", "types.seller: the probabilities add up to 0.9; make it 1"),
        ("probability = 0.7", "", "types.seller: give every type a probability, or none"),
        ("reservation = 180", "reservation = 201", r"types.buyer.1: reservation = 201.0 lies outside the public range"),
        ('distribution = "types"', 'distribution = "uniform"', "together with"),
        ('"types"', '"types"\nbuyer = 150', "types have them; leave buyer and seller out"),
        ("urgency = 0.9", "hurry = 0.9", "hurry"),
    ],
)
def test_types_that_do_not_hang_together_are_refused_by_name(path: Path, old: str, new: str, reason: str) -> None:
    path.write_text(TOML.replace(old, new, 1))
    with pytest.raises(CatalogueError, match=reason):
        load_scenario(path)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"price_levels": 1}, "price_levels: give a whole number from 2 to 41, not 1"),
        ({"price_levels": 42}, "price_levels: give a whole number from 2 to 41, not 42"),
        ({"price_levels": 2.0}, "price_levels: give a whole number from 2 to 41, not 2.0"),
        ({"moves": ["offer"]}, "moves: every game has accept and offer, or there is no deal; add accept"),
        ({"moves": "accept"}, "add offer"),
        ({"moves": ["accept", "offer", "shout"]}, "shout"),
        ({"moves": ["accept", "offer", 2]}, "unknown move 2"),
        ({"events": "no"}, "events: give True or False, not 'no'"),
    ],
)
def test_settings_that_make_no_game_are_refused(settings: dict, reason: str) -> None:
    with pytest.raises((ConfigurationError, UnknownNameError), match=reason):
        make_config("uniform", **settings)


def test_moves_are_named_in_any_order_and_case_and_kept_in_that_of_the_rules() -> None:
    assert make_config(moves=["Silence", "OFFER", "accept", "offer"]).moves == ("accept", "offer", "silence")
    assert make_config(moves=None) == make_config(moves=[move.name for move in Move])


def test_a_configuration_comes_back_from_plain_data_and_an_older_one_still_does(path: Path) -> None:
    config = make_config(path, **SMALL, events=False)
    assert GameConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    older = make_config("saas_enterprise").to_dict()
    assert not {"price_levels", "moves", "events"} & set(older), "what was stored before them is what is stored now"
    assert "types" not in older["scenario"]
    assert GameConfig.from_dict(older) == make_config("saas_enterprise")


def test_without_events_none_happens_in_a_scenario_and_in_a_family() -> None:
    for scenario in ("saas_enterprise", "family:wide"):
        game = Game(make_config(scenario, events=False))
        for number in range(5):
            game.reset(seed=0, number=number)
            assert (game.row["event_round"] == -1).all()
            assert game.params[0]["scenario"]["events"] == 0
    usual = Game(make_config("saas_enterprise"))
    usual.reset(seed=0)
    assert (usual.row["event_round"] >= 0).any()


def test_a_small_game_refuses_in_words_what_it_does_not_have() -> None:
    game = Game(make_config("uniform", opener="buyer", **SMALL))
    game.reset(seed=0)
    with pytest.raises(IllegalMoveError, match=r"buyer: OFFER .* the game does not have this price.*price_levels"):
        game.play(Move.OFFER, 0.3)
    with pytest.raises(
        IllegalMoveError, match=r"buyer: action 2 \(SILENCE\) is illegal: the game does not have this m"
    ):
        game.play_index(2)
    game.play(Move.OFFER, 0.1 + 0.2 - 0.05)  # 0.25000000000000006
    assert game.actions[0].price == 0.25


def test_a_view_lists_the_moves_and_prices_and_rounds_to_them() -> None:
    game = Game(make_config("saas_enterprise", opener="buyer", **SMALL))
    game.reset(seed=0)
    view = view_of(game, 0)
    assert view.moves == (Move.ACCEPT, Move.OFFER)
    assert view.prices == (110_000, 127_500, 145_000, 162_500, 180_000)
    assert view.in_units(140_123) == 145_000
    assert view.make_offer(view.prices[3]).price == 0.75
    with pytest.raises(IllegalMoveError, match=r"140,000 is no price of this game; give one of USD 110,000"):
        view.make_offer(140_000)
    assert view_of(_started("saas_enterprise"), 0).prices == ()


def _started(scenario: str, **settings: object) -> Game:
    game = Game(make_config(scenario, **settings))
    game.reset(seed=0)
    return game


class Rounder(Player):
    """A player that asks for odd amounts, in units of the view."""

    name = "rounder"

    def begin(self, view: SeatView) -> None:
        assert view.prices

    def act(self, view: SeatView) -> Action:
        if view.counter_offer is not None and view.counter_offer.worth > 0:
            return view.accept()
        return view.make_offer(view.in_units(view.reservation_price * 1.01))

    def end(self, outcome: object) -> None:
        pass


@pytest.mark.parametrize(
    "settings", [SMALL, {"price_levels": 2}, {"price_levels": 7, "moves": ["offer", "accept", "walk_away"]}]
)
@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms", "family:wide"])
def test_everybody_plays_small_games_by_their_moves_and_prices(scenario: str, settings: dict) -> None:
    config = make_config(scenario, **settings)
    for number, name in enumerate([*PERSONAS, *PARTNERS]):
        for pair in ((name, Rounder()), (Rounder(), name)):
            record = play_game(*pair, scenario, seed=number, **settings)
            assert {action.move for action in record.actions} <= {Move[name.upper()] for name in config.moves}
            prices = {action.price for action in record.actions if action.move is Move.OFFER}
            assert prices <= set(config.prices)
            assert (
                GameRecord.from_dict(json.loads(json.dumps(record.to_dict()))).outcome.payoff == record.outcome.payoff
            )


# ------------------------------------------------------------------ clones


@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms", "family:wide"])
def test_a_clone_goes_its_own_way_from_the_same_state(scenario: str) -> None:
    rng = np.random.default_rng(0)
    game = _started(scenario)
    for _ in range(9):
        if game.is_over:
            break
        game.play_index(pick(rng, game.mask, game.packages))
        twin = game.clone()
        kept, actions = content(game.rows), list(game.actions)
        assert content(twin.rows) == kept
        assert (twin.seat, twin.is_over, twin.rewards, twin.actions) == (game.seat, game.is_over, game.rewards, actions)
        if game.is_over:
            assert twin.outcome() == game.outcome()
            break
        assert (twin.mask == game.mask).all()
        assert (twin.observation == game.observation).all()
        action = pick(rng, twin.mask, twin.packages)
        twin.play_index(action)
        assert content(game.rows) == kept
        assert game.actions == actions
        game.clone().play_index(action)
        again = game.clone()
        again.play_index(action)
        assert content(again.rows) == content(twin.rows)
        assert again.rewards == twin.rewards


def test_a_clone_with_players_goes_on_and_starts_games_of_its_own() -> None:
    game = Game(make_config("saas_enterprise", opener="buyer"), (None, as_player("shark")))
    game.reset(seed=3)
    game.play_index(INDEX_OFFERS + 20)
    twin = game.clone()
    for each in (game, twin):
        if not each.is_over:
            each.play_index(INDEX_ACCEPT)
    assert game.record().to_dict() == twin.record().to_dict()
    twin.reset(seed=9)
    assert (game.seed, twin.seed) == (3, 9)
    assert game.outcome().is_deal


def test_a_game_that_has_not_begun_can_be_cloned() -> None:
    twin = Game(make_config("uniform")).clone()
    twin.reset(seed=1)
    assert not twin.is_over
