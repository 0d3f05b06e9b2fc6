"""`ChatPlayer`: whole games against a scripted endpoint, the forms of a reply, and what it does with bad ones."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest

from parlay_marl.core.moves import Move
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.errors import ConfigurationError, EndpointError, IllegalMoveError, MissingExtraError, ParlayError
from parlay_marl.game.record import GameRecord
from parlay_marl.language import endpoint as endpoint_module
from parlay_marl.language.abilities import Abilities
from parlay_marl.language.asking import Usage
from parlay_marl.language.budget import Prices
from parlay_marl.language.chat_player import LONGEST_SAID, ChatPlayer
from parlay_marl.negotiation_v0 import env, play_game
from parlay_marl.players.passing import without_new_offer
from tests.language.bargainer import Prompt, Turn, bargain
from tests.language.completions import REFUSALS
from tests.language.endpoint import Endpoint
from tests.language.views import view_after

FORMS: list[dict[str, Any]] = [
    {},
    {"tools": "always"},
    {"tools": "never"},
    {"history": "compressed"},
    {"history": "compressed", "tools": "never"},
]


def played(player: ChatPlayer, seed: int = 1, other: str = "diplomat", **game: Any) -> GameRecord:
    return play_game(player, other, seed=seed, beliefs="elicited", **game)


@pytest.mark.parametrize("settings", FORMS, ids=str)
@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package_terms"])
def test_it_plays_whole_games_in_every_form(settings: dict[str, Any], scenario: str) -> None:
    with Endpoint() as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, prices=Prices(2.0, 8.0), **settings)
        records = [played(player, seed, scenario=scenario) for seed in range(3)]
        usage, bill = player.usage, endpoint.bill
    assert {record.outcome.ending for record in records} <= {"deal", "walk_away"}
    assert any(record.outcome.is_deal for record in records)
    own = sum(len(record.actions[i::2]) for record in records for i in [int(record.outcome.opener == "seller")])
    assert usage == Usage(own, 0, bill.prompt_tokens, bill.completion_tokens, usage.cost)
    assert usage.cost == pytest.approx(bill.cost(2.0, 8.0))
    assert len(endpoint.requests) == own
    assert all(("tools" in body) is (settings.get("tools") != "never") for body in endpoint.requests)


def test_tool_calls_and_commands_give_the_same_game() -> None:
    with Endpoint() as endpoint:
        records = [played(ChatPlayer("scripted", base_url=endpoint.url, **settings)) for settings in FORMS]
    assert len({record.actions for record in records}) == 1
    assert all(action.belief is not None for action in records[0].actions)


def test_both_seats_may_be_models_and_a_seat_of_the_environment() -> None:
    with Endpoint() as endpoint:
        record = play_game(
            ChatPlayer("scripted", base_url=endpoint.url), ChatPlayer("scripted", base_url=endpoint.url), seed=3
        )
        assert record.names == ("scripted", "scripted")
        assert record.outcome.ending != "forfeit"
        world = env(seller=f"chat:scripted?base_url={endpoint.url}", actions="mixed")
        world.reset(seed=3)
        world.step({"move": int(Move.ANCHOR_HIGH)})
        assert len(world.unwrapped.game.turns) >= 2


def test_the_messages_are_the_whole_conversation_with_its_end() -> None:
    with Endpoint() as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, history="compressed", tools="never")
        assert player.messages == []
        record = played(player)
    messages = player.messages
    assert [message["role"] for message in messages[:3]] == ["system", "user", "assistant"]
    assert messages[-1] == {"role": "user", "content": messages[-1]["content"]}
    worth = record.outcome.worth[0] * 70_000
    assert messages[-1]["content"] == (
        f"The talks have ended with a deal at USD {record.outcome.price:,.0f}, worth {worth:,.0f} to you."
    )
    assert sum(message["role"] == "assistant" for message in messages) == player.usage.requests
    longest = max(len(body["messages"]) for body in endpoint.requests)
    assert longest == 6 < len(messages)  # the rules, two positions with their replies, and the present position


def test_one_object_plays_one_game_after_the_other() -> None:
    with Endpoint() as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url)
        first = played(player, 1)
        other = played(player, 2, other="shark")
        assert played(player, 1).actions == first.actions != other.actions


# ---------------------------------------------------------------------------------------------------- what is sent


def test_settings_are_sent_on_and_nothing_else() -> None:
    with Endpoint() as endpoint:
        played(ChatPlayer("scripted", base_url=endpoint.url, tools="never"))
        plain = endpoint.requests[-1]
        played(ChatPlayer("scripted", base_url=endpoint.url, tools="never", temperature=0.0, seed=7, max_tokens=300))
        given = endpoint.requests[-1]
    assert set(plain) == {"model", "messages", "max_tokens"}
    assert {name: given[name] for name in set(given) - {"messages"}} == {
        "model": "scripted", "temperature": 0.0, "seed": 7, "max_tokens": 300,
    }  # fmt: skip
    assert endpoint.headers[0]["authorization"].startswith("Bearer sk-planted-")


@pytest.mark.parametrize("refused", [["tools"], ["max_tokens"], ["system"], ["tools", "max_tokens", "system"]])
def test_what_a_model_refuses_is_left_out_for_good(refused: list[str]) -> None:
    with Endpoint(refuses=refused) as endpoint:
        first = ChatPlayer("scripted", base_url=endpoint.url)
        record = played(first)
        assert first.usage.retried == len(refused)
        second = ChatPlayer("scripted", base_url=endpoint.url)
        assert played(second).actions == record.actions
        assert second.usage.retried == 0
    last = endpoint.requests[-1]
    assert ("tools" in last) is ("tools" not in refused)
    assert ("max_completion_tokens" in last) is ("max_tokens" in refused)
    assert (last["messages"][0]["role"] == "user") is ("system" in refused)
    with Endpoint() as endpoint:
        assert played(ChatPlayer("scripted", base_url=endpoint.url)).actions == record.actions


def test_what_another_player_has_learned_meanwhile_is_no_error() -> None:
    """Both have sent the request before either was refused."""
    abilities = Abilities()
    request = {"messages": [{"role": "system", "content": ""}, {"role": "user", "content": ""}], "tools": []}
    body = abilities.shaped(request | {"max_tokens": 5})
    for name in ("max_tokens", "tools", "system"):
        for _ in range(2):
            assert abilities.learn(f"400 {REFUSALS[name]}", body, needs_tools=False)
    assert abilities.shaped(request | {"max_tokens": 5}).keys() == {"messages", "tools", "max_completion_tokens"}
    assert not abilities.takes_tools


def test_a_conversation_that_is_too_long_says_nothing_of_tools() -> None:
    reason = (
        "400 This model's maximum context length is 8192 tokens, however you requested 9000 tokens (8500 in the "
        "messages, 500 in the functions)"
    )
    body = {"messages": [{"role": "system", "content": ""}], "tools": [], "max_tokens": 5}
    abilities = Abilities()
    assert not abilities.learn(reason, body, needs_tools=False)
    assert abilities.takes_tools


def test_a_model_that_must_have_tools_and_takes_none_is_an_error() -> None:
    with Endpoint(refuses=["tools"]) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, tools="always")
        with pytest.raises(EndpointError, match=r"'scripted' at .* refuses the request: 400 .*does not support tools"):
            played(player)
    assert len(endpoint.requests) == 1


# --------------------------------------------------------------------------------------------------- poor replies


@pytest.mark.parametrize("tools", ["auto", "never"])
@pytest.mark.parametrize("fault", ["prose", "cut_arguments", "illegal"])
def test_a_poor_reply_is_asked_for_once_more_with_the_reason(fault: str, tools: Any) -> None:
    with Endpoint(script=["", fault, ""]) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, tools=tools)
        record = played(player)
        usage = player.usage
    with Endpoint() as plain:
        assert played(ChatPlayer("scripted", base_url=plain.url, tools=tools)).actions == record.actions
    wrong = "illegal" if fault == "illegal" else "unreadable"
    expected = dict.fromkeys(("unreadable", "illegal", "lost_turns"), 0) | {wrong: 1}
    assert {name: getattr(usage, name) for name in expected} == expected
    reason = endpoint.requests[2]["messages"][-1]
    assert reason["role"] == ("tool" if tools == "auto" and fault != "prose" else "user")
    assert ("is not legal now" if fault == "illegal" else "/offer") in reason["content"] or tools == "auto"
    assert len(endpoint.requests) == usage.requests


def test_two_poor_replies_cost_the_turn() -> None:
    with Endpoint(script=["prose", "prose"]) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, tools="never")
        record = played(player, options={"opener": "buyer"})
    assert record.actions[0].move is Move.SILENCE
    assert (player.usage.unreadable, player.usage.lost_turns) == (2, 1)
    told = endpoint.requests[2]["messages"][-1]
    assert told["role"] == "user"
    assert told["content"].startswith("Your turn was lost: No move was found.")
    assert "\nRound 2 of 20." in told["content"]
    assert [m["role"] for m in player.messages[1:7]] == ["user", "assistant"] * 3


@pytest.mark.parametrize("tools", ["auto", "never"])
def test_two_poor_replies_cost_the_game_where_it_is_set(tools: Any) -> None:
    with Endpoint(script=["", "illegal", "illegal"]) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, unreadable="forfeit", tools=tools)
        record = played(player, illegal="terminate")
    assert record.forfeit_by == "buyer"
    assert "the model 'scripted' gave no legal reply, asked twice: " in (record.illegal or "")
    assert (player.usage.illegal, player.usage.lost_turns) == (2, 1)


def test_a_lost_turn_without_credibility_is_the_standing_offer_again() -> None:
    view = view_after("offer 120000", "offer 170000")
    assert without_new_offer(view).move is Move.SILENCE
    mute = replace(view, legal_moves=tuple(move for move in view.legal_moves if move is not Move.SILENCE))
    assert without_new_offer(mute) == view.make_offer(120_000)
    assert without_new_offer(replace(mute, offer=None)) == view.anchor()


@pytest.mark.parametrize("opener", ["buyer", "seller"])
@pytest.mark.parametrize(
    "form",
    [
        *({"protocol": name} for name in PROTOCOLS),
        {"moves": ["OFFER", "ACCEPT", "WALK_AWAY"], "price_levels": 5},
        {"moves": ["OFFER", "ACCEPT"]},
    ],
    ids=str,
)
def test_a_model_that_never_says_a_move_loses_its_turns_in_every_form_of_a_game(form: Any, opener: str) -> None:
    fixed = form.get("protocol") in ("buyer_offers", "seller_offers")
    with Endpoint(lambda prompt: "Well, well.") as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, tools="never")
        game = {"scenario": "uniform", "max_rounds": None if "protocol" in form else 4, **form}
        record = play_game(player, "linear", seed=1, opener=None if fixed else opener, **game)
    assert record.forfeit_by is None
    assert player.usage.lost_turns == player.usage.unreadable / 2 > 0


def test_a_reply_that_was_cut_is_told_so() -> None:
    with Endpoint(lambda prompt: "a long story " * 100) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, max_tokens=50, tools="never")
        player.begin(view_after())
        assert player.act(view_after()).move is Move.SILENCE
    assert "Your reply was cut after 50 tokens: be short." in endpoint.requests[1]["messages"][-1]["content"]


def test_a_belief_that_is_left_out_stays_as_it_was() -> None:
    def mind(prompt: Prompt) -> Turn:
        now, _ = prompt.round
        return replace(bargain(prompt), belief=(140_000.0, 3_000.0) if now == 3 else None)

    with Endpoint(mind) as endpoint:
        record = played(ChatPlayer("scripted", base_url=endpoint.url), options={"opener": "buyer"}, max_rounds=6)
    beliefs = [action.belief for action in record.actions[::2]]
    prior = (view_after().belief.reservation - 110_000) / 70_000, view_after().belief.sd / 70_000
    assert beliefs[:2] == [pytest.approx(prior)] * 2  # and not what a tracker has inferred
    assert beliefs[2:] == [pytest.approx((30_000 / 70_000, 3_000 / 70_000))] * (len(beliefs) - 2)
    assert len(beliefs) > 3


def test_a_belief_at_the_bounds_stays_legal() -> None:
    def mind(prompt: Prompt) -> Turn:
        return replace(bargain(prompt), belief=(250_000.0, 70_000.0) if prompt.round[0] == 1 else None)

    with Endpoint(mind) as endpoint:
        record = played(ChatPlayer("scripted", base_url=endpoint.url), options={"opener": "buyer"}, max_rounds=4)
    assert [action.belief for action in record.actions[::2]] == [(2.0, 1.0)] * 4


def test_reasoning_is_neither_said_nor_sent_again() -> None:
    def mind(prompt: Prompt) -> str:
        return "<think>They seem weak. /accept</think>Let us see.\n/offer 120000"

    with Endpoint(mind) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, tools="never")
        record = played(player, max_rounds=2)
    assert "weak" not in str(record.actions)
    assert {"Let us see."} == {action.words for action in record.actions if action.price == pytest.approx(1 / 7)}
    assert "weak" not in str(endpoint.requests)


def test_halves_of_characters_do_no_harm() -> None:
    with Endpoint(lambda prompt: "So \ud800 be it.\n/offer 120000") as endpoint:
        record = played(ChatPlayer("scripted", base_url=endpoint.url, tools="never"), max_rounds=3)
    assert {action.words for action in record.actions if action.price == pytest.approx(1 / 7)} == {"So ? be it."}


def test_what_it_says_has_a_bounded_length() -> None:
    with Endpoint(lambda prompt: "word " * 2_000 + "\n/offer 120000") as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, tools="never", max_tokens=10_000)
        player.begin(view_after())
        assert len(player.act(view_after()).words) == LONGEST_SAID


# ------------------------------------------------------------------------------------------------- called anyhow


def test_it_may_be_asked_again_and_from_the_middle_of_a_game() -> None:
    views = [view_after(), view_after("offer 120000", "offer 170000", "offer 122000", "offer 169000")]
    with Endpoint(script=["", "500"]) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, retries=0)
        player.begin(views[0])
        player.act(views[0])
        with pytest.raises(EndpointError):
            player.act(views[1])
        player.act(views[1])
        told = endpoint.requests[2]["messages"]
        assert told == endpoint.requests[1]["messages"]
        player.act(views[1])  # the game went back: the model is told of it from the beginning
        again = endpoint.requests[3]["messages"]
        assert len(again) == 2
        assert "The talks so far:\nRound 1: you offered USD 120,000." in again[1]["content"]
        player.act(views[0])
        assert len(endpoint.requests[4]["messages"]) == 2


def test_copies_begin_anew() -> None:
    with Endpoint() as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, tools="never", temperature=0.5)
        record = played(player)
        for other in (copy.deepcopy(player), pickle.loads(pickle.dumps(player))):
            assert (other.name, other.usage, other.messages) == ("scripted", Usage(), [])
            assert played(other).actions == record.actions
        assert all(body["temperature"] == 0.5 for body in endpoint.requests)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": ""}, "model: give its name at the endpoint, 1 to 200 characters in one line, not ''"),
        ({"model": "a\nb"}, "model: give its name"),
        ({"model": 3}, "model: give its name"),
        ({"tools": "yes"}, "unknown use of tools 'yes'; known: always, auto, never"),
        ({"history": "short"}, "unknown history 'short'; known: compressed, full"),
        ({"unreadable": "raise"}, "unknown treatment of unreadable replies 'raise'"),
        ({"temperature": -1}, "temperature: give a number from 0 to 5, not -1"),
        ({"temperature": 10**400}, "temperature: give a number from 0 to 5, not 1000"),
        ({"temperature": float("nan")}, "temperature: give a number"),
        ({"max_tokens": 0}, "max_tokens: give a whole number from 1 to 1,000,000, not 0"),
        ({"timeout": 0}, "timeout: give a number from 0.001 to 3,600, not 0"),
        ({"retries": 1.5}, "retries: give a whole number from 0 to 100, not 1.5"),
        ({"seed": -1}, "seed: give a whole number"),
        ({"base_url": "localhost:8000"}, "base_url: give the URL of an endpoint, such as http://localhost:8000/v1"),
        ({"base_url": "http://u:pass@host/v1"}, "base_url: it must hold no user, password or query"),
        ({"base_url": "http://host/v1?key=abc"}, "base_url: it must hold no user, password or query"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_used(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParlayError, match="^" + message.replace("(", r"\(")) as caught:
        ChatPlayer(**{"model": "scripted", "base_url": "http://127.0.0.1:1/v1", **arguments})
    assert "pass@" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_without_a_key_openai_is_not_asked_and_an_endpoint_of_ones_own_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(endpoint_module.KEY_VARIABLE)
    with pytest.raises(ConfigurationError, match=r"there is no key for .*: set OPENAI_API_KEY"):
        ChatPlayer("gpt")
    with Endpoint() as endpoint:
        monkeypatch.setenv(endpoint_module.URL_VARIABLE, endpoint.url)
        played(ChatPlayer("scripted"), max_rounds=2)
    assert endpoint.headers[0]["authorization"] == "Bearer none"


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint_module._client.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r'pip install "parlay-marl\[language\]"'):
        ChatPlayer("scripted", base_url="http://127.0.0.1:1/v1")


def test_an_illegal_move_names_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Endpoint(script=["prose", "prose"]) as endpoint,
        pytest.raises(IllegalMoveError, match="the model 'scripted' gave no legal reply, asked twice: No move was"),
    ):
        played(ChatPlayer("scripted", base_url=endpoint.url, unreadable="forfeit"))
