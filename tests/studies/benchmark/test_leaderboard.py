"""The leaderboard: tables of kept results, and results that do not belong there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from parlay_marl.errors import ParlayError
from parlay_marl.studies.benchmark.leaderboard import (
    classes_table,
    conduct_table,
    partners_table,
    read_results,
    standings_table,
)
from parlay_marl.studies.benchmark.suite import load_suite
from tests.processes import ROOT

KEPT = ROOT / "docs" / "benchmark"


def test_the_tables_have_a_row_for_each_player_in_the_order_by_mean() -> None:
    results = read_results(KEPT)
    head, rows = standings_table(results, "held_out")
    assert [row[0] for row in rows] == [str(place) for place in range(1, len(results) + 1)]
    means = [float(row[2].split()[0]) for row in rows]
    assert means == sorted(means, reverse=True)
    assert all(len(row) == len(head) for row in rows)
    for table in (classes_table(results), conduct_table(results, "public")):
        assert {row[0] for row in table[1]} == {row[1] for row in rows}
        assert all(len(row) == len(table[0]) for row in table[1])


def test_a_set_that_nobody_has_played_has_no_rows() -> None:
    assert standings_table(read_results(KEPT), "extra")[1] == []


def test_every_partner_of_the_standard_suite_is_listed() -> None:
    listed = " ".join(members for _, kind, members in partners_table()[1] if kind != "scenarios")
    assert {f"`{part.name}`" for part in load_suite().partners} == set(listed.replace(",", "").split())


def test_results_of_another_suite_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParlayError, match="holds no results"):
        read_results(tmp_path)
    shutil.copy(KEPT / "nash.json", tmp_path)
    text = (tmp_path / "nash.json").read_text()
    (tmp_path / "nash.json").write_text(text.replace(load_suite().digest, "0" * 64))
    with pytest.raises(ParlayError, match="the result of 'nash' is of another suite, SHA-256 000000000000"):
        read_results(tmp_path)
