"""Families: what their files may say, one error for each fault, and the deals that they draw."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue import build_params, family_names, load_any_scenario, load_family, load_rules, load_scenario
from parlay_marl.catalogue.deals import build_any_params, drawn, scenario_of
from parlay_marl.catalogue.families import FOLDER, Family, trainable
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.moves import MAX_PACKAGES
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.core.step import reset_games
from parlay_marl.errors import CatalogueError, ConfigurationError, UnknownNameError
from parlay_marl.game.config import GameConfig, make_config

RULES = load_rules("default")
MANY = 1000
FAMILIES = family_names()


def deals_of(name: str, games: int = MANY, seed: int = 0) -> Any:
    """Return the parameters of games of a seed."""
    return drawn(build_any_params(load_family(name), RULES), seed, np.arange(games))


def begun(params: Any, seed: int, games: int) -> Any:
    """Return rows of games 0, 1... that begin with these parameters, one each or one for all."""
    rows, places = np.zeros(games, STATE_DTYPE), np.arange(games) % len(params)
    plain = params.copy()
    plain["family"]["draws"] = 0
    reset_games(
        rows, plain, np.zeros(1, STATE_DTYPE), nothing_fixed(), np.uint64(seed), np.arange(games),
        places.astype(np.int32),
    )  # fmt: skip
    return rows


def test_four_families_are_shipped_and_one_is_held_out() -> None:
    assert FAMILIES == ["family:storms", "family:terms", "family:unseen", "family:wide"]
    assert [name for name in FAMILIES if load_family(name).held_out] == ["family:unseen"]


def test_a_held_out_family_is_refused_for_training() -> None:
    with pytest.raises(CatalogueError, match=r"family:unseen is held out .* such as family:storms, .*family:wide$"):
        trainable(load_family("family:unseen"))
    assert trainable(load_family("family:wide")).name == "family:wide"


@pytest.mark.parametrize("name", FAMILIES)
def test_a_drawn_deal_is_a_scenario_with_the_same_parameters(name: str) -> None:
    family, deals = load_family(name), deals_of(name, 200)
    for i in range(200):
        scenario = scenario_of(family, deals[i])
        again = build_params(scenario, RULES)
        assert again["scenario"].tobytes() == deals["scenario"][i].tobytes(), scenario
        assert scenario.name == name
        assert scenario.n_packages <= family.n_packages


@pytest.mark.parametrize("name", FAMILIES)
def test_figures_lie_in_their_ranges_and_fill_them(name: str) -> None:
    family, sc = load_family(name), deals_of(name)["scenario"]
    step, width = family.step, sc["high"] - sc["low"]
    assert family.range.low[0] <= sc["low"].min() <= sc["low"].max() <= family.range.low[1]
    assert family.range.width[0] <= width.min() <= width.max() <= family.range.width[1]
    spans = (
        (sc["low"], family.range.low, step),
        (width, family.range.width, step),
        (sc["rounds"], family.rounds, 0),
        (sc["urgency"], family.urgency.nominal, 0.005),
        (sc["urgency_spread"], family.urgency.spread, 0.005),
        (sc["alternative"], family.alternative, 0.005),
        (sc["terms"], family.terms.count, 0),
        (sc["events"], family.events.count, 0),
    )
    for drawn_figures, (least, most), rounding in spans:
        assert least - rounding <= drawn_figures.min() <= least + 0.05 * (most - least) + rounding
        assert most + rounding >= drawn_figures.max() >= most - 0.05 * (most - least) - rounding
    assert (sc["nominal_width"] > 0.0).all()
    assert (sc["low"] % family.unit == 0.0).all()
    assert np.isnan(sc["discount_factor"][:, 0]).mean() == pytest.approx(1.0 - family.discounting.share, abs=0.05)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_share_of_games_without_a_zopa_is_what_the_file_says(name: str) -> None:
    family, deals = load_family(name), deals_of(name, 4000)
    rows = begun(deals, 0, 4000)
    price_only = deals["scenario"]["packages"] == 1
    missing = rows["start_width"] <= 0.0
    expected = family.zopa.share_missing
    if price_only.any():
        assert missing[price_only].mean() == pytest.approx(expected, abs=0.05 if price_only.mean() < 0.5 else 0.02)
    assert missing.mean() <= expected + 0.02
    limits = rows["reservation"]
    assert ((limits < -1e-9) | (limits > 1.0 + 1e-9)).mean() < 0.01  # early events alone carry one out


@pytest.mark.parametrize("name", [name for name in FAMILIES if load_family(name).n_packages > 1])
def test_the_best_package_cannot_be_known_beforehand(name: str) -> None:
    """Over 1,000 seeds no package is best in more than half, and which side cares more for a term changes."""
    deals = deals_of(name)
    with_terms = deals[deals["scenario"]["terms"] > 0]
    best = np.bincount(begun(deals, 0, MANY)["best_package"][deals["scenario"]["terms"] > 0], minlength=MAX_PACKAGES)
    assert best.max() <= 0.5 * best.sum()
    for i in range(0, len(with_terms), 25):  # the same deal, as one whom it was told would meet it
        one = with_terms[i : i + 1]
        rows, packages = begun(one, 7, MANY), int(one["scenario"]["packages"][0])
        counts = np.bincount(rows["best_package"], minlength=packages)
        assert counts.max() <= 0.5 * MANY, one["scenario"]["term_options"]
        last = int(one["scenario"]["term_options"][0, one["scenario"]["terms"][0] - 1]) - 1
        cares_more = np.abs(rows["package_values"][:, 0, last]) > np.abs(rows["package_values"][:, 1, last])
        assert 0.2 < cares_more.mean() < 0.8


def test_seats_draw_independently_of_each_other_and_of_the_deal() -> None:
    deals = deals_of("family:wide", 4000)
    rows, sc = begun(deals, 0, 4000), deals["scenario"]
    told = sc["uniform"] == 0
    half = sc["reservation"] * sc["reservation_spread"][:, None]
    limits = rows["reservation"] * (sc["high"] - sc["low"])[:, None] + sc["low"][:, None]
    places = ((limits - sc["reservation"])[told] / half[told]).T
    assert abs(np.corrcoef(places[0], places[1])[0, 1]) < 0.05
    assert abs(np.corrcoef(places[0], sc["rounds"][told])[0, 1]) < 0.05


def test_a_family_needs_no_seed_but_the_games_own() -> None:
    first, again = deals_of("family:unseen", 50, 3), deals_of("family:unseen", 20, 3)
    assert first[:20].tobytes() == again.tobytes()
    assert deals_of("family:unseen", 20, 4).tobytes() != again.tobytes()


def test_rounds_opener_and_information_can_be_chosen() -> None:
    config = make_config("family:storms", max_rounds=9, opener="seller", information="complete")
    for number in range(20):
        deal = config.deal(0, number)
        assert (deal.max_rounds, deal.opener, deal.information) == (9, "seller", "complete")
        assert all(event.round < 9 for event in deal.played.events)
    assert GameConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("rounds", [None, 60, 30])
def test_a_configuration_comes_back_from_plain_data(rounds: int | None) -> None:
    config = make_config("family:wide", max_rounds=rounds)
    again = GameConfig.from_dict(config.to_dict())
    assert again.params.tobytes() == config.params.tobytes()


# ------------------------------------------------------------------ files


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return the data of a family after a change."""
    data: dict[str, Any] = tomllib.loads((FOLDER / "unseen.toml").read_text(encoding="utf-8"))
    change(data)
    return {"name": "family:mine", **data}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.update(rounds=[9, 4]), r"^rounds: give the least and the largest in this order, not 9 and 4$"),
        (lambda d: d["zopa"].update(missing=[0.0, 0.6]), r"^zopa.missing.1: .*less than or equal to 0.3"),
        (lambda d: d["zopa"].pop("place"), r"^zopa.place: Field required$"),
        (lambda d: d.update(colour="red"), r"^colour: Extra inputs are not permitted"),
        (lambda d: d["terms"].update(count=[0, 9]), r"^terms.count.1: .*less than or equal to 4"),
        (lambda d: d["terms"].update(pool=d["terms"]["pool"][:2]), r"count goes up to 4, but the pool has 2"),
        (lambda d: d["terms"]["pool"][0].update(options=["a", "b"]), r"'dates' may be the only term, but has fewer"),
        (lambda d: d["terms"]["pool"][1].update(name="dates"), r"^terms: two terms have the same name$"),
        (lambda d: d["events"].update(pool=[]), r"^events: count goes up to 4, but the pool has 0; give more events$"),
        (lambda d: d["events"]["pool"][0].pop("seller"), r"^events.pool.0: an event must name the buyer, the seller"),
        (lambda d: d["range"].update(low=[10, 20]), r"^range: .* in steps of 40 .*; give a smaller unit"),
        (lambda d: d["range"].update(low=[100, 100]), r"^range.low: .*may leave 100 to 100; give .* as 120 and 120$"),
        (lambda d: d["range"].update(width=[90, 400]), r"^range.width: .* may leave 90 to 400; give .* as 80 and 400$"),
        (lambda d: d["range"].update(width=[40, 90]) or d["zopa"].update(width=[0.04, 0.5]), r"^zopa.width: the narr"),
        (lambda d: d.update(unit=0.5), r"^unit: Input should be a valid integer"),
    ],
)
def test_each_fault_has_one_clear_error(
    change: Callable[[dict[str, Any]], object], reason: str, tmp_path: Path
) -> None:
    from parlay_marl.catalogue.files import validate

    with pytest.raises(CatalogueError) as caught:
        validate(Family, changed(change), "mine.toml")
    found = str(caught.value).removeprefix("mine.toml: ")
    assert re.search(reason, found), found
    assert ";" not in found or "; give" in found


def test_a_family_of_ones_own_is_given_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "stall.toml"
    path.write_text((FOLDER / "wide.toml").read_text(encoding="utf-8"), encoding="utf-8")
    loaded = load_any_scenario(f"family:{path}")
    assert loaded.name == "family:stall"
    assert make_config(f"family:{path}").deal(0, 1).played.low == make_config("family:wide").deal(0, 1).played.low


@pytest.mark.parametrize("load", [load_scenario, load_any_scenario])
def test_a_family_without_its_prefix_is_told_how_to_be_named(load: Callable[[str], Any], tmp_path: Path) -> None:
    path = tmp_path / "stall.toml"
    for text in ((FOLDER / "wide.toml").read_text(encoding="utf-8"), 'name = "stall"\n[range]\nlow = 3\n'):
        path.write_text(text, encoding="utf-8")
        told = f"{path}: it is a family of scenarios, not a single one; write family:{path}"
        with pytest.raises(CatalogueError, match=f"^{re.escape(told)}$"):
            load(str(path))
    for name in FAMILIES:
        with pytest.raises(UnknownNameError, match=f"; did you mean '{name}'\\?"):
            load(name.removeprefix("family:"))


def test_a_family_is_refused_where_one_deal_is_needed() -> None:
    told = r"^family:wide is a family, .*`parlay scenarios NAME --out deal.toml` writes one.*config.deal\(seed, nu"
    with pytest.raises(ConfigurationError, match=told):
        _ = make_config("family:wide").played
    with pytest.raises(CatalogueError, match=r"^family:wide is a family, where a single scenario is needed; `parlay"):
        load_scenario("family:wide")


def test_unknown_families_are_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown family 'none'; known: storms, terms, unseen, wide"):
        load_any_scenario("family:none")
    with pytest.raises(CatalogueError, match="no such family file"):
        load_any_scenario("family:nowhere/none.toml")
