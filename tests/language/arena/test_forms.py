"""Arenas of every protocol and of small games: models play them, and results, plans and reports name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.errors import ConfigurationError
from parlay_marl.language.arena.page import arena_page
from tests.language.arena.runs import play
from tests.language.endpoint import Endpoint


@pytest.mark.parametrize("tools", ["auto", "never"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_models_play_every_protocol(protocol: str, tools: str) -> None:
    with Endpoint() as endpoint:
        arena = play(endpoint.url, protocol=protocol, settings={"tools": tools}, games=1)
    result, usual = arena.result, protocol == "alternating_offers"
    assert result.finished == result.planned == 4
    assert result.form == ({} if usual else {"protocol": protocol})
    assert result.models[0].totals.lost_turns == 0
    assert (f"protocol {protocol}" in arena_page(arena)) != usual
    for played, _ in arena.games:
        assert played.record.config.protocol == protocol
        assert played.record.illegal is None
    endings = {played.record.outcome.ending for played, _ in arena.games}
    assert endings <= {"deal", "deadline", "walk_away", "zopa_collapsed"}


def test_small_games_are_played(tmp_path: Path) -> None:
    form = {"price_levels": 5, "moves": ["accept", "offer"], "events": False, "max_rounds": 3}
    with Endpoint() as endpoint:
        arena = play(endpoint.url, out=tmp_path / "out", **form)
        again = play(endpoint.url, out=tmp_path / "out", **form)
        with pytest.raises(ConfigurationError, match="price levels is 5 there and absent here"):
            play(endpoint.url, out=tmp_path / "out", **form | {"price_levels": 41})
    assert arena.result == again.result
    assert arena.result.form == form
    for played, _ in arena.games:
        assert {action.price for action in played.record.actions if action.price is not None} <= {0, 0.25, 0.5, 0.75, 1}
        assert len(played.record.actions) <= 6
