"""The fields of a game's form and its number of rounds: their names, types, defaults and descriptions, once.

The configuration of games, the training and the commands have these fields. Only pydantic is imported: the help of a
command waits for no compiler. Numbers of the core stand here again, and a test compares them.
"""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from parlay_marl.option import Option

LEAST_LEVELS, PRICE_LEVELS, MAX_ROUNDS, HALF = 2, 41, 1_000, 0.5


def plain_number(value: Any) -> Any:
    """Return a whole number of any library as a plain one, and anything else as it is."""
    if isinstance(value, bool):
        return value
    try:
        return operator.index(value)
    except TypeError:
        return value


def real_number(value: Any) -> float:
    """Return a real number of any library as a float: infinite where no float is as large, NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return -math.inf if value < 0.0 else math.inf


ProtocolName = Literal["alternating_offers", "seller_offers", "buyer_offers", "take_it_or_leave_it", "sealed_bid"]
Rounds = Annotated[int, BeforeValidator(plain_number), Field(strict=True, ge=1, le=MAX_ROUNDS)]
Levels = Annotated[int, BeforeValidator(plain_number), Field(strict=True, ge=LEAST_LEVELS, le=PRICE_LEVELS)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class FormSettings(BaseModel):
    """The form of games and their number of rounds. Each field is an option of the commands that play games."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    protocol: ProtocolName = Field("alternating_offers", description="who may do what in which turn")
    price_share: Annotated[Share, Option(metavar="K")] = Field(
        HALF, description="k of `sealed_bid`: where the price lies between the seller's and the buyer's"
    )
    price_levels: Levels = Field(
        PRICE_LEVELS,
        description="prices that offers may have, over the range; 41: any price, and these as discrete actions",
    )
    moves: Annotated[tuple[str, ...] | None, Option(metavar="NAME")] = Field(
        None, description="moves of the game, by name; accept and offer are always among them; default: all seven"
    )
    events: StrictBool = Field(True, description="do the scenario's events happen?")
    max_rounds: Annotated[Rounds | None, Option("--rounds")] = Field(
        None, description="rounds until the deadline; default: as the scenario says"
    )


def form_field(name: str) -> Any:
    """Return the default and the description of a field, for another model that has it."""
    found = FormSettings.model_fields[name]
    return Field(found.default, description=found.description)
