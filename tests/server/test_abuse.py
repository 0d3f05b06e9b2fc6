"""A server under abuse: the same attempts as in scripts/abuse_server.py, a few thousand of them."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.server.table import served

SCRIPT = Path(__file__).parents[2] / "scripts" / "abuse_server.py"


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("abuse_server", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = _loaded()


@pytest.fixture
def abuse(tmp_path: Path) -> Iterator[Any]:
    """A server with recognisable figures, and what abuses it."""
    scenario = tmp_path / "planted.toml"
    scenario.write_text(script.PLANTED)
    with served(scenario=(str(scenario),), wait=5.0) as address:
        abuse = script.Abuse(int(address.rpartition(":")[2]), str(scenario))
        try:
            yield abuse
        finally:
            abuse.close()


def _nothing_found(abuse: Any) -> None:
    script.final(abuse)
    assert not abuse.findings.count, "\n".join(abuse.findings.lines())


def test_altered_messages_change_and_show_nothing(abuse: Any) -> None:
    script.messages_of(abuse, 4_000, 6, start=2)
    _nothing_found(abuse)


def test_requests_over_http_are_answered_whatever_they_are(abuse: Any) -> None:
    script.schema_requests(abuse, 300, start=2)
    _nothing_found(abuse)


def test_two_clients_learn_nothing_of_each_other(abuse: Any) -> None:
    script.matches_of(abuse, 3, start=2)
    _nothing_found(abuse)


def test_torn_and_half_closed_connections_leave_nothing_behind(abuse: Any) -> None:
    for number in range(60):
        abuse.rude(random.Random(number))
    abuse.is_well("rude connections")
    _nothing_found(abuse)


@pytest.mark.parametrize("path", script.MESSAGES)
@pytest.mark.parametrize(("role", "seat"), [("buyer", 0), ("seller", 1)])
def test_the_search_finds_figures_where_they_may_be_seen(abuse: Any, path: str, role: str, seat: int) -> None:
    # Otherwise, that it finds none where they may not be seen would say nothing.
    reset = script.RESETS[path].replace("SEED", "3").replace("ROLE", role)
    with script.Wire(abuse.port, path) as wire:
        told = wire.ask(reset)
    assert script.secret(abuse.scenario, 3, (seat,)).search(told)
    assert not script.secret(abuse.scenario, 3, (1 - seat,)).search(told)


def test_each_hidden_figure_is_found_in_any_printing(abuse: Any) -> None:
    row = script.game_of(abuse.scenario, 3).game.row
    deal = script.load_scenario(Path(abuse.scenario))
    limit, urgency = float(row["reservation"][0]), float(row["urgency"][0])
    worth = float(row["package_values"][0][3]) * (deal.high - deal.low)
    price = deal.to_currency(limit)
    search = script.secret(abuse.scenario, 3, (0,)).search
    for digits in range(7):
        assert search(f"USD {price:,.{digits}f}.")
        assert search(json.dumps({"amount": round(price, digits)}))
        assert search(f"worth {abs(worth):,.{digits}f} to you")
    assert search(json.dumps([limit]))
    assert search(json.dumps({"urgency": urgency}))
    assert search(f"{urgency:.4f},")
    assert not search(json.dumps({"amount": price + 1_000.0, "urgency": urgency + 0.001}))
