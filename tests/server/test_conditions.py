"""What a client may choose, what both seats are told of it, and games whose seed nobody chose."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue.rules import RULE_PRESETS, load_rules, preset, short_form, tells_limits
from parlay_marl.core.moves import Move
from parlay_marl.errors import ConfigurationError
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.game_request import OPEN_PRESETS, OPEN_ROUNDS, game_request
from parlay_marl.server.protocols.first import FirstProtocol, Sessions
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation
from tests.processes import LIMIT
from tests.server.table import factory

FACTORY, FREE = factory(), factory(allow_rules=True)
NUMBERS = {"tension": {"memory": 0.5}, "erosion": {"rate": 0.01}}


def begun(shared: GameFactory = FACTORY, **options: Any) -> NegotiationObservation:
    return NegotiationEnvironment(shared).reset(**options)


# ---------------------------------------------------------------------- what a client may choose


def test_the_presets_for_every_client_tell_nobody_a_limit() -> None:
    assert OPEN_PRESETS == ("default",)
    assert [name for name in RULE_PRESETS if tells_limits(preset(name))] == ["seed"]
    assert tells_limits(load_rules({"erosion": {"of_start_width": 0.5}}))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"rules": "seed"}, "rules: choose the preset default; .*--allow-rules"),
        ({"rules": {}}, "rules: choose the preset default"),
        ({"rules": NUMBERS}, "rules: choose the preset default"),
        ({"rules": {"preset": "seed"}}, "rules: choose the preset default"),
        ({"rules": {"erosion": {"of_start_width": 1.0}}}, "rules: choose the preset default"),
        ({"max_rounds": 7}, "max_rounds: choose one of 1, 2, 5, 10, 20, 50; .*--allow-rules"),
        ({"max_rounds": 1_000}, "max_rounds: choose one of"),
    ],
)
def test_other_rules_and_rounds_are_only_for_servers_that_allow_them(choice: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        begun(**choice)
    with pytest.raises(ConfigurationError, match=said):
        FACTORY.new_match(game_request(choice))
    begun(FREE, **choice)
    FREE.new_match(game_request(choice))


@pytest.mark.parametrize("rounds", [None, *OPEN_ROUNDS])
def test_rounds_from_the_list_can_be_chosen(rounds: int | None) -> None:
    assert begun(max_rounds=rounds).rounds == (rounds or 20)


@pytest.mark.parametrize("rules", [*RULE_PRESETS, NUMBERS, {"preset": "seed", **NUMBERS}, {}])
def test_the_short_form_of_rules_means_the_same_rules(rules: Any) -> None:
    assert load_rules(short_form(load_rules(rules))) == load_rules(rules)


def test_the_short_form_is_the_preset_or_what_differs() -> None:
    assert [short_form(preset(name)) for name in RULE_PRESETS] == list(RULE_PRESETS)
    assert short_form(load_rules(NUMBERS)) == NUMBERS
    assert short_form(load_rules({"tension": {"memory": 0.7}})) == "default"


# ---------------------------------------------------------------------- what is told of it


def conditions(seen: NegotiationObservation) -> tuple[Any, ...]:
    return seen.rules, seen.reward_mode, seen.information, seen.seed_chosen


def test_an_observation_names_rules_reward_information_and_whether_the_seed_was_chosen() -> None:
    assert conditions(begun()) == ("default", "payoff", "incomplete", False)
    assert conditions(begun(seed=3, reward="shaped")) == ("default", "shaped", "incomplete", True)
    assert conditions(begun(information="complete")) == ("default", "payoff", "complete", False)
    assert conditions(begun(FREE, rules="seed"))[0] == "seed"
    assert conditions(begun(FREE, rules=NUMBERS))[0] == NUMBERS


def joined(shared: GameFactory, **choices: Any) -> list[NegotiationObservation]:
    """Return what both clients of a match see first, and what the buyer sees later."""
    codes: Any = shared.new_match(game_request({"opener": "buyer", **choices}))["join_codes"]

    async def play() -> list[NegotiationObservation]:
        buyer, seller = NegotiationEnvironment(shared), NegotiationEnvironment(shared)
        first = await buyer.reset_async(join_code=codes["buyer"])
        waiting = asyncio.create_task(seller.reset_async(join_code=codes["seller"]))
        await asyncio.sleep(0)
        answer = asyncio.create_task(buyer.step_async(NegotiationAction(offer_amount=115_000)))
        second = await asyncio.wait_for(waiting, LIMIT)
        await seller.step_async(NegotiationAction(walk_away=True))
        return [first, second, await asyncio.wait_for(answer, LIMIT)]

    return asyncio.run(play())


def test_both_clients_of_a_match_see_how_it_was_begun() -> None:
    shared = factory(allow_rules=True)
    chosen = {"rules": NUMBERS, "reward": "shaped", "information": "complete", "seed": 3}
    for seen in joined(shared, **chosen):
        assert conditions(seen) == (NUMBERS, "shaped", "complete", True)
    for seen in joined(shared, **chosen)[:2]:
        assert "The rules of this game are not the usual ones: " in seen.text
        assert json.dumps(NUMBERS) in seen.text
        assert "Single turns are paid as well, not the deal alone." in seen.text
        assert "Both limits are public in this game." in seen.text
        assert "Whoever began this game chose its seed, and may know both limits." in seen.text


def test_nothing_is_said_of_what_is_usual() -> None:
    for seen in joined(factory())[:2]:
        assert conditions(seen) == ("default", "payoff", "incomplete", False)
        assert "Whoever" not in seen.text
        assert "this game" not in seen.text
    assert "Whoever" not in begun(seed=3).text, "a client knows what it has chosen itself"


# ---------------------------------------------------------------------- games whose seed nobody chose


def limits_of_the_first_protocol(count: int, **params: Any) -> list[float]:
    """Return the client's own limits in games of the first protocol."""
    protocol, own, limits = FirstProtocol(factory()), Sessions(), []
    for _ in range(count):
        reply = asyncio.run(protocol.answer(json.dumps({"cmd": "reset", **params}), own))
        seen = reply["observation"]
        limits.append(seen["zopa_upper"] if params.get("role") == "buyer" else seen["zopa_lower"])
    return limits


@pytest.mark.parametrize("role", [{}, {"role": "seller"}, {"role": "buyer"}])
def test_a_game_of_the_first_protocol_without_a_seed_is_not_known(role: dict[str, str]) -> None:
    assert len(set(limits_of_the_first_protocol(4, **role))) == 4
    assert len(set(limits_of_the_first_protocol(3, seed=42, **role))) == 1


@pytest.mark.parametrize("opponent", ["shark", "champion"])
@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package_terms"])
def test_a_game_whose_seed_nobody_chose_can_be_played_again_bit_for_bit(scenario: str, opponent: str) -> None:
    server = NegotiationEnvironment(FACTORY)
    seen = server.reset(scenario=scenario, opponent=opponent, opener="buyer", reward="shaped")
    low, high = seen.price_range
    rewards, prices = [], []
    for turn in range(20):
        amount = low + (0.1 + 0.03 * turn) * (high - low)
        seen = server.step(NegotiationAction(offer_amount=amount))
        rewards.append(seen.reward)
        prices.append((amount - low) / (high - low))
        if seen.done:
            break
    told = json.loads(json.dumps(seen.metadata["outcome"]))
    assert told["number"] == 0
    env = negotiation_v0.raw_env(scenario, seller=opponent, opener="buyer", actions="mixed", reward="shaped")
    env.reset(seed=told["seed"])
    package = env.game.row["own_best"][0]
    for price, reward in zip(prices, rewards, strict=True):
        env.step({"move": int(Move.OFFER), "price": price, "package": int(package)})
        assert env.rewards["buyer_0"] == pytest.approx(reward)
    again = json.loads(json.dumps(env.outcome().as_dict()))
    assert {name: told[name] for name in again} == again


def test_a_chosen_seed_is_the_game_of_that_seed_and_its_outcome_needs_no_options() -> None:
    server = NegotiationEnvironment(FACTORY)
    server.reset(seed=3, opener="buyer")
    server.step(NegotiationAction(offer_amount=115_000))
    outcome = server.step(NegotiationAction(walk_away=True)).metadata["outcome"]
    assert "options" not in outcome
    assert outcome["seed"] == 3
