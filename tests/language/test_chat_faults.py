"""`ChatPlayer` and endpoints that fail: what is tried again, after which pause, and what is given up."""

from __future__ import annotations

import contextlib
import email.utils
import http.server
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from parlay_marl.errors import EndpointError, ParlayError
from parlay_marl.game.record import GameRecord
from parlay_marl.language import asking
from parlay_marl.language.asking import LONGEST_WAIT
from parlay_marl.language.budget import Prices
from parlay_marl.language.chat_player import ChatPlayer
from parlay_marl.negotiation_v0 import env, play_game
from tests.language.conftest import KEY
from tests.language.endpoint import Endpoint
from tests.language.views import view_after
from tests.processes import LIMIT


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the pauses between attempts, and do not wait for them."""
    found: list[float] = []
    monkeypatch.setattr(asking, "pause", found.append)
    return found


def played(player: ChatPlayer, seed: int = 1) -> GameRecord:
    return play_game(player, "diplomat", seed=seed, beliefs="elicited")


def failure_of(player: ChatPlayer) -> str:
    """Return the message of the error with which a player's first turn ends."""
    view = view_after()
    player.begin(view)
    with pytest.raises(EndpointError) as caught:
        player.act(view)
    return str(caught.value)


@pytest.mark.parametrize("fault", ["429", "500", "html", "not_json", "no_choices", "cut"])
def test_what_may_pass_is_tried_again_and_the_game_is_the_same(fault: str, pauses: list[float]) -> None:
    with Endpoint() as endpoint:
        plain = played(ChatPlayer("scripted", base_url=endpoint.url))
    with Endpoint(script=["", fault, fault, "", fault]) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, prices=Prices(1.0, 1.0))
        assert played(player).actions == plain.actions
        assert player.usage.retried == 3
        assert player.usage.requests == len(endpoint.requests) == sum(endpoint.answered.values())
        billed = endpoint.bill.cost(1.0, 1.0)
        known = fault not in ("not_json", "cut")  # there the most that it may have cost is counted
        assert player.usage.cost == pytest.approx(billed) if known else player.usage.cost > billed
    assert pauses == ([0.0] * 3 if fault == "429" else [0.5, 1.0, 0.5])


@pytest.mark.parametrize("never_ends", [True, False], ids=["endless", "huge"])
def test_a_refusal_that_does_not_end_is_given_up(never_ends: bool) -> None:
    """The client's library reads all of it, whatever its time limit, which is for each piece."""
    pieces = itertools.repeat(b" ") if never_ends else itertools.repeat(b"x" * 60_000, 2_000)

    class Talkative(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(400)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with contextlib.suppress(OSError):
                for number, piece in enumerate(pieces):
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                    sent[0] = number
                    time.sleep(0.02 if never_ends else 0.0)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    sent, limit = [0], 3.0 if never_ends else LIMIT  # seconds in which a busy machine sends the headers
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talkative)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/v1"
        told = failure_of(ChatPlayer("m", base_url=url, timeout=limit, retries=0))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert ("within 3 s" if never_ends else "refuses the request: 400") in told
    assert sent[0] < 1_999


@contextlib.contextmanager
def raw_server(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Yield the URL of a server that answers each request as a function does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with contextlib.suppress(OSError):
                answer(self)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_headers_that_do_not_end_are_given_up() -> None:
    """The client's library has a limit for each read, and a byte in time keeps it waiting."""
    gone = threading.Event()

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        while not gone.wait(0.02):
            handler.wfile.write(b"x")

    with raw_server(answer) as url:
        start = time.monotonic()
        try:
            told = failure_of(ChatPlayer("m", base_url=url, timeout=0.5, retries=0))
        finally:
            gone.set()
        assert "no answer within 0.5 s" in told
        assert time.monotonic() - start < LIMIT


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_prompt_goes_nowhere_else(status: int) -> None:
    with Endpoint() as other:

        def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Location", f"{other.url}/chat/completions?secret=1")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with raw_server(answer) as url:
            told = failure_of(ChatPlayer("scripted", base_url=url, retries=3))
        assert other.requests == []
    assert f"refuses the request: {status}, it redirects to {other.url}/chat/completions, and" in told
    assert "secret" not in told


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        ({"content": "/silence"}, 10**400),
        ({"content": "/silence"}, True),
        ({"content": None, "tool_calls": [{"id": "a", "function": {"name": "offer", "arguments": "[" * 100_000}}]}, 1),
    ],
    ids=["many_tokens", "true_tokens", "deep_arguments"],
)
def test_an_answer_without_sense_does_not_end_a_game(
    message: dict[str, Any], tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = {"prompt_tokens": tokens, "completion_tokens": 1}
    answer = {"choices": [{"message": message}], "usage": usage}
    monkeypatch.setattr("tests.language.endpoint.completion", lambda *_: answer)
    with Endpoint() as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, prices=Prices(1.0, 1.0))
        assert played(player).outcome.ending == "deadline"
    assert 0.0 < player.usage.cost < 1.0


def test_pauses_double_up_to_a_bound_and_attempts_are_counted(pauses: list[float]) -> None:
    with Endpoint(faults={"500": 1.0}) as endpoint:
        message = failure_of(ChatPlayer("scripted", base_url=endpoint.url, retries=8))
        assert message == (
            f"the model 'scripted' at {endpoint.url} fails 9 times in a row, at last by: 500 The server had an error"
        )
        assert len(endpoint.requests) == 9
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_too_many_requests_are_waited_for_a_minute(pauses: list[float]) -> None:
    with Endpoint(faults={"429": 1.0}, retry_after="") as endpoint:
        assert "fails 6 times in a row" in failure_of(ChatPlayer("scripted", base_url=endpoint.url))
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0]


def test_the_endpoint_says_how_long_to_wait(pauses: list[float]) -> None:
    view = view_after()
    in_a_minute = email.utils.formatdate(time.time() + 60.0, usegmt=True)
    for retry_after in ("7", "1.5", in_a_minute, "", "soon"):
        with Endpoint(script=["429"], retry_after=retry_after) as endpoint:
            player = ChatPlayer("scripted", base_url=endpoint.url)
            player.begin(view)
            player.act(view)
    assert pauses[:2] == [7.0, 1.5]
    assert 0.0 <= pauses[2] <= 60.0
    assert pauses[3:] == [2.0, 2.0]


def test_it_does_not_wait_for_hours(pauses: list[float]) -> None:
    with Endpoint(script=["429"], retry_after="3600") as endpoint:
        message = failure_of(ChatPlayer("scripted", base_url=endpoint.url))
    assert f"asks to wait 3,600 s, more than {LONGEST_WAIT:g}: 429 Rate limit reached" in message
    assert pauses == []


def test_pauses_are_real() -> None:
    with Endpoint(script=["429"], retry_after="0.3") as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url)
        player.begin(view_after())
        start = time.monotonic()
        player.act(view_after())
        assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize(
    ("fault", "message"),
    [("slow", "no answer within 3 s"), ("drip", "within 3 s")],
)
def test_an_attempt_has_a_limit_of_time(fault: str, message: str) -> None:
    with Endpoint(faults={fault: 1.0}, slowness=LIMIT) as endpoint:
        start = time.monotonic()
        assert message in failure_of(ChatPlayer("scripted", base_url=endpoint.url, timeout=3.0, retries=0))
        assert time.monotonic() - start < LIMIT


def test_a_slow_answer_in_time_is_an_answer() -> None:
    with Endpoint(script=["slow"], slowness=0.2) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url)
        player.begin(view_after())
        player.act(view_after())
        assert player.usage.retried == 0


def test_nobody_listens(pauses: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        player = ChatPlayer("scripted", base_url=url, retries=2, prices=Prices(1.0, 1.0))
        assert "fails 3 times in a row, at last by: no connection: " in failure_of(player)
    assert (player.usage.requests, player.usage.cost) == (3, 0.0)


def test_what_will_not_pass_is_not_tried_again() -> None:
    with Endpoint(key="another-key-of-the-endpoint") as endpoint:
        message = failure_of(ChatPlayer("scripted", base_url=endpoint.url))
        assert message.endswith("it refuses the key (401); set OPENAI_API_KEY to the endpoint's key")
        assert KEY not in message
        assert len(endpoint.requests) == 1
    with Endpoint() as endpoint:
        assert "refuses the request: 404 The model `other` does not exist" in failure_of(
            ChatPlayer("other", base_url=endpoint.url)
        )
    with Endpoint(refuses=["seed"]) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, seed=3)
        assert "400 Unrecognized request argument supplied: seed" in failure_of(player)


def test_a_failure_leaves_the_game_as_it_was() -> None:
    with Endpoint(script=["", "500"]) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, retries=0)
        world = env(seller=player, opener="buyer")
        world.reset(seed=3)
        world.step(4)
        before = world.unwrapped.game.actions
        with pytest.raises(EndpointError):
            world.step(5)
        assert world.unwrapped.game.actions == before
        world.step(5)
        assert len(world.unwrapped.game.actions) == len(before) + 2


def test_everything_at_once(pauses: list[float]) -> None:
    """Faults that pass, faults of the model and slow answers: every game ends, and what is counted is exact."""
    passing = {"429": 0.1, "500": 0.05, "html": 0.03, "no_choices": 0.05}
    poor = {"prose": 0.05, "cut_arguments": 0.05, "illegal": 0.05}
    with Endpoint(faults=passing | poor) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url, prices=Prices(2.0, 8.0), retries=20)
        records = [played(player, seed) for seed in range(12)]
    usage, answered = player.usage, endpoint.answered
    assert all(record.outcome.ending != "forfeit" for record in records)
    assert usage.requests == sum(answered.values()) == len(endpoint.requests)
    assert usage.retried == sum(answered[fault] for fault in passing) == len(pauses) > 10
    # Where a challenge is legal, the fault `illegal` is an offer without a price, which cannot be read.
    assert usage.illegal + usage.unreadable == sum(answered[fault] for fault in poor)
    assert usage.unreadable >= answered["prose"] + answered["cut_arguments"] > 0
    assert usage.illegal > 0
    assert (usage.prompt_tokens, usage.completion_tokens) == endpoint.bill[1:]
    assert usage.cost == pytest.approx(endpoint.bill.cost(2.0, 8.0))


def test_errors_are_those_of_the_package() -> None:
    assert issubclass(EndpointError, ParlayError)
    assert issubclass(EndpointError, ConnectionError)
