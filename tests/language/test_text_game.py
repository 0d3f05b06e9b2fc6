"""A game with two free seats in text, and players that are functions of their messages."""

from __future__ import annotations

from typing import Any

import pytest

from parlay_marl.core.moves import Move
from parlay_marl.errors import NotStartedError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.language.reply import Reply
from parlay_marl.language.reply_player import ReplyPlayer
from parlay_marl.language.text_game import TextGame
from parlay_marl.language.tools import Call
from parlay_marl.negotiation_v0 import play_game
from parlay_marl.players.passing import without_new_offer
from tests.language.views import view_after


def two_seats(**settings: Any) -> TextGame:
    """Return a game between two free seats, in which the buyer opens."""
    text = TextGame(Game(make_config(opener="buyer")), **settings)
    text.begin(3)
    return text


def test_each_seat_is_told_its_own_game() -> None:
    text = two_seats()
    assert "You are the buyer" in text.rules_text(0)
    assert "You are the seller" in text.rules_text(1)
    assert "Their offer: none yet" in text.prompt(0)
    text.reply("That is all I have.\n/offer 130000")
    assert text.game.seat == 1
    told = text.prompt(1)
    assert '"That is all I have."' in told
    assert "130,000" in told
    text.reply("/accept")
    endings = [text.prompt(seat) for seat in (0, 1)]
    assert all("ended with a deal at USD 130,000" in ending for ending in endings)
    assert endings[0] != endings[1], "each is told its own worth"
    assert text.paid == list(text.game.record().rewards)


def test_a_seat_is_told_what_became_of_its_reply_on_its_next_turn() -> None:
    text = two_seats(attempts=1)
    text.prompt(0)
    text.reply("well")
    assert text.game.seat == 1
    assert "not taken" not in text.prompt(1)
    text.reply("/offer 170000")
    told = text.prompt(0)
    assert told.startswith("Your reply was not taken.")
    assert "Round 2" in told
    assert text.figures(0) == {"unreadable": 1, "illegal": 0, "lost_turns": 1}
    assert text.figures(1) == {"unreadable": 0, "illegal": 0, "lost_turns": 0}


def test_a_position_is_told_once() -> None:
    text = two_seats()
    assert text.prompt(0)
    assert text.prompt(0) == ""
    text.reply("well")
    assert "Round 1" not in text.prompt(0)


def test_a_seat_may_be_given_up() -> None:
    text = two_seats()
    text.reply("/offer 130000")
    text.forfeit(1)
    assert text.paid == [0.0, -1.0]
    assert "the seller forfeited" in text.prompt(0)


def test_nothing_is_told_before_the_beginning() -> None:
    text = TextGame(Game(make_config()))
    for call in (lambda: text.reply("/accept"), lambda: text.prompt(0), lambda: text.view(0)):
        with pytest.raises(NotStartedError):
            call()


def test_a_lost_turn_is_silence_where_that_is_legal() -> None:
    assert without_new_offer(view_after()).move is Move.SILENCE
    poor = {"credibility": {"silence_minimum": 60.0, "silence_cost": 60.0}}
    view = view_after("offer 130000", "offer 170000", "silence", "offer 169000", rules=poor)
    assert Move.SILENCE not in view.legal_moves
    again = without_new_offer(view)
    assert again.move is Move.OFFER
    assert view.scenario.to_currency(again.price or 0.0) == pytest.approx(130_000)


def test_a_player_may_be_a_function_of_its_messages() -> None:
    asked: list[Any] = []

    def reply(messages: list[dict[str, Any]]) -> str:
        asked.append([dict(message) for message in messages])
        return (
            "/accept" if "Their offer: none" not in messages[-1]["content"] and len(messages) > 6 else "/offer 112000"
        )

    player = ReplyPlayer(reply, "accepts")
    record = play_game(player, "diplomat", seed=1, opener="buyer")
    assert record.names[0] == "accepts"
    assert record.outcome.closed_by == "buyer"
    assert [message["role"] for message in asked[-1]] == ["user", "assistant"] * 3 + ["user"]
    assert asked[-1][0]["content"].count("You are the buyer") == 1
    first = list(player.messages)
    play_game(player, "diplomat", seed=1, opener="buyer")
    assert player.messages == first, "a new game is a new conversation"


def test_a_refused_reply_is_asked_for_again() -> None:
    given = iter(["what?", "/offer 112000", "no", "no", "/accept"])
    player = ReplyPlayer(lambda _: next(given), attempts=2)
    record = play_game(player, "shark", seed=1, opener="buyer")
    assert [action.move.name for action in record.actions[::2]] == ["OFFER", "SILENCE", "ACCEPT"]
    assert "not taken" in player.messages[2]["content"]


def test_what_follows_a_tool_call_comes_from_the_tool() -> None:
    given = iter([Reply("", (Call("offer", {"price": 112_000}),)), Reply("", (Call("accept"),))])
    player = ReplyPlayer(lambda _: next(given), form="tools")
    play_game(player, "shark", seed=1, opener="buyer")
    assert [message["role"] for message in player.messages] == ["user", "assistant", "tool", "assistant"]
    assert player.messages[2]["name"] == "offer"
    assert "Their offer" in player.messages[2]["content"]
