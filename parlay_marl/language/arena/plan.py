"""The plan of an arena: the games to play, and what a resumed run must have in common with the first."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from pydantic import BaseModel

from parlay_marl.catalogue.families import AnyScenario
from parlay_marl.core.compiled.kept import source_digest
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.form_settings import Form
from parlay_marl.language.arena.entrants import Model, identity
from parlay_marl.studies.benchmark.suite import scenario_digest
from parlay_marl.studies.names import check_names
from parlay_marl.tournament.entrants import Entrant

BELIEFS = "elicited"
"""Models state beliefs about the other's limit, which are measured."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Match(NamedTuple):
    """One game of the arena: its players and its deal."""

    scenario: str
    number: int
    """The number of the deal: the same limits, urgencies and draws for all players."""
    repeat: int
    buyer: str
    seller: str

    @property
    def key(self) -> str:
        """The name of the game in files, unique also where names contain slashes, as those of models do."""
        return "/".join(str(part).replace("%", "%25").replace("/", "%2F") for part in self)

    @property
    def names(self) -> tuple[str, str]:
        """The names of buyer and seller."""
        return self.buyer, self.seller


@dataclass(frozen=True)
class Plan:
    """The games that models play: with each partner and with each other, in both seats of every deal."""

    models: tuple[Model, ...]
    partners: tuple[Entrant, ...]
    scenarios: tuple[AnyScenario, ...]
    rules: BaseModel
    games: int
    """Deals of each scenario."""
    repeats: int
    """The number of repetitions of each game."""
    seed: int
    opener: str | None
    form: Form
    """The settings of the form of the games that are not the usual ones."""
    each_other: bool
    """Whether models meet each other."""

    def check(self) -> None:
        """Refuse ambiguous names, and a plan without games."""
        check_names("model", self.model_names)
        check_names("entrant", [*self.model_names, *self.partner_names])
        check_names("scenario", [scenario.name for scenario in self.scenarios])
        assert self.configs  # created now, so that errors are raised before the first request
        if not self.pairs():
            raise ConfigurationError(
                "no game is left: give a partner (--partner), or a second model and let models meet each other"
            )

    @property
    def model_names(self) -> list[str]:
        """The names of the models."""
        return [model.name for model in self.models]

    @property
    def partner_names(self) -> list[str]:
        """The names of the partners."""
        return [partner.name for partner in self.partners]

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of a buyer and a seller that play each deal."""
        met = product(self.model_names, self.partner_names)
        mixed = [pair for model, partner in met for pair in ((model, partner), (partner, model))]
        among = product(self.model_names, repeat=2) if self.each_other else ()
        return mixed + [(one, other) for one, other in among if one != other]

    def matches(self) -> Iterator[Match]:
        """Yield all games, deal by deal, so that a run that stops early has whole deals of all models."""
        deals = product(range(self.games), range(self.repeats), self.scenarios)
        for number, repeat, scenario in deals:
            for buyer, seller in self.pairs():
                yield Match(scenario.name, number, repeat, buyer, seller)

    @property
    def total(self) -> int:
        """The number of games."""
        return self.games * self.repeats * len(self.scenarios) * len(self.pairs())

    @cached_property
    def configs(self) -> dict[str, GameConfig]:
        """The configuration of the games of each scenario."""
        how: dict[str, Any] = {"opener": self.opener, "reward": "payoff", "beliefs": BELIEFS, **self.form}
        found = {}
        for scenario in self.scenarios:
            found[scenario.name] = make_config(scenario, rules=self.rules, **how)
        return found

    def random_key(self, match: Match) -> int:
        """Return the seed of the generators of a partner's own code in a game, independent of other games."""
        return zlib.crc32(repr((self.seed, *match)).encode())

    def as_dict(self) -> dict[str, Any]:
        """Return the plain data that a resumed run must have in common with the first."""
        return {
            "models": {model.name: dict(model.settings) for model in self.models},
            "partners": {partner.name: identity(partner) for partner in self.partners},
            "scenarios": {scenario.name: scenario_digest(scenario) for scenario in self.scenarios},
            "rules": self.rules.model_dump(mode="json"),
            "games": self.games,
            "repeats": self.repeats,
            "seed": self.seed,
            "opener": self.opener,
            "rounds": self.form.get("max_rounds"),
            **{name: value for name, value in self.form.items() if name != "max_rounds"},
            "each_other": self.each_other,
            "rules_digest": source_digest(),
        }


def difference(there: Any, here: Any, name: str = "") -> str:
    """Return the first difference between the plans of two runs in words; empty where they are equal."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in dict.fromkeys([*here, *there]):
            found = difference(there.get(key), here.get(key), f"{name} {key}".strip())
            if found:
                return found
        return ""
    if there == here:
        return ""
    name = name.replace("_", " ")
    if _is_digest(there) and _is_digest(here):
        return f"{name} is not the same there and here"
    return f"{name} is {_shown(there)} there and {_shown(here)} here"


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    return "present" if _is_digest(value) else f"{value!r:.80}"
