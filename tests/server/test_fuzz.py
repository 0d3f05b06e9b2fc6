"""A server that is fuzzed: the attempts of `python -m tests.server.fuzz`, a few thousand of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.catalogue.scenarios import load_scenario
from tests.server.fuzz.floods import floods_of, left_behind, lost_seats
from tests.server.fuzz.fuzzer import Fuzzer
from tests.server.fuzz.hidden import PLANTED, game_of, secret
from tests.server.fuzz.messages import MESSAGES
from tests.server.fuzz.replies import RESETS
from tests.server.fuzz.runs import final, matches_of, messages_of, schema_requests, solved
from tests.server.fuzz.wire import Wire
from tests.server.table import served


@pytest.fixture
def fuzzer(tmp_path: Path) -> Iterator[Any]:
    """Yield the fuzzer of a server with recognisable figures."""
    scenario = tmp_path / "planted.toml"
    scenario.write_text(PLANTED)
    with served(scenario=(str(scenario),), wait=5.0) as address:
        made = Fuzzer(int(address.rpartition(":")[2]), str(scenario))
        try:
            yield made
        finally:
            made.close()


def _nothing_found(fuzzer: Any) -> None:
    final(fuzzer)
    assert not fuzzer.findings.count, "\n".join(fuzzer.findings.lines())


def test_altered_messages_change_and_show_nothing(fuzzer: Any) -> None:
    messages_of(fuzzer, 4_000, 6, start=2)
    _nothing_found(fuzzer)


def test_requests_over_http_are_answered_whatever_they_are(fuzzer: Any) -> None:
    schema_requests(fuzzer, 300, start=2)
    _nothing_found(fuzzer)


def test_two_clients_learn_nothing_of_each_other(fuzzer: Any) -> None:
    matches_of(fuzzer, 3, start=2)
    _nothing_found(fuzzer)


def test_the_others_limit_cannot_be_worked_out(fuzzer: Any) -> None:
    solved(fuzzer, 6, start=2)
    _nothing_found(fuzzer)


def test_the_solver_finds_rules_that_a_server_should_not_take(tmp_path: Path) -> None:
    # Otherwise, that it finds nothing where they are refused would say nothing.
    scenario = tmp_path / "planted.toml"
    scenario.write_text(PLANTED)
    with served(scenario=(str(scenario),), allow_rules=True) as address:
        made = Fuzzer(int(address.rpartition(":")[2]), str(scenario))
        try:
            solved(made, 2, start=2)
        finally:
            made.close()
    assert set(made.findings.count) == {
        "/ws: a client has changed the rules",
        "/matches: changed rules are answered with status 200",
    }


def test_torn_and_half_closed_connections_leave_nothing_behind(fuzzer: Any) -> None:
    for number in range(60):
        fuzzer.rude(random.Random(number))
    fuzzer.is_well("rude connections")
    _nothing_found(fuzzer)


def test_floods_that_nobody_reads_stop_nobody_else(fuzzer: Any) -> None:
    floods_of(fuzzer, 2, 400_000, 1.0)
    _nothing_found(fuzzer)


def test_what_is_left_behind_leaves_room_and_lost_seats_are_given_back(fuzzer: Any) -> None:
    left_behind(fuzzer, 15)
    for number in range(6):
        lost_seats(fuzzer, random.Random(number))
    fuzzer.is_well("what is left behind")
    _nothing_found(fuzzer)


@pytest.mark.parametrize("path", MESSAGES)
@pytest.mark.parametrize(("role", "seat"), [("buyer", 0), ("seller", 1)])
def test_the_search_finds_figures_where_they_may_be_seen(fuzzer: Any, path: str, role: str, seat: int) -> None:
    # Otherwise, that it finds none where they may not be seen would say nothing.
    reset = RESETS[path].replace("SEED", "3").replace("ROLE", role)
    with Wire(fuzzer.port, path) as wire:
        told = wire.ask(reset)
    assert secret(fuzzer.scenario, 3, (seat,)).search(told)
    assert not secret(fuzzer.scenario, 3, (1 - seat,)).search(told)


def test_each_hidden_figure_is_found_in_any_printing(fuzzer: Any) -> None:
    row = game_of(fuzzer.scenario, 3).game.row
    deal = load_scenario(Path(fuzzer.scenario))
    limit, urgency = float(row["reservation"][0]), float(row["urgency"][0])
    worth = float(row["package_values"][0][3]) * (deal.high - deal.low)
    price = deal.to_currency(limit)
    search = secret(fuzzer.scenario, 3, (0,)).search
    for digits in range(7):
        assert search(f"USD {price:,.{digits}f}.")
        assert search(json.dumps({"amount": round(price, digits)}))
        assert search(f"worth {abs(worth):,.{digits}f} to you")
    assert search(json.dumps([limit]))
    assert search(json.dumps({"urgency": urgency}))
    assert search(f"{urgency:.4f},")
    assert not search(json.dumps({"amount": price + 1_000.0, "urgency": urgency + 0.001}))
