"""Language models on the command line: watched live, played against, and at the endpoint that `--base-url` names."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from parlay_marl.language.endpoint import KEY_VARIABLE, URL_VARIABLE
from tests.cli.conftest import Parlay, start
from tests.language.bargainer import Prompt, Turn, bargain
from tests.language.endpoint import Endpoint

KEY = "sk-planted-4f9a17c2e08b"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:1/v1")  # what --base-url sets is taken back at the end
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as made:
        yield made


class Slow:
    """A mind that thinks about its third turn until it is let go."""

    def __init__(self) -> None:
        self.turns, self.go_on = 0, threading.Event()

    def __call__(self, prompt: Prompt) -> Turn:
        self.turns += 1
        if self.turns == 3:
            assert self.go_on.wait(600.0)
        return bargain(prompt)


def test_moves_are_shown_while_the_model_thinks() -> None:
    mind = Slow()
    with (
        Endpoint(mind) as endpoint,
        start(
            *("watch", "chat:scripted", "shark", "--base-url", endpoint.url, "--seed", "3", "--opener", "buyer"),
        ) as process,
    ):
        try:
            shown = [process.line() for _ in range(6)]
            while "  2  buyer " not in shown[-1]:  # of the second round; the third turn of the model is not made yet
                shown.append(process.line())
                assert shown[-1], "it ended"
            assert not mind.go_on.is_set()
        finally:
            mind.go_on.set()
        rest, err = process.communicate()
    assert process.returncode == 0, err
    assert "scripted (buyer) against shark (seller)" in "".join(shown)
    assert "this is what I can do." in rest
    assert "b buyer" in rest


def test_what_is_watched_live_is_the_transcript(parlay: Parlay, endpoint: Endpoint) -> None:
    args = ("watch", "shark", f"chat:scripted?base_url={endpoint.url}", "--seed", "3")
    first, second = parlay(*args), parlay(*args)
    assert first.exit_code == 0
    assert first.stdout == second.stdout
    assert "shark (buyer) against scripted (seller)" in first.stdout


def test_a_person_plays_against_a_model(parlay: Parlay, endpoint: Endpoint) -> None:
    args = ("play", "--opponent", "chat:scripted", "--base-url", endpoint.url, "--seed", "3", "--rounds", "4")
    told = parlay(*args, typed="130k\n140k\n150k\n160k\n")
    assert told.exit_code == 0
    assert "scripted" in told.stdout
    assert endpoint.requests


def test_an_endpoint_that_fails_is_one_sentence(parlay: Parlay) -> None:
    with Endpoint(key="another-key-of-the-endpoint") as endpoint:
        told = parlay("watch", "chat:scripted", "shark", "--base-url", endpoint.url, "--seed", "3")
    assert told.exit_code == 2
    assert "refuses the key (401); set OPENAI_API_KEY to the endpoint's key" in " ".join(told.stderr.split())
    assert KEY not in told.output
    assert "Traceback" not in told.output


@pytest.mark.parametrize("command", ["watch", "tournament", "benchmark"])
def test_a_url_that_is_none_is_refused(parlay: Parlay, command: str) -> None:
    players = {"watch": ["chat:scripted", "shark"], "tournament": ["chat:scripted", "shark"], "benchmark": ["chat:m"]}
    told = parlay(command, *players[command], "--base-url", "localhost")
    assert told.exit_code == 2
    assert "base_url: give the URL of an endpoint, such as http://localhost:8000/v1" in " ".join(told.stderr.split())


def test_without_a_key_the_command_says_which_variable(parlay: Parlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    monkeypatch.delenv(URL_VARIABLE)
    told = parlay("watch", "chat:gpt", "shark")
    assert told.exit_code == 2
    assert "set OPENAI_API_KEY" in told.stderr


def test_a_tournament_asks_the_endpoint_of_the_option(parlay: Parlay, endpoint: Endpoint) -> None:
    args = ("tournament", "chat:scripted", "linear", "-s", "uniform", "-n", "1", "--workers", "0", "-q")
    told = parlay(*args, "--base-url", endpoint.url)
    assert told.exit_code == 0, told.stderr
    assert "scripted" in told.stdout
    assert endpoint.answered["fine"] == len(endpoint.requests) > 0


def test_a_bare_name_of_a_model_is_told_its_form(parlay: Parlay) -> None:
    told = parlay("watch", "gpt-5-mini", "shark")
    assert told.exit_code == 2
    assert "a language model is named as chat:MODEL" in " ".join(told.output.split())
    assert "chat:" not in parlay("watch", "sharc", "shark").output
    assert "chat:" not in parlay("personas", "gpt-5-mini").output  # which lists personas alone
