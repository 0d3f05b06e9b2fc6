"""The budget of requests: never exceeded, whatever fails and however many ask at once."""

from __future__ import annotations

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from parlay_marl.errors import BudgetError, ConfigurationError
from parlay_marl.language import asking
from parlay_marl.language.budget import Budget, Prices
from parlay_marl.language.chat_player import ChatPlayer
from parlay_marl.negotiation_v0 import play_game
from tests.language.endpoint import Endpoint
from tests.processes import wait_until

PRICES = Prices(prompt=2.0, completion=8.0)
ROUNDING = 1e-12
"""By what share a sum of costs may differ from one that is summed up in another order."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "pause", lambda seconds: None)


def test_prices_are_for_a_million_tokens() -> None:
    assert PRICES.cost(1_000_000, 500_000) == 6.0
    assert PRICES.cost(0, 0) == 0.0


@pytest.mark.parametrize("words", ["plain words", "größer — 価格は150,000ドル 🤝", "\ud800 \x00"])
@pytest.mark.parametrize("tools", ["auto", "never"])
def test_the_bound_of_a_request_is_above_its_cost(tools: Any, words: str) -> None:
    """Even where every byte of what is sent is a token."""
    with Endpoint() as endpoint:
        play_game(ChatPlayer("scripted", base_url=endpoint.url, tools=tools), "diplomat", seed=1)
        body = endpoint.requests[-1]
    body["messages"][-1]["content"] = words * 50
    size = len(str(body["messages"][-1]["content"]).encode("utf-8", "surrogatepass"))
    tokens = size + sum(len(str(each["content"]).encode()) for each in body["messages"][:-1])
    assert PRICES.bound(body, 1_024) > PRICES.cost(tokens, 1_024)


def test_what_is_reserved_is_settled() -> None:
    budget = Budget(1.0, spent=0.25)
    budget.reserve(0.5)
    budget.settle(0.5, 0.1)
    assert budget.spent == pytest.approx(0.35)
    budget.reserve(0.65)
    budget.settle(0.65, 0.65)
    with pytest.raises(BudgetError, match=r"the budget of 1 does not reach: 1 is spent, and the next request may cost"):
        budget.reserve(0.001)


def test_a_request_waits_for_those_on_their_way() -> None:
    budget, got = Budget(1.0), threading.Event()
    budget.reserve(0.8)

    def ask() -> None:
        budget.reserve(0.8)
        got.set()

    other = threading.Thread(target=ask, daemon=True)
    other.start()
    assert not got.wait(0.05)
    budget.settle(0.8, 0.1)
    assert got.wait(60.0)
    other.join(60.0)


def test_a_request_that_waits_is_refused_when_nothing_is_left() -> None:
    budget, refused = Budget(1.0), threading.Event()
    budget.reserve(0.8)

    def ask() -> None:
        with pytest.raises(BudgetError):
            budget.reserve(0.8)
        refused.set()

    other = threading.Thread(target=ask, daemon=True)
    other.start()
    budget.settle(0.8, 0.8)
    assert refused.wait(60.0)
    other.join(60.0)


@pytest.mark.parametrize("limit", [0.02, 0.05])
def test_games_end_when_it_is_spent_and_never_after(limit: float) -> None:
    """Faults that may be charged, too: answers that break off, or are none."""
    faults = {"429": 0.05, "500": 0.05, "cut": 0.05, "no_choices": 0.05, "prose": 0.1}
    with Endpoint(faults=faults) as endpoint:
        budget = Budget(limit)

        def play(seed: int) -> bool:
            settings: dict[str, Any] = {"prices": PRICES, "budget": budget, "max_tokens": 200, "retries": 20}
            player = ChatPlayer("scripted", base_url=endpoint.url, tools="never", **settings)
            try:
                play_game(player, "diplomat", seed=seed)
            except BudgetError:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            finished = list(threads.map(play, range(12)))
        billed = endpoint.bill.cost(*PRICES)
    assert 0.0 < billed * (1.0 - ROUNDING) <= budget.spent  # of what broke off, the most that it may have cost is spent
    assert budget.spent <= limit * (1.0 + ROUNDING)
    assert not all(finished)


def test_exactly_what_is_spent_is_billed() -> None:
    with Endpoint(faults={"429": 0.1, "prose": 0.1}) as endpoint:
        budget = Budget(10.0)
        for seed in range(4):
            player = ChatPlayer("scripted", base_url=endpoint.url, prices=PRICES, budget=budget, retries=20)
            play_game(player, "diplomat", seed=seed)
        wait_until(lambda: endpoint.bill.answers)
    assert budget.spent == pytest.approx(endpoint.bill.cost(*PRICES), rel=1e-12)


def test_a_budget_needs_prices_and_stays_in_its_process() -> None:
    with pytest.raises(ConfigurationError, match="budget: it needs prices, by which requests are counted"):
        ChatPlayer("scripted", base_url="http://127.0.0.1:1/v1", budget=Budget(1.0))
    player = ChatPlayer("scripted", base_url="http://127.0.0.1:1/v1", budget=Budget(1.0), prices=PRICES)
    with pytest.raises(ConfigurationError, match="a budget is not shared among processes"):
        pickle.dumps(player)
    budget = Budget(2.0)
    assert copy.deepcopy(budget) is budget


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf"), 10**400], ids=["negative", "nan", "inf", "huge"])
def test_limits_are_amounts(limit: float) -> None:
    with pytest.raises(ConfigurationError, match="budget: limit must be an amount of 0 or more"):
        Budget(limit)
