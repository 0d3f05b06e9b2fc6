"""A picture of the beliefs of both seats over a game: the 90% band against the truth.

It needs Matplotlib, the extra `plot`, and draws without `pyplot`, so that it does not change figures of the caller.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.belief import HIGH, LOW, N_FIGURES, RESERVATION
from parlay_marl.core.moves import SEATS, Move, makes_offer
from parlay_marl.core.posterior import CELLS, PLANS, Frame
from parlay_marl.errors import ConfigurationError, MissingExtraError
from parlay_marl.game.action import Action
from parlay_marl.game.record import RecordedGame
from parlay_marl.game.text import exact_money, number
from parlay_marl.game.transcript import seat_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


FORMATS = ("png", "svg", "pdf")
INFERRED = ("bayes", "elicited")
"""Trackers under which the state holds a posterior."""
COLOURS = ("#1b6ca8", "#b0413e")
"""Colours of the buyer and of the seller."""
GREY, AMBER = "#606060", "#f0ad00"
BAND, MEAN, TRUTH = "90% band", "mean", "the true limit"
OFFER, HONEST, BLUFF = "the other's offers", "an honest claim", "a bluff"
LEGEND = (BAND, MEAN, TRUTH, OFFER, HONEST, BLUFF)
SHADES = 300
"""Rows of the density's image."""
WIDTH, PANELS_HEIGHT, LINE = 9.5, 7.0, 0.2
"""Size of the picture in inches; it grows by a line for each headline."""
NOTE_WIDTH = 125
"""Characters of a headline that fit into a line."""
DPI = 144
Prices = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """An offer or a claim of a seat: when, in rounds, and at what price in currency.

    Where there are terms, the price is that of the reference terms that would be worth as much to its maker.
    """

    seat: int
    time: float
    price: float
    is_claim: bool
    is_bluff: bool


@dataclass(frozen=True, eq=False)
class Trace:
    """The true limits and both beliefs of a game, from before the first turn to after the last.

    Arrays have a row for each of these moments; prices are in currency, times in rounds.
    """

    time: Prices
    reservation: Prices
    """Reservation prices of buyer and seller, `(moments, 2)`."""
    mean: Prices
    """The mean of each seat's belief about the other's, `(moments, 2)`."""
    low: Prices
    high: Prices
    grid: Prices
    """The price grid of the posterior, `(moments, 2, prices)`."""
    weight: Prices
    """The probabilities on that grid, `(moments, 2, prices)`; 0 where the tracker has no posterior."""
    marks: tuple[Mark, ...]
    headlines: tuple[tuple[float, str], ...]
    """The time and the text of each headline."""


def plot_format(path: str | Path) -> str:
    """Return the format of a path's suffix; refuse an unknown suffix."""
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise ConfigurationError(f"plot: {str(path)!r} names no format of pictures; end it in one of {known}")
    return suffix


def plot_beliefs(game: RecordedGame, path: str | Path) -> None:
    """Draw the beliefs of both seats of a game, and save the picture as .png, .svg or .pdf."""
    kind, figure = plot_format(path), belief_figure(game)
    try:
        figure.savefig(path, format=kind)
    except OSError as error:
        raise ConfigurationError(f"plot: cannot write {path}: {error.strerror}") from None


def belief_figure(game: RecordedGame) -> Figure:
    """Return the picture as a Matplotlib figure: a panel for each seat's belief about the other's reservation price.

    The band has a probability of 90% under the belief; the shading is the density, where the tracker infers one. In an
    elicited game it is the density that `bayes` infers.
    """
    make = figure_class()
    trace = follow(game)
    notes = [
        line
        for count, (_, text) in enumerate(trace.headlines, 1)
        for line in textwrap.wrap(f"{count}   {text}", NOTE_WIDTH, subsequent_indent="     ")
    ]
    height = PANELS_HEIGHT + LINE * len(notes)
    figure: Figure = make(figsize=(WIDTH, height), dpi=DPI)
    panels = figure.subplots(2, 1, sharex=True)
    left = 0.35 + 0.085 * len(number(game.scenario.high, game.scenario))
    figure.subplots_adjust(left / WIDTH, (1.05 + LINE * len(notes)) / height, 0.985, 1.0 - 0.7 / height, hspace=0.2)
    for me, axes in enumerate(panels):
        _draw_belief(axes, game, trace, me)
    panels[1].set_xlabel("rounds played")
    figure.text(0.015, 1.0 - 0.15 / height, _title(game), fontsize=11.5, va="top", parse_math=False)
    _draw_legend(figure, panels, (0.1 + LINE * len(notes)) / height)
    figure.text(0.015, 0.08 / height, "\n".join(notes), fontsize=9, color=GREY, va="bottom", parse_math=False)
    return figure


def _draw_legend(figure: Figure, panels: Any, bottom: float) -> None:
    """Draw one legend for both panels; marks whose colour differs between them are grey."""
    handles = {text: handle for axes in panels for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    texts = [text for text in LEGEND if text in handles]
    chosen = [handles[text] for text in texts]
    place = (0.5, bottom)
    legend = figure.legend(chosen, texts, loc="lower center", bbox_to_anchor=place, ncols=len(texts), frameon=False)
    for text, handle in zip(texts, legend.legend_handles, strict=True):
        if text in (BAND, MEAN, OFFER) and handle is not None:
            handle.set(color=GREY, alpha=0.3 if text == BAND else 1.0)


def follow(game: RecordedGame) -> Trace:
    """Return the true limits and both beliefs at every moment of a game so far, by replaying its record."""
    record = game.record()
    moments = zip(range(len(record.actions) + 1), record.moments(), strict=False)  # without the moment of a forfeit
    rows = [moment.row.copy() for _, moment in moments]
    marks = [
        _mark(game, int(rows[count - 1]["seat"]), action, rows[count], count)
        for count, action in enumerate(record.actions, 1)
        if makes_offer(action.move)
    ]
    beliefs = np.array([row["belief"] for row in rows]).reshape(-1, 2, N_FIGURES)
    grid, weight = _posteriors(game, rows)
    return Trace(
        time=np.arange(len(rows)) / 2,
        reservation=_in_currency(game, np.array([row["reservation"] for row in rows])),
        mean=_in_currency(game, beliefs[..., RESERVATION]),
        low=_in_currency(game, beliefs[..., LOW]),
        high=_in_currency(game, beliefs[..., HIGH]),
        grid=grid,
        weight=weight,
        marks=tuple(marks),
        headlines=_headlines(game, rows),
    )


def _mark(game: RecordedGame, seat: int, action: Action, row: Any, count: int) -> Mark:
    """Return the mark of an offer or a claim, from the row after its turn and the number of turns so far."""
    is_claim = action.move is Move.BATNA_REVEAL
    is_bluff = is_claim and bool(row["claim_is_bluff"][seat])
    worth = row["package_values"][seat][action.package or 0]
    price = float((action.price or 0.0) + (worth if seat else -worth))
    return Mark(seat, count / 2, game.scenario.to_currency(price), is_claim, is_bluff)


def _in_currency(game: RecordedGame, prices: Prices) -> Prices:
    """Return normalised prices in currency."""
    return game.scenario.low + prices * (game.scenario.high - game.scenario.low)


def _posteriors(game: RecordedGame, rows: list[Any]) -> tuple[Prices, Prices]:
    """Return the price grid in currency and the probabilities on it, both `(moments, 2, prices)`."""
    frames = np.array([row["frame"] for row in rows], np.float64)
    grid = frames[..., Frame.ORIGIN, None] + frames[..., Frame.SPACING, None] * np.arange(CELLS)
    weight = np.zeros(grid.shape)
    if game.config.beliefs in INFERRED and game.config.information == "incomplete":
        weight = np.array([row["posterior"][:, :PLANS] for row in rows], np.float64).sum(axis=2)
        weight /= weight.sum(axis=-1, keepdims=True)
    return _in_currency(game, grid), weight


def _headlines(game: RecordedGame, rows: list[Any]) -> tuple[tuple[float, str], ...]:
    """Return the times and texts of the headlines, in order of time."""
    fired = [int(row["events_fired"]) for row in rows]
    found = []
    for i, event in enumerate(game.scenario.events):
        moment = next((at for at, bits in enumerate(fired) if bits & (1 << i)), None)
        if moment is not None:
            found.append((moment / 2, event.headline))
    return tuple(sorted(found))


def figure_class() -> Any:
    """Return Matplotlib's `Figure`; where it is missing, the error says how to install it."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError('plots need Matplotlib; pip install "parlay-marl[plot]"') from None
    return Figure


def _title(game: RecordedGame) -> str:
    """Return the players, the scenario and the ending."""
    buyer, seller = (seat_name(game, seat) for seat in range(2))
    start = f"{buyer} buys from {seller}: {game.scenario.name}, seed {game.seed}, game {game.number}"
    if not game.is_over:
        return start
    outcome = game.outcome()
    end = outcome.ending.replace("_", " ")
    return f"{start}; {end}" + ("" if outcome.price is None else f" at {exact_money(outcome.price, game.scenario)}")


def _draw_belief(axes: Axes, game: RecordedGame, trace: Trace, me: int) -> None:
    """Draw the belief of one seat about the other."""
    from matplotlib.ticker import MaxNLocator

    other = 1 - me
    mine, theirs = COLOURS[me], COLOURS[other]
    time = np.append(trace.time, trace.time[-1] + 0.5)  # the last belief is shown for half a round as well

    def lasting(values: Prices) -> Prices:
        return np.append(values[:, me], values[-1, me])

    truth = np.append(trace.reservation[:, other], trace.reservation[-1, other])
    low, high = lasting(trace.low), lasting(trace.high)
    _shade(axes, trace, me, time)
    axes.fill_between(time, low, high, step="post", color=mine, alpha=0.14, linewidth=0.0, label=BAND)
    for bound in (low, high):
        axes.step(time, bound, where="post", color=mine, linewidth=0.8, alpha=0.7)
    axes.step(time, lasting(trace.mean), where="post", color=mine, linewidth=1.4, linestyle="--", label=MEAN)
    axes.step(time, truth, where="post", color="black", linewidth=1.8, label=TRUTH)
    _draw_marks(axes, [mark for mark in trace.marks if mark.seat == other], theirs)
    for count, (when, _) in enumerate(trace.headlines, 1):
        axes.axvline(when, color=GREY, linewidth=1.0, linestyle=":")
        where = axes.get_xaxis_transform()
        axes.annotate(f"{count}", (when, 1.0), (3, -9), where, "offset points", fontsize=9, color=GREY)
    unit = game.scenario.currency + (" on the reference terms" if game.scenario.terms else "")
    title = f"What the {SEATS[me]} ({seat_name(game, me)}) believes about the {SEATS[other]}'s limit, in {unit}"
    axes.set_title(title, fontsize=10.5, loc="left", parse_math=False)
    axes.yaxis.set_major_formatter(lambda value, _: number(value, game.scenario))
    axes.use_sticky_edges = False
    axes.margins(x=0.0, y=0.05)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_marks(axes: Axes, marks: list[Mark], colour: str) -> None:
    """Draw the other's offers and claims."""
    claim: dict[str, Any] = {"marker": "v", "s": 70, "edgecolor": "black"}
    kinds: tuple[tuple[str, bool, bool, dict[str, Any]], ...] = (
        (OFFER, False, False, {"marker": "o", "s": 18, "color": colour}),
        (HONEST, True, False, {**claim, "facecolor": "white"}),
        (BLUFF, True, True, {**claim, "facecolor": AMBER}),
    )
    for text, is_claim, is_bluff, look in kinds:
        chosen = [mark for mark in marks if (mark.is_claim, mark.is_bluff) == (is_claim, is_bluff)]
        if chosen:
            axes.scatter([m.time for m in chosen], [m.price for m in chosen], label=text, zorder=3, **look)


def _shade(axes: Axes, trace: Trace, me: int, time: Prices) -> None:
    """Shade the panel by the density of the belief."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    grid, weight = trace.grid[:, me], trace.weight[:, me]
    if not weight.any():
        return
    half = 0.5 * (grid[:, 1:2] - grid[:, :1])
    places = np.hstack([grid[:, :1] - half, grid, grid[:, -1:] + half])
    density = np.hstack([weight[:, :1], weight, weight[:, -1:]]) / half
    edges = np.linspace(places.min(), places.max(), SHADES + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    columns = [np.interp(middles, *column, left=0.0, right=0.0) for column in zip(places, density, strict=True)]
    shades = LinearSegmentedColormap.from_list("belief", [(*to_rgb(COLOURS[me]), alpha) for alpha in (0.0, 0.7)])
    axes.pcolormesh(time, edges, np.transpose(columns), cmap=shades, vmin=0.0, rasterized=True, zorder=0)
