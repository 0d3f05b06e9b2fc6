"""Tournaments of every protocol and of small games: every kind of entrant, analysis, report, replay, resumption."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.core.moves import SEATS
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import make_config
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.render.web.held import HeldReplays
from parlay_marl.studies.evaluation import evaluate, games_of
from parlay_marl.tournament import Games, analyse, run_tournament
from parlay_marl.tournament.replay import replay_game
from parlay_marl.tournament.report.page import report_data
from tests.tournament.policies import HERE

FIELD = ["champion", "linear", "shark", f"{HERE}:Policy", f"{HERE}:Fitting"]
GAMES = 2
ONE_OPENER = {"seller_offers": "seller", "buyer_offers": "buyer", "take_it_or_leave_it": "seller"}
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


def play(field: list[str], **more: Any) -> Games:
    return run_tournament(field, ["uniform", "saas_enterprise"], **({"games": GAMES, "seed": 4, "workers": 0} | more))


@every_protocol
def test_every_kind_of_entrant_plays_every_protocol(protocol: str, tmp_path: Path) -> None:
    games = play(FIELD, protocol=protocol, out=tmp_path / "out")
    openers = [SEATS.index(ONE_OPENER[protocol])] if protocol in ONE_OPENER else [0, 1]
    assert sorted(set(games.rows["outcome"]["opener"].tolist())) == openers
    assert len(games.rows) == 2 * len(FIELD) ** 2 * len(openers) * GAMES
    assert games.rows["outcome"]["ending"].all()
    assert not (games.rows["forfeit_by"] >= 0).any()
    form = {} if protocol == "alternating_offers" else {"protocol": protocol}
    read = Games.read(tmp_path / "out" / "games.parquet")
    assert games.form == read.form == games.plan()["form"] == form
    assert read.rows.tobytes() == games.rows.tobytes()
    for index in range(0, len(games.rows), 37):
        replayed = replay_game(games, index, workers=0)
        assert replayed.config.protocol == protocol


@every_protocol
def test_the_report_names_the_protocol_and_shows_its_games(protocol: str) -> None:
    games = play(["linear", "shark", "diplomat"], protocol=protocol)
    analysis = analyse(games)
    assert all(standing.games == 2 * len(games.rows) // 3 for standing in analysis.standings)
    data = report_data(games, analysis, HeldReplays())
    usual = protocol == "alternating_offers"
    assert data["form"] == ("" if usual else f"protocol {protocol}")
    assert (f"--protocol {protocol}" in data["command"]) != usual
    for scenario in data["offers"]["scenarios"]:
        for pair in scenario["pairs"]:
            assert {game["opener"] for game in pair["transcripts"]} <= set(games.rows["outcome"]["opener"].tolist())
            assert len(pair["games"]) == 2 * games.openers


def test_payoffs_of_a_protocol_with_one_opener_are_the_means_of_its_games() -> None:
    games = play(["linear", "shark"], protocol="seller_offers")
    rows, analysis = games.rows, analyse(games)
    for buyer, seller in np.ndindex(2, 2):
        own = rows[(rows["buyer"] == buyer) & (rows["seller"] == seller)]
        assert analysis.buyer_matrix[buyer][seller] == pytest.approx(own["outcome"]["payoff"][:, 0].mean())


def test_small_games_have_their_prices_and_rounds() -> None:
    form = {"price_levels": 3, "moves": ["accept", "offer"], "events": False, "max_rounds": 2}
    games = play(["linear", "shark"], **form)
    outcome = games.rows["outcome"]
    deals = outcome["price"][outcome["deal"] if "deal" in outcome.dtype.names else outcome["price"] >= 0]
    assert set(deals[~np.isnan(deals)].tolist()) <= {0.0, 0.5, 1.0}
    assert outcome["round"].max() <= 1
    assert games.form == form


def test_another_form_is_another_tournament(tmp_path: Path) -> None:
    out = tmp_path / "out"
    play(["linear"], out=out, protocol="seller_offers")
    same = play(["linear"], out=out, protocol="seller_offers", resume=True)
    assert same.form == {"protocol": "seller_offers"}
    for other in ({}, {"protocol": "buyer_offers"}):
        with pytest.raises(ConfigurationError, match=r"different in form .*'protocol': 'seller_offers'. there"):
            play(["linear"], out=out, resume=True, **other)


def test_what_a_form_cannot_be_is_refused_before_the_first_game() -> None:
    with pytest.raises(ConfigurationError, match="sealed_bid is about a price alone, and acquisition_terms has terms"):
        run_tournament(["linear"], ["acquisition_terms"], games=1, protocol="sealed_bid")


@every_protocol
def test_an_evaluation_plays_the_openers_of_the_protocol(protocol: str) -> None:
    linear, shark = (PersonaPlayer(as_persona(name).persona) for name in ("linear", "shark"))
    deals = [make_config(name, protocol=protocol).params for name in ("uniform", "saas_enterprise")]
    played = games_of(linear, shark, deals, 0, games=GAMES, seed=1)
    assert played.shape == (2, 1 if protocol in ONE_OPENER else 2, GAMES)
    assert np.isfinite(evaluate(linear, [shark], deals, games=GAMES).payoff.mean)
