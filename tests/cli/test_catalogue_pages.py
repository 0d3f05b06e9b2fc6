"""`parlay personas` and `parlay scenarios`: lists and details."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parlay_marl.catalogue import load_persona, load_scenario, persona_names, scenario_names
from tests.cli.conftest import Parlay


def test_personas_are_listed(parlay: Parlay) -> None:
    result = parlay("personas")
    assert result.exit_code == 0
    for name in persona_names():
        assert re.search(rf"^{name} +{re.escape(load_persona(name).title)}", result.stdout, re.MULTILINE)


def test_scenarios_are_listed(parlay: Parlay) -> None:
    result = parlay("scenarios")
    assert result.exit_code == 0
    for name in scenario_names():
        assert re.search(rf"^{name} +{re.escape(load_scenario(name).title)}", result.stdout, re.MULTILINE)
    assert "USD 110k to 180k" in result.stdout
    assert "USD 9m to 18m" in result.stdout


@pytest.mark.parametrize("name", persona_names())
def test_a_persona_is_shown_with_all_that_it_is(parlay: Parlay, name: str) -> None:
    persona = load_persona(name)
    result = parlay("personas", name)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert text.startswith(f"{name}: {persona.title} {' '.join(persona.summary.split())}")
    assert f"aggression {persona.traits.aggression:g} " in text  # type: ignore[attr-defined]
    for when in persona.voice.model_fields_set:
        assert when in text
        assert getattr(persona.voice, when)[0] in text
    assert ("Drift never" in text) == (name not in ("shark", "diplomat", "veteran"))


def test_tactics_are_shown_where_they_differ(parlay: Parlay) -> None:
    text = parlay("personas", "boulware").stdout
    tactics = text.split("Tactics that differ", maxsplit=1)[1].split("Drift", maxsplit=1)[0]
    assert re.search(r"exponent +0\.2 +Faratin's beta", tactics)
    assert "hold_rounds" not in tactics


@pytest.mark.parametrize("name", scenario_names())
def test_a_scenario_is_shown_with_all_that_it_is(parlay: Parlay, name: str) -> None:
    scenario = load_scenario(name)
    result = parlay("scenarios", name)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert text.startswith(f"{name}: {scenario.title} {' '.join(scenario.story.split())}")
    for event in scenario.events:
        assert f"round {event.round + 1} {event.headline}" in text
    for term in scenario.terms:
        for option in term.options:
            assert option.name in text
            assert f"{option.buyer:,.0f} to the buyer" in text


def test_the_seeds_figures_are_shown(parlay: Parlay) -> None:
    text = parlay("scenarios", "saas_enterprise").stdout
    assert "USD 110,000 to USD 180,000" in text
    assert "buyer USD 165,000, seller USD 125,000, each within 5%" in text
    assert "buyer: urgency -0.3, gains an alternative" in text


def test_files_of_ones_own_are_shown_and_their_brackets_survive(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "Mine [bold]"\nsummary = "Says [red]."\n[voice]\nopen = ["[x] :smile:"]\n', encoding="utf-8"
    )
    text = parlay("personas", str(path)).stdout
    assert "mine: Mine [bold]" in text
    assert "Says [red]." in text
    assert "[x] :smile:" in text


@pytest.mark.parametrize(
    "args", [("personas",), ("scenarios",), ("personas", "shark"), ("scenarios", "acquisition_terms")]
)
def test_pages_fit_80_columns(parlay: Parlay, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = parlay(*args).stdout
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
