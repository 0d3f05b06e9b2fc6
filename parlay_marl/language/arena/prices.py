"""The user's table of prices: the cost of a million tokens of each model."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from parlay_marl.catalogue.files import Strict, validate
from parlay_marl.errors import ConfigurationError
from parlay_marl.language.arena.entrants import Model

if TYPE_CHECKING:
    from parlay_marl.language.budget import Prices


class ModelPrices(Strict):
    """The prices of one model, in units of a currency for a million tokens."""

    prompt: float = Field(ge=0.0, description="of tokens sent")
    completion: float = Field(ge=0.0, description="of tokens received")


def read_prices(path: str | Path, models: Sequence[Model]) -> dict[str, Prices]:
    """Return the prices of each model of an arena, from a TOML file with a table for each.

    The name of a table is the arena's name of a model, or the model's own name.
    """
    from parlay_marl.language.budget import Prices

    file = Path(path)
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"prices: {file} cannot be read: {reason}; give a TOML file") from None
    found = {}
    for model in models:
        names = [name for name in (model.name, str(model.settings["model"])) if name in table]
        if not names:
            raise ConfigurationError(
                f'prices: {file} has no table for {model.name!r}; add ["{model.name}"] with prompt and completion, '
                "the prices of a million tokens"
            )
        read = validate(ModelPrices, table[names[0]], f"prices: {file}: {names[0]}")
        found[model.name] = Prices(read.prompt, read.completion)
    return found
