"""Personas: TOML files of traits, tactics, drift and voice."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, Discriminator, Field, Tag, create_model, field_validator, model_validator

from parlay_marl.catalogue.files import (
    PACKAGE,
    POLICY_SUFFIX,
    Strict,
    find,
    is_path,
    names_in,
    read,
    still_valid,
    validate,
)
from parlay_marl.catalogue.rules import numbers_model
from parlay_marl.core.drift import TAGS
from parlay_marl.core.style import TRAITS, TRIGGERS
from parlay_marl.errors import CatalogueError, ConfigurationError, PolicyFileError
from parlay_marl.players.persona_numbers import PERSONA_DTYPE, TACTICS
from parlay_marl.players.strategies import NUMBERS, STRATEGIES


def _folder() -> Path:
    """Return the folder of the personas: in the package once installed, beside it in a checkout."""
    inside = PACKAGE / "personas"
    return inside if inside.is_dir() else PACKAGE.parent / "personas"


FOLDER = _folder()
PARTNERS = FOLDER / "partners"
"""Personas besides those of the catalogue: strategies from the literature, for training and for benchmarks."""

FAMILIES = FOLDER / "families"
"""Families of personas, from which one is drawn for each game."""
FAMILY_PREFIX = "family:"
"""Prefix of the name of a family."""

OCCASIONS = {
    "open": "its first offer",
    "offer": "an offer that concedes",
    "hold": "an offer that concedes nothing",
    "anchor": "an anchor at its own end of the range",
    "claim": "a claim about its limit",
    "silence": "silence: a stage direction",
    "challenge": "calling the other's claim a bluff",
    "ultimatum": "an offer after its artificial deadline",
    "accept": "accepting the other's offer",
    "walk_away": "walking away",
    "drift": "what it says in the turn in which it changes",
}
"""The occasions on which a persona speaks.

Lines may use {price} (with currency), {terms} and {other} (the other seat).
"""

VOICE_FIELDS = {"price", "terms", "other"}


_Names: Any = Literal[tuple(STRATEGIES)]
_TacticsBase = create_model(
    "_TacticsBase",
    __base__=Strict,
    __module__=__name__,
    strategy=(_Names, Field("time", description="its strategy: the family of its aspiration")),
)
Traits = numbers_model("Traits", TRAITS, module=__name__)
Tactics = numbers_model("Tactics", tuple(t for t in TACTICS if t.name != "strategy"), _TacticsBase, module=__name__)


class Drift(Strict):
    """The drift of a persona for the rest of a game: its triggers, and the changed numbers."""

    on: tuple[Literal["competition", "deadline", "information", "power"], ...] = Field((), description="event tags")
    tension: float = Field(101.0, ge=0.0, le=101.0, description="tension past this mark; 101: never")
    caught: bool = Field(False, description="a bluff of its own is caught")
    doubted: bool = Field(False, description="an honest claim of its own is challenged")
    traits: dict[str, float] = Field(default_factory=dict, description="traits that change")
    tactics: dict[str, float | str] = Field(default_factory=dict, description="tactics that change")

    @field_validator("traits")
    @classmethod
    def _changes_known_traits(cls, traits: dict[str, float]) -> dict[str, float]:
        Traits.model_validate(traits)
        return traits

    @field_validator("tactics")
    @classmethod
    def _changes_known_tactics(cls, tactics: dict[str, float | str]) -> dict[str, float | str]:
        Tactics.model_validate(tactics)
        return tactics


class Range(Strict):
    """The range of a number in a family, and its distribution."""

    low: float = Field(description="least")
    high: float = Field(description="most")
    scale: Literal["even", "log", "whole"] = Field("even", description="evenly, evenly in its logarithm, or whole")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.low > self.high or (self.scale == "log" and self.low <= 0.0):
            raise ValueError("low must not be over high, and must be over 0 on the scale `log`")
        return self


def _form_of(number: Any) -> str:
    """Return which form of a number in a family a value has: an error then names that form alone."""
    if isinstance(number, list | tuple):
        return "ends"
    return "range" if isinstance(number, Mapping | Range) else "fixed"


Number = Annotated[
    Annotated[float, Tag("fixed")] | Annotated[tuple[float, float], Tag("ends")] | Annotated[Range, Tag("range")],
    Discriminator(_form_of),
]
"""A number in a family: fixed, its two ends, or a `Range`."""
_BOUNDS = {row.name: (row.low, row.high) for row in TRAITS + TACTICS if row.name != "strategy"}


def as_range(number: Number) -> Range:
    """Return a number in a family as a range."""
    if isinstance(number, Range):
        return number
    low, high = number if isinstance(number, tuple) else (number, number)
    return Range(low=low, high=high)


def _in_bounds(numbers: dict[str, Number], known: Collection[str]) -> dict[str, Number]:
    """Return the numbers of a family; refuse one that is unknown or out of its table's bounds."""
    for name, number in numbers.items():
        if name not in known:
            raise ValueError(f"`{name}` is no number of a persona; see the table in docs/reference.md")
        (low, high), found = _BOUNDS[name], as_range(number)
        if not low <= found.low <= found.high <= high:
            raise ValueError(f"`{name}` must lie in {low:g} to {high:g}, not in {found.low:g} to {found.high:g}")
    return numbers


_TRAIT_NAMES = frozenset(row.name for row in TRAITS)
_TACTIC_NAMES = frozenset(row.name for row in TACTICS) - {"strategy"}
TraitNumbers = Annotated[dict[str, Number], AfterValidator(lambda numbers: _in_bounds(numbers, _TRAIT_NAMES))]
TacticNumbers = Annotated[dict[str, Number], AfterValidator(lambda numbers: _in_bounds(numbers, _TACTIC_NAMES))]


class FamilyStrategy(Strict):
    """A strategy of a family: its share, and its ranges, which replace those of the family."""

    strategy: _Names = Field(description="the strategy")
    weight: float = Field(1.0, gt=0.0, description="how often it is drawn, against the weights of the others")
    traits: TraitNumbers = Field(default_factory=dict, description="ranges of traits")
    tactics: TacticNumbers = Field(default_factory=dict, description="ranges of tactics")


class FamilyDrift(Strict):
    """The drift of a family's personas: its probability and triggers.

    Each drift has one trigger and newly drawn tactics.
    """

    chance: float = Field(0.0, ge=0.0, le=1.0, description="share of the personas that drift")
    on: tuple[Literal["competition", "deadline", "information", "power"], ...] = Field((), description="event tags")
    tension: tuple[float, float] | None = Field(None, description="least and most tension past which one drifts")
    caught: bool = Field(False, description="a caught bluff may be the cause")
    doubted: bool = Field(False, description="an honest claim that is challenged may be the cause")

    @model_validator(mode="after")
    def _has_a_cause(self) -> Self:
        if self.tension is not None and not 0.0 <= self.tension[0] <= self.tension[1] <= 101.0:
            raise ValueError("`tension` must be a least and a most in 0 to 101")
        if self.chance > 0.0 and not (self.on or self.tension or self.caught or self.doubted):
            raise ValueError("`chance` is not 0, but nothing is a cause; name one")
        return self


class Family(Strict):
    """Ranges of personas, from which one is drawn for each game."""

    traits: TraitNumbers = Field(default_factory=dict, description="ranges of traits")
    tactics: TacticNumbers = Field(default_factory=dict, description="ranges of tactics")
    strategies: tuple[FamilyStrategy, ...] = Field(min_length=1, description="strategies to draw from")
    drift: FamilyDrift = Field(default_factory=FamilyDrift)


def _lines(meaning: str) -> Any:
    return (tuple[str, ...], Field((), description=f"what it says at {meaning}"))


class _VoiceBase(Strict):
    @field_validator("*")
    @classmethod
    def _uses_known_fields(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        for line in lines:
            try:
                used = {field for _, field, _, _ in string.Formatter().parse(line) if field is not None}
                if used <= VOICE_FIELDS:
                    line.format(**dict.fromkeys(VOICE_FIELDS, ""))
            except ValueError as error:
                raise ValueError(f"{line!r}: {error}") from None
            if not used <= VOICE_FIELDS:
                raise ValueError(f"{line!r} may only use {{{'}, {'.join(sorted(VOICE_FIELDS))}}}")
            if not line.strip():
                raise ValueError("a line must not be empty")
        return lines


Voice = create_model(
    "Voice",
    __base__=_VoiceBase,
    __module__=__name__,
    **{occasion: _lines(meaning) for occasion, meaning in OCCASIONS.items()},
)


class Persona(Strict):
    """A scripted or learned player: traits, tactics, drift and voice."""

    name: str = Field(
        pattern=rf"^({FAMILY_PREFIX})?[A-Za-z0-9_.-]+$", max_length=60, description="name in the catalogue"
    )
    title: str = Field(min_length=1, max_length=80, description="a short title")
    summary: str = Field(min_length=1, max_length=1000, description="who it is and how it bargains")
    source: str = Field("", max_length=300, description="where the strategy was published")
    traits: Traits = Field(default_factory=Traits)  # type: ignore[valid-type]
    tactics: Tactics = Field(default_factory=Tactics)  # type: ignore[valid-type]
    drift: Drift = Drift()
    held_out: bool = Field(False, description="kept for evaluation: training refuses it")
    family: Family | None = Field(None, description="ranges, from which a persona is drawn for each game")
    policy: str | None = Field(
        None, min_length=1, max_length=4096, description="file of the learned policy that plays it"
    )
    voice: Voice = Field(default_factory=Voice)

    @model_validator(mode="after")
    def _is_played_by_one_thing(self) -> Self:
        if self.family is not None and self.policy is not None:
            raise ValueError(
                "`policy` would have no effect beside [family], whose personas play by its strategies; leave one of "
                "them out"
            )
        return self

    @property
    def policy_path(self) -> Path | None:
        """The file of the learned policy that plays the persona; a relative path starts at the catalogue's personas."""
        return None if self.policy is None else FOLDER / self.policy

    def record(self) -> np.ndarray[Any, np.dtype[np.void]]:
        """Return the persona's numbers for the kernels, an array of one."""
        record = np.zeros(1, PERSONA_DTYPE)
        traits, tactics = self.traits.model_dump(), self.tactics.model_dump()  # type: ignore[attr-defined]
        _fill_style(record[0]["base"], traits | tactics)
        _fill_style(record[0]["drifted"], traits | tactics | self.drift.traits | self.drift.tactics)
        triggers = {f"on_{tag}": float(tag in self.drift.on) for tag in TAGS}
        triggers |= {"on_tension": self.drift.tension, "on_caught": float(self.drift.caught)}
        triggers["on_doubted"] = float(self.drift.doubted)
        for trigger in TRIGGERS:
            record[0]["triggers"][trigger.name] = triggers[trigger.name]
        record.flags.writeable = False
        return record


def _fill_style(style: Any, numbers: Mapping[str, Any]) -> None:
    """Write the numbers of a persona, before or after its drift, into its record."""
    for name, value in numbers.items():
        style[name] = NUMBERS[value] if name == "strategy" else value


def persona_names() -> list[str]:
    """Return the names of the personas in the catalogue."""
    return names_in(FOLDER)


def partner_names(held_out: bool | None = None) -> list[str]:
    """Return the names of the partners besides the catalogue: all, those held out, or those that training may use."""
    names = names_in(PARTNERS)
    return [name for name in names if held_out is None or load_persona(name).held_out == held_out]


def is_import_path(name: str) -> bool:
    """Return whether a name is the import path of a Python object, `package.module:Name`, not a file or a family."""
    return ":" in name and not is_path(name) and not name.startswith(FAMILY_PREFIX)


def family_names(held_out: bool | None = None) -> list[str]:
    """Return the names of families, `family:NAME`: all, those held out, or those that training may use."""
    names = [FAMILY_PREFIX + name for name in names_in(FAMILIES)]
    return [name for name in names if held_out is None or load_persona(name).held_out == held_out]


def refuse_held_out(personas: Iterable[Persona]) -> None:
    """Refuse to train against personas that are kept for evaluation."""
    kept = [persona.name for persona in personas if persona.held_out]
    if kept:
        raise ConfigurationError(
            f"{', '.join(kept)}: held out, for evaluation only; a benchmark on partners met in training says nothing, "
            "so train against others"
        )


@functools.lru_cache(maxsize=256)
def _read_cached(path: Path, changed: int) -> Persona:
    return read(Persona, path)


def load_persona(persona: str | Path | Persona) -> Persona:
    """Return a persona by name, by the path of a user's own file or of a policy file.

    A `Persona` is returned unchanged.
    """
    if isinstance(persona, Persona):
        return still_valid(persona, f"persona {persona.name!r}")
    if isinstance(persona, str | Path) and str(persona).endswith(POLICY_SUFFIX):
        policy = Path(persona)
        if not policy.is_file():
            raise PolicyFileError(f"{policy}: no such policy file; give a name of the catalogue or an existing file")
        return persona_of_policy(policy)
    if isinstance(persona, str) and persona.startswith(FAMILY_PREFIX):
        return _load_family(persona.removeprefix(FAMILY_PREFIX))
    if isinstance(persona, str) and persona in names_in(PARTNERS):
        persona = PARTNERS / f"{persona}.toml"
    path = find("persona", persona, FOLDER, (".toml", POLICY_SUFFIX), [*partner_names(), *family_names()])
    return _beside(path, _read_cached(path, path.stat().st_mtime_ns))


def _load_family(name: str) -> Persona:
    """Return a family by its name or file, under the name `family:NAME`."""
    path = find("family of personas", name, FAMILIES)
    family = _read_cached(path, path.stat().st_mtime_ns)
    if family.family is None:
        raise CatalogueError(f"{path}: no family: it has no table [family] with the strategies to draw from")
    return family.model_copy(update={"name": FAMILY_PREFIX + family.name.removeprefix(FAMILY_PREFIX)})


def _beside(path: Path, persona: Persona) -> Persona:
    """Return a persona with an absolute path of its policy file, which may be relative to the persona's own file."""
    folder = path.resolve().parent
    if persona.policy is None or folder == FOLDER.resolve():
        return persona
    return persona.model_copy(update={"policy": str((folder / persona.policy).resolve())})


FOR_PRICES = {"joint_surplus": 1.0}
"""Tactics of a policy that bargains over prices only: it offers the package with the largest joint worth."""


def persona_of_policy(policy: Path) -> Persona:
    """Return a persona with the name of a policy file and the default numbers."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", policy.stem)[:60]
    about = {"title": "A learned policy", "summary": f"Plays what the policy file {policy.name} has learned."}
    given = {"name": name, "policy": str(policy.resolve()), "tactics": FOR_PRICES, **about}
    return validate(Persona, given, str(policy))
