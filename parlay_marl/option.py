"""The command-line option of a settings field, where it does not follow from the field's name and type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True)
class Option:
    """An annotation of a field: its option on the command line. An empty attribute follows from the field."""

    flag: str = ""
    """The long flag; by default the field's name with dashes."""
    short: str = ""
    """A flag of one letter."""
    metavar: str = ""
    """The name of the value in the help; by default it follows from the type."""
    variable: str = ""
    """The environment variable that sets the field where neither an option nor code does."""
    default: str = ""
    """The default in words, where the model has no value to show."""


def field_options(model: type[BaseModel]) -> Iterator[tuple[str, Option]]:
    """Yield the name of each field and its option; the option is empty where the field has no annotation."""
    for name, field in model.model_fields.items():
        yield name, next((each for each in field.metadata if isinstance(each, Option)), Option())


def variables(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the environment variables of a model's fields, by field."""
    return {name: option.variable for name, option in field_options(model) if option.variable}


def flag_of(name: str, option: Option, annotation: Any) -> str:
    """Return the long flag of a field.

    A secret's flag takes a file, because processes can see each other's arguments.
    """
    return option.flag or "--" + name.replace("_", "-") + ("-file" if is_secret(annotation) else "")


def is_secret(annotation: Any) -> bool:
    """Return whether a field holds a secret."""
    from pydantic import SecretStr

    return SecretStr in (annotation, *getattr(annotation, "__args__", ()))


def flags(model: type[BaseModel]) -> dict[str, str]:
    """Return the long flags of a model's fields, by field."""
    return {name: flag_of(name, option, model.model_fields[name].annotation) for name, option in field_options(model)}
