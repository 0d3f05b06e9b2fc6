"""`chat:MODEL` as the name of a player, wherever one is taken: the same table as that of `negmas:NAME`."""

from __future__ import annotations

import pkgutil
from typing import Any

import pytest

from parlay_marl.errors import ConfigurationError, ParlayError
from parlay_marl.language.chat_name import SETTINGS, chat_player, home_of
from parlay_marl.language.chat_player import ChatPlayer
from parlay_marl.negotiation_v0 import play_game
from parlay_marl.players.persona import as_player
from parlay_marl.players.schemes import SCHEMES, has_scheme, home_of_scheme
from parlay_marl.studies.benchmark.suite import STANDARD, load_suite
from parlay_marl.tournament import run_tournament
from parlay_marl.tournament.benchmark import run_benchmark
from parlay_marl.tournament.entrants import load_entrant, recalled
from tests.language.endpoint import Endpoint

NOWHERE = "base_url=http://127.0.0.1:1/v1"


def test_a_name_is_a_model_with_settings() -> None:
    for name, model in [
        (f"chat:gpt?{NOWHERE}", "gpt"),
        (f"chat:org/Model-8B:free?{NOWHERE}&temperature=0&tools=never", "org/Model-8B:free"),
        (f"chat:qwen2.5:7b?{NOWHERE}&max_tokens=5&seed=3&history=compressed", "qwen2.5:7b"),
    ]:
        assert has_scheme(name)
        player = as_player(name)
        assert isinstance(player, ChatPlayer)
        assert (player.model, player.name) == (model, model)
    assert has_scheme("negmas:MiCRONegotiator")
    assert not has_scheme("family:broad")
    assert not has_scheme("my_module:Name")
    assert not has_scheme("chat")
    assert not has_scheme(3)


def test_settings_arrive() -> None:
    with Endpoint() as endpoint:
        play_game(
            f"chat:scripted?base_url={endpoint.url}&tools=never&temperature=0&seed=3&max_tokens=99", "linear", seed=1
        )
    assert {name: endpoint.requests[0].get(name) for name in ("temperature", "seed", "max_tokens", "tools")} == {
        "temperature": 0.0, "seed": 3, "max_tokens": 99, "tools": None,
    }  # fmt: skip


def test_every_setting_is_an_argument_of_the_player() -> None:
    arguments = {name for name, kind in ChatPlayer.__init__.__annotations__.items() if name not in ("model", "return")}
    assert set(SETTINGS) == arguments - {"prices", "budget", "journal"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chat:", "model: give its name at the endpoint"),
        (f"chat:m?{NOWHERE}&temprature=0", "unknown setting of chat:m 'temprature'; did you mean 'temperature'?"),
        (f"chat:m?{NOWHERE}&key=sk-1", "unknown setting of chat:m 'key'"),
        (f"chat:m?{NOWHERE}&temperature=cold", "chat:m: temperature: 'cold' is no number"),
        (f"chat:m?{NOWHERE}&tools=some", "unknown use of tools 'some'; known: always, auto, never"),
        ("chat:m?base_url=nowhere", "base_url: give the URL of an endpoint"),
    ],
)
def test_names_that_cannot_be_used(name: str, message: str) -> None:
    with pytest.raises(ParlayError) as caught:
        as_player(name)
    assert message in str(caught.value)


def test_schemes_lead_to_what_makes_players() -> None:
    assert home_of_scheme("chat:m") == home_of("chat:m") == ChatPlayer.__module__
    assert pkgutil.resolve_name(SCHEMES["chat"].player) is chat_player
    assert home_of_scheme("negmas:my.module.Agent") == "my.module"


def test_a_persona_of_that_spelling_is_not_looked_for() -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        load_entrant("chat:a/b.toml?base_url=x")


@pytest.mark.parametrize("workers", [0, 1])
def test_it_enters_tournaments(workers: int) -> None:
    with Endpoint() as endpoint:
        name = f"chat:scripted?base_url={endpoint.url}"
        games = run_tournament([name, "linear"], ["uniform"], games=2, seed=1, workers=workers, timeout=600.0)
        assert recalled(games.entrants[1]).name == "scripted"
    assert [entrant.name for entrant in games.entrants] == ["linear", "scripted"]
    assert not any(games.forfeits().values())
    assert endpoint.answered["fine"] == len(endpoint.requests) > 0


def test_an_endpoint_that_fails_is_a_forfeit_with_its_reason() -> None:
    with Endpoint(faults={"500": 1.0}) as endpoint:
        name = f"chat:scripted?base_url={endpoint.url}&retries=0"
        forfeits: list[Any] = []
        run_tournament([name, "linear"], ["uniform"], games=1, seed=1, workers=0, on_forfeit=forfeits.append)
    assert forfeits
    assert "fails 1 times in a row, at last by: 500 The server had an error" in forfeits[0].reason


def test_an_unreadable_reply_forfeits_its_own_game_alone() -> None:
    forfeits: list[Any] = []
    with Endpoint(script=["prose", "prose"]) as endpoint:
        name = f"chat:scripted?base_url={endpoint.url}&unreadable=forfeit"
        run_tournament([name, "linear"], ["uniform"], games=3, seed=1, workers=0, on_forfeit=forfeits.append)
    assert [forfeit.games for forfeit in forfeits] == [1]


def test_it_plays_the_benchmark_and_states_beliefs() -> None:
    suite = load_suite(STANDARD).chosen(["uniform"], ["linear"])
    with Endpoint() as endpoint:
        result = run_benchmark(f"chat:scripted?base_url={endpoint.url}", suite, games=2, workers=0)
    assert result.player.name == "scripted"
    assert any("state_belief" in str(body.get("tools")) for body in endpoint.requests)
