"""A language model as the opponent of a server's games."""

from __future__ import annotations

import logging

import pytest

from parlay_marl.server import NegotiationAction, ParlayClient
from tests.language.conftest import KEY
from tests.language.endpoint import Endpoint
from tests.server.table import served


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_a_client_plays_against_a_model(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        Endpoint(key=KEY) as endpoint,
        served(opponent=(f"chat:scripted?base_url={endpoint.url}",)) as address,
        ParlayClient(f"http://{address}").sync() as table,
    ):
        for seed in range(2):
            result = table.reset(seed=seed, role="buyer", opponent="scripted")
            while not result.done:
                result = table.step(NegotiationAction(offer_amount=result.observation.price_range[0] + 1_000))
            assert result.observation.metadata["outcome"]["ending"] != "forfeit"
    assert endpoint.answered["fine"] == len(endpoint.requests) > 2
    assert KEY not in caplog.text


def test_a_model_that_fails_forfeits_and_says_nothing_private(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Endpoint(key="another-key-of-the-endpoint") as endpoint:
        place = f"chat:scripted?base_url={endpoint.url}"
        with served(opponent=(place,)) as address, ParlayClient(f"http://{address}").sync() as table:
            result = table.reset(seed=1, role="buyer", opener="buyer", opponent="scripted")
            result = table.step(NegotiationAction(offer_amount=result.observation.price_range[0]))
            assert result.done
            assert result.observation.metadata["outcome"]["ending"] == "forfeit"
    assert KEY not in caplog.text
