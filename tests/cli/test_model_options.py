"""Options made from the fields of a model: their flags, their help, their values and their errors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import Field, SecretStr, model_validator
from typer.testing import CliRunner

from parlay_marl.catalogue.files import Strict, validate
from parlay_marl.cli.group import ParlayGroup
from parlay_marl.cli.model_options import ModelOptions, command_class, given_settings, kind_of
from parlay_marl.option import Option, flags, variables
from parlay_marl.training.config import TrainingConfig
from tests.cli.conftest import Parlay

SEEN: list[dict[str, Any]] = []


class Sample(Strict):
    """A model with a field of every kind."""

    count: Annotated[int, Option(short="-c", variable="SAMPLE_COUNT")] = Field(3, ge=1, description="number of things")
    rate: float | None = Field(None, description="things per second")
    colour: Literal["red", "blue"] = Field("red", description="colour of things")
    shiny: bool = Field(False, description="make things shine")
    sizes: tuple[int, ...] = Field((1, 2), description="sizes of things")
    labels: Annotated[tuple[str, ...], Option("--label", metavar="WORD")] = Field((), description="labels of things")
    shares: dict[str, float] = Field(default_factory=dict, description="shares of things")
    key: SecretStr | None = Field(None, description="key to the things")
    shape: str | dict[str, float] = Field("round", description="shape of things, by name or in numbers")

    @model_validator(mode="after")
    def _red_things_do_not_shine(self) -> Sample:
        if self.shiny and self.colour == "red":
            raise ValueError("`shiny` needs another `colour`; give blue")
        return self


def sample(context: typer.Context, name: str = "x") -> None:
    """Make things."""
    given = given_settings(context)
    validate(Sample, given, "sample", flags(Sample))
    SEEN.append({"name": name, **given})


def call(*arguments: str) -> Any:
    app = typer.Typer(cls=ParlayGroup, add_completion=False)
    app.callback()(lambda: None)
    app.command(cls=command_class(ModelOptions(__name__, "Sample")))(sample)
    SEEN.clear()
    return CliRunner().invoke(app, ["sample", *arguments], prog_name="test")


def test_only_given_options_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE_COUNT", "9")  # the model reads variables, not the command line
    assert call("--name", "y").exit_code == 0
    assert SEEN == [{"name": "y"}]


def test_values_of_every_kind_are_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(" open sesame\n")
    done = call(
        *("-c", "4", "--rate", "0.5", "--colour", "blue", "--shiny", "--sizes", "3,4", "--label", "a", "--label", "b"),
        *("--shares", "one", "--shares", "two=2", "--key-file", str(file), "--shape", "square"),
    )
    assert done.exit_code == 0, done.stderr
    (seen,) = SEEN
    assert Sample.model_validate({name: value for name, value in seen.items() if name != "name"}) == Sample(
        count=4, rate=0.5, colour="blue", shiny=True, sizes=(3, 4), labels=("a", "b"), shares={"one": 1.0, "two": 2.0},
        key=SecretStr("open sesame"), shape="square",
    )  # fmt: skip


def test_help_has_defaults_metavars_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = call("--help").stdout
    for part in (
        *("--count", "-c", "Number of things. Environment variable: SAMPLE_COUNT. [default: 3]", "red|blue"),
        *("N,N", "[default: 1,2]", "WORD", "Labels of things. Repeat for more.", "NAME[=WEIGHT]"),
        *("--key-file", "FILE", "File with the key to the things."),
    ):
        assert part in text, part
    assert variables(Sample) == {"count": "SAMPLE_COUNT"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-c", "0"), "sample: --count: Input should be greater than or equal to 1 (given 0)"),
        (("--rate", "fast"), "sample: --rate: Input should be a valid number"),
        (("--colour", "green"), "sample: --colour: Input should be 'red' or 'blue' (given 'green')"),
        (("--sizes", "3,x"), "sample: --sizes: Input should be a valid integer"),
        (("--shares", "one=much"), "--shares one=much: give a name, or a name and a weight"),
        (("--shiny",), "sample: `--shiny` needs another `--colour`; give blue"),
        (("--key-file", "none"), "--key-file none: cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_option(arguments: tuple[str, ...], message: str) -> None:
    done = call(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert SEEN == []


def test_every_whole_number_of_a_training_is_read_from_text(parlay: Parlay, tmp_path: Path) -> None:
    fields = TrainingConfig.model_fields
    whole = [name for name, field in fields.items() if kind_of(field.annotation).metavar == "N"]
    assert {"frames", "lanes", "max_rounds", "seed"} <= set(whole)
    given = [text for name in whole if name not in ("lanes", "evaluation_games") for text in (option_of(name), "7")]
    done = parlay("train", str(tmp_path / "run"), *given, "--lanes", "0")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: train: --lanes: ")
    assert done.stderr.count("--") == 1


def option_of(name: str) -> str:
    """Return the option of a field."""
    return "--rounds" if name == "max_rounds" else "--" + name.replace("_", "-")
