"""The progress of a training, and the tables of evaluations and of exploitability."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from parlay_marl.cli.console import remarks, show
from parlay_marl.cli.layout import grid, paragraph, width_of
from parlay_marl.cli.progress import progress_bar

if TYPE_CHECKING:
    from rich.console import Console

    from parlay_marl.game.form_settings import Form
    from parlay_marl.studies.evaluation import Evaluation, Judgement
    from parlay_marl.studies.exploitability import Exploitability
    from parlay_marl.studies.intervals import Interval
    from parlay_marl.studies.metrics import MetricValue
    from parlay_marl.training.progress import Progress
    from parlay_marl.training.selfplay import OnProgress

SECONDS_BETWEEN_LINES = 30.0
"""Time between the lines that replace the bar where there is no terminal."""


@contextmanager
def training_bar(what: str) -> Iterator[tuple[OnProgress, Callable[[str], None]]]:
    """Show frames, speed and the time left; yield a function that moves the bar, and one that prints above it.

    Without a terminal, a line every half a minute shows the same.
    """
    console, last = remarks(), float("-inf")
    with progress_bar(console) as bar:
        task = bar.add_task(what, total=None, rate="")

        def on_progress(progress: Progress) -> None:
            nonlocal last
            rate = f"{progress.frames_per_second:,.0f} frames/s" if progress.frames else "starting"
            bar.update(task, completed=progress.frames, total=progress.total, rate=rate)
            now = time.monotonic()
            if not console.is_terminal and (now - last > SECONDS_BETWEEN_LINES or progress.frames >= progress.total):
                last = now
                console.print(f"{what}: {progress.frames:,} of {progress.total:,} frames, {rate}", soft_wrap=True)

        yield on_progress, lambda line: console.print(line, soft_wrap=True)


def evaluation_line(frames: int, evaluation: Evaluation) -> str:
    """Return an evaluation in one line."""
    metrics = evaluation.metrics
    worst = min(evaluation.scores, key=lambda score: score.payoff.mean)
    return (
        f"{frames:>13,} frames: payoff {_spread(evaluation.payoff)}, least {_points(worst.payoff.mean)} against "
        f"{worst.opponent}; deals {_share(metrics, 'deal_rate', 0)}, capitulations "
        f"{_share(metrics, 'capitulation_rate', 2)}, left without a ZOPA {_share(metrics, 'correct_walk_away_rate')}"
    )


def show_judgement(judgement: Judgement, games: int, seed: int, form: Form, console: Console) -> None:
    """Print the payoffs of a policy against every opponent, and those of the best reply known."""
    from parlay_marl.game.form_settings import form_in_words

    words = f", {form_in_words(form)}" if form else ""
    paragraph(console, f"{judgement.player}: {games:,} games a cell, seed {seed}{words}", "parlay.title")
    console.print()
    numbers = ("payoff", "as buyer", "as seller", "regret")
    table = grid("opponent", "payoff", "95% interval", "as buyer", "as seller", "regret", "its interval",
                 "best reply known", right=numbers)  # fmt: skip
    for comparison in sorted(judgement.comparisons, key=lambda each: -each.score.payoff.mean):
        score, best = comparison.score, {comparison.best_as_buyer, comparison.best_as_seller}
        replies = comparison.best_as_buyer
        if len(best) > 1:
            replies = f"{comparison.best_as_buyer}, {comparison.best_as_seller}"
        table.add_row(
            score.opponent, _points(score.payoff.mean), _range(score.payoff), _points(score.as_buyer.mean),
            _points(score.as_seller.mean), _points(comparison.regret.mean), _range(comparison.regret), replies,
        )  # fmt: skip
    overall = judgement.payoff, judgement.regret
    table.add_row(
        "all", _points(overall[0].mean), _range(overall[0]), "", "", _points(overall[1].mean), _range(overall[1]), ""
    )
    show(console, table, width_of(table, console))
    console.print()
    metrics = judgement.metrics
    paragraph(
        console,
        f"Deals {_share(metrics, 'deal_rate')}, capitulations {_share(metrics, 'capitulation_rate', 2)}, games without "
        f"a ZOPA that either seat left {_share(metrics, 'correct_walk_away_rate')}. Payoff: mean discounted gain, in "
        "ZOPAs at nominal figures; regret: what the best reply known, one for each seat (buyer, seller), is paid more "
        "on the same games; it was chosen on others.",
        "parlay.dim",
    )


def show_exploitability(found: Exploitability, console: Console) -> None:
    """Print the gains of the best replies found against a player."""
    from parlay_marl.game.form_settings import form_in_words

    words = f", {form_in_words(found.form)}" if found.form else ""
    paragraph(
        console,
        f"{found.player}: gap {_spread(found.gap)} over {', '.join(found.scenarios)}{words}",
        "parlay.title",
    )
    console.print()
    table = grid("seat", "own payoff", "reply's payoff", "gap", "95% interval", "best reply found",
                 right=("own payoff", "reply's payoff", "gap"))  # fmt: skip
    for seat in found.seats:
        table.add_row(
            seat.seat, _points(seat.own_payoff.mean), _points(seat.reply_payoff.mean), _points(seat.gap.mean),
            _range(seat.gap), seat.reply,
        )  # fmt: skip
    show(console, table, width_of(table, console))
    console.print()
    paragraph(
        console,
        f"A reply was trained for each seat on {found.frames:,} of its turns, seed {found.seed}; the best of it, the "
        f"personas and the player itself was chosen on other games than the {found.games:,} of each cell that it is "
        "measured on. Its gain over the player's own payoff in that seat is a lower bound of exploitability.",
        "parlay.dim",
    )


def _points(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"


def _range(interval: Interval) -> str:
    return f"{_points(interval.low)} to {_points(interval.high)}"


def _spread(interval: Interval) -> str:
    return f"{_points(interval.mean)} ({_range(interval)})"


def _share(metrics: dict[str, MetricValue], key: str, decimals: int = 1) -> str:
    """Return a metric over all games as a percentage."""
    value = metrics[key].all_games
    return "-" if value is None else f"{value:.{decimals}%}"
