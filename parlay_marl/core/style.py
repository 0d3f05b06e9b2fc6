"""The numbers of a persona, declared once: traits and tactics, in a base form and a drifted one."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from parlay_marl.core.drift import TAGS
from parlay_marl.core.table import Field, Parameter, field_dtype, parameter_dtype


class Strategy(IntEnum):
    """The family a persona's aspiration comes from."""

    TIME = 0
    """Time-dependent: concede on a polynomial clock (Faratin, Sierra and Jennings 1998)."""
    TIT_FOR_TAT = 1
    """Relative tit-for-tat: repeat the other's last concession in percent (same paper)."""
    MICRO = 2
    """Minimal concession: one step for each new offer received (de Jonge 2022)."""
    NASH = 3
    """Ask for half of the surplus that the belief sees (Nash 1950)."""
    RANDOM = 4
    """Any legal action of the discrete space, all alike."""


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

TACTICS = (
    Parameter("strategy", 0.0, 0.0, 4.0, "family of its aspiration, a `Strategy`"),
    Parameter("opening", 1.0, 0.0, 1.0, "first demand: share of the way from its reservation price to its own end"),
    Parameter("opening_markup", 0.0, 0.0, 5.0, "least first demand beyond its reservation price, as a share of it"),
    Parameter("anchors", 0.0, 0.0, 1.0, "share of its aggression that goes into opening with an anchor"),
    Parameter("exponent", 1.0, 0.01, 100.0, "Faratin's beta: below 1 concedes late, above 1 early"),
    Parameter("concession", 1.0, 0.0, 1.0, "share of its aspiration given up by the deadline"),
    Parameter("leverage", 0.0, 0.0, 1.0, "share of that concession that it keeps while it has an alternative"),
    Parameter("hold_rounds", 0.0, 0.0, 1000.0, "rounds in which it makes only small moves, for talks of 20 rounds"),
    Parameter("small_move", 0.0, 0.0, 1.0, "most worth that a small move gives up"),
    Parameter("silence_rate", 0.0, 0.0, 1.0, "share of its patience that goes into silence instead of a small move"),
    Parameter("waits", 0.0, 0.0, 1.0, "1: never concedes first"),
    Parameter("reciprocity", 0.0, 0.0, 10.0, "most that it gives up for each unit given up by the other; 0: no limit"),
    Parameter("claim_rate", 0.0, 0.0, 1.0, "probability of a claim in a turn that suits one"),
    Parameter("claim_after_concession", 0.0, 0.0, 1.0, "1: claims only once the other has conceded"),
    Parameter("claim_below", 5.0, 0.0, 5.0, "claims only while it asks for no more than this worth"),
    Parameter("exaggeration", 0.3, 0.0, 1.0, "least distance of a bluff from the truth, as a share of the range"),
    Parameter("honest_margin", 0.05, 0.0, 1.0, "most distance of an honest claim from it, as a share of the range"),
    Parameter("stands_by_claim", 0.0, 0.0, 1.0, "1: gives nothing more while its claim is open, until it closes"),
    Parameter("challenge_rate", 0.0, 0.0, 1.0, "share of its aggression that goes into challenging implausible claims"),
    Parameter("cool_above", 101.0, 0.0, 101.0, "tension above which it concedes to cool the talks"),
    Parameter("cooling_step", 0.0, 0.0, 1.0, "worth conceded to cool them"),
    Parameter("fairness", 0.0, 0.0, 1.0, "weight of half the believed surplus as the floor of its aspiration"),
    Parameter("exploitation", 0.0, 0.0, 1.0, "weight, times mind-reading, of the best last demand against its belief"),
    Parameter("closing_rounds", 0.0, 0.0, 1000.0, "last rounds in which it closes near its target, of 20"),
    Parameter("closing_tolerance", 0.0, 0.0, 1.0, "how near, as a share of the target price in currency"),
    Parameter("ultimatum_round", 1000.0, 0.0, 1000.0, "round of its final offer, for talks of 20 rounds"),
    Parameter("ultimatum_rounds", 0.0, 0.0, 1000.0, "rounds that it lets it stand, times its patience, of 20"),
    Parameter("ultimatum_share", 0.5, 0.0, 1.0, "aspiration of that offer, as a share of its first demand"),
    Parameter("final_share", 0.0, 0.0, 1.0, "least worth it accepts in its last turn, as a share of its first demand"),
    Parameter("logrolling", 0.0, 0.0, 1.0, "worth up to which it yields a term to the other's liking"),
)

TRIGGERS = (
    *(Parameter(f"on_{tag}", 0.0, 0.0, 1.0, f"1: drifts on an event tagged `{tag}`") for tag in TAGS),
    Parameter("on_tension", 101.0, 0.0, 101.0, "drifts once tension has passed this mark; 101: never"),
    Parameter("on_caught", 0.0, 0.0, 1.0, "1: drifts when a bluff of its own is caught"),
    Parameter("on_doubted", 0.0, 0.0, 1.0, "1: drifts when an honest claim of its own is challenged"),
)

TRAIT_INPUTS = ("agreeableness", "aggression", "patience", "bluff_rate")
"""The traits that a learned policy may be given beside its observation, in this order: all of them, or none."""
MOST_HIDDEN = 3
"""Hidden layers that a learned policy may have."""


class Activation(IntEnum):
    """What follows each hidden layer of a learned policy."""

    RELU = 0
    TANH = 1


NETWORK = (
    Field("layers", "i8", (), "hidden layers of the learned policy that plays the persona; 0: none does"),
    Field("hidden", "i8", (MOST_HIDDEN,), "units of each hidden layer"),
    Field("activation", "i8", (), "an `Activation`"),
    Field("packages", "i8", (), "packages that its observation and its actions have room for"),
    Field("traits", "i8", (), "number of traits that follow the observation: those of `TRAIT_INPUTS`, or none"),
    Field("start", "i8", (), "where its weights begin in the array of all weights"),
    Field("explores", "i8", (), "1: games against it in a batch begin after some random offers, as training asks for"),
    Field("temperature", "f8", (), "0: takes the likeliest action; else draws from softmax(logits / temperature)"),
)
NETWORK_DTYPE = field_dtype(NETWORK)

_STYLE_DTYPE = parameter_dtype(TRAITS + TACTICS)

PERSONA_DTYPE = np.dtype(
    [
        ("base", _STYLE_DTYPE),
        ("drifted", _STYLE_DTYPE),
        ("triggers", parameter_dtype(TRIGGERS)),
        ("network", NETWORK_DTYPE),
    ],
    align=True,
)

CHOICE = (
    Field("move", "i8", (), "a `Move`"),
    Field("price", "f8", (), "normalised price; 0 where the move has none"),
    Field("package", "i8", (), "package; 0 where the move has none"),
)
CHOICE_DTYPE = field_dtype(CHOICE)
