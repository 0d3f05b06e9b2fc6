"""Options of a command that are the fields of a settings model: the model alone has their names, defaults and help.

The model is imported when the command runs or shows its help, so that `parlay --help` imports no model. Values are
handed to the model as text, and the model alone checks them.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import typer
from typer.core import TyperCommand

from parlay_marl.errors import ConfigurationError, MissingExtraError
from parlay_marl.option import Option, field_options, flag_of, is_secret

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

LONGEST_SECRET_FILE = 4_096
LONG_NUMBER = 10_000
"""The first number that the help shows with separators."""
GIVEN = "parlay_marl.given"
"""The key of the values of a model's options in the context of a command."""


TEXTS = list[str] | None


class Kind(NamedTuple):
    """The declaration and the reading of options for one type of field."""

    type: Any
    metavar: str
    read: Callable[[str, Any], Any]
    """Return the value for the model, from the flag and the value that Typer has read."""

    @property
    def repeats(self) -> bool:
        """Return whether the option may be given more than once."""
        return bool(self.type == TEXTS)


class ModelOptions(NamedTuple):
    """The model whose fields are options of a command, and the extra that its import needs."""

    module: str
    name: str
    extra: str = ""

    def load(self) -> type[BaseModel]:
        """Import the model."""
        with needing(self.extra):
            model: type[BaseModel] = getattr(importlib.import_module(self.module), self.name)
        return model


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Turn the missing library of an import into an error that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if not extra:
            raise
        library = (error.name or "").partition(".")[0]
        raise MissingExtraError(f'the {extra} needs {library}; pip install "parlay-marl[{extra}]"') from None


def command_class(options: ModelOptions) -> type[TyperCommand]:
    """Return the class of a command that has the fields of a model as options."""
    return type("CommandOfModel", (ModelCommand,), {"options": options})


class ModelCommand(TyperCommand):
    """A command with the fields of a model as options, after its own; `given_settings` returns their values."""

    options: ModelOptions
    _fields: dict[str, Callable[[Any], Any]] | None = None
    """The reader of each field's value; None until the model is imported."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters of the function and the options of the model."""
        if self._fields is None:
            model = self.options.load()
            self._fields = {}
            for name, option in field_options(model):
                annotation = model.model_fields[name].annotation
                self._fields[name] = functools.partial(kind_of(annotation).read, flag_of(name, option, annotation))
            self.params = [*self.params, *_parameters(model)]
        return super().get_params(ctx)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, with the values of the model's options in its context instead of its arguments."""
        given = {}
        for name, read in (self._fields or {}).items():
            value = ctx.params.pop(name)
            if was_given(ctx, name):
                given[name] = read(value)
        ctx.meta[GIVEN] = given
        return super().invoke(ctx)


def was_given(context: Any, name: str) -> bool:
    """Return whether an argument of a command was given on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def given_settings(context: typer.Context) -> dict[str, Any]:
    """Return the fields of the model that were given as options of a command."""
    given: dict[str, Any] = context.meta[GIVEN]
    return given


def _parameters(model: type[BaseModel]) -> list[Any]:
    """Return a parameter of Typer for each field, made from a function of that signature."""

    def function(**_: Any) -> None:
        """Do nothing."""

    fields = [
        _declaration(name, model.model_fields[name], option, kind_of(model.model_fields[name].annotation))
        for name, option in field_options(model)
    ]
    function.__signature__ = inspect.Signature(fields)  # type: ignore[attr-defined]
    function.__annotations__ = {field.name: field.annotation for field in fields}
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return list(typer.main.get_command(app).params)


def _declaration(name: str, field: FieldInfo, option: Option, kind: Kind) -> inspect.Parameter:
    """Return the parameter of a function that Typer reads as the option of a field."""
    default = bool(field.default) if kind.type is bool else shown_default(field)
    flag = flag_of(name, option, field.annotation)
    if kind.type is bool and default:
        flag += f"/--no-{flag[2:]}"
    declared = typer.Option(
        *(each for each in (flag, option.short) if each),
        metavar=None if kind.type is bool else option.metavar or kind.metavar,
        help=_help(field, option, kind),
        show_default=option.default or bool(default),
    )
    annotation = Annotated[kind.type, declared]  # type: ignore[name-defined]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _help(field: FieldInfo, option: Option, kind: Kind) -> str:
    """Return the help of a field's option: its description, and the environment variable."""
    text = field.description or ""
    if is_secret(field.annotation):
        text = f"file with the {text}"
    sentences = [text[:1].upper() + text[1:] + ("" if text.endswith("?") else ".")]
    if kind.repeats:
        sentences.append("Repeat for more.")
    if option.variable:
        sentences.append(f"Environment variable: {option.variable}.")
    return " ".join(sentences)


def shown_default(field: FieldInfo) -> str | None:
    """Return the default of a field as the help shows it, or None where there is nothing to show."""
    value = field.default
    if field.is_required() or field.default_factory is not None or value is None or value == ():
        return None
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, int) and value >= LONG_NUMBER:
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def kind_of(annotation: Any) -> Kind:
    """Return the kind of a field's type.

    None in a union stands for an option that is not given; of a union with text the option is the text.
    """
    if get_origin(annotation) in (Union, UnionType):
        known = [each for each in get_args(annotation) if each is not NoneType]
        (annotation,) = [str] if str in known else known
    if is_secret(annotation):
        return Kind(Path | None, "FILE", read_secret)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return Kind(str | None, "|".join(inner), _as_it_is)
    if origin is dict:
        return Kind(TEXTS, "NAME[=WEIGHT]", read_weights)
    if origin is tuple and inner[0] is str:
        return Kind(TEXTS, "TEXT", _as_it_is)
    if origin is tuple:
        return Kind(str | None, "N,N", lambda _, value: value.split(","))
    if annotation is bool:
        return Kind(bool, "", _as_it_is)
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return Kind(str | None, {int: "N", float: "X"}.get(annotation, "TEXT"), _number if annotation is int else _as_it_is)


def _as_it_is(_: str, value: Any) -> Any:
    return value


def _number(_: str, value: str) -> Any:
    """Return a whole number for a model that takes no text in its place, and other text as it is."""
    try:
        return int(value)
    except ValueError:
        return value


def read_weights(flag: str, texts: Sequence[str]) -> dict[str, float]:
    """Return names with their weights, from texts such as `shark` and `shark=2`."""
    return dict(_weighted(flag, text) for text in texts)


def _weighted(flag: str, text: str) -> tuple[str, float]:
    name, separator, weight = text.rpartition("=")
    if not separator:
        return text, 1.0
    try:
        return name, float(weight)
    except ValueError:
        raise ConfigurationError(f"{flag} {text}: give a name, or a name and a weight, as shark=2") from None


def read_secret(flag: str, path: Path) -> str:
    """Return the secret that a file holds."""
    try:
        with path.open(encoding="utf-8") as file:
            secret = file.read(LONGEST_SECRET_FILE).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"{flag} {path}: cannot be read: {reason}") from None
    if not secret:
        raise ConfigurationError(f"{flag} {path}: is empty; put the {flag[2:].removesuffix('-file')} into it")
    return secret
