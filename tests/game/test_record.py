"""Two opponents play a game at once, and its record is enough to play it again."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import Move
from parlay_marl.errors import (
    ActionTypeError,
    CatalogueError,
    ConfigurationError,
    GameOverError,
    IllegalMoveError,
    ParlayError,
    UnknownNameError,
)
from parlay_marl.game.action import Action
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.record import GameRecord
from parlay_marl.players.persona import as_player
from parlay_marl.policies.policy import write_policy
from tests.helpers import PERSONAS, SCENARIOS, Chooser, Reciter, case_name, content, offer
from tests.policies.networks import network

play_game = negotiation_v0.play_game


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("beliefs", ["bayes", "elicited"])
def test_a_record_is_the_game_bit_for_bit(beliefs: str, scenario: str) -> None:
    for seed, buyer in enumerate(PERSONAS):
        record = play_game(buyer, "diplomat", scenario, seed=seed, beliefs=beliefs)
        assert record.names == (buyer, "diplomat")
        assert (record.seed, record.number, record.illegal) == (seed, 0, None)
        again = record.replay()
        assert again.actions == list(record.actions)
        assert again.outcome() == record.outcome
        plain = negotiation_v0.replay(record.config, record.seed, record.actions, record.options, record.number)
        assert content(plain.rows) == content(again.rows)


def test_the_game_is_the_one_that_an_agent_with_the_same_persona_plays() -> None:
    record = play_game("shark", "diplomat", "hiring_package_terms", seed=5, opener="buyer", rules="seed")
    env = negotiation_v0.env(
        scenario="hiring_package_terms", seller="diplomat", opener="buyer", rules="seed", actions="mixed"
    )
    env.reset(seed=5, options=record.options)
    paid = np.zeros(2)
    while not env.game.is_over:
        move, price, package, *_ = record.actions[len(env.game.actions)]
        env.step({"move": move, "price": price, "package": package})
        paid += env.game.rewards
    assert [action[:4] for action in env.game.actions] == [action[:4] for action in record.actions]
    assert env.game.outcome() == record.outcome
    assert paid.tolist() == pytest.approx(record.rewards)


def test_the_transcript_has_the_words_and_the_ending() -> None:
    record = play_game("shark", "diplomat", seed=7)
    text = record.transcript()
    assert text.startswith("An enterprise software contract\n")
    assert "shark (buyer) against diplomat (seller)" in text
    assert text.count('"') >= 10
    assert f"Deal at USD {record.outcome.price:,.0f}" in text
    assert text == play_game("shark", "diplomat", seed=7).transcript()


def test_seats_are_given_to_whatever_env_takes(tmp_path: Path) -> None:
    write_policy(tmp_path / "pupil.safetensors", network())
    for buyer in ("linear", tmp_path / "pupil.safetensors", str(tmp_path / "pupil.safetensors"), Chooser(0), network()):
        record = play_game(buyer, Chooser(1), seed=0)
        assert record.replay().outcome() == record.outcome


def test_seed_number_options_and_rounds_are_taken() -> None:
    options = {"reservation": {"buyer": 160_000, "seller": 120_000}, "events": False}
    record = play_game("hardliner", "hardliner", seed=3, number=4, options=options, max_rounds=12)
    assert (record.seed, record.number) == (3, 4)
    assert record.outcome.round <= 11
    assert record.replay().row["events_fired"] == 0
    options["reservation"] = {}
    assert record.options is not None
    assert record.options["reservation"] == {"buyer": 160_000, "seller": 120_000}
    assert play_game("random", "random").seed != play_game("random", "random").seed


def test_part_of_a_game_can_be_replayed() -> None:
    record = play_game("shark", "diplomat", seed=7)
    for turns in range(len(record.actions)):
        game = record.replay(turns)
        assert game.actions == list(record.actions[:turns])
        assert not game.is_over


@pytest.mark.parametrize("reward", ["shaped", "payoff"])
def test_an_illegal_move_is_an_error_or_loses_the_game(reward: str) -> None:
    buyer = Reciter(offer(5), 3, name="hasty")
    with pytest.raises(IllegalMoveError, match=r"buyer: action 3 \(CHALLENGE\) of the opponent 'hasty' is illegal"):
        play_game(buyer, "linear", seed=0, opener="buyer")
    buyer = Reciter(offer(5), 3, name="hasty")
    record = play_game(buyer, "linear", seed=0, opener="buyer", illegal="terminate", reward=reward)
    assert (record.outcome.ending, record.outcome.closed_by) == ("forfeit", "buyer")
    assert record.illegal is not None
    assert "CHALLENGE" in record.illegal
    assert [played.move for played in record.actions] == [Move.OFFER, Move.OFFER]
    again = record.replay()
    assert again.outcome() == record.outcome
    assert not record.replay(2).is_over
    assert "Forfeit by the buyer" in record.transcript()
    assert record.rewards[0] < (-100 if reward == "shaped" else -0.5)


def test_a_record_can_be_pickled_and_compared() -> None:
    record = play_game("shark", "nash", seed=7)
    copy = pickle.loads(pickle.dumps(record))
    assert copy == record
    assert copy.transcript() == record.transcript()
    assert copy != play_game("shark", "nash", seed=8)


@pytest.mark.parametrize("scenario", ["uniform", "hiring_package_terms", "acquisition_terms"])
@pytest.mark.parametrize("beliefs", ["bayes", "elicited"])
def test_a_record_survives_a_file(beliefs: str, scenario: str) -> None:
    options = {"urgency": {"buyer": np.float64(0.3)}, "opener": "seller"}
    record = play_game("shark", "veteran", scenario, seed=5, number=2, options=options, beliefs=beliefs, rules="seed")
    again = GameRecord.from_dict(json.loads(json.dumps(record.to_dict())))
    assert again == record
    assert again.to_dict() == record.to_dict()
    assert content(again.replay().rows) == content(record.replay().rows)
    assert (again.outcome, again.rewards, again.ledger()) == (record.outcome, record.rewards, record.outcome.claims)
    assert again.transcript() == record.transcript()


def test_a_forfeit_survives_a_file() -> None:
    record = play_game(Reciter(offer(5), 3, name="hasty"), "linear", seed=0, opener="buyer", illegal="terminate")
    again = GameRecord.from_dict(json.loads(json.dumps(record.to_dict())))
    assert again == record
    assert (again.forfeit_by, again.outcome.ending) == ("buyer", "forfeit")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seed": "x"}, "record: seed: "),
        ({"extra": 1}, "record: extra: "),
        ({"forfeit_by": "nobody"}, "record: forfeit_by: "),
        ({"actions": [{"move": "SHOUT"}]}, r"record: actions\.0\.move: "),
        ({"config": {}}, "config: give an object with the keys scenario, "),
        ({"seed": True}, "record: seed: "),
        ({"seed": -1}, "record: seed: "),
        ({"number": 7.0}, "record: number: "),
        ({"actions": [{"move": "OFFER", "price": "0.5"}]}, r"record: actions\.0\.price: "),
        ({"actions": [{"move": "OFFER", "price": float("nan")}]}, r"record: actions\.0\.price: "),
        ({"actions": [{"move": "OFFER", "price": 0.5, "package": 10**30}]}, r"record: actions\.0\.package: "),
        ({"actions": [{"move": "OFFER"}]}, "record: it cannot be played: OFFER needs a price"),
        ({"actions": [{"move": "SILENCE", "belief": [0.5, 0.1]}]}, "record: it cannot be played: no belief goes with"),
        ({"options": {"opener": "nobody"}}, "record: it cannot be played: reset options: opener"),
    ],
)
def test_a_broken_file_is_refused(change: dict[str, Any], reason: str) -> None:
    data = play_game("linear", "linear", seed=0).to_dict()
    with pytest.raises(CatalogueError, match=reason):
        GameRecord.from_dict(data | change)


def test_a_record_with_turns_after_the_end_is_refused() -> None:
    data = play_game("linear", "linear", seed=0).to_dict()
    with pytest.raises(CatalogueError, match="record: it cannot be played: the game is over"):
        GameRecord.from_dict(data | {"actions": [*data["actions"], {"move": "SILENCE"}]})


@pytest.mark.parametrize("name", ["scenario", "rules", "reward", "max_rounds"])
@pytest.mark.parametrize("value", [None, "seed", {}, {"low": "x"}])
def test_a_broken_configuration_is_refused(name: str, value: Any) -> None:
    data = play_game("linear", "linear", seed=0).to_dict()
    config = data["config"]
    for broken in (config | {name: value}, {key: part for key, part in config.items() if key != name}):
        if name == "rules" and isinstance(value, dict) and not value and "rules" in broken:
            continue  # no changed number: the default rules
        if name == "max_rounds" and value is None and name in broken:
            continue  # as the scenario says
        with pytest.raises(CatalogueError, match="config"):
            GameRecord.from_dict(data | {"config": broken})


def test_an_anchor_without_a_price_is_at_the_own_end_in_a_record_too() -> None:
    config = negotiation_v0.make_config(opener="seller")
    record = GameRecord(config, 1, 0, None, (Action(Move.ANCHOR_HIGH),))
    assert record.replay().turns[0].price == 1.0
    assert negotiation_v0.replay(config, 1, [Action(Move.ANCHOR_HIGH)]).turns[0].price == 1.0


@pytest.mark.parametrize("seat", [-1, 2, 7])
def test_only_a_seat_forfeits(seat: int) -> None:
    env = negotiation_v0.env()
    env.reset(seed=1)
    with pytest.raises(ConfigurationError, match="seat: give 0 for the buyer or 1 for the seller"):
        env.game.forfeit(seat)
    assert not env.game.is_over


def test_a_record_of_a_live_game_is_that_game() -> None:
    env = negotiation_v0.env(seller="shark", opener="buyer", render_mode="ansi")
    env.reset(seed=3)
    for level in (5, 6, 7):
        env.step(offer(level))
        record = env.game.record()
        assert record.replay().turns == env.game.turns
        assert record.names == ("buyer", "shark")
        assert record.transcript() == env.render()
        assert record.ledger() == env.game.ledger()
    assert env.game.record(), "a record of a game that goes on"
    with pytest.raises(GameOverError, match="not over yet"):
        _ = record.outcome


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"buyer": "sharc"}, UnknownNameError, "did you mean 'shark'"),
        ({"seller": None}, ConfigurationError, "None cannot play a seat"),
        ({"seed": "x"}, ConfigurationError, "seed: give a whole number"),
        ({"number": -1}, ConfigurationError, "number: give the number of a game"),
        ({"options": {"event": False}}, ConfigurationError, "reset options: event: "),
        ({"illegal": "stop"}, UnknownNameError, "unknown treatment of illegal moves"),
        ({"max_rounds": 0}, ConfigurationError, "max_rounds"),
        ({"seller": Reciter("5"), "illegal": "terminate"}, ActionTypeError, "one whole number"),
    ],
    ids=case_name,
)
def test_what_cannot_be_played_is_refused(arguments: dict[str, Any], error: type[ParlayError], message: str) -> None:
    with pytest.raises(error, match=message):
        play_game(**{"buyer": "shark", "seller": "diplomat"} | arguments)


def test_giving_both_seats_away_names_what_plays_such_a_game() -> None:
    for kind in (negotiation_v0.env, negotiation_v0.parallel_env):
        with pytest.raises(ConfigurationError, match=r"both seats .*negotiation_v0\.play_game\(buyer, seller\)"):
            kind(buyer="shark", seller="diplomat")


def test_turns_are_told_as_they_are_played_and_once_each() -> None:
    told: list[Any] = []
    game = Game(make_config("uniform", opener="buyer"), (None, as_player("linear")))
    game.read_turns(told.append)
    game.start(3)
    assert told == []
    game.play_index(4)
    assert told == game.turns
    assert len(told) == 2
    with pytest.raises(IllegalMoveError):
        game.play_index(10**6)
    game.play_index(5)
    assert told == game.turns
    game.start(4)
    game.play_index(4)
    assert told[4:] == game.turns
