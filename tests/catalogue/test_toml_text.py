"""Scenarios written as TOML are read again as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from parlay_marl.catalogue.scenarios import load_scenario, scenario_names
from parlay_marl.catalogue.toml_text import scenario_text


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_comes_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(scenario_text(load_scenario(name)), "utf-8")
    assert load_scenario(path) == load_scenario(name)


def test_text_with_quotes_comes_back(tmp_path: Path) -> None:
    odd = load_scenario("saas_enterprise").model_copy(update={"title": 'A "deal" \\ of ä', "story": "One.\nTwo."})
    path = tmp_path / "odd.toml"
    path.write_text(scenario_text(odd), "utf-8")
    assert load_scenario(path) == odd
