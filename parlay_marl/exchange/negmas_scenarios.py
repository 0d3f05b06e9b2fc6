"""Scenarios from and to folders of NegMAS and Genius. Imports NegMAS, so it is imported where it is used."""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from negmas.inout import Scenario as NegmasScenario
from negmas.preferences import LinearAdditiveUtilityFunction

from parlay_marl.catalogue.files import validate
from parlay_marl.catalogue.scenarios import Scenario, load_scenario
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import CatalogueError, ConfigurationError
from parlay_marl.exchange.negmas_reading import DealShape, Linear, as_names, read_deal
from parlay_marl.game.config import one_of, whole_number
from parlay_marl.game.exact import views_at_start
from parlay_marl.players.strangers.negmas_deal import Figures, deal_of, utility
from parlay_marl.players.strangers.negmas_player import MOST_PRICES

FORMS = ("yaml", "xml")
READ = (".yml", ".yaml", ".xml", ".json")
"""Endings of files that NegMAS may read as parts of a scenario."""


def read_folder(folder: Path, name: str | None) -> Scenario:
    """Return the scenario in a folder; see `import_scenario`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = NegmasScenario.load(folder) if folder.is_dir() else None
    except Exception as error:
        raise CatalogueError(f"{folder}: NegMAS cannot read it: {type(error).__name__}: {error}") from error
    if found is None:
        raise CatalogueError(f"{folder}: NegMAS finds no scenario there; give a folder of its YAML or XML files")
    if len(found.ufuns) != 2:
        raise CatalogueError(f"{folder}: it has {len(found.ufuns)} utility functions; a buyer and a seller have two")
    try:
        shape, figures = read_deal(found.outcome_space, found.ufuns)
    except ConfigurationError as error:
        raise CatalogueError(f"{folder}: it does not fit a price and terms: {error}") from None
    called = name or re.sub(r"[^A-Za-z0-9_.-]+", "_", folder.resolve().name)[:60] or "negmas"
    return validate(Scenario, _fields(shape, figures, called), str(folder))


def _fields(shape: DealShape, figures: list[Linear], name: str) -> dict[str, Any]:
    """Return the fields of a scenario."""
    buyer, seller = sorted(figures, key=lambda each: each.slope)
    terms = []
    for i, values in enumerate(shape.values):
        options = zip(as_names(values), buyer.worths()[i], seller.worths()[i], strict=True)
        named = [{"name": option, "buyer": _plain(b), "seller": _plain(s)} for option, b, s in options]
        terms.append({"name": as_names(shape.names)[i], "options": named})
    limits = {"buyer": _plain(buyer.limit(shape)), "seller": _plain(seller.limit(shape)), "spread": 0.0}
    return {
        "name": name,
        "title": f"{name}, from NegMAS"[:80],
        "low": shape.low,
        "high": shape.high,
        "reservation": limits,
        "urgency": {"buyer": 0.0, "seller": 0.0, "spread": 0.0},
        "alternative": {"buyer": 0.0, "seller": 0.0},
        "terms": terms,
    }


def _plain(amount: float) -> float:
    """Return an amount without rounding error."""
    return float(f"{amount:.12g}")


def write_folder(
    scenario: str | Path | Scenario, folder: Path, form: str, prices: int, game: tuple[int, int] | None
) -> None:
    """Write a scenario as a folder; see `export_scenario`."""
    one_of("form of a scenario's files", form, FORMS)
    prices = whole_number("prices", prices, 2, MOST_PRICES)
    found = load_scenario(scenario)
    figures = _nominal(found) if game is None else _of_game(found, *game)
    deal = deal_of(_escaped(found) if form == "xml" else found, prices)
    ufuns = tuple(utility(deal, seat, figures[seat], LinearAdditiveUtilityFunction) for seat in range(2))
    for ufun, seat in zip(ufuns, SEATS, strict=True):
        ufun.name = seat
    made = NegmasScenario(outcome_space=deal.space, ufuns=ufuns)
    with tempfile.TemporaryDirectory() as place:
        if form == "xml":
            made.to_genius_folder(Path(place))
        else:
            made.to_yaml(place)
        _move(sorted(Path(place).iterdir()), folder)


def _escaped(scenario: Scenario) -> Scenario:
    """Return a scenario with the names of its terms and options as XML writes them, because NegMAS does not."""

    def named(part: Any, **more: Any) -> Any:
        return part.model_copy(update={"name": escape(part.name, {'"': "&quot;"}), **more})

    terms = tuple(named(term, options=tuple(map(named, term.options))) for term in scenario.terms)
    return scenario.model_copy(update={"terms": terms})


def _move(files: list[Path], folder: Path) -> None:
    """Move files into a folder; refuse one with files of another scenario, which NegMAS would read together."""
    if len(files) != 1 + len(SEATS):
        raise ConfigurationError(
            f"a scenario of the name {SEATS[0]} or {SEATS[1]} cannot be written: its files are called so; rename it"
        )
    names = {file.name for file in files}
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder}: it is a file; give a new folder")
    there = sorted(each.name for each in folder.iterdir()) if folder.exists() else []
    others = [name for name in there if Path(name).suffix.lower() in READ and name not in names]
    if others:
        raise ConfigurationError(
            f"{folder}: it holds other files that NegMAS reads, {', '.join(others[:5])}, and would mix them with the "
            "scenario; give a new folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.move(file, folder / file.name)


def _nominal(scenario: Scenario) -> list[Figures]:
    """Return the nominal figures of both seats."""
    limits, span = scenario.reservation, scenario.high - scenario.low
    if limits.buyer is None or limits.seller is None:
        raise ConfigurationError(
            f"{scenario.name}: its limits are drawn from the whole range, without nominal ones; give a seed, and the "
            "figures of that game are written"
        )
    worths = scenario.package_values() * span
    return [(limits.buyer, tuple(worths[0].tolist())), (limits.seller, tuple(worths[1].tolist()))]


def _of_game(scenario: Scenario, seed: int, number: int) -> list[Figures]:
    """Return the figures of both seats at the start of a game."""
    return [(view.reservation_price, view.package_worth) for view in views_at_start(scenario, seed, number)]
