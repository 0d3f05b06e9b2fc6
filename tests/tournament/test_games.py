"""The table of games, and its Parquet file: the same bits after a round trip, with everything a reader needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from parlay_marl.core.outcome import OUTCOME, Ending
from parlay_marl.errors import ConfigurationError, ForfeitWarning, MissingExtraError
from parlay_marl.tournament import GAME_DTYPE, Games, run_tournament
from parlay_marl.tournament import games as module
from parlay_marl.tournament.games import COLUMNS
from tests.helpers import content
from tests.tournament.policies import HERE

FIELD = ["shark", "random", f"{HERE}:Cheat"]
DEALS = ["uniform", "hiring_package_terms"]


@pytest.fixture(scope="module")
def games() -> Games:
    with pytest.warns(ForfeitWarning):
        return run_tournament(FIELD, DEALS, games=7, seed=2**64 - 1, workers=0, rules={"tension": {"memory": 0.3}})


@pytest.fixture(scope="module")
def path(games: Games, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("games") / "games.parquet"
    games.write(path)
    return path


def same_games(first: Games, second: Games) -> bool:
    """Whether two tournaments are the same bit for bit."""
    rows, others = (
        {n: content(g.rows[[n]]) for n in GAME_DTYPE.names or () if n != "outcome"} for g in (first, second)
    )
    return (
        first.plan() == second.plan()
        and rows == others
        and content(first.rows["outcome"]) == content(second.rows["outcome"])
    )


def test_the_rows_are_in_order_and_every_cell_has_the_same_numbers(games: Games) -> None:
    rows = games.rows
    assert rows.dtype is GAME_DTYPE
    keys = [
        (r["scenario"].item(), r["buyer"].item(), r["seller"].item(), r["outcome"]["opener"].item(), r["number"].item())
        for r in rows
    ]
    assert keys == [
        (d, b, s, o, k) for d in range(2) for b in range(3) for s in range(3) for o in range(2) for k in range(7)
    ]
    assert games.names == tuple(sorted(games.names)) == ("cheat", "random", "shark")
    assert games.scenario_names == tuple(sorted(DEALS))
    assert not rows["outcome"]["scenario"].any()


def test_a_file_gives_the_same_games_bit_for_bit(games: Games, path: Path) -> None:
    read = Games.read(path)
    assert same_games(read, games)
    assert read.rows.tobytes() == games.rows.tobytes()
    assert read.entrants == games.entrants
    assert read.scenarios == games.scenarios
    assert read.seed == 2**64 - 1
    assert read.rules["tension"]["memory"] == 0.3
    assert {row["forfeit_by"].item() for row in read.rows} == {-1, 0, 1}
    assert np.isnan(read.rows["outcome"]["price"]).any()


def test_the_same_games_give_the_same_file(games: Games, path: Path, tmp_path: Path) -> None:
    games.write(str(tmp_path / "again.parquet"))
    Games.read(path).write(tmp_path / "third.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "third.parquet").read_bytes() == path.read_bytes()


def test_many_row_groups_are_one_table(games: Games, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 50)
    games.write(tmp_path / "parts.parquet")
    assert parquet.ParquetFile(tmp_path / "parts.parquet").num_row_groups == 6
    assert same_games(Games.read(tmp_path / "parts.parquet"), games)


def test_other_readers_see_flat_columns_with_names(games: Games, path: Path) -> None:
    table = parquet.read_table(path)
    assert table.column_names == [column.name for column in COLUMNS]
    for column in COLUMNS:
        kind = table.schema.field(column.name).type
        is_name = pyarrow.types.is_dictionary(kind)
        assert str(kind.value_type if is_name else kind).replace("double", "float64") == column.type
    rows = table.to_pylist()
    assert len(rows) == len(games.rows)
    for row, game in zip(rows, games.rows, strict=True):
        assert row["buyer"] == games.names[game["buyer"]]
        assert row["scenario"] == games.scenario_names[game["scenario"]]
        assert row["ending"] == Ending(int(game["outcome"]["ending"])).name.lower()
        assert row["opener"] == ("buyer", "seller")[game["outcome"]["opener"]]
        assert row["forfeit_by"] == ("buyer", "seller", None)[game["forfeit_by"]]
        assert row["payoff_seller"] == game["outcome"]["payoff"][1]
        assert row["claims_made_buyer"] == game["outcome"]["claims_made"][0]


def test_every_field_of_an_outcome_is_a_column() -> None:
    fields = {(column.field, column.part) for column in COLUMNS if column.is_of_outcome}
    wanted = {(f.name, part) for f in OUTCOME for part in (range(2) if f.shape else (None,))}
    assert fields == wanted - {("scenario", None)}
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)
    assert all(column.meaning for column in COLUMNS)


def test_a_file_that_others_have_written_anew_is_read_all_the_same(games: Games, path: Path, tmp_path: Path) -> None:
    table = parquet.read_table(path)
    plain = [c.cast(pyarrow.string()) if pyarrow.types.is_dictionary(c.type) else c for c in table.columns]
    again = pyarrow.table(plain, names=table.column_names).replace_schema_metadata(table.schema.metadata)
    parquet.write_table(again, tmp_path / "plain.parquet")
    assert same_games(Games.read(tmp_path / "plain.parquet"), games)


def changed(path: Path, target: Path, metadata: dict[bytes, bytes] | None = None, drop: str = "") -> Path:
    """Write a file anew with other metadata or without a column."""
    table = parquet.read_table(path)
    table = table.drop_columns([drop]) if drop else table
    parquet.write_table(table.replace_schema_metadata({**table.schema.metadata, **(metadata or {})}), target)
    return target


def test_what_is_no_file_of_games_is_refused_with_the_reason(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    with pytest.raises(ConfigurationError, match=r"none\.parquet: cannot be read .*: no such file"):
        Games.read(tmp_path / "none.parquet")
    other.write_text("not Parquet")
    with pytest.raises(ConfigurationError, match=r"other\.parquet: cannot be read as a Parquet file of games"):
        Games.read(other)
    parquet.write_table(pyarrow.table({"x": [1]}), other)
    with pytest.raises(ConfigurationError, match="not a file of a tournament's games; `parlay tournament --out`"):
        Games.read(other)
    with pytest.raises(ConfigurationError, match="its schema is version 99, this package reads 1"):
        Games.read(changed(path, other, {b"schema_version": b"99"}))
    with pytest.raises(ConfigurationError, match="lacks the column 'price'; it was changed"):
        Games.read(changed(path, other, drop="price"))
    with pytest.raises(ConfigurationError, match="column 'buyer' names 'cheat', which its metadata does not"):
        Games.read(changed(path, other, {b"entrants": b"[]"}))


def test_a_missing_pyarrow_names_its_extra(games: Games, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "parlay-marl\[tournament\]"'):
        games.write(tmp_path / "games.parquet")
    with pytest.raises(MissingExtraError, match="need pyarrow"):  # before anything is played
        run_tournament(["linear"], games=1, out=tmp_path / "out", on_cell=lambda *at: calls.append(at))
    assert not calls
    assert not any(tmp_path.iterdir())
    assert run_tournament(["linear"], ["uniform"], games=1).games_per_cell == 1
