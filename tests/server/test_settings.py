"""Settings: bounds, where they come from, and that a token is never shown."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from parlay_marl.errors import ConfigurationError
from parlay_marl.server.settings import VARIABLES, ServerSettings

TOKEN = "correct-horse-battery-staple"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def test_by_default_only_this_machine_is_served() -> None:
    settings = ServerSettings.from_environment()
    assert settings == ServerSettings()
    assert (settings.host, settings.port, settings.token, settings.workers) == ("127.0.0.1", 8001, None, 1)
    assert settings.is_local
    assert not settings.reveal_hidden
    assert not settings.share_sessions


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("a.example", False)],
)
def test_whether_others_can_connect(host: str, local: bool) -> None:
    assert ServerSettings(host=host).is_local is local


def test_the_variables_of_the_first_server_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_PORT", "9000")
    monkeypatch.setenv("MAX_TURNS_PER_EPISODE", "12")
    monkeypatch.setenv("CREDIBILITY_POINTS_START", "80")
    monkeypatch.setenv("CREDIBILITY_REGEN_PER_TURN", "2.5")
    monkeypatch.setenv("PARLAY_TOKEN", TOKEN)
    settings = ServerSettings.from_environment()
    assert (settings.port, settings.rounds) == (9000, 12)
    assert (settings.credibility_start, settings.credibility_regain) == (80.0, 2.5)
    assert settings.token is not None
    assert settings.token.get_secret_value() == TOKEN


def test_what_is_given_wins_over_variables_and_these_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_PORT", "9000")
    monkeypatch.setenv("MAX_TURNS_PER_EPISODE", "")
    settings = ServerSettings.from_environment(port=7000, rounds=None)
    assert (settings.port, settings.rounds) == (7000, None)
    monkeypatch.setenv("ENV_PORT", "no number")
    assert ServerSettings.from_environment(port=7000).port == 7000


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ENV_PORT", "eighty", "server: ENV_PORT: Input should be a valid integer"),
        ("ENV_PORT", "70000", "server: ENV_PORT: Input should be less than or equal to 65535 (given '70000')"),
        ("MAX_TURNS_PER_EPISODE", "0", "server: MAX_TURNS_PER_EPISODE: Input should be greater than or equal to 1"),
        ("CREDIBILITY_POINTS_START", "nan", "server: CREDIBILITY_POINTS_START: Input should be a finite number"),
        ("CREDIBILITY_REGEN_PER_TURN", "-1", "server: CREDIBILITY_REGEN_PER_TURN: Input should be greater"),
        ("PARLAY_TOKEN", "short", "server: PARLAY_TOKEN: give at least 16 characters"),
    ],
)
def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        ServerSettings.from_environment()
    assert told in str(caught.value)
    assert "short" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"port": -1}, {"max_sessions": 0}, {"max_message": 10}, {"rate": -1.0}, {"host": ""}),
        *({"idle": 0.0}, {"workers": 0}, {"drain": float("inf")}, {"burst": 0}),
        *({"wait": 0.0}, {"credibility_start": 101.0}, {"rounds": 1001}, {"unknown": 1}),
        *({"allow_origin": ("a.example",)}, {"allow_origin": ("https://a.example/page",)}),
        *({"allow_host": ("https://a.example",)}, {"allow_host": ("a.example:8001",)}, {"allow_host": ("",)}),
        *({"proxy": ("a.example",)}, {"proxy": ("*",)}, {"proxy": ("10.0.0.1/8",)}),
        *({"token": "fifteen-letters"}, {"token": "sixteen letters, with spaces"}, {"token": "ä" * 16}, {"token": 16}),
    ],
)
def test_what_is_out_of_bounds_is_refused(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=f"server: {name}: "):
        ServerSettings.from_environment(**wrong)


def test_settings_cannot_be_changed_and_every_field_says_what_it_is() -> None:
    settings = ServerSettings()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    assert all(field.description for field in ServerSettings.model_fields.values())


def test_origins_and_names_are_compared_in_lower_case() -> None:
    assert ServerSettings(allow_origin=("https://Parlay.Example",)).allow_origin == ("https://parlay.example",)
    assert ServerSettings(allow_host=("Parlay.Example",)).allow_host == ("parlay.example",)


@pytest.mark.parametrize("bad", ["tiny-secret-7", "a secret with spaces", 123456789012345678])
def test_no_token_is_ever_shown(bad: Any) -> None:
    settings = ServerSettings(token=TOKEN)  # type: ignore[arg-type]
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert TOKEN not in text
    with pytest.raises(ValidationError) as direct:
        ServerSettings(token=bad)
    with pytest.raises(ConfigurationError) as told:
        ServerSettings.from_environment(token=bad)
    assert str(bad) not in str(direct.value)
    assert str(bad) not in str(told.value)
