"""The format of policy files: bytes into checked parts and back, without a word of Python in them.

The file is a safetensors file: a length, a header in JSON, and numbers. Its metadata hold one JSON text, the card,
under `KEY`. Whatever is wrong with a file is a `ValueError` that says what, and what to do.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator
from safetensors import SafetensorError
from safetensors.numpy import load, save

from parlay_marl.catalogue.files import Strict, reasons
from parlay_marl.core.moves import MAX_PACKAGES, PRICE_LEVELS, Move, discrete_index
from parlay_marl.core.style import MOST_HIDDEN
from parlay_marl.policies.columns import check_fields, in_todays_columns, observation_table

FORMAT = 1
KEY = "parlay_policy"
LARGEST_FILE = 64 * 2**20
"""Bytes; the largest network that is allowed takes a fifth of it."""
LARGEST_HEADER = 2**20
TOO_LARGE = f"it is larger than {LARGEST_FILE // 2**20} MiB, which no policy is; give a policy file"
DEEPEST = 32
"""Largest depth at which the figures of the training are nested."""
ACTIVATIONS = ("relu", "tanh")

Float32 = NDArray[np.float32]
Layers = tuple[tuple[Float32, ...], tuple[Float32, ...]]
"""The weights and the biases of a network, layer by layer."""
NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")
Name = Annotated[str, Field(pattern=rf"\A{NAME.pattern}\z")]
ScenarioName = Annotated[str, Field(pattern=rf"\A(family:)?{NAME.pattern}\z")]
Text = Annotated[str, Field(max_length=60)]
Whole = Annotated[int, Field(strict=True)]

_AGAIN = "the file is damaged; copy it or export it again"
_TENSOR = re.compile(r"[0-9]\.(weight|bias)")


class Facts(Strict):
    """Facts of a policy besides its network."""

    name: Name = Field(description="what it is called, as a persona is")
    activation: Literal["relu", "tanh"] = Field("relu", description="function of the hidden layers")
    packages: int = Field(1, ge=1, le=MAX_PACKAGES, strict=True, description="packages that it has room for")
    traits: tuple[Name, ...] = Field((), max_length=64, description="traits that follow the observation in its input")
    temperature: float = Field(
        1.0, ge=0.0, le=100.0, strict=True, description="0 plays the likeliest action, else softmax(logits / it)"
    )
    no_losses: bool = Field(
        False, strict=True, description="it never offers or accepts what is worth less than nothing to it"
    )
    scenarios: tuple[ScenarioName, ...] = Field((), max_length=256, description="what it was trained on")
    training: dict[str, Any] = Field(default_factory=dict, description="figures of its training, free in form")

    @field_validator("traits", "scenarios")
    @classmethod
    def _named_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("a name occurs twice")
        return names

    @field_validator("training")
    @classmethod
    def _copied(cls, training: dict[str, Any]) -> dict[str, Any]:
        if not _is_plain(training, DEEPEST):
            raise ValueError(f"give plain JSON: finite numbers and texts, at most {DEEPEST} levels deep")
        copied: dict[str, Any] = json.loads(json.dumps(training))
        return copied


class Actions(Strict):
    """The discrete action space that a policy was made for: its kinds of move in order, and its grid of prices."""

    moves: tuple[Text, ...] = Field(max_length=64)
    price_levels: Whole


class Card(Facts):
    """The JSON text of a file: the policy's own facts, and the tables that it was made for."""

    format: Literal[1]
    observation: tuple[tuple[Text, Whole], ...] = Field(max_length=1024)
    observation_digest: str = Field(pattern=r"\A[0-9a-f]{64}\z")
    actions: Actions


def digest(table: Any) -> str:
    """Return the SHA-256 digest of an observation table."""
    return hashlib.sha256(json.dumps(table, separators=(",", ":")).encode()).hexdigest()


def action_table() -> dict[str, Any]:
    """Return the kinds of move in the order of the discrete action space, and how many prices an offer has."""
    order = sorted(Move, key=lambda move: discrete_index(move, 0.0, 0, 1))
    return {"moves": [move.name.lower() for move in order], "price_levels": PRICE_LEVELS}


def encode(facts: Facts, layers: Layers) -> bytes:
    """Return the content of a file."""
    table = observation_table()
    card = {
        "format": FORMAT,
        **facts.model_dump(mode="json"),
        "observation": table,
        "observation_digest": digest(table),
        "actions": action_table(),
    }
    tensors: dict[str, Float32] = {}
    for kind, arrays in zip(("weight", "bias"), layers, strict=True):
        tensors |= {f"{i}.{kind}": np.ascontiguousarray(array) for i, array in enumerate(arrays)}
    return save(tensors, metadata={KEY: json.dumps(card, allow_nan=False)})


def decode(content: bytes) -> tuple[Facts, Layers]:
    """Return what the content of a file holds, its first layer in today's columns of the observation.

    Other sizes, and the values of the network, are the policy's to check. Raises `ValueError`.
    """
    if len(content) > LARGEST_FILE:
        raise ValueError(TOO_LARGE)
    header = _header(content)
    card = _card(header.pop("__metadata__", None))
    count = _count_layers(header)
    try:
        tensors = load(content)
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"its tensors cannot be read ({error}); {_AGAIN}") from None
    first = in_todays_columns(tensors["0.weight"], card.observation, card.packages, len(card.traits))
    facts = Facts.model_validate(card.model_dump(include=set(Facts.model_fields)))
    return facts, (
        (first, *(tensors[f"{i}.weight"] for i in range(1, count))),
        tuple(tensors[f"{i}.bias"] for i in range(count)),
    )


def _is_plain(value: Any, depth: int) -> bool:
    """Return whether a value is plain JSON of at most `depth` levels, with finite numbers."""
    if isinstance(value, dict):
        return depth > 0 and all(isinstance(key, str) and _is_plain(item, depth - 1) for key, item in value.items())
    if isinstance(value, list | tuple):
        return depth > 0 and all(_is_plain(item, depth - 1) for item in value)
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, whose names must differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"the name {twice!r:.60} occurs twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _parsed(what: str, text: str | bytes) -> dict[str, Any]:
    """Return the object that a JSON text holds."""
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        found = json.loads(decoded, object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError:
        raise ValueError(f"{what} is nested too deeply; {_AGAIN}") from None
    except ValueError as error:
        raise ValueError(f"{what} is no JSON ({error}); {_AGAIN}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{what} is no JSON object; {_AGAIN}")
    return found


def _header(content: bytes) -> dict[str, Any]:
    """Return the header of a safetensors file: its metadata, and a dtype, shape and place for each tensor."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise ValueError("it is no safetensors file, or only the beginning of one; copy it or export it again")
    if length > LARGEST_HEADER:
        raise ValueError(
            f"its header is longer than {LARGEST_HEADER // 2**20} MiB, which no policy's is; export it again"
        )
    return _parsed("its header", content[8 : 8 + length])


def _card(metadata: Any) -> Card:
    """Return the card of a file that this version can play: it has the fields and the actions of the card."""
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ValueError(f"it holds no policy of this package, as the metadata {KEY!r} are missing; export it again")
    found = _parsed("its card", text)
    if type(found.get("format")) is not int or found["format"] != FORMAT:
        given = f"{found.get('format')!r:.20}"
        raise ValueError(f"its format is {given}, this version reads {FORMAT}; update parlay-marl or export it again")
    try:
        card = Card.model_validate(found)
    except ValidationError as error:
        raise ValueError(f"{reasons(error):.600}; correct it or export it again") from None
    except RecursionError:
        raise ValueError(f"its card is nested too deeply; {_AGAIN}") from None
    _check_tables(card)
    return card


def _check_tables(card: Card) -> None:
    """Refuse a policy that needs fields which the observation does not have, or was made for other actions."""
    check_fields(card.observation)
    if card.observation_digest != digest(card.observation):
        raise ValueError(f"the digest of its observation table is not that of the table; {_AGAIN}")
    if card.actions.model_dump(mode="json") != action_table():
        raise ValueError(
            f"made for other actions: {', '.join(card.actions.moves)} at {card.actions.price_levels} price levels; "
            "train or export it again"
        )


def _count_layers(header: dict[str, Any]) -> int:
    """Return how many layers a header lists, weight and bias of each, and nothing else."""
    for name, entry in header.items():
        if not _TENSOR.fullmatch(name):
            raise ValueError(f"it holds a tensor {name!r:.60} that no policy has; export it again")
        dtype = entry.get("dtype") if isinstance(entry, dict) else None
        if dtype != "F32":
            raise ValueError(f"tensor {name!r} is of type {dtype!r:.20}, not 'F32'; export it again")
    count = len(header) // 2
    for i in range(min(max(count, 2), MOST_HIDDEN + 1)):
        for kind in ("weight", "bias"):
            if f"{i}.{kind}" not in header:
                raise ValueError(f"tensor '{i}.{kind}' is missing; {_AGAIN}")
    if count > MOST_HIDDEN + 1 or len(header) % 2:
        raise ValueError(f"it has more than {MOST_HIDDEN} hidden layers, or part of one; train or export it again")
    return count
