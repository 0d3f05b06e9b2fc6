"""Reading the catalogue's TOML files by name or path, with errors that name file, key and reason; atomic writing."""

from __future__ import annotations

import os
import re
import threading
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from parlay_marl.errors import CatalogueError, UnknownNameError
from parlay_marl.printable import escaped

Model = TypeVar("Model", bound=BaseModel)

PACKAGE = Path(__file__).resolve().parent.parent
POLICY_SUFFIX = ".safetensors"
"""Extension of files of learned policies."""
NO_NAMES: Mapping[str, str] = MappingProxyType({})
NAMED = re.compile(r"`(\w+)`")
"""A key in a validation message."""


class Strict(BaseModel):
    """A frozen model that refuses unknown keys and text with terminal control characters.

    An instance is validated again: `model_copy(update=...)` checks nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, revalidate_instances="always")

    @field_validator("*")
    @classmethod
    def _can_be_shown(cls, value: Any) -> Any:
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and escaped(text, keep="\n\t") != text:
                raise ValueError(f"{escaped(text):.60} holds control characters, which terminals obey; leave them out")
        return value


def names_in(folder: Path) -> list[str]:
    """Return the names of the catalogue's files in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def is_path(name: str) -> bool:
    """Return whether a name has the form of a file's path."""
    return name.endswith((".toml", POLICY_SUFFIX)) or "/" in name or "\\" in name


def find(
    kind: str, name: object, folder: Path, suffixes: tuple[str, ...] = (".toml",), others: Iterable[str] = ()
) -> Path:
    """Return the file of a name in a folder, or of a user's own path, which has one of the `suffixes`.

    `others` are names that an error may suggest besides those of the folder.
    """
    if isinstance(name, Path):
        path = name
    elif isinstance(name, str) and is_path(name):
        path = Path(name)
    elif isinstance(name, str) and name in names_in(folder):
        return folder / f"{name}.toml"
    else:
        raise UnknownNameError(
            kind, name, [*names_in(folder), *others], f" (or give the path of a {' or '.join(suffixes)} file)"
        )
    if not path.is_file():
        raise CatalogueError(f"{path}: no such {kind} file; give a name of the catalogue or an existing .toml file")
    return path


def reasons(error: ValidationError, names: Mapping[str, str] = NO_NAMES, secrets: Collection[str] = ()) -> str:
    """Return the errors of a validation as a sequence of `key: reason`.

    `names` maps keys to the user's names for them, such as options of a command, which are shown in backticks. The
    values of `secrets` are not shown.
    """
    found = []
    for item in error.errors():
        if item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]:
            continue  # pydantic counts a tuple without its invalid items, which have errors of their own
        key = str(item["loc"][0]) if item["loc"] else ""
        place = names.get(key) or escaped(".".join(str(part) for part in item["loc"]))
        reason = NAMED.sub(lambda name: f"`{names.get(name[1], name[1])}`", item["msg"].removeprefix("Value error, "))
        hidden = item["type"] in ("missing", "value_error") or key in secrets
        given = "" if hidden else f" (given {item['input']!r:.60})"
        found.append((f"{place}: " if place else "") + reason + given)
    return "; ".join(found)


def validate(
    model: type[Model], data: Mapping[str, Any] | BaseModel, source: str, names: Mapping[str, str] = NO_NAMES
) -> Model:
    """Return a validated model; an error says where the data is wrong; `names` as in `reasons`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise CatalogueError(f"{source}: {reasons(error, names)}") from None


def still_valid(given: Model, source: str) -> Model:
    """Return a model, validated again where `model_copy` has changed it; refuse an invalid one."""
    read_again = validate(type(given), given, source)
    return given if read_again == given else read_again


def read(model: type[Model], path: Path, prefix: str = "", of_families: Collection[str] = ()) -> Model:
    """Return the validated model of a TOML file; the default name is that of the file, with a prefix.

    `of_families` are keys that only the file of a family has: it is refused, with the name that it goes by.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a byte order mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CatalogueError(f"{path}: not a readable TOML file: {error}") from None
    if data.keys() & set(of_families):
        raise CatalogueError(f"{path}: it is a family of scenarios, not a single one; write family:{path}")
    if "name" in data:
        return validate(model, data, str(path))
    try:
        return model.model_validate({"name": prefix + path.stem, **data})
    except ValidationError as error:
        found = reasons(error)
        if any(item["loc"] == ("name",) for item in error.errors()):
            found += "; the name is the file's: rename the file, or write `name = ...` into it"
        raise CatalogueError(f"{path}: {found}") from None


def reason_of(error: Exception) -> str:
    """Return the reason of an error of the system, without the path that it repeats."""
    return str(getattr(error, "strerror", None) or error)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically, by moving a complete draft into its place.

    A symbolic link is followed, so that it stays a link. What is there and is no regular file, such as a pipe or
    `/dev/null`, is written to in place of being replaced. Raises `OSError`.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(content)  # raises IsADirectoryError for a folder
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
