"""Suites of the benchmark: scenarios and partners, each in a set and fixed by a digest of its content.

The form is that of Melting Pot (Leibo et al., ICML 2021): a focal player meets a background population that it did
not learn with. A task is one scenario with one partner. It is public where both are public, and held out where the
partner is held out; held-out scenarios are played only with such partners. Nothing that is held out may be used for
training or tuning.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.catalogue.files import Strict, is_path, read
from parlay_marl.errors import ConfigurationError
from parlay_marl.players.persona import PersonaPlayer

STANDARD = Path(__file__).with_name("standard.toml")
"""The file of the standard suite."""
PUBLIC, HELD_OUT, EXTRA = "public", "held_out", "extra"
SETS = (PUBLIC, HELD_OUT, EXTRA)
"""The sets of tasks; `extra` needs other libraries, and is no part of the standard figures."""
SET_NAMES = {PUBLIC: "public", HELD_OUT: "held out", EXTRA: "other libraries"}
"""Display names of the sets."""
SHA256 = r"^[0-9a-f]{64}$"
WORDS = {"title", "summary", "source", "voice", "story"}
"""Names and texts of a persona or a scenario, which do not affect a game's figures."""


class Task(NamedTuple):
    """One scenario with one partner: the focal player plays it in both seats, with both openers."""

    scenario: str
    partner: str
    kind: str
    """The class of the partner."""
    set: str

    @property
    def key(self) -> str:
        """The name of the task in files."""
        return f"{self.scenario}/{self.partner}"


class ScenarioPart(Strict):
    """A scenario of a suite."""

    name: str = Field(min_length=1, max_length=200, description="name in the catalogue, or a file")
    set: Literal["public", "held_out"] = Field("public", description="public, or only for evaluation")
    sha256: str | None = Field(None, pattern=SHA256, description="digest of its content; a changed one is refused")


class PartnerPart(Strict):
    """A partner of a suite."""

    name: str = Field(min_length=1, max_length=80, description="name in the results")
    source: str = Field("", max_length=4096, description="persona, file or import path; default: the name")
    kind: str = Field(pattern=r"^[a-z][a-z_]*$", max_length=40, description="its class")
    set: Literal["public", "held_out", "extra"] = Field("public", description="the set that it belongs to")
    scenarios: tuple[str, ...] | None = Field(None, description="the scenarios that it plays; default: all of its set")
    sha256: str | None = Field(None, pattern=SHA256, description="digest of its content; a changed one is refused")

    def plays(self, scenario: ScenarioPart) -> bool:
        """Return whether it plays a scenario."""
        is_of_set = scenario.set == PUBLIC or self.set == HELD_OUT
        return is_of_set and (self.scenarios is None or scenario.name in self.scenarios)

    @property
    def loads(self) -> str:
        """The name, path or import path from which the player is loaded."""
        return self.source or self.name


class Suite(Strict):
    """Scenarios, partners, a seed, and numbers of games."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=60, description="name of the suite")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of all games")
    games: int = Field(200, ge=2, le=1_000_000, description="games of a seat and an opener in a task")
    asked_games: int = Field(5, ge=2, le=1_000_000, description="the same for a player that is asked for its moves")
    scenarios: tuple[ScenarioPart, ...] = Field(min_length=1, description="the scenarios")
    partners: tuple[PartnerPart, ...] = Field(min_length=1, description="the background population")

    @field_validator("scenarios", "partners")
    @classmethod
    def _names_differ(cls, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [part.name for part in parts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} is named twice; name each once")
        return parts

    @model_validator(mode="after")
    def _has_tasks(self) -> Self:
        if not self.tasks():
            raise ValueError("no partner meets a scenario: the scenarios are held out, but no partner is")
        return self

    def tasks(self) -> list[Task]:
        """Return the tasks, by scenario, then by partner."""
        return [
            Task(scenario.name, partner.name, partner.kind, partner.set)
            for scenario in self.scenarios
            for partner in self.partners
            if partner.plays(scenario)
        ]

    @property
    def digest(self) -> str:
        """The SHA-256 of the seed, the scenarios and the partners, except those of the set `extra`."""
        partners = [part for part in self.partners if part.set != EXTRA]
        parts = [sorted(_identity(part) for part in some) for some in (self.scenarios, partners)]
        return _sha256([self.seed, *parts])

    def digests(self) -> dict[str, str | None]:
        """Return the digest of each scenario and partner by its name."""
        found = {part.name: part.sha256 for part in self.scenarios}
        return found | {part.name: part.sha256 for part in self.partners}

    def without_extra(self) -> Suite:
        """Return the suite without the partners of other libraries."""
        own = tuple(part for part in self.partners if part.set != EXTRA)
        if not own:
            raise ConfigurationError("all partners are of other libraries; give `extra` (--extra) to play with them")
        return self.model_copy(update={"partners": own})

    def chosen(self, scenarios: Sequence[str] | None = None, partners: Sequence[str] | None = None) -> Suite:
        """Return the suite with some of its scenarios and partners only, by name; None takes all."""
        kept = {
            "scenarios": _some("scenario", self.scenarios, scenarios),
            "partners": _some("partner", self.partners, partners),
        }
        if (kept["scenarios"], kept["partners"]) == (self.scenarios, self.partners):
            return self
        try:
            return Suite.model_validate({**dict(self), **kept, "name": f"part-of-{self.name}"[:60]})
        except ValueError:
            raise ConfigurationError(
                "no task is left: public partners play public scenarios only; choose others"
            ) from None


def _some(kind: str, parts: tuple[Any, ...], names: Sequence[str] | None) -> tuple[Any, ...]:
    """Return the parts with the given names; refuse unknown names."""
    if names is None:
        return parts
    known = [part.name for part in parts]
    for name in names:
        if name not in known:
            raise ConfigurationError(f"the suite has no {kind} {name!r}; it has {', '.join(known)}")
    return tuple(part for part in parts if part.name in names)


def _identity(part: ScenarioPart | PartnerPart) -> list[str]:
    """Return what a suite's digest contains of a part."""
    kind = part.kind if isinstance(part, PartnerPart) else ""
    only = part.scenarios or () if isinstance(part, PartnerPart) else ()
    return [part.name, kind, part.set, part.sha256 or "", *only]


def load_suite(suite: str | Path | Suite = STANDARD) -> Suite:
    """Return a suite from its file; a `Suite` is returned unchanged; files of partners are relative to the suite's."""
    if isinstance(suite, Suite):
        return suite
    path = Path(suite)
    if not path.is_file():
        raise ConfigurationError(f"suite: there is no file {path}; give the path of a suite's .toml file")
    found = read(Suite, path)
    return found.model_copy(update={"partners": tuple(_beside(path.parent, part) for part in found.partners)})


def _beside(folder: Path, part: PartnerPart) -> PartnerPart:
    """Return a partner with an absolute path of its file, which may be relative to the suite's."""
    if ":" in part.loads or not is_path(part.loads):
        return part
    return part.model_copy(update={"source": str(folder / part.loads)})


# --- digests ----------------------------------------------------------------------------------------------------------


def _sha256(data: Any) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def scenario_digest(scenario: AnyScenario) -> str:
    """Return the SHA-256 of a scenario's figures: everything except its name and texts."""
    return _sha256(scenario.model_dump(mode="json", exclude_defaults=True, exclude=WORDS | {"name"}))


def persona_digest(player: PersonaPlayer) -> str:
    """Return the SHA-256 of a persona's numbers and of its learned policy: everything except its name and texts."""
    numbers = player.persona.model_dump(mode="json", exclude_defaults=True, exclude=WORDS | {"name", "policy"})
    return _sha256([numbers, player.policy_digest])


def check_digest(kind: str, part: ScenarioPart | PartnerPart, found: str) -> None:
    """Refuse a scenario or a partner that has changed since the suite was fixed."""
    if part.sha256 is not None and part.sha256 != found:
        raise ConfigurationError(
            f"the {kind} {part.name!r} has changed since the suite was fixed, from SHA-256 {part.sha256[:12]} to "
            f"{found[:12]}; put the old file back, or give a suite of your own with its new digest"
        )
