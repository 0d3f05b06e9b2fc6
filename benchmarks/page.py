#!/usr/bin/env python3
"""Write the page of all machines' benchmarks, docs/benchmarks.md, from the kept figures.

python benchmarks/page.py            # write it anew
python benchmarks/page.py --check    # exit with 1 where it is not what benchmarks/results says
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bars import BARS, FAST, SLOW, Bar, figure_at, shown, wanted_ratio
from measuring import machine_name
from rows import (
    BATCHES,
    BELIEF_RATIOS,
    BELIEFS,
    COMPILED,
    GAME_ENGINES,
    INTERFACE_RATIOS,
    INTERFACES,
    LEARNER_ROWS,
    MEMORY_ROWS,
    PEER_RATIOS,
    SHORT_ROWS,
    START_ROWS,
    STEP_ENGINES,
    TOURNAMENT_ROWS,
    Keys,
    Row,
    nanoseconds,
    ratio,
    rows_of,
    speed,
)
from trials import TRIALS

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
BUSY = 0.15
"""Cores that other programs use from which on a machine is called busy."""
LEAST_SECONDS = 0.1
"""Seconds of compilation below which a function has no row of its own."""

Result = Mapping[str, Any]
"""The content of a file of results: `machine`, and `parts` by name."""


# ---------------------------------------------------------------------- tables


def load(folder: Path = RESULTS) -> list[Result]:
    """Return the kept figures of all machines, in the order of their files' names."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def file_name(machine: Mapping[str, Any]) -> str:
    """Return the name of a machine's file, without its ending."""
    return re.sub(r"[^a-z0-9]+", "-", machine_name(machine).lower()).strip("-")


def figure(result: Result, part: str, path: Keys) -> Any:
    """Return a figure of a machine, None where it was not measured."""
    return figure_at(result["parts"], (part, "figures", *path))


def yardstick(result: Result, part: str) -> float | None:
    """Return the yardstick beside which a part was measured."""
    found = figure_at(result["parts"], (part, "yardstick"))
    return None if found is None else float(found)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def names(results: Sequence[Result]) -> list[str]:
    """Return the names of the machines."""
    return [machine_name(result["machine"]) for result in results]


def cells(results: Sequence[Result], row: Row) -> list[str]:
    """Return a row's figures, one for each machine."""
    found = []
    for result in results:
        value, stick = figure(result, row.part, row.path), yardstick(result, row.part)
        found.append("not measured" if value is None or stick is None else row.form(value, stick))
    return found


def side_by_side(results: Sequence[Result], rows: Sequence[Row], show_yardstick: bool = True) -> str:
    """Return a table with a column for each machine, below its yardstick; without rows that no machine has."""
    lines = []
    if show_yardstick:
        sticks = [yardstick(result, rows[0].part) for result in results]
        lines = [["yardstick", *("not measured" if stick is None else shown(stick) for stick in sticks)]]
    for row in rows:
        if any(figure(result, row.part, row.path) is not None for result in results):
            lines.append([row.title, *cells(results, row)])
    return markdown(["", *names(results)], lines)


def run_table(results: Sequence[Result]) -> str:
    """Return when each part was measured, of what, and beside what."""
    parts = dict.fromkeys(part for result in results for part in result["parts"])
    lines = []
    for part in parts:
        line = [part]
        for result in results:
            run = result["parts"].get(part)
            line.append("not measured" if run is None else f"{run['date']}, `{run['commit']}`, {neighbours(run)}")
        lines.append(line)
    return markdown(["", *names(results)], lines)


def neighbours(run: Mapping[str, Any]) -> str:
    """Return how much of the machine other programs had while a part was measured."""
    text = f"others used {run['other_cores']:.2f} cores, load {run['load_average']:.2f} at the start"
    return f"**busy**: {text}" if run["other_cores"] > BUSY else text


def is_busy(results: Sequence[Result]) -> bool:
    """Return whether any part was measured beside other programs."""
    return any(run["other_cores"] > BUSY for result in results for run in result["parts"].values())


def version_lines(results: Sequence[Result]) -> str:
    """Return the versions of each machine's libraries, those of all its parts together."""
    lines = []
    for result in results:
        every: dict[str, str] = {}
        for run in result["parts"].values():
            for library, version in run["versions"].items():
                known = every.get(library)
                every[library] = version if known in (None, version) else f"{known}, {version}"
        told = "; ".join(f"{library} {version}" for library, version in every.items())
        lines.append(f"- {machine_name(result['machine'])}: {told}\n")
    return "".join(lines)


def wanted_text(bar: Bar) -> str:
    """Return what a bar wants, on both machines for which an absolute one was set."""
    word = "at most" if bar.is_most else "at least"
    if bar.where_fast is None:
        return f"{word} {shown(bar.wanted, bar.unit)}"
    slow, fast = shown(bar.wanted, bar.unit), shown(bar.where_fast, bar.unit)
    return f"{word} {slow} at {shown(SLOW)}, {fast} at {shown(FAST)}"


def bar_table(results: Sequence[Result]) -> str:
    """Return every bar, and how far each machine's figure reaches it."""
    lines = []
    for bar in BARS:
        line = [bar.meaning, wanted_text(bar)]
        for result in results:
            value, stick = figure(result, bar.part, bar.path), yardstick(result, bar.part)
            if value is None or stick is None:
                line.append("not measured")
                continue
            here = "" if bar.where_fast is None else f" of {shown(bar.wanted_at(stick), bar.unit)}"
            line.append(f"{shown(value, bar.unit)}{here}: {'met' if bar.is_met(value, stick) else '**missed**'}")
        lines.append(line)
    return markdown(["", "wanted", *names(results)], lines)


def allowance_table(results: Sequence[Result]) -> str:
    """Return what the missed bars leave for a step, a game or a turn, beside what it takes, of one thread each."""
    threads = 2

    def time_of(result: Result, rate: str, times: float = 1.0, part: str = "peers", workers: int = threads) -> str:
        found = figure(result, part, ("steps_per_second", rate))
        if found is None:
            return "not measured"
        taken = workers / (times * found)
        return f"{shown(taken * 1e9)} ns" if taken < 1e-6 else f"{shown(taken * 1e6)} us"

    def beliefs(result: Result, share: float | None) -> str:
        """Return what a belief may take for `bayes` to reach a share of the speed of `none`, or what it takes."""
        bare, inferred = (figure(result, "speed", ("belief_cost", name)) for name in ("none", "bayes"))
        if bare is None or inferred is None:
            return "not measured"
        return f"{shown(((1 / share - 1) / bare if share else 1 / inferred - 1 / bare) * 1e9)} ns"

    pgx, openspiel, negmas = (
        wanted_ratio(name) for name in ("batch_vs_pgx_kuhn", "batch_vs_openspiel_bargaining", "games_vs_negmas")
    )
    floor, bayes, raw_env = (
        wanted_ratio(name) for name in ("batch_vs_write_floor", "bayes_vs_none", "raw_env_vs_tictactoe")
    )
    rows: tuple[tuple[str, Callable[[Result], str]], ...] = (
        (f"a step may take, for {pgx:,g} times Pgx", lambda each: time_of(each, "pgx_kuhn_poker", pgx)),
        (
            f"a step may take, for {openspiel:,g} times OpenSpiel",
            lambda each: time_of(each, "openspiel_bargaining", openspiel),
        ),
        (
            f"a step may take, for {floor:.2g} of the write floor",
            lambda each: time_of(each, "write_floor_65536_2_threads", floor),
        ),
        ("a step takes, with `bayes`", lambda each: time_of(each, "ours_batch_65536_2_threads")),
        ("a step takes, with `heuristic`", lambda each: time_of(each, "ours_batch_65536_2_threads_heuristic")),
        (f"a belief may take, for {bayes:,g} of the speed without", lambda each: beliefs(each, bayes)),
        ("a belief takes", lambda each: beliefs(each, None)),
        (f"a game may take, for {negmas:,g} times NegMAS", lambda each: time_of(each, "negmas_negotiations", negmas)),
        ("a game takes", lambda each: time_of(each, "ours_games_2_threads")),
        (
            f"a turn of `raw_env()` may take, for {raw_env:,g} times tic-tac-toe's",
            lambda each: time_of(each, "tictactoe_raw_env", raw_env, "speed", 1),
        ),
        ("a turn of `raw_env()` takes", lambda each: time_of(each, "raw_env", 1.0, "speed", 1)),
    )
    return markdown(["", *names(results)], [[title, *map(find, results)] for title, find in rows])


def compile_seconds(each: Mapping[str, float]) -> float:
    """Return all seconds of a function's compilation."""
    return each["type_inference"] + each["other_python"] + each["llvm"]


def kernel_table(results: Sequence[Result]) -> str:
    """Return each compiled function's seconds and bytes, by the start that compiles it."""
    lines = []
    for start, title in COMPILED.items():
        tables = [figure(result, "compile", ("kernels", start)) or {} for result in results]
        largest: dict[str, float] = {}
        for table in tables:
            for name, each in table.items():
                largest[name] = max(largest.get(name, 0.0), compile_seconds(each))
        for name in sorted(largest, key=lambda name: (-largest[name], name)):
            if largest[name] >= LEAST_SECONDS:
                lines.append([title, f"`{name}`", *(kernel_cell(table.get(name)) for table in tables)])
        rest = [rest_cell(result, start) for result in results]
        lines.append([title, "all the rest: imports, loading, playing", *rest])
    return markdown(["", "compiled function", *names(results)], lines)


def kernel_cell(each: Mapping[str, float] | None) -> str:
    """Return a function's seconds of type inference, of other Python and of LLVM, and what is kept of it."""
    if each is None:
        return "not compiled"
    kinds = " + ".join(f"{each[kind]:.2f}" for kind in ("type_inference", "other_python", "llvm"))
    return f"{kinds} = {compile_seconds(each):.2f} s, {each['kept_bytes'] / 1e3:,.0f} kB"


def rest_cell(result: Result, start: str) -> str:
    """Return the CPU seconds of a start that are not in the rows of its functions, and what it kept for small ones."""
    used, table = (figure(result, "compile", (key, start)) for key in ("cpu_of_listening", "kernels"))
    if used is None:
        return "not measured"
    large = [compile_seconds(each) for each in table.values() if compile_seconds(each) >= LEAST_SECONDS]
    return f"{used - sum(large):.2f} s"


def profile_tables(results: Sequence[Result]) -> str:
    """Return the parts of a step, a table for each number of games."""
    sizes: dict[str, dict[str, str]] = {}
    for result in results:
        for size, parts in (figure(result, "profile", ("nanoseconds",)) or {}).items():
            sizes.setdefault(size, {}).update({part: part for part in parts})
    text = ""
    for size, titles in sizes.items():
        rows = rows_of("profile", titles, ("nanoseconds", size), nanoseconds)
        text += f"{int(size.split()[0]):,} games:\n\n{side_by_side(results, rows)}\n"
    return text or "Not measured yet.\n"


# ---------------------------------------------------------------------- the pages

WORDS = """# Benchmarks

`python benchmarks/run.py` measures a machine, keeps its figures in `benchmarks/results`, a file for each machine, and
writes this page from all of them. Whoever quotes a figure names the machine, as another has others.

```sh
python benchmarks/run.py                         # everything, on a quiet machine: about half an hour
python benchmarks/run.py --only speed compile    # some of it; the rest keeps its figures
python benchmarks/run.py --render                # only write the pages anew
```

The **yardstick** of a machine is how many agent steps a second PettingZoo's raw tic-tac-toe takes on it: Python code
that no change of this project makes faster. It is measured before and after each benchmark. Speeds have in brackets how
many times the yardstick they are; ratios between engines are of one run, in which all were measured in turn. Figures
are medians unless it is said otherwise, rounded to three digits. `benchmarks/load_server.py` and
`benchmarks/rllib_speed.py` are not among these: their figures stand in [server.md](server.md) and [rllib.md](rllib.md),
with their machine.

## In short

Some of what the sections below have in full, beside the bars that it should reach.

{short}
Beliefs are inferred for both seats all the time, by `bayes`; most bytes of a game are what both seats believe. The
seconds from an empty cache are spent on compiling, once: what is compiled is kept.

## The machines

A star beside a commit says that files were changed since it.

{runs}
{versions}
## Bars

What is wanted of ratios is the same everywhere; what is wanted of seconds and speeds goes by the yardstick.

{bars}
What the missed ones leave for a step, a game and a turn, and what these take, in time of one thread: the steps in
batches of 65,536 games and two threads, the beliefs in those of 4,096 games and one thread.

{allowances}
So the belief is not all that stands in the way of Pgx and OpenSpiel: on the EPYCs a step takes longer without
inference than their bars leave. A turn here has events, tension, credibility and erosion, and writes 56 numbers and
87 flags; to reach these bars, rules and outputs would have to take half of the time as well. A game whose beliefs are
not inferred reaches NegMAS's bar on the first EPYC (two thirds of the time, `play_cell` with `beliefs="none"`), but
the belief is part of what is recorded of a game. A turn of `raw_env()` is the calls of Python that PettingZoo's
protocol wants, and a compiled one.

## One game at a time

Agent steps a second of random legal play (`benchmarks/speed.py`); a step of `AsyncVectorEnv` is one of each of its
environments.

{interfaces}
## The batch

Steps a second with observations and masks written and finished games begun anew; beliefs with 4,096 games and one
thread (`benchmarks/speed.py`).

{batch}
## Beside other engines

Each engine plays its own game: how fast they turn over steps and whole episodes is compared, not what they play
(`benchmarks/peers.py`). A second has so many steps, or, in the last rows, games, negotiations and matches.

{peers}
{peer_ratios}
## The learner

Two threads and the default network, evaluation aside; a frame is a turn of the learner (`benchmarks/learner.py`).

{learner}
## The first minute

CPU time, user and system, of fresh processes that begin with an empty cache; then the time by the clock of starts
that find everything kept (`benchmarks/compile_time.py`). Single games and small batches are played in plain Python
until that has taken two seconds in a process; a *compiled* game or batch is one of a process that compiles at once,
which is what who plays on, trains or holds tournaments waits for, once.

{starts}
Where the CPU time goes, from one pair of starts: seconds of type inference, of other work in Python and of LLVM, and
what is kept on disk. A function that is inlined counts for the one that it is compiled for.

{kernels}
## A step by its parts

Each part runs alone over recorded games, in one thread, so that the figures are approximate and do not add up to the
step (`benchmarks/step_profile.py`); bringing a row from memory is taken off the others.

{profile}
A step of 4,096 games with `bayes` takes 1,070 instructions, and 726 without beliefs. Changes of it that were tried and
left out, as they did not pay everywhere: the ratio of CPU time, of 4,096 games where nothing else is said
(`benchmarks/trials.py` says how it was measured).

{trials}
## A tournament

All personas over all scenarios, 500 games a cell, its analysis, its report and its file of games included
(`benchmarks/tournament.py`).

{tournament}
## Memory

Of a game over one price in a batch, and by how much a process grows while it plays (`benchmarks/memory.py`).

{memory}
"""


def page(results: Sequence[Result]) -> str:
    """Return the page of all machines."""
    return WORDS.format(
        short=short_table(results),
        runs=run_table(results),
        versions=version_lines(results),
        bars=bar_table(results),
        allowances=allowance_table(results),
        interfaces=side_by_side(
            results,
            rows_of("speed", INTERFACES, ("steps_per_second",), speed)
            + rows_of("speed", INTERFACE_RATIOS, ("ratios",), ratio),
        ),
        batch=side_by_side(
            results,
            rows_of("speed", BATCHES, ("batch_steps_per_second",), speed)
            + rows_of("speed", BELIEFS, ("belief_cost",), speed)
            + rows_of("speed", BELIEF_RATIOS, ("belief_cost",), ratio),
        ),
        peers=side_by_side(
            results, rows_of("peers", {**STEP_ENGINES, **GAME_ENGINES}, ("steps_per_second",), speed)
        ),
        peer_ratios=side_by_side(results, rows_of("peers", PEER_RATIOS, ("ratios",), ratio), show_yardstick=False),
        learner=side_by_side(results, LEARNER_ROWS),
        starts=side_by_side(results, START_ROWS),
        kernels=kernel_table(results),
        profile=profile_tables(results),
        trials=markdown(("change", "CPU time, new against old"), TRIALS),
        tournament=side_by_side(results, TOURNAMENT_ROWS),
        memory=side_by_side(results, MEMORY_ROWS, show_yardstick=False),
    ).rstrip("\n") + "\n"  # fmt: skip


def short_table(results: Sequence[Result]) -> str:
    """Return the figures that are looked for most: a table, and a word where other programs were running."""
    text = side_by_side(results, SHORT_ROWS)
    if is_busy(results):
        text += "\nOther programs were running during a part of this.\n"
    return text


def write() -> None:
    """Write the page."""
    PAGE.write_text(page(load()), "utf-8")


def main() -> None:
    """Write the page, or check it."""
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    if not sys.argv[1:]:
        write()
    elif not PAGE.exists() or PAGE.read_text("utf-8") != page(load()):
        raise SystemExit(f"{PAGE.name} is not as benchmarks/results says; run python benchmarks/page.py")


if __name__ == "__main__":
    main()
