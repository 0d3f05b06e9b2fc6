"""`parlay personas` and `parlay scenarios`: lists and details."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parlay_marl.catalogue import load_persona, load_scenario, persona_names, scenario_names
from parlay_marl.catalogue.scenarios import shares_of
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.view import view_of
from parlay_marl.policies.policy import write_policy
from tests.cli.conftest import Parlay
from tests.policies.networks import network


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


def test_partners_and_families_are_listed_and_shown(parlay: Parlay) -> None:
    listed = parlay("personas").stdout
    assert re.search(r"^nice_tit_for_tat +Nice tit for tat +nice_tit_for_tat +refuses it", listed, re.MULTILINE)
    assert re.search(r"^family:broad +Broad: .* drawn for each game +may meet it", listed, re.MULTILINE)
    text = " ".join(parlay("personas", "family:strangers").stdout.split())
    assert "Held out, for evaluation only: training refuses it." in text
    assert "exponent 6 to 20 (log)" in text
    assert "strangers-0-4-seller" in text


def test_a_family_without_ranges_for_all_is_shown(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "clocks.toml"
    path.write_text(
        'title = "Clocks"\nsummary = "By the clock."\n[[family.strategies]]\nstrategy = "time"\n', encoding="utf-8"
    )
    text = " ".join(parlay("personas", str(path)).stdout.split())
    assert "Traits of all none Tactics of all none Strategies, with their own ranges time 100%" in text
    assert " clocks-0-0-seller " in text


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


def test_a_learned_policy_is_shown_in_place_of_tactics(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "pupil.safetensors"
    figures = {"frames": 2_000_000, "seed": 1, "payoff": {"mean": 0.3}, "by": "\x1b[31mred", "long": list(range(100))}
    policy = network((32, 16), packages=9, name="graduate", scenarios=("uniform", "off_centre"), training=figures)
    write_policy(path, policy)
    (tmp_path / "mine.toml").write_text('title = "T"\nsummary = "S."\npolicy = "pupil.safetensors"\n')
    for given in (path, tmp_path / "mine.toml"):
        result = parlay("personas", str(given))
        assert result.exit_code == 0
        text = " ".join(result.stdout.split())
        assert f"file{path}" in "".join(text.split()), "a long path is broken at the terminal's edge"
        assert "name graduate" in text
        assert f"network {policy.inputs} - 32 - 16 - {policy.actions}, relu" in text
        assert "packages 9: the most that a scenario may have" in text
        assert "traits none: all personas play it alike" in text
        assert "temperature 1: draws from softmax" in text
        assert "scenarios uniform, off_centre" in text
        assert 'frames 2,000,000 seed 1 payoff {"mean": 0.3} by "\\u001b[31mred"' in text
        assert "\x1b" not in result.stdout
        assert "Tactics that differ" not in text
        assert text.endswith("Drift never Voice silent")


def test_a_persona_with_traits_as_inputs_and_a_training_of_many_figures_is_shown(
    parlay: Parlay, tmp_path: Path
) -> None:
    figures = {f"figure_{i}": i for i in range(40)}
    policy = network(traits=TRAIT_INPUTS, temperature=0.0, training=figures)
    write_policy(tmp_path / "pupil.safetensors", policy)
    text = " ".join(parlay("personas", str(tmp_path / "pupil.safetensors")).stdout.split())
    assert "traits agreeableness, aggression, patience, bluff_rate" in text
    assert "temperature 0: always the likeliest action" in text
    assert "figure_15 15 ... 24 more in the file" in text
    write_policy(tmp_path / "pupil.safetensors", network())
    text = " ".join(parlay("personas", str(tmp_path / "pupil.safetensors")).stdout.split())
    assert "scenarios not said Its training not said" in text
    assert "packages 1: prices only, one package at a time" in text


@pytest.mark.parametrize(
    "args", [("personas",), ("scenarios",), ("personas", "shark"), ("scenarios", "acquisition_terms")]
)
def test_pages_fit_80_columns(parlay: Parlay, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = parlay(*args).stdout
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text


def test_the_page_of_a_scenario_shows_the_figures(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "flat.toml"
    limits = "[reservation]\nbuyer = 1530\nseller = 1470\n"
    path.write_text(f'title = "Rent"\nlow = 1450\nhigh = 1550\n{limits}', encoding="utf-8")
    result = parlay("scenarios", str(path))
    shares = shares_of(load_scenario(path))
    assert f"{shares.no_zopa:.0%} have no ZOPA, {shares.limit_outside:.0%} a limit outside" in result.stdout
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"warning: {path}: ")
    assert " 0% have no ZOPA" in parlay("scenarios", "saas_enterprise").stdout


def test_a_scenario_is_written_with_the_figures_of_a_seeds_first_game(parlay: Parlay, tmp_path: Path) -> None:
    for name in ("saas_enterprise", "hiring_package_terms"):
        path = tmp_path / f"{name}.toml"
        assert parlay("scenarios", name, "--out", str(path), "--seed", "3").exit_code == 0
        played, again = Game(make_config(name)), Game(make_config(path))
        played.reset(seed=3)
        again.reset(seed=8)
        for seat in range(2):
            first, second = view_of(played, seat), view_of(again, seat)
            assert second.reservation_price == pytest.approx(first.reservation_price)
            assert second.package_worth == pytest.approx(first.package_worth)
            assert (second.urgency, second.has_alternative) == (first.urgency, first.has_alternative)


def test_figures_that_make_no_scenario_are_refused(parlay: Parlay, tmp_path: Path) -> None:
    result = parlay("scenarios", "uniform", "--out", str(tmp_path / "mine.toml"), "--seed", "3")
    assert result.exit_code == 2
    assert "uniform with the figures of game 0 of seed 3: there is no ZOPA" in result.stderr
    assert result.stderr.endswith("; give another seed, or none for the nominal figures\n")
    assert not any(tmp_path.iterdir())


def test_a_familys_deal_of_a_seed_is_written(parlay: Parlay, tmp_path: Path) -> None:
    path = tmp_path / "deal.toml"
    for seed in ("0", "4"):
        assert parlay("scenarios", "family:terms", "--out", str(path), "--seed", seed).exit_code == 0
        assert load_scenario(path) == make_config("family:terms").deal(int(seed), 0).played


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("saas_enterprise", "--form", "xml"), "--form: without effect here: it is for a folder of NegMAS"),
        (("saas_enterprise", "--out", "mine.toml", "--form", "xml"), "--form: without effect here"),
        (("saas_enterprise", "--seed", "3"), "--seed: without effect here: .* give --out as well"),
        (("saas_enterprise", "--deals", "3"), "--deals: without effect here: it is for a family that is shown"),
        (("family:wide", "--out", "mine.toml", "--deals", "3"), "--deals: without effect here"),
        (("family:wide", "--form", "yaml"), "--form: without effect here"),
        (("--seed", "3", "--deals", "2"), "--seed, --deals: without effect here: name the scenario"),
    ],
)
def test_options_without_effect_are_refused(
    parlay: Parlay, args: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = parlay("scenarios", *args)
    assert result.exit_code == 2
    assert re.match(f"error: {told}", result.stderr)
    assert result.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_a_scenario_that_cannot_be_written_is_one_error(parlay: Parlay, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    (tmp_path / "folder.toml").mkdir()
    for place, reason in {
        "none/mine.toml": "No such file or directory",
        "folder.toml": "it is a folder",
        "there": "it is no folder; name a folder or a .toml file",
    }.items():
        path = tmp_path / place
        result = parlay("scenarios", "family:wide", "--out", str(path))
        assert (result.exit_code, result.stderr) == (2, f"error: --out: cannot write {path}: {reason}\n")
