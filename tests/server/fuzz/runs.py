"""Runs of the fuzzer: many messages, requests of the schema, games of two clients, and the end."""

from __future__ import annotations

import contextlib
import random
import time
import warnings
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisDeprecationWarning

from tests.server.fuzz.fuzzer import Fuzzer
from tests.server.fuzz.hidden import SEEDS
from tests.server.fuzz.limits import telling_choices, unchosen_games, watched_game
from tests.server.fuzz.messages import batches
from tests.server.fuzz.replies import STAY_OPEN
from tests.server.fuzz.wire import PATIENCE


def quiet(number: int) -> Any:
    """Return Hypothesis settings for so many examples."""
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )


def messages_of(fuzzer: Fuzzer, number: int, altered_each: int, start: int) -> None:
    """Send about so many messages, some of them over HTTP."""

    @seed(start)
    @quiet(1_000_000)
    @given(batches())
    def send(batch: tuple[str, list[Any], int]) -> None:
        path, messages, further = batch
        if sum(fuzzer.findings.sent.values()) >= number:
            raise _EnoughError
        fuzzer.batch(path, messages, further, altered_each)
        if further % 8 == 0:
            fuzzer.raw_requests(messages, further)
        if further % 4 == 0:
            fuzzer.rude(random.Random(further))
            fuzzer.is_well(messages)

    with contextlib.suppress(_EnoughError), warnings.catch_warnings():
        # A server in a thread of this process draws random pings, which Hypothesis takes for draws of a strategy.
        warnings.simplefilter("ignore", HypothesisDeprecationWarning)
        send()


class _EnoughError(BaseException):
    """Ends the sending."""


def schema_requests(fuzzer: Fuzzer, number: int, start: int) -> None:
    """Send about so many requests that the server's own schema allows, or almost allows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that schemathesis brings
        import requests
        import schemathesis
        from schemathesis import GenerationMode

        schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{fuzzer.port}/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations()]
        with requests.Session() as session:
            for operation in operations:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    _requests_of(fuzzer, session, operation, mode, max(number // (2 * len(operations)), 1), start)
    fuzzer.is_well("requests")


def _requests_of(fuzzer: Fuzzer, session: Any, operation: Any, mode: Any, number: int, start: int) -> None:
    """Send requests to one operation, as its schema says or not."""
    from hypothesis.errors import Unsatisfiable

    @seed(start)
    @quiet(number)
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        fuzzer.findings.sent["requests from the schema"] += 1
        try:
            answer = case.call(session=session, timeout=PATIENCE)
        except requests_errors() as error:
            fuzzer.findings.add(f"{operation.label}: no answer, {type(error).__name__}", case.body)
            return
        fuzzer.check_answer(operation.label, case.body, answer.status_code, answer.text)

    with contextlib.suppress(Unsatisfiable):  # where nothing can be wrong with a request
        send()
    fuzzer.are_untouched(operation.label)


def requests_errors() -> tuple[type[Exception], ...]:
    """Return what a request can end in."""
    import requests

    return (requests.ConnectionError, requests.Timeout)


def matches_of(fuzzer: Fuzzer, number: int, start: int) -> None:
    """Play so many games of two clients."""
    for game in range(number):
        fuzzer.match(SEEDS[game % len(SEEDS)], random.Random(start + game))


def solved(fuzzer: Fuzzer, number: int, start: int) -> None:
    """Try in so many games to work out the other's limit, and in as many to get a game in which one can."""
    for game in range(number):
        draw = random.Random(start + game)
        watched_game(fuzzer, SEEDS[game % len(SEEDS)], draw)
        unchosen_games(fuzzer, draw)
        fuzzer.are_untouched("a game for the solver")
    telling_choices(fuzzer)


def final(fuzzer: Fuzzer) -> None:
    """Leave, and see that nothing is left behind and nothing has failed."""
    fuzzer.is_well("the end")
    fuzzer.close()
    open_ = {}
    left = {
        'parlay_sessions_open{protocol="first"}': float(fuzzer.shared + fuzzer.findings.sent["sessions left behind"])
    }
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = fuzzer.figures()
        open_ = {
            name: value for name, value in found.items() if name.startswith(STAY_OPEN) and value > left.get(name, 0.0)
        }
        if not open_:
            break
        time.sleep(0.1)
    if open_:
        fuzzer.findings.add("sessions or connections are left open", "the end", open_)
    for name, value in fuzzer.figures().items():
        if name.startswith("parlay_failures_total") and value:
            fuzzer.findings.add(f"{name} = {value:g}", "the end")
