"""The parameters of a game, one read-only record with a section for each concept.

`RULE_SECTIONS` are the numbers of the rules, and `FORM` the moves and prices of the game; `SCENARIO` is the deal
itself, and `FAMILY` the ranges from which each game draws its own. `parlay_marl.catalogue` builds the record from
validated models; the kernels take an array of such records, and a game's row holds the index of its record.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from parlay_marl.core.bargain import EROSION
from parlay_marl.core.belief import BELIEF
from parlay_marl.core.chance import MAX_TYPES
from parlay_marl.core.credibility import CREDIBILITY
from parlay_marl.core.drift import DRIFT, MAX_EVENTS
from parlay_marl.core.family import DEAL, FAMILY
from parlay_marl.core.form import FORM
from parlay_marl.core.moves import MAX_PACKAGES, MAX_TERMS
from parlay_marl.core.reward import REWARD
from parlay_marl.core.table import Field, Parameter, field_dtype, parameter_dtype
from parlay_marl.core.tension import TENSION


class Opener(IntEnum):
    """The seat that makes the first move of each round."""

    BUYER = 0
    SELLER = 1
    RANDOM = 2


RULE_SECTIONS: dict[str, tuple[Parameter, ...]] = {
    "tension": TENSION,
    "credibility": CREDIBILITY,
    "erosion": EROSION,
    "drift": DRIFT,
    "belief": BELIEF,
    "reward": REWARD,
}

SCENARIO = (
    Field("low", "f8", (), "lower end of the public price range, in currency"),
    Field("high", "f8", (), "upper end of the public price range, in currency"),
    Field("unit", "f8", (), "smallest amount in which personas name prices, in currency; 0: any price"),
    Field("rounds", "f8", (), "T, the number of rounds"),
    Field("opener", "i8", (), "who opens: 0 buyer, 1 seller, 2 drawn"),
    Field("complete", "i8", (), "1 where both reservation prices are public"),
    Field("nominal_width", "f8", (), "W_nominal, the ZOPA's width at the nominal figures: a public constant"),
    Field("reservation", "f8", (2,), "nominal reservation prices, in currency"),
    Field("reservation_spread", "f8", (), "largest relative deviation of a reservation price from its nominal"),
    Field("uniform", "i8", (), "1 where both reservation prices are U[low, high] instead"),
    Field("urgency", "f8", (2,), "nominal urgency"),
    Field("urgency_spread", "f8", (), "largest deviation of an urgency from its nominal"),
    Field("alternative", "f8", (2,), "probability of having an alternative at the start"),
    Field("sensitivity_low", "f8", (), "least drawn event sensitivity"),
    Field("sensitivity_high", "f8", (), "largest drawn event sensitivity"),
    Field("discount_factor", "f8", (2,), "discount factor per round; NaN: from urgency"),
    Field("packages", "i8", (), "number of packages"),
    Field("terms", "i8", (), "number of terms besides the price"),
    Field("term_options", "i8", (MAX_TERMS,), "number of options of each term; the last term varies fastest"),
    Field("value_spread", "f8", (), "largest relative deviation of how much a seat cares for a term"),
    Field("events", "i8", (), "number of events"),
    Field("event_round", "i8", (MAX_EVENTS,), "round at whose start an event happens"),
    Field("event_jitter", "i8", (MAX_EVENTS,), "most rounds by which an event comes earlier or later"),
    Field("event_tags", "i8", (MAX_EVENTS,), "bit mask of the event's tags"),
    Field("event_named", "i8", (MAX_EVENTS, 2), "1 where the headline names the seat"),
    Field("event_urgency", "f8", (MAX_EVENTS, 2), "change of urgency"),
    Field("event_alternative", "f8", (MAX_EVENTS, 2), "1 gains an alternative, 0 loses it, negative: neither"),
    Field("event_value_shift", "f8", (MAX_EVENTS, 2), "reservation shift towards toughness, times sensitivity, widths"),
    Field("package_values", "f8", (2, MAX_PACKAGES), "nominal worth of each package, in normalised price"),
    Field("package_sd", "f8", (2, MAX_PACKAGES), "standard deviation of the worth of each package"),
    Field("types", "i8", (2,), "number of types of each seat; 0: its figures are drawn around the nominal ones"),
    Field("type_below", "f8", (2, MAX_TYPES), "probability of this type or one before it"),
    Field("type_reservation", "f8", (2, MAX_TYPES), "reservation price of each type, normalised"),
    Field("type_urgency", "f8", (2, MAX_TYPES), "urgency of each type"),
    Field("type_alternative", "i8", (2, MAX_TYPES), "1 where the type has an alternative"),
)

RECORDS = {"scenario": SCENARIO, "deal": DEAL, "family": FAMILY, "form": FORM}

PARAMS_DTYPE = np.dtype(
    [(name, parameter_dtype(table)) for name, table in RULE_SECTIONS.items()]
    + [(name, field_dtype(table)) for name, table in RECORDS.items()],
    align=True,
)
