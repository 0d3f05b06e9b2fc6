"""The games of a tournament as one table, in memory and as a Parquet file, with everything that a replay needs."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from parlay_marl import __version__
from parlay_marl.catalogue.families import AnyScenario, any_scenario_from
from parlay_marl.catalogue.personas import Persona
from parlay_marl.catalogue.rules import RULE_PRESETS, load_rules
from parlay_marl.core.moves import SEATS
from parlay_marl.core.outcome import OUTCOME, OUTCOME_DTYPE, Ending
from parlay_marl.errors import ConfigurationError, MissingExtraError
from parlay_marl.game.config import make_config
from parlay_marl.game.form_settings import Form

SCHEMA_VERSION = 1
"""Version of the file's schema: it changes when a column changes its name or meaning."""
ROWS_AT_ONCE = 131_072
"""Games in a row group of the file, of which two copies are in memory while it is written or read."""
NOBODY = -1
"""The value of `forfeit_by` in a game without a forfeit."""
POLICY_DIGEST = "policy_sha256"
"""Key of the digest of a learned policy's file in the source of the persona that it plays."""

GAME_DTYPE = np.dtype(
    [
        ("buyer", "i2"),
        ("seller", "i2"),
        ("scenario", "i2"),
        ("number", "i8"),
        ("forfeit_by", "i1"),
        ("outcome", OUTCOME_DTYPE),
    ],
    align=True,
)
"""One game: its buyer, seller and scenario, its number, the seat that forfeited it, and its outcome.

The outcome's own field `scenario` is the index within a cell, which is always 0.
"""

Rows = np.ndarray[Any, np.dtype[np.void]]


class Column(NamedTuple):
    """One column of the file: its name, type and meaning, and the field of the table with its values."""

    name: str
    type: str
    meaning: str
    field: str
    part: int | None = None
    """The seat of a pair."""
    is_of_outcome: bool = True
    names: str = ""
    """The kind of names that the file stores for numbers of the table: entrants, scenarios, seats or endings."""

    def values(self, rows: Rows) -> NDArray[Any]:
        """Return the values in rows of the table, as a writable view."""
        values: NDArray[Any] = (rows["outcome"] if self.is_of_outcome else rows)[self.field]
        return values if self.part is None else values[:, self.part]


def _outcome_columns() -> Iterator[Column]:
    """Yield the columns of the outcome: one for each seat of a pair, names for numbers that stand for names."""
    names = {"ending": "endings", "opener": "seats", "closed_by": "seats"}
    meanings = {
        "ending": f"how it ended: {', '.join(ending.name.lower() for ending in Ending if ending)}",
        "closed_by": "seat whose move ended the game; null where the clock did",
    }
    for field in OUTCOME:
        kind = "string" if field.name in names else np.dtype(field.dtype).name
        meaning = meanings.get(field.name, field.meaning)
        if field.shape:
            for part, of in enumerate(SEATS if field.shape == (2,) else range(field.shape[0])):
                yield Column(f"{field.name}_{of}", kind, f"{of}: {meaning}", field.name, part)
        elif field.name != "scenario":
            yield Column(field.name, kind, meaning, field.name, names=names.get(field.name, ""))


COLUMNS = (
    Column("scenario", "string", "name of the scenario", "scenario", None, False, "scenarios"),
    Column("buyer", "string", "name of the buyer", "buyer", None, False, "entrants"),
    Column("seller", "string", "name of the seller", "seller", None, False, "entrants"),
    Column("number", "int64", "number of the game, which with the seed fixes its draws", "number", None, False),
    Column("forfeit_by", "string", "seat that forfeited the game; null: nobody", "forfeit_by", None, False, "seats"),
    *_outcome_columns(),
)
"""The columns of the file, in order; prices are normalised to the scenario's public range."""


@dataclass(frozen=True)
class EntrantInfo:
    """An entrant as the file describes it: a persona with all its numbers and words, or a policy with its origin."""

    name: str
    kind: str
    """`persona` or `policy`."""
    source: Mapping[str, Any]
    """A persona as plain data, with the digest of the learned policy that plays it under
    `POLICY_DIGEST`; of a policy, its import path and the digest of that file, or its class."""

    @property
    def persona(self) -> Persona | None:
        """The persona; None where the entrant is a policy."""
        if self.kind != "persona":
            return None
        return Persona.model_validate({key: value for key, value in self.source.items() if key != POLICY_DIGEST})

    @property
    def policy_digest(self) -> str | None:
        """The SHA-256 digest of the policy file that played a persona, empty without a file; None without a policy."""
        return self.source.get(POLICY_DIGEST)


@dataclass(frozen=True, eq=False)
class Games:
    """A finished tournament: every game, and all that is needed to read and replay them."""

    seed: int
    games_per_cell: int
    """Games of each buyer, seller, scenario and opener."""
    rules: Mapping[str, Any]
    """All numbers of the rules, as plain data."""
    entrants: tuple[EntrantInfo, ...]
    """Sorted by name; `buyer` and `seller` of a row are indices into it."""
    scenarios: tuple[AnyScenario, ...]
    """Sorted by name; `scenario` of a row is an index into it."""
    rows: Rows
    """Rows of `GAME_DTYPE`, by scenario, buyer, seller, opener and number, which counts from 0 in every cell."""
    version: str = __version__
    """Version of the package that played the games."""
    form: Form = dataclass_field(default_factory=dict)
    """The settings of the form of the games that are not the usual ones, as plain data."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the entrants."""
        return tuple(entrant.name for entrant in self.entrants)

    @property
    def scenario_names(self) -> tuple[str, ...]:
        """The names of the scenarios."""
        return tuple(scenario.name for scenario in self.scenarios)

    @property
    def rules_name(self) -> str:
        """The name of the preset that equals the rules, or `custom`."""
        presets = ((name, load_rules(name).model_dump(mode="json")) for name in RULE_PRESETS)
        return next((name for name, preset in presets if preset == dict(self.rules)), "custom")

    @functools.cached_property
    def openers(self) -> int:
        """The number of seats that may open: 1 where the protocol says which."""
        if not self.scenarios:
            return 2
        return 1 if make_config(self.scenarios[0], **self.form).only_opener >= 0 else 2

    def forfeits(self) -> dict[str, int]:
        """Return the number of games that each entrant forfeited."""
        counts = np.zeros(len(self.entrants), np.int64)
        for seat, name in enumerate(SEATS):
            lost = self.rows["forfeit_by"] == seat
            counts += np.bincount(self.rows[name][lost], minlength=len(counts))
        return dict(zip(self.names, counts.tolist(), strict=True))

    def plan(self) -> dict[str, Any]:
        """Return the plan as plain data: everything that determines the games."""
        return {
            "schema_version": SCHEMA_VERSION,
            "package_version": self.version,
            "seed": self.seed,
            "games_per_cell": self.games_per_cell,
            "rules": dict(self.rules),
            "form": dict(self.form),
            "entrants": [asdict(entrant) for entrant in self.entrants],
            "scenarios": [scenario.model_dump(mode="json") for scenario in self.scenarios],
        }

    def write(self, file: str | Path | BinaryIO) -> None:
        """Write a Parquet file, compressed with zstd: the columns of `COLUMNS`, and the plan as its metadata."""
        parquet = parquet_library()
        labels = _labels(self.names, self.scenario_names)
        metadata = {name: json.dumps(value) for name, value in self.plan().items()}
        schema = _table(self.rows[:0], labels).schema.with_metadata(metadata)
        named = [column.name for column in COLUMNS if column.names]
        with parquet.ParquetWriter(file, schema, compression="zstd", use_dictionary=named) as writer:
            for start in range(0, len(self.rows), ROWS_AT_ONCE):
                table = _table(self.rows[start : start + ROWS_AT_ONCE], labels)
                writer.write_table(table.replace_schema_metadata(metadata), row_group_size=ROWS_AT_ONCE)

    @classmethod
    def read(cls, file: str | Path) -> Self:
        """Return the games of a file that `write` wrote, bit for bit."""
        parquet = parquet_library()
        try:
            source = parquet.ParquetFile(file)
        except (OSError, ValueError) as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
            raise ConfigurationError(f"{file}: cannot be read as a Parquet file of games: {reason}") from None
        with source:
            plan = _plan(file, source.schema_arrow.metadata or {})
            games = cls(
                plan["seed"],
                plan["games_per_cell"],
                plan["rules"],
                tuple(EntrantInfo(**entrant) for entrant in plan["entrants"]),
                tuple(any_scenario_from(scenario, str(file)) for scenario in plan["scenarios"]),
                np.zeros(source.metadata.num_rows, GAME_DTYPE),
                plan["package_version"],
                plan.get("form", {}),
            )
            _check_columns(file, source.schema_arrow.names)
            labels = _labels(games.names, games.scenario_names)
            start = 0
            for batch in source.iter_batches(ROWS_AT_ONCE, columns=[column.name for column in COLUMNS]):
                for column in COLUMNS:
                    target = column.values(games.rows[start : start + len(batch)])
                    target[:] = _numbers(file, column, batch.column(column.name), labels)
                start += len(batch)
        return games


def parquet_library() -> Any:
    """Return the library of Parquet files."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError('results in Parquet need pyarrow; pip install "parlay-marl[tournament]"') from None
    return parquet


def _labels(entrants: tuple[str, ...], scenarios: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the names of numbers in the table; a negative number has no name."""
    endings = tuple(ending.name.lower() for ending in Ending)
    return {"entrants": entrants, "scenarios": scenarios, "seats": SEATS, "endings": endings}


def _table(rows: Rows, labels: Mapping[str, tuple[str, ...]]) -> Any:
    """Return rows as an Arrow table."""
    import pyarrow

    arrays = []
    for column in COLUMNS:
        values = np.ascontiguousarray(column.values(rows))
        if column.names:
            numbers = pyarrow.array(values.astype(np.int16), mask=values < 0)
            arrays.append(pyarrow.DictionaryArray.from_arrays(numbers, list(labels[column.names])))
        else:
            arrays.append(pyarrow.array(values))
    return pyarrow.table(arrays, names=[column.name for column in COLUMNS])


def _numbers(file: str | Path, column: Column, array: Any, labels: Mapping[str, tuple[str, ...]]) -> NDArray[Any]:
    """Return a column of the file as numbers of the table."""
    if not column.names:
        numbers: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return numbers
    encoded = array if hasattr(array, "indices") else array.dictionary_encode()
    known, used = labels[column.names], encoded.dictionary.to_pylist()
    unknown = sorted(set(used) - set(known))
    if unknown:
        raise ConfigurationError(f"{file}: column {column.name!r} names {unknown[0]!r}, which its metadata does not")
    code_of = np.array([*(known.index(name) for name in used), NOBODY])
    codes: NDArray[Any] = code_of[encoded.indices.fill_null(len(used)).to_numpy(zero_copy_only=False)]
    return codes


def _plan(file: str | Path, metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return the plan in a file's metadata."""
    if b"schema_version" not in metadata:
        raise ConfigurationError(f"{file}: not a file of a tournament's games; `parlay tournament --out` writes them")
    version = json.loads(metadata[b"schema_version"])
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{file}: its schema is version {version}, this package reads {SCHEMA_VERSION}; "
            "read it with the version of parlay-marl that wrote it"
        )
    return {name.decode(): json.loads(value) for name, value in metadata.items() if not name.startswith(b"ARROW")}


def _check_columns(file: str | Path, names: list[str]) -> None:
    """Refuse a file without all columns."""
    missing = [column.name for column in COLUMNS if column.name not in names]
    if missing:
        raise ConfigurationError(f"{file}: lacks the column {missing[0]!r}; it was changed after it was written")
