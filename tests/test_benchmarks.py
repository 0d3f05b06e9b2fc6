"""The page of benchmarks, the figures that it is made of, and the bars that they are held to."""

from __future__ import annotations

import copy
import datetime
import json
import math
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, run

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(ROOT / "benchmarks"))
    import bars
    import compile_time
    import measuring
    import page
    import peers
    import rows
    import run as runner

RESULTS = sorted(page.RESULTS.glob("*.json"))
MACHINE = {"processor": "Some CPU", "architecture": "oldmont", "vectors": "AVX2", "cores": 4}
ABSOLUTE = [bar for bar in bars.BARS if bar.where_fast is not None]


def kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def record(figures: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a part's record, measured on a quiet machine."""
    return {
        "date": "2026-01-02", "commit": "abc1234", "seconds": 60, "load_average": 0.1, "other_cores": 0.02,
        "versions": {"python": "3.11.9"}, "yardstick": 50_000.0, "figures": figures,
    } | changes  # fmt: skip


def numbers(figures: Any) -> Iterator[float]:
    """Yield all numbers in nested mappings."""
    if isinstance(figures, dict):
        for inner in figures.values():
            yield from numbers(inner)
    elif isinstance(figures, float | int):
        yield figures


def cells_of(text: str, title: str) -> list[str]:
    """Return the cells of the table row that has a title."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {title} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


# ---------------------------------------------------------------------- what is kept


def test_some_machine_is_kept() -> None:
    assert RESULTS


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_are_whole(path: Path) -> None:
    result = kept(path)
    assert set(result) == {"machine", "parts"}
    assert set(result["machine"]) == set(MACHINE)
    assert path.stem == page.file_name(result["machine"])
    assert result["parts"]
    assert set(result["parts"]) <= set(runner.PARTS)
    for part in result["parts"].values():
        assert set(part) == set(record({}))
        assert datetime.date.fromisoformat(part["date"])
        assert re.fullmatch(r"[0-9a-f]{7,}\*?|unknown", part["commit"])
        assert part["yardstick"] > 1_000.0
        assert part["seconds"] > 0
        assert part["other_cores"] >= 0.0
        assert part["versions"]["python"]
        figures = list(numbers(part["figures"]))
        assert figures
        assert all(math.isfinite(figure) for figure in figures)


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_figure_of_a_result_is_on_the_page(path: Path) -> None:
    parts = kept(path)["parts"]
    learners = {"frames_per_second": "", **rows.SHARES}
    for part, titles, parent in (
        ("learner", rows.LEARNERS, ("learners",)),
        ("learner", rows.LEARNER_RATIOS, ("ratios",)),
        *(("learner", learners, ("learners", learner)) for learner in rows.LEARNERS),
        ("speed", rows.INTERFACES, ("steps_per_second",)),
        ("speed", rows.INTERFACE_RATIOS, ("ratios",)),
        ("speed", rows.BATCHES, ("batch_steps_per_second",)),
        ("speed", {**rows.BELIEFS, **rows.BELIEF_RATIOS}, ("belief_cost",)),
        ("peers", {**rows.STEP_ENGINES, **rows.GAME_ENGINES}, ("steps_per_second",)),
        ("peers", rows.PEER_RATIOS, ("ratios",)),
        ("memory", rows.BYTES, ("bytes_per_game",)),
    ):
        if part in parts:
            assert set(bars.figure_at(parts[part]["figures"], parent)) == set(titles), (part, parent)


def test_every_bar_has_its_figure_on_some_machine() -> None:
    figures = [kept(path)["parts"] for path in RESULTS]
    for bar in bars.BARS:
        found = [bars.figure_at(parts[bar.part]["figures"], bar.path) for parts in figures if bar.part in parts]
        assert any(value is not None for value in found), bar


def test_peers_have_titles() -> None:
    assert set(rows.STEP_ENGINES | rows.GAME_ENGINES) == set(peers.CONTESTANTS)
    assert set(rows.PEER_RATIOS) == set(peers.RATIOS)


def test_a_record_is_put_beside_the_others_of_its_machine(tmp_path: Path) -> None:
    first = runner.keep("peers", record({"ratios": {"a": 1.0}}), tmp_path)
    second = runner.keep("speed", record({"ratios": {"b": 2.0}}), tmp_path)
    again = runner.keep("peers", record({"ratios": {"a": 3.0}}), tmp_path)
    assert first == second == again
    result = kept(again)
    assert list(result["parts"]) == ["speed", "peers"]
    assert result["parts"]["peers"]["figures"] == {"ratios": {"a": 3.0}}
    assert page.file_name(result["machine"]) == again.stem
    assert result["machine"] == measuring.machine_record()


FAKE = """
import json, sys
json.dump({"machine": "elsewhere", "ratios": {"a": 1.5}}, open(sys.argv[sys.argv.index("--json") + 1], "w"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how busy a machine is comes from /proc")
def test_a_run_keeps_what_it_measured_and_says_what_it_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.py").write_text(FAKE, "utf-8")
    (tmp_path / "bad.py").write_text("raise SystemExit(3)", "utf-8")
    results, written = tmp_path / "results", []
    monkeypatch.setattr(runner, "PARTS", {"bad": str(tmp_path / "bad.py"), "good": str(tmp_path / "good.py")})
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(runner.keep, "__defaults__", (results,))
    monkeypatch.setattr(measuring, "yardstick", lambda: 12_345.0)
    monkeypatch.setattr(page, "write", lambda: written.append(True))
    monkeypatch.setattr(sys, "argv", ["run.py", "--rounds", "2"])
    assert runner.main() == 1
    assert "not measured: bad" in capsys.readouterr().err
    assert written == [True]
    (path,) = results.glob("*.json")
    parts = kept(path)["parts"]
    assert set(parts) == {"good"}
    assert set(parts["good"]) == set(record({}))
    assert parts["good"]["figures"] == {"ratios": {"a": 1.5}}
    assert parts["good"]["yardstick"] == 12_345.0
    assert parts["good"]["commit"] == "unknown"
    assert 0.0 <= parts["good"]["other_cores"] <= (os.cpu_count() or 1)


def test_machines_that_share_a_processors_model_have_files_of_their_own() -> None:
    others = [MACHINE | change for change in ({"architecture": "newmont"}, {"vectors": "AVX-512"}, {"cores": 8})]
    assert len({page.file_name(machine) for machine in (MACHINE, *others)}) == 4


# ---------------------------------------------------------------------- the pages


def test_the_page_is_what_the_results_say() -> None:
    checked = run([sys.executable, ROOT / "benchmarks" / "page.py", "--check"])
    assert checked.returncode == 0, checked.stderr


def test_figures_of_the_short_table_are_figures_of_the_results() -> None:
    """Each cell is read back from the page of its own machine: of the same row, the same column."""
    block = page.short_table(page.load())
    heads = [cell.strip() for cell in block.splitlines()[0].strip("|").split("|")][1:]
    found = 0
    for column, result in enumerate(page.load()):
        assert heads[column] == measuring.machine_name(result["machine"])
        for row in rows.SHORT_ROWS:
            value = page.figure(result, row.part, row.path)
            if value is not None:
                found += 1
                assert cells_of(block, row.title)[column].startswith(row.form(value, 1.0).split(" ")[0])
    assert found >= 10


def two_machines() -> list[dict[str, Any]]:
    fast = {
        "steps_per_second": {"env": 800_000.0, "raw_env": 600_000.0},
        "ratios": {"env_vs_tictactoe": 15.2, "raw_env_vs_tictactoe": 5.9},
    }
    slow = copy.deepcopy(fast)
    slow["steps_per_second"]["env"] = 200_000.0
    compiled = {"cpu": {"first_game": 7.0, "first_batch": 20.0}}
    return [
        {"machine": MACHINE, "parts": {"speed": record(fast, yardstick=100_000.0)}},
        {
            "machine": MACHINE | {"cores": 2},
            "parts": {"speed": record(slow, other_cores=1.2), "compile": record(compiled, yardstick=37_000.0)},
        },
    ]


def test_machines_stand_side_by_side() -> None:
    text = page.page(two_machines())
    assert "Some CPU (oldmont, AVX2), 4 cores | Some CPU (oldmont, AVX2), 2 cores" in text
    assert cells_of(text, "`env()`") == ["800,000 (8.00)", "200,000 (4.00)"]
    assert cells_of(text, "`raw_env()`") == ["600,000 (6.00)", "600,000 (12.0)"]
    assert cells_of(text, "`env()`: times tic-tac-toe's")[1:] == ["15.2x: met", "15.2x: met"]
    assert cells_of(text, "`raw_env()`: times tic-tac-toe's")[1:] == ["5.90x: **missed**", "5.90x: **missed**"]
    first, second = (bar.meaning for bar in bars.BARS[:2])
    assert cells_of(text, first)[1:] == ["not measured", "7.00 s of 8.00 s: met"]
    assert cells_of(text, second)[1:] == ["not measured", "20.0 s of 15.0 s: **missed**"]


def test_what_was_measured_on_a_busy_machine_says_so() -> None:
    quiet, busy = two_machines()
    assert "busy" in cells_of(page.page([quiet, busy]), "speed")[1]
    assert "busy" not in cells_of(page.page([quiet, busy]), "speed")[0]
    assert "Other programs were running" in page.short_table([quiet, busy])
    assert "Other programs were running" not in page.short_table([quiet])


# ---------------------------------------------------------------------- bars and the measuring itself


@pytest.mark.parametrize("bar", ABSOLUTE, ids=lambda bar: bar.path[-1])
def test_an_absolute_bar_goes_through_both_machines_and_in_between(bar: bars.Bar) -> None:
    assert bar.where_fast is not None
    assert bar.wanted_at(bars.SLOW) == pytest.approx(bar.wanted)
    assert bar.wanted_at(bars.FAST) == pytest.approx(bar.where_fast)
    between = bar.wanted_at(math.sqrt(bars.SLOW * bars.FAST))
    assert min(bar.wanted, bar.where_fast) < between < max(bar.wanted, bar.where_fast)


def test_a_bar_is_met_at_its_own_value_only_from_the_right_side() -> None:
    for bar in bars.BARS:
        wanted = bar.wanted_at(60_000.0)
        worse = wanted * (1.01 if bar.is_most else 0.99)
        assert bar.is_met(wanted, 60_000.0)
        assert not bar.is_met(worse, 60_000.0)
        assert "missed" in bars.verdict(bar.part, bar.path, worse, 60_000.0)
    assert bars.verdict("speed", ("ratios", "no such figure"), 1.0, 60_000.0) == ""


@pytest.mark.parametrize(
    ("figure", "text"),
    [(209_123.0, "209,000"), (0.3333, "0.333"), (5.5, "5.50"), (99.96, "100"), (0.0, "0"), (15.04, "15.0")],
)
def test_figures_are_shown_with_three_digits(figure: float, text: str) -> None:
    assert bars.shown(figure) == text


@pytest.mark.compiled_only
def test_compile_time_is_told_by_function() -> None:
    """A function that is kept counts for itself, and another one for the one that calls it."""
    program = """
import json, compile_time
told = compile_time.listened('''
import numba
@numba.njit(forceinline=True)
def inlined(x):
    return x * 2 + 1
@numba.njit
def apart(x):
    total = 0
    for i in range(x):
        total += i // (x + 1)
    return total
@numba.njit
def entry(x):
    return inlined(x) + apart(x)
assert entry(3) == 7 + sum(i // 4 for i in range(3))
''')
print(json.dumps(told))
"""
    environment = {"PYTHONPATH": str(ROOT / "benchmarks"), "PATH": ""}
    paths = json.loads(run([sys.executable, "-c", program], env=environment, check=True).stdout)
    assert {name for path, _ in paths for name in path} >= {"__main__.entry", "__main__.apart", "__main__.inlined"}
    told = compile_time.by_function(paths, {"__main__.apart": 10, "__main__.entry": 20})
    assert set(told) == {"__main__.apart", "__main__.entry"}
    assert [each["kept_bytes"] for each in (told["__main__.apart"], told["__main__.entry"])] == [10, 20]
    for each in told.values():
        assert all(0.0 < each[kind] < 60.0 for kind in (compile_time.TYPES, compile_time.PYTHON, compile_time.LLVM))
    alone = compile_time.by_function(paths, {"__main__.entry": 20})
    assert set(alone) == {"__main__.entry"}
    for kind in (compile_time.TYPES, compile_time.PYTHON, compile_time.LLVM):
        assert alone["__main__.entry"][kind] == pytest.approx(sum(each[kind] for each in told.values()))


def test_the_clock_charges_work_to_whatever_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event comes a second after the last: an entry point is compiled, a part of it while its types are found."""
    times = iter(range(100))
    monkeypatch.setattr(compile_time.time, "thread_time", lambda: float(next(times)))
    clock = compile_time.CompileClock()
    types, lowering = "nopython_type_inference [f]", "native_lowering [f]"
    for name, function, inner in ((types, "entry", types), (lowering, "entry", None)):
        clock.starts("numba:run_pass", {"name": name, "module": "a.file", "qualname": function})
        if inner:
            clock.starts("numba:run_pass", {"name": inner, "module": "a.other", "qualname": "outer.part"})
            clock.ends("numba:run_pass")
            clock.starts(compile_time.FINISH, "outer.part")
        clock.starts("numba:llvm_lock", None)
        clock.starts("numba:llvm_lock", None)
        clock.ends("numba:llvm_lock")
        clock.ends("numba:llvm_lock")
        if inner:
            clock.ends(compile_time.FINISH)
        clock.ends("numba:run_pass")
    kinds = compile_time.TYPES, compile_time.PYTHON, compile_time.LLVM
    paths = [(list(path), seconds) for path, seconds in clock.seconds.items()]
    told = compile_time.by_function(paths, {"file.entry": 1, "other.part": 2})
    assert [told["file.entry"][kind] for kind in kinds] == [3.0, 2.0, 3.0]
    assert [told["other.part"][kind] for kind in kinds] == [3.0, 0.0, 3.0]
