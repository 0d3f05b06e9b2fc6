"""Traces: conversations with rewards, pairs of better and worse ones, and nothing private of the other seat."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.core.moves import SEATS
from parlay_marl.language.arena.summary import Arena
from parlay_marl.language.arena.traces import Trace, as_lines, pairs_of, pairs_path, traces_of
from tests.language.arena.runs import play
from tests.language.bargainer import Prompt, Turn, bargain
from tests.language.endpoint import Endpoint


def stubborn(prompt: Prompt) -> Turn:
    """Bargain as `bargain` does, but never take an offer that is worth less than a tenth of the range."""
    low, high = prompt.range
    turn = bargain(prompt)
    if turn.move == "accept" and (prompt.worth_of_their_offer or 0.0) < 0.1 * (high - low):
        return Turn("offer", low if prompt.is_buyer else high)
    return turn


@pytest.fixture(scope="module")
def arena() -> Arena:
    """Return the games of two models, one with tools and one in text."""
    with Endpoint() as endpoint:
        return play(endpoint.url, ("scripted", "scripted?tools=never"), games=3, scenarios=["saas_enterprise"])


def test_there_is_a_trace_for_every_model_and_game(arena: Arena) -> None:
    traces = list(traces_of(arena.games))
    seats = [name for played, _ in arena.games for name in played.match.names if name.startswith("scripted")]
    assert [trace.model for trace in traces] == seats
    for trace in traces:
        line = json.loads(json.dumps(trace.as_dict()))
        assert line["messages"][0]["role"] == "system"
        assert line["messages"][-1]["role"] == "assistant"
        assert ("tools" in line) == (trace.model == "scripted")
        assert line["seat"] in SEATS


def test_the_reward_is_the_payoff(arena: Arena) -> None:
    rewards = {(t.scenario, t.number, t.seat, t.partner, t.model): t.reward for t in traces_of(arena.games)}
    for played, _ in arena.games:
        for seat, name in enumerate(played.match.names):
            if name.startswith("scripted"):
                key = (played.match.scenario, played.match.number, seat, played.match.names[1 - seat], name)
                assert rewards[key] == pytest.approx(played.record.outcome.payoff[seat])
                assert rewards[key] == pytest.approx(played.record.rewards[seat])


def test_a_trace_has_nothing_private_of_the_other_seat(arena: Arena) -> None:
    """Neither its limit, at any time of the game, nor the seed of the deal, from which that follows."""
    checked = 0
    for played, _ in arena.games:
        for seat, name in enumerate(played.match.names):
            if not name.startswith("scripted"):
                continue
            (trace,) = [t for t in traces_of([(played, _)]) if t.seat == seat]
            text = json.dumps(trace.as_dict())
            said = {amount for turn in played.record.replay().turns for amount in re.findall(r"\d[\d,]*", turn.words)}
            for game in played.record.moments():
                limit = game.currency.price(float(game.row["reservation"][1 - seat]))
                for written in (f"{limit:,.2f}", f"{limit:.2f}", f"{limit:,.0f}", f"{limit:.0f}"):
                    if written in said or _was_offered(played.record, limit):
                        continue
                    assert not re.search(rf"(?<![\d,.]){re.escape(written)}(?![\d,])", text), (name, written)
                    checked += 1
            assert "seed" not in trace.as_dict()
            assert not {"share", "shares", "reservation", "zopa", "nash_price"} & set(trace.outcome)
    assert checked > 100


def _was_offered(record: Any, limit: float) -> bool:
    """Whether a price near the limit was offered, which is public."""
    config = record.config.played
    prices = [config.to_currency(action.price) for action in record.actions if action.price is not None]
    return any(round(price) == round(limit) for price in prices)


def trace(model: str, reward: float, *contents: str, **given: Any) -> Trace:
    roles = ("system", "user", "assistant", "user", "assistant")
    messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]
    place = {"scenario": "uniform", "number": 0, "seat": 0, "partner": "shark", "repeat": 0} | given
    return Trace(model=model, reward=reward, messages=messages, mistakes=0, tools=[], outcome={}, **place)


def test_pairs_begin_alike_and_the_better_one_is_chosen() -> None:
    better, worse = trace("a", 0.6, "rules", "go", "x", "then", "y"), trace("b", 0.2, "rules", "go", "z")
    (pair,) = pairs_of([worse, better])
    assert pair["prompt"] == better.messages[:2]
    assert (pair["chosen"], pair["rejected"]) == (better.messages[2:], worse.messages[2:])
    assert (pair["chosen_reward"], pair["rejected_reward"]) == (0.6, 0.2)
    assert (pair["chosen_model"], pair["rejected_model"]) == ("a", "b")


def test_the_prompt_is_as_long_as_can_be() -> None:
    better, worse = (
        trace("a", 0.6, "rules", "go", "x", "then", "y"),
        trace("a", 0.1, "rules", "go", "x", "then", "z", repeat=1),
    )
    (pair,) = pairs_of([better, worse])
    assert len(pair["prompt"]) == 4


@pytest.mark.parametrize(
    "other",
    [
        trace("b", 0.6, "rules", "go", "z"),  # paid the same
        trace("b", 0.1, "other rules", "go", "z"),  # told otherwise
        trace("b", 0.1, "rules", "go", "x"),  # the start of the other
        trace("b", 0.1, "rules", "go", "z", number=1),
        trace("b", 0.1, "rules", "go", "z", seat=1),
        trace("b", 0.1, "rules", "go", "z", partner="nash"),
    ],
)
def test_what_differs_otherwise_is_no_pair(other: Trace) -> None:
    assert list(pairs_of([trace("a", 0.6, "rules", "go", "x", "then", "y"), other])) == []


def test_the_best_is_paired_with_each_that_is_paid_less() -> None:
    group = [trace("a", reward, "rules", "go", f"{reward}", repeat=i) for i, reward in enumerate((0.1, 0.5, 0.3, 0.5))]
    assert [pair["rejected_reward"] for pair in pairs_of(group)] == [0.1, 0.3]


def test_games_of_different_models_in_one_form_become_pairs() -> None:
    """With real games: two endpoints, one of which concedes more."""
    with Endpoint() as soft, Endpoint(stubborn) as hard:
        models = (f"scripted?base_url={soft.url}", f"scripted?base_url={hard.url}")
        arena = play(soft.url, models, games=4, scenarios=["uniform"], each_other=False)
    pairs = list(pairs_of(list(traces_of(arena.games))))
    assert pairs
    for pair in pairs:
        assert pair["chosen_reward"] > pair["rejected_reward"]
        assert pair["prompt"][0]["role"] == "system"
        assert pair["prompt"][-1]["role"] in ("user", "tool")
        assert all(pair[name][0]["role"] == "assistant" for name in ("chosen", "rejected"))
        assert pair["chosen"][0] != pair["rejected"][0]


def test_files_are_json_lines_side_by_side() -> None:
    assert pairs_path(Path("a/traces.jsonl")) == Path("a/traces.pairs.jsonl")
    assert pairs_path(Path("a/traces")) == Path("a/traces.pairs.jsonl")
    lines = as_lines([{"a": "é\u2028\ud800"}, {}]).splitlines()
    assert [json.loads(line) for line in lines] == [{"a": "é\u2028\ud800"}, {}]
