"""No interface shows a seat what is hidden from it: the other seat's figures differ, what it sees does not."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import load_persona, load_scenario
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.players.player import Player
from tests.helpers import AGENTS, BUYER, SCENARIOS, SELLER, Reciter, pick, same

SEATS = ("buyer", "seller")
SEEDS = range(6)
COMPLETE = "complete_information"
BLUFF = ("buyer_claim_is_bluff", "seller_claim_is_bluff")


def option(scenario: str, hidden: str, seed: int) -> Any:
    """Return another value of a hidden figure than chance is likely to draw."""
    deal, rng = load_scenario(scenario), np.random.default_rng(seed)
    if hidden == "reservation":
        return float(rng.uniform(deal.low, deal.high))
    if hidden == "term_values":
        width = deal.high - deal.low
        return {
            term.name: {choice.name: float(rng.uniform(-0.2, 0.2) * width) for choice in term.options}
            for term in deal.terms
        }
    if hidden == "alternative":
        return bool(rng.integers(2))
    return float(rng.uniform())


def twins(kind: Any, scenario: str, hidden: str, watcher: int, seed: int, **arguments: Any) -> tuple[Any, Any]:
    """Return two environments, reset alike but for one hidden figure of the seat that is not watching."""
    pair = kind(scenario=scenario, **arguments), kind(scenario=scenario, **arguments)
    for i, env in enumerate(pair):
        value = option(scenario, hidden, 1000 * i + seed)
        env.reset(seed=seed, options={hidden: {SEATS[1 - watcher]: value if hidden != "alternative" else bool(i)}})
    return pair


def histories_differ(pair: tuple[Any, Any], action: int) -> bool:
    """Whether an action would bring different things to light: a challenge, where only one of the claims is a bluff."""
    first, second = (env.game.row["claim_is_bluff"][1 - env.game.seat] for env in pair)
    return bool(action == 3 and first != second)


def told(info: dict[str, Any], view: Any) -> Any:
    """Return all that an agent is told: its info, its belief, and every byte that is kept to say it from."""
    return pickle.dumps(info), view.as_dict(), pickle.dumps(view)


HIDDEN = [
    (scenario, hidden)
    for scenario in SCENARIOS
    for hidden in ("reservation", "urgency", "alternative", "event_sensitivity", "term_values")
    if not (hidden == "term_values" and not load_scenario(scenario).terms)
    and not (hidden == "reservation" and scenario == COMPLETE)
]
every_hidden_figure = pytest.mark.parametrize(("scenario", "hidden"), HIDDEN)
every_watcher = pytest.mark.parametrize("watcher", [BUYER, SELLER], ids=["to the buyer", "to the seller"])


@every_hidden_figure
@every_watcher
def test_two_agents(watcher: int, hidden: str, scenario: str) -> None:
    rng, agent, turns = np.random.default_rng(1), AGENTS[watcher], 0
    for seed in SEEDS:
        pair = twins(negotiation_v0.env, scenario, hidden, watcher, seed, render_mode="ansi")
        side_by_side = twins(negotiation_v0.parallel_env, scenario, hidden, watcher, seed)
        if hidden != "event_sensitivity":
            assert not same(pair[0].state(), pair[1].state())
        while not any(env.game.is_over for env in pair):
            first, second = pair
            assert same(first.observe(agent), second.observe(agent))
            assert turns % 10 or first.render() == second.render()
            assert told(first.infos[agent], first.belief(agent)) == told(second.infos[agent], second.belief(agent))
            action = pick(rng, first.last()[0]["action_mask"], first.game.packages)
            if histories_differ(pair, action):
                break
            looks = [env.step({AGENTS[first.game.seat]: action}) for env in side_by_side]
            seen, infos = [look[0][agent] for look in looks], [look[4][agent] for look in looks]
            for env in pair:
                env.step(action)
            over = any(env.game.is_over for env in pair)
            views = [env.belief(agent) for env in side_by_side]
            assert over or (same(seen[0], seen[1]) and told(infos[0], views[0]) == told(infos[1], views[1]))
            turns += 1
    assert turns > 50


@every_hidden_figure
@every_watcher
def test_one_agent_against_a_policy_that_does_not_look(watcher: int, hidden: str, scenario: str) -> None:
    rng, turns = np.random.default_rng(2), 0
    for seed in SEEDS:
        levels = [int(level) for level in np.random.default_rng(seed).integers(5, 46, 30)]
        pair = tuple(
            NegotiationEnv(SEATS[watcher], Reciter(*levels), scenario, illegal="raise", render_mode="ansi")
            for _ in "ab"
        )
        looks = []
        for i, env in enumerate(pair):
            value = option(scenario, hidden, 1000 * i + seed)
            looks.append(env.reset(seed=seed, options={hidden: {SEATS[1 - watcher]: value}}))
        while True:
            assert same(looks[0][0], looks[1][0])
            action = pick(rng, looks[0][0]["action_mask"], pair[0].game.packages)
            if action == 3:
                continue
            looks = [env.step(action) for env in pair]
            if any(look[2] for look in looks):
                break
            turns += 1
            assert turns % 10 or pair[0].render() == pair[1].render()
            assert told(looks[0][4], pair[0].belief()) == told(looks[1][4], pair[1].belief())


class Watcher(Player):
    """Keeps its views and plays offers that do not depend on them."""

    name = "watcher"

    def __init__(self, seed: int) -> None:
        self.views: list[SeatView] = []
        self.prices = np.random.default_rng(seed).uniform(0.2, 0.8, 60).tolist()

    def act(self, view: SeatView) -> Action:
        self.views.append(view)
        scenario = view.scenario
        return view.make_offer(scenario.low + self.prices[len(self.views)] * (scenario.high - scenario.low))


@every_watcher
@pytest.mark.parametrize("persona", ["shark", "diplomat", "veteran"])
def test_a_view_tells_neither_who_sits_opposite_nor_its_drift(persona: str, watcher: int) -> None:
    """The other's phrases are cheap talk, and heard; its name, and the line that tells of its drift, are not."""
    known, drifts = load_persona(persona), 0
    unnamed = known.model_copy(update={"name": "somebody"})
    silent = unnamed.model_copy(update={"voice": unnamed.voice.model_copy(update={"drift": ()})})
    for seed in SEEDS:
        seen = []
        for other in (known, silent):
            player = Watcher(seed)
            pair = (player, other) if watcher == BUYER else (other, player)
            record = negotiation_v0.play_game(*pair, seed=seed)
            drifts += len(record.drift_lines)
            seen.append(pickle.dumps(player.views))
        assert seen[0] == seen[1]
        assert persona.encode() not in seen[0]
        views = pickle.loads(seen[0])
        assert any(turn.words for view in views for turn in view.turns)
        assert {turn.name for view in views for turn in view.turns} <= set(SEATS)
    assert drifts


def test_the_test_would_notice() -> None:
    first, second = twins(negotiation_v0.env, COMPLETE, "reservation", BUYER, 0)
    assert not same(first.observe("buyer_0"), second.observe("buyer_0"))


def test_state_holds_both_views_and_what_neither_sees() -> None:
    env = negotiation_v0.env(scenario="hiring_package_terms")
    env.reset(seed=0)
    state = dict(zip(env.state_names(), env.state().tolist(), strict=True))
    for seat in SEATS:
        seen = env.observe(f"{seat}_0")["observation"].tolist()
        assert [value for name, value in state.items() if name.startswith(f"{seat}.")] == seen
    rest = [name for name in state if not name.startswith(("buyer.", "seller."))]
    assert rest == ["zopa_low", "zopa_high", "nash_price", *BLUFF]
    low, high = env.game.zopa()
    assert [state[name] for name in rest[:3]] == pytest.approx([low, high, (low + high) / 2], abs=1e-6)
    assert env.state() in env.state_space
    assert env.state_space.shape == (len(env.state_names()),)


@pytest.mark.parametrize("seat", [BUYER, SELLER])
def test_state_tells_whether_the_open_claim_is_a_bluff(seat: int) -> None:
    for price, is_bluff in ((0.5, False), (0.66, True)):
        env = negotiation_v0.env(scenario="complete_information", opener=SEATS[seat], actions="mixed")
        env.reset(seed=0, options={"reservation": {SEATS[seat]: 15_000}})
        env.step({"move": 4, "price": price})
        assert env.state()[env.state_names().index(BLUFF[seat])] == is_bluff
