"""The parameters of a persona that belong to no strategy, declared once: traits, triggers, network, move choice."""

from __future__ import annotations

from enum import IntEnum

from parlay_marl.core.drift import TAGS
from parlay_marl.core.table import Field, Parameter, field_dtype

TRAITS = (
    Parameter("agreeableness", 0.5, 0.0, 1.0, "Big Five A: for its words, not its moves"),
    Parameter("extraversion", 0.5, 0.0, 1.0, "Big Five E, likewise"),
    Parameter("openness", 0.5, 0.0, 1.0, "Big Five O, likewise"),
    Parameter("conscientiousness", 0.5, 0.0, 1.0, "Big Five C, likewise"),
    Parameter("neuroticism", 0.5, 0.0, 1.0, "Big Five N, likewise"),
    Parameter("aggression", 0.5, 0.0, 1.0, "how likely it opens with an anchor and calls bluffs"),
    Parameter(
        "patience", 0.5, 0.0, 1.0, "how often it is silent in place of a small move, how long its ultimatum runs"
    ),
    Parameter("bluff_rate", 0.0, 0.0, 1.0, "share of its claims that exaggerate, and of its ultimatums that are empty"),
    Parameter("mind_reading", 0.0, 0.0, 1.0, "how much it uses its belief about the other"),
    Parameter("event_sensitivity", 0.4, 0.0, 1.0, "how far events move its reservation price"),
)

TRIGGERS = (
    *(Parameter(f"on_{tag}", 0.0, 0.0, 1.0, f"1: drifts on an event tagged `{tag}`") for tag in TAGS),
    Parameter("on_tension", 101.0, 0.0, 101.0, "drifts once tension has passed this mark; 101: never"),
    Parameter("on_caught", 0.0, 0.0, 1.0, "1: drifts when a bluff of its own is caught"),
    Parameter("on_doubted", 0.0, 0.0, 1.0, "1: drifts when an honest claim of its own is challenged"),
)

TRAIT_INPUTS = ("agreeableness", "aggression", "patience", "bluff_rate")
"""The traits that a learned policy may get besides its observation, in this order: all of them, or none."""
MOST_HIDDEN = 3
"""The most hidden layers of a learned policy."""


class Activation(IntEnum):
    """Activations of the hidden layers of a learned policy."""

    RELU = 0
    TANH = 1


NETWORK = (
    Field("layers", "i8", (), "hidden layers of the learned policy that plays the persona; 0: none does"),
    Field("hidden", "i8", (MOST_HIDDEN,), "units of each hidden layer"),
    Field("activation", "i8", (), "an `Activation`"),
    Field("packages", "i8", (), "packages that its observation and its actions have room for"),
    Field("traits", "i8", (), "number of traits that follow the observation: those of `TRAIT_INPUTS`, or none"),
    Field("no_losses", "i8", (), "1: it never offers or accepts what is worth less than nothing to it"),
    Field("start", "i8", (), "where its weights begin in the array of all weights"),
    Field("explores", "i8", (), "1: games against it in a batch begin after some random offers, as training asks for"),
    Field("strategies", "i8", (), "strategies of a family, from which a persona is drawn for each game; 0: no family"),
    Field("temperature", "f8", (), "0: takes the likeliest action; else draws from softmax(logits / temperature)"),
)
NETWORK_DTYPE = field_dtype(NETWORK)

CHOICE = (
    Field("move", "i8", (), "a `Move`"),
    Field("price", "f8", (), "normalised price; 0 where the move has none"),
    Field("package", "i8", (), "package; 0 where the move has none"),
)
CHOICE_DTYPE = field_dtype(CHOICE)
