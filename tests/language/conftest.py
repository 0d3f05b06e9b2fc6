"""The environment of tests of language models: a key, no endpoint but the test's own, nothing learned before."""

from __future__ import annotations

import pytest

from parlay_marl.language.abilities import abilities_of
from parlay_marl.language.endpoint import KEY_VARIABLE, URL_VARIABLE

KEY = "sk-planted-4f9a17c2e08b"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a key; ports of ended endpoints are used again, so that nothing may be known of them."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    abilities_of.cache_clear()
