"""The main charts of a tournament as pictures in files: ranking, matrix, prices, population.

They need Matplotlib, the extra `plot`. They are drawn without `pyplot`, so that the caller's settings do not change.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parlay_marl.catalogue.families import AnyScenario, Family
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError
from parlay_marl.render.belief_plot import COLOURS, DPI, FORMATS, GREY, figure_class
from parlay_marl.tournament.analysis import Analysis, Standing
from parlay_marl.tournament.games import Games
from parlay_marl.tournament.report.counts import PRICE_BINS, count_games

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, LINE = 8.0, 0.34
"""Width of a picture, and height of a line in it, in inches."""
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Metadata without dates, so that the same figures are the same files."""
ZOPA = "#087a56"
OVERALL = "black"
FIELD = (
    *("#332288", "#88CCEE", "#117733", "#DDCC77", "#CC6677", "#44AA99"),
    *("#882255", "#999933", "#AA4499", "#6699CC", "#661100", "#BBBBBB"),
)
"""Colours of entrants that people with colour blindness can distinguish (Tol, 2021); the same as on the page."""


def figures(
    games: Games, analysis: Analysis, folder: str | Path, formats: Sequence[str] = ("svg", "png")
) -> tuple[Path, ...]:
    """Draw the main charts of a tournament into a folder, each in every format, and return their paths.

    `ranking`, `matrix`, `population`, and `prices_<scenario>` for each scenario. The folder is created if necessary.
    The same games give the same files.
    """
    check_formats(formats)
    drawn = _figures(games, analysis)
    from matplotlib import rc_context

    paths = []
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with rc_context({"svg.hashsalt": "parlay"}):
            for (name, figure), kind in product(drawn.items(), formats):
                paths.append(Path(folder) / f"{name}.{kind}")
                figure.savefig(paths[-1], format=kind, bbox_inches="tight", metadata=UNDATED.get(kind))
    except OSError as error:
        raise ConfigurationError(f"figures: cannot write into {folder}: {error.strerror}") from None
    return tuple(paths)


def check_formats(formats: Sequence[str]) -> None:
    """Refuse formats that cannot be drawn."""
    for kind in formats:
        if kind not in FORMATS:
            raise ConfigurationError(f"figures: unknown format {kind!r}; known: {', '.join(FORMATS)}")


def _figures(games: Games, analysis: Analysis) -> dict[str, Figure]:
    """Return every chart by its name."""
    names = [standing.name for standing in analysis.standings]
    counted = count_games(games)
    tall = 1.2 + LINE * len(names)
    drawn = {
        "ranking": _figure(tall, lambda axes: _draw_ranking(axes, analysis.standings)),
        "matrix": _figure(2.0 + LINE * len(names), lambda axes: _draw_matrix(axes, analysis, names)),
        "population": _figure(4.0, lambda axes: _draw_population(axes, analysis, names)),
    }
    for i, scenario in enumerate(games.scenarios):
        drawn[f"prices_{scenario.name}"] = _figure(
            3.2, functools.partial(_draw_prices, games=games, counted=counted, i=i)
        )
    return drawn


def _figure(height: float, draw: Callable[[Axes], None]) -> Figure:
    """Return a figure of one chart."""
    figure: Figure = figure_class()(figsize=(WIDTH, height), dpi=DPI)
    axes = figure.subplots()
    draw(axes)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure


def _labelled(axes: Axes, names: Sequence[str]) -> None:
    """Label the lines of a chart, the first one on top; names are not parsed as formulas."""
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.invert_yaxis()


def _draw_ranking(axes: Axes, standings: Sequence[Standing]) -> None:
    """Draw mean payoffs with their intervals, overall and in either seat."""
    series = (
        ("as buyer", [standing.as_buyer for standing in standings], COLOURS[0], -0.26, 4),
        ("as seller", [standing.as_seller for standing in standings], COLOURS[1], 0.26, 4),
        ("overall", [standing.payoff for standing in standings], OVERALL, 0.0, 6),
    )
    for label, payoffs, colour, shift, size in series:
        lines = np.arange(len(standings)) + shift
        ends = np.array([(payoff.low, payoff.high) for payoff in payoffs], float)
        axes.hlines(lines, *ends.T, color=colour, linewidth=1.6)
        axes.plot([payoff.mean for payoff in payoffs], lines, "o", color=colour, markersize=size, label=label)
    _labelled(axes, [standing.name for standing in standings])
    axes.set_xlabel("mean payoff with 95% interval, in nominal ZOPA widths")
    axes.grid(axis="x", color=GREY, alpha=0.2)
    axes.legend(frameon=False)


def _draw_matrix(axes: Axes, analysis: Analysis, names: list[str]) -> None:
    """Draw the payoffs of rows against columns: blue gains, red losses."""
    places = [analysis.names.index(name) for name in names]
    values = np.array(analysis.payoff_matrix, float)[np.ix_(places, places)]
    reach = max(float(np.nanmax(np.abs(values))), 1e-9)
    axes.imshow(values, cmap="RdBu", vmin=-reach, vmax=reach, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if abs(value) > 0.6 * reach else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_title("mean payoff of the row against the column", fontsize=10, loc="left")


def _draw_population(axes: Axes, analysis: Analysis, names: list[str]) -> None:
    """Draw the shares of a population under replicator dynamics."""
    places = [analysis.names.index(name) for name in names]
    shares = np.array(analysis.replicator.shares, float).reshape(-1, len(names))[:, places].T
    colours = [FIELD[k % len(FIELD)] for k in range(len(names))]
    areas = axes.stackplot(analysis.replicator.times, shares, colors=colours)
    legend = axes.legend(areas, names, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
    axes.set_xlabel("time")
    axes.set_ylabel("share of the population")
    axes.margins(0.0)


def _scale_of(scenario: AnyScenario) -> tuple[Callable[[float], float], str]:
    """Return the scale and the unit of prices in a chart: deals of a family have no common range."""
    if isinstance(scenario, Family):
        return lambda x: 100.0 * x, "% of the price range"
    return scenario.to_currency, scenario.currency


def _draw_prices(axes: Axes, games: Games, counted: dict[str, Any], i: int) -> None:
    """Draw the prices of deals against the ZOPA and the Nash point of a scenario."""
    scenario, zopa = games.scenarios[i], counted["zopa"][i]
    shown, unit = _scale_of(scenario)
    counts = np.array(counted["histograms"]["price"][SEATS[0]][i]).sum(axis=0)
    edges = [shown(x) for x in np.linspace(0.0, 1.0, PRICE_BINS + 1)]
    if zopa["low"] is not None:
        ends = [(zopa["low"][1], zopa["high"][1], 0.2), (zopa["low"][0], zopa["high"][2], 0.12)]
        for low, high, alpha in ends:
            axes.axvspan(shown(low), shown(high), color=ZOPA, alpha=alpha, linewidth=0.0)
        axes.axvline(shown(zopa["nash"][1]), color=ZOPA, linestyle="--", label="median Nash point")
        axes.legend(frameon=False)
    axes.stairs(counts / max(counts.sum(), 1), edges, fill=True, color=GREY, alpha=0.8)
    axes.set_xlabel(f"price of the deal, {unit}", parse_math=False)
    axes.set_ylabel("share of the deals")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_title(
        f"{scenario.title}: prices and ZOPA (median; 90% of its ends)", fontsize=10, loc="left", parse_math=False
    )
