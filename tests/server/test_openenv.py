"""The environment of OpenEnv: what the client's seat sees, what it does not, and games of two clients."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from parlay_marl.core.moves import SEATS, Move
from parlay_marl.errors import ConfigurationError, NotStartedError, ParlayError, RequestError
from parlay_marl.game.config import REWARDS
from parlay_marl.language.quoting import quoted
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.game_request import OPEN_PRESETS, game_request
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_action import ReceivedAction
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation
from tests.helpers import case_name
from tests.processes import LIMIT
from tests.server.clock import run_by_clock
from tests.server.table import factory

LONG = 3_600.0
"""Seconds that no test lasts."""

FACTORY = factory()


def environment(shared: GameFactory = FACTORY) -> NegotiationEnvironment:
    return NegotiationEnvironment(shared)


def offer(amount: float, **more: Any) -> NegotiationAction:
    return NegotiationAction(offer_amount=amount, **more)


def conceding(seen: NegotiationObservation, turn: int) -> NegotiationAction:
    """Concede evenly over the whole range, and take an offer that is a gain towards the end."""
    low, high = seen.price_range
    if seen.counter_offer is not None and seen.counter_offer.worth > 0 and turn > 10:
        return NegotiationAction(accept=True, utterance="Agreed.")
    share = min(0.04 * turn, 1.0)
    price = low + (high - low) * share if seen.role == "buyer" else high - (high - low) * share
    return offer(price, utterance=f"I can do {price:,.0f}.")


@pytest.mark.parametrize("role", SEATS)
@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package_terms", "uniform"])
@pytest.mark.parametrize("chosen", [{}, {"reward": "shaped"}], ids=case_name)
def test_a_whole_game(role: str, scenario: str, chosen: dict[str, Any]) -> None:
    env = environment()
    seen = env.reset(seed=5, episode_id="mine", scenario=scenario, role=role, opponent="diplomat", **chosen)
    assert seen.reward is None
    assert seen.role == role
    assert seen.your_turn
    rewards, turns = [], 0
    while not seen.done:
        seen = env.step(conceding(seen, turns))
        rewards.append(seen.reward)
        turns += 1
        assert seen.episode_id == "mine"
        assert (env.state.episode_id, env.state.step_count) == ("mine", turns)
    assert all(isinstance(reward, float) and math.isfinite(reward) for reward in rewards)
    outcome = seen.metadata["outcome"]
    assert outcome["rewards"][role] == pytest.approx(sum(rewards)) == pytest.approx(env.state.cumulative_reward)
    assert set(outcome["rewards"]) == set(SEATS)
    assert outcome["ending"] in ("deal", "walk_away", "deadline", "collapsed")
    assert outcome["seed"] == 5
    assert seen.legal_moves == []
    json.loads(seen.model_dump_json())


def test_the_first_text_has_the_story_and_every_text_the_position() -> None:
    env = environment()
    seen = env.reset(seed=5, opponent="shark", opener="buyer")
    assert "You are the buyer" in seen.text
    assert f"Your limit: USD {seen.reservation_price:,.0f}" in seen.text
    seen = env.step(offer(120_000))
    assert seen.counter_offer is not None
    assert f"Their offer: USD {seen.counter_offer.amount:,.0f}" in seen.text
    assert f"They say: {quoted(seen.utterance)}" in seen.text
    assert "You are the buyer" not in seen.text
    assert env.reset(seed=5, text=False).text == ""


def everything_seen(env: NegotiationEnvironment, seed: int, reservation: float, **options: Any) -> list[str]:
    """Return all that a client is sent in a few turns, with the other seat's limit put at a price by hand."""
    seen = env.reset(seed=seed, opener="buyer", opponent="hardliner", **options)
    assert env._session is not None
    game = env._session.game
    game.row["reservation"][1] = game.scenario.normalise(reservation)
    game.row["urgency"][1], game.row["alternative"][1] = 0.123456, 1
    sent = [seen.model_dump_json()]
    for amount in (112_000, 113_000, 114_000):
        sent += [env.step(offer(amount)).model_dump_json(), env.state.model_dump_json()]
    return sent


@pytest.mark.parametrize("beliefs", ["bayes", "heuristic", "none", "elicited"])
@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("rules", OPEN_PRESETS)
def test_what_is_hidden_from_the_seat_changes_nothing_that_it_is_sent(rules: str, reward: str, beliefs: str) -> None:
    """A hardliner plays the same whatever its limit is, so that all there is to see is the same before the ending.

    That is so for all rules, rewards and beliefs that a client may choose.
    """
    options = {"rules": rules, "reward": reward, "beliefs": beliefs, "episode_id": "x"}
    one, other = (everything_seen(environment(), 7, price, **options) for price in (121_111, 139_999))
    assert one == other
    revealing = factory(reveal_hidden=True)
    one, other = (everything_seen(environment(revealing), 7, price, **options) for price in (121_111, 139_999))
    assert one != other
    assert "121111" in one[-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scenario": "saas"}, "did you mean 'saas_enterprise'"),
        ({"scenario": "/etc/passwd"}, "unknown scenario"),
        ({"scenario": "../x.toml"}, "unknown scenario"),
        ({"opponent": "sharc"}, "did you mean 'shark'"),
        ({"opponent": "./mine.toml"}, "unknown opponent"),
        ({"opponent": "x.safetensors"}, "unknown opponent"),
        ({"role": "broker"}, "reset: role"),
        ({"colour": "red"}, "reset: colour: Extra"),
        ({"seed": -1}, "reset: seed"),
        ({"seed": "7"}, "reset: seed"),
        ({"seed": True}, "reset: seed"),
        ({"max_rounds": 0}, "reset: max_rounds"),
        ({"rules": {"tension": {"memory": 7}}}, "memory"),
        ({"rules": {"gravity": {}}}, "section of the rules"),
        ({"rules": "hard"}, "rules preset"),
        ({"rules": "{"}, "rules preset"),
        ({"rules": '{"tension": {}}'}, "rules preset"),
        ({"rules": ""}, "rules preset"),
        ({"episode_id": "a\nb"}, "episode_id"),
        ({"episode_id": ""}, "episode_id"),
        ({"join_code": "guess"}, "join_code: there is no such match"),
    ],
)
def test_a_reset_that_cannot_be_is_refused_and_the_game_before_goes_on(options: dict[str, Any], said: str) -> None:
    env = environment(factory(allow_rules=True))
    env.reset(seed=1, episode_id="before")
    env.step(offer(120_000))
    with pytest.raises(ParlayError, match=said):
        env.reset(**options)
    assert (env.state.episode_id, env.state.step_count) == ("before", 1)
    assert env.step(offer(121_000)).round == 2


def test_a_step_needs_a_reset() -> None:
    with pytest.raises(NotStartedError, match="send a reset first"):
        environment().step(offer(120_000))
    assert environment().state.step_count == 0


def test_a_refused_step_changes_nothing() -> None:
    env = environment()
    env.reset(seed=1)
    before = env.state.model_dump()
    for action in (
        offer(1.0),
        NegotiationAction(),
        NegotiationAction(accept=True, walk_away=True),
        NegotiationAction(wait=True),
        offer(120_000, utterance="x" * 2001),
    ):
        with pytest.raises(ParlayError):
            env.step(action)
    assert env.state.model_dump() == before


@pytest.mark.parametrize(
    "data",
    [
        {"offer_amount": "1" * 61},
        {"offer_amount": [120_000]},
        {"offer_amount": True},
        {"offer_amount": float("nan")},
        {"accept": 1},
        {"accept": "yes"},
        {"tactical_move": "HAGGLE"},
        {"tactical_move": 3},
        {"utterance": 3},
        {"price": 3},
        {"terms": {"a": 1}},
        {"terms": {str(i): "x" for i in range(9)}},
    ],
)
def test_actions_are_of_exactly_these_types(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NegotiationAction.model_validate(data)


@pytest.mark.parametrize("name", [move.name for move in Move])
@pytest.mark.parametrize("spell", [str.upper, str.lower, lambda name: name.title().replace("_", " ")], ids=case_name)
def test_each_name_that_a_client_may_play_can_be_sent_back(name: str, spell: Callable[[str], str]) -> None:
    shared = factory()
    codes = match_of(shared)
    buyer, seller = environment(shared), environment(shared)
    first = buyer.reset(join_code=codes["buyer"])
    assert f"- {name}: " in first.text
    buyer.step(NegotiationAction(tactical_move="BATNA_REVEAL", offer_amount=120_000))
    seen = seller.reset(join_code=codes["seller"])
    assert set(seen.legal_moves) == {move.name for move in Move}
    assert f"You may: {', '.join(seen.legal_moves)}." in seen.text
    amount = {"offer_amount": "150k"} if name in ("OFFER", "BATNA_REVEAL") else {}
    seller.step(ReceivedAction.model_validate({"tactical_move": spell(name), **amount}))
    assert seller.state.history[-1]["move"] == name
    assert seller.state.history[-1]["amount"] == {"OFFER": 150_000, "BATNA_REVEAL": 150_000}.get(
        name, {"ACCEPT": 120_000, "ANCHOR_HIGH": 180_000}.get(name)
    )


def test_a_move_may_be_named_twice_but_not_two_moves() -> None:
    env = environment()
    env.reset(seed=1, opener="buyer")
    env.step(offer(120_000))
    for wrong in ({"accept": True, "tactical_move": "OFFER"}, {"walk_away": True, "tactical_move": "accept"}):
        with pytest.raises(ParlayError, match=f"{next(iter(wrong))} and tactical_move are two moves; give one"):
            env.step(NegotiationAction.model_validate(wrong))
    with pytest.raises(ParlayError, match="offer_amount: OFFER needs an amount; give one"):
        env.step(NegotiationAction(tactical_move="OFFER"))
    assert env.step(NegotiationAction(accept=True, tactical_move="ACCEPT")).done


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("120000", 120_000), ("120,000", 120_000), ("120_000", 120_000), ("USD 120,000", 120_000), ("$120k", 120_000),
        (" 0.12m ", 120_000), ("120,000.50", 120_000.5), ("120.000", 120_000),
    ],
)  # fmt: skip
def test_an_amount_may_be_text(text: str, amount: float) -> None:
    env = environment()
    env.reset(seed=1, opener="buyer")
    seen = env.step(NegotiationAction(offer_amount=text))
    assert seen.offer is not None
    assert seen.offer.amount == amount


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no price"),
        ("much", "is no price"),
        ("2e5", "is no price"),
        ("-120000", "is no price"),
        ("nan", "is no price"),
        ("120-130k", "several amounts"),
        ("120000 or 130000", "is no price"),
        ("€120,000", "another currency"),
        ("90,000", "outside the public range, USD 110,000 to USD 180,000"),
        ("\u202e" * 50, "is no price"),
    ],
)
def test_an_amount_as_text_that_is_unclear_is_refused(text: str, said: str) -> None:
    env = environment()
    env.reset(seed=1, opener="buyer")
    before = env.state.model_dump()
    with pytest.raises(ParlayError, match=f"^offer_amount: .*{said}") as caught:
        env.step(NegotiationAction(offer_amount=text))
    assert "\u202e" not in str(caught.value)
    assert env.state.model_dump() == before


def test_unknown_keys_are_named_or_ignored_on_request() -> None:
    env = environment()
    env.reset(seed=1, opener="buyer")
    before = env.state.model_dump()
    turn = {"offer_amount": 120_000, "price": 3, "x" * 99: {}, "\u202e": None}
    with pytest.raises(
        RequestError, match=r"^price, \?, \?: no key of an action; there are utterance, offer_amount"
    ) as caught:
        env.step(ReceivedAction.model_validate(turn))
    assert "ignore_unknown" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert env.state.model_dump() == before
    env.reset(seed=1, opener="buyer", ignore_unknown=True)
    ignoring = env.step(ReceivedAction.model_validate(turn))
    env.reset(seed=1, opener="buyer")
    assert env.step(offer(120_000)) == ignoring.model_copy(update={"episode_id": env.state.episode_id})
    assert ReceivedAction.model_json_schema() == NegotiationAction.model_json_schema()


def test_waiting_with_an_unknown_key_is_still_only_waiting() -> None:
    shared = factory()
    codes = match_of(shared)
    seller = environment(shared)
    seller.reset(join_code=codes["seller"])
    wait = {"wait": True, "thoughts": "hm"}
    with pytest.raises(RequestError, match=r"^thoughts: no key"):
        seller.step(ReceivedAction.model_validate(wait))
    with pytest.raises(ParlayError, match="nothing goes with it"):
        seller.step(NegotiationAction(wait=True, utterance="hm"))
    assert not seller.step(NegotiationAction(wait=True)).your_turn


def test_words_and_headlines_are_told_once() -> None:
    """What a client has been told already is not told again as new, whatever it does meanwhile."""
    shared = factory()
    codes = match_of(shared)
    buyer, seller = environment(shared), environment(shared)
    buyer.reset(join_code=codes["buyer"])
    buyer.step(offer(120_000, utterance="My first word."))
    seen = seller.reset(join_code=codes["seller"])
    assert 'They say: "My first word."' in seen.text
    assert (seen.utterance, seen.counter_move) == ("My first word.", "OFFER")
    for seen in (seller.step(offer(170_000)), seller.step(NegotiationAction(wait=True))):
        assert "My first word" not in seen.text
        assert (seen.utterance, seen.counter_move) == ("", "OFFER")
        assert 'by {"wait": true}' in seen.text
    last = buyer.step(NegotiationAction(accept=True, utterance="Done."))
    assert "Deal at USD 170,000" in last.text
    assert "Done." in seller.step(NegotiationAction(wait=True)).text
    assert "Done." not in last.text


@pytest.mark.parametrize(
    "options", [{"k" * 60_000: 1}, {"rules": {"x" * 50_000: {}}}, {str(key): 1 for key in range(5_000)}]
)
def test_refusals_do_not_repeat_at_length_what_was_sent(options: dict[str, Any]) -> None:
    env = environment()
    with pytest.raises(ParlayError) as caught:
        env.reset(**options)
    assert len(str(caught.value)) < 600
    env.reset(seed=1)
    with pytest.raises(ParlayError) as caught:
        env.step(offer(120_000, terms={"\u202e" * 60_000: "y"}))
    assert len(str(caught.value)) < 600
    assert "\u202e" not in str(caught.value)


def test_what_nobody_expected_is_told_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment()
    env.reset(seed=1)

    def fail(*_: Any) -> None:
        raise KeyError("secret 123456")

    monkeypatch.setattr(env._session, "play", fail)
    with pytest.raises(RuntimeError, match="as if it had not been made") as caught:
        env.step(offer(120_000))
    assert "123456" not in str(caught.value)
    assert caught.value.__cause__ is None


# ---------------------------------------------------------------------- two clients


def match_of(shared: GameFactory, **request: Any) -> dict[str, str]:
    made = shared.new_match(game_request({"opener": "buyer", "seed": 3, **request}))
    codes = made["join_codes"]
    assert isinstance(codes, dict)
    return codes


async def seated(
    shared: GameFactory, codes: dict[str, str]
) -> tuple[
    NegotiationEnvironment, NegotiationEnvironment, NegotiationObservation, asyncio.Task[NegotiationObservation]
]:
    """Return two clients, what the buyer sees, who opens, and the seller's reset, which waits for its turn."""
    buyer, seller = environment(shared), environment(shared)
    first = await buyer.reset_async(join_code=codes["buyer"])
    waiting = asyncio.create_task(seller.reset_async(join_code=codes["seller"]))
    await asyncio.sleep(0)
    return buyer, seller, first, waiting


def test_two_clients_play_each_other_and_each_is_paid_its_own() -> None:
    shared = factory()
    codes = match_of(shared, reward="payoff")

    async def play(seat: str) -> tuple[list[float], NegotiationObservation]:
        env, rewards, turns = environment(shared), [], 0
        seen = await env.reset_async(join_code=codes[seat])
        while not seen.done:
            seen = await env.step_async(conceding(seen, turns))
            rewards.append(seen.reward or 0.0)
            turns += 1
        return rewards, seen

    async def both() -> Any:
        return await asyncio.wait_for(asyncio.gather(play("buyer"), play("seller")), LIMIT)

    (bought, buyer), (sold, seller) = asyncio.run(both())
    outcome = buyer.metadata["outcome"]
    assert outcome == seller.metadata["outcome"]
    assert outcome["ending"] == "deal"
    assert sum(bought) == pytest.approx(outcome["payoff"][0])
    assert sum(sold) == pytest.approx(outcome["payoff"][1])
    assert buyer.utterance or seller.utterance
    assert len(shared.matches) <= 1


def test_words_of_one_client_reach_the_other_escaped() -> None:
    shared = factory()
    codes = match_of(shared)

    async def play() -> NegotiationObservation:
        buyer, _, _, waiting = await seated(shared, codes)
        moved = asyncio.create_task(buyer.step_async(offer(120_000, utterance="hi \x1b[31m\u202e")))
        seen = await waiting
        moved.cancel()
        return seen

    seen = asyncio.run(play())
    assert seen.utterance == "hi \\x1b[31m\\u202e"
    assert seen.counter_offer is not None
    assert seen.counter_offer.amount == 120_000
    assert seen.your_turn


def test_neither_client_sees_the_others_figures() -> None:
    shared = factory()
    codes = match_of(shared, scenario="hiring_package_terms")

    async def play() -> tuple[str, str, Any]:
        buyer, seller, first, waiting = await seated(shared, codes)
        moved = asyncio.create_task(buyer.step_async(offer(190_000)))
        second = await waiting
        moved.cancel()
        session = buyer._session
        assert session is not None
        sent = [first.model_dump_json() + buyer.state.model_dump_json()]
        sent.append(second.model_dump_json() + seller.state.model_dump_json())
        return sent[0], sent[1], session.game.row

    to_buyer, to_seller, row = asyncio.run(play())
    for sent, own, other in ((to_buyer, 0, 1), (to_seller, 1, 0)):
        assert str(float(row["urgency"][own]))[:10] in sent
        assert str(float(row["urgency"][other]))[:10] not in sent


def test_a_code_is_for_one_client_and_one_game() -> None:
    shared = factory()
    codes = match_of(shared)
    first, second = environment(shared), environment(shared)
    first.reset(join_code=codes["buyer"])
    with pytest.raises(ConfigurationError, match="the buyer's seat has been taken"):
        second.reset(join_code=codes["buyer"])
    second.reset(join_code=codes["seller"])
    first.close()
    seen = second.step  # the game is over: whoever left has lost it
    assert second._session is not None
    assert second._session.is_over
    assert second._session.outcome()["ending"] == "forfeit"
    assert second._session.outcome()["closed_by"] == "buyer"
    with pytest.raises(ParlayError):
        seen(offer(120_000))
    second.close()
    with pytest.raises(ConfigurationError, match="no such match, or it is over"):
        environment(shared).reset(join_code=codes["seller"])


def test_who_waits_too_long_is_told_so_and_may_wait_on() -> None:
    shared = factory(wait=0.05)
    codes = match_of(shared)

    async def play() -> list[NegotiationObservation]:
        buyer, seller = environment(shared), environment(shared)
        await buyer.reset_async(join_code=codes["buyer"])
        seen = [await seller.reset_async(join_code=codes["seller"])]
        with pytest.raises(ParlayError, match="it is the turn of the buyer"):
            await seller.step_async(offer(170_000))
        seen.append(await seller.step_async(NegotiationAction(wait=True)))
        waiting = asyncio.create_task(seller.step_async(NegotiationAction(wait=True)))
        await asyncio.sleep(0.01)
        seen.append(await buyer.step_async(offer(120_000)))
        seen.append(await waiting)
        with pytest.raises(ParlayError, match="it is your turn"):
            await seller.step_async(NegotiationAction(wait=True))
        return seen

    early, still, moved, later = run_by_clock(play())
    assert not early.your_turn
    assert early.reward is None
    assert not still.your_turn
    assert still.reward == 0.0
    assert not moved.your_turn
    assert later.your_turn
    assert later.counter_offer is not None


def test_leaving_while_the_other_waits_ends_the_wait() -> None:
    shared = factory()
    codes = match_of(shared)

    async def play() -> NegotiationObservation:
        buyer, _, _, waiting = await seated(shared, codes)
        await asyncio.to_thread(buyer.close)  # as the server does it
        return await asyncio.wait_for(waiting, LIMIT)

    seen = asyncio.run(play())
    assert seen.done
    assert seen.metadata["outcome"]["ending"] == "forfeit"


def test_only_so_many_matches_are_open_and_unused_ones_are_forgotten() -> None:
    shared = factory(max_sessions=2, idle=LONG)
    match_of(shared)
    match_of(shared)
    with pytest.raises(ConfigurationError, match="2 are open, and no more are allowed"):
        match_of(shared)
    for code, (match, _) in shared.matches._by_code.items():
        match.used -= 2 * LONG
        assert code in match.codes
    match_of(shared)
    assert len(shared.matches) == 1


def test_several_workers_hold_no_matches() -> None:
    with pytest.raises(ConfigurationError, match="--workers 1"):
        match_of(factory(workers=2))
