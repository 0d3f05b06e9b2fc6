"""The choices that define a game before chance does: scenario, rules, rewards, rounds, information, beliefs.

Their names, values, defaults and descriptions are defined here only. `GameFields` is the base of models that hold
them, `GameArguments` types them as keywords, and `takes_game` adds them to a function's signature.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal, NoReturn, ParamSpec, TypedDict, TypeVar, Unpack, get_args

from pydantic import BaseModel, Field, StrictBool

from parlay_marl.catalogue.deals import build_any_params, drawn, scenario_of
from parlay_marl.catalogue.families import AnyScenario, Family, any_scenario_from, load_any_scenario
from parlay_marl.catalogue.files import Strict
from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import MAX_ROUNDS, Params, Scenario
from parlay_marl.core.form import HALF, LEAST_LEVELS, USUAL_PROTOCOL, Form, levels_of
from parlay_marl.core.moves import PRICE_LEVELS, Move
from parlay_marl.errors import ArgumentError, CatalogueError, ConfigurationError, ParlayError, UnknownNameError
from parlay_marl.form_fields import Levels, ProtocolName, Rounds, Share, form_field, plain_number, real_number
from parlay_marl.game.currency import Currency
from parlay_marl.game.forms import MOVES, checked_moves, fit_protocol, only_opener

P = ParamSpec("P")
R = TypeVar("R")

Reward = Literal["payoff", "shaped"]
InferredBeliefs = Literal["bayes", "heuristic", "none"]
Beliefs = Literal["bayes", "heuristic", "none", "elicited"]
Information = Literal["incomplete", "complete"]
OpenerChoice = Literal["buyer", "seller", "random"]

REWARDS: tuple[str, ...] = get_args(Reward)
BELIEFS: tuple[str, ...] = get_args(Beliefs)
INFORMATION: tuple[str, ...] = get_args(Information)
OPENERS: tuple[str, ...] = get_args(OpenerChoice)
PROTOCOL_NAMES: tuple[str, ...] = get_args(ProtocolName)
ACTIONS = ("discrete", "mixed")
ILLEGAL = ("raise", "terminate")
ACTION_MASKS = ("observation", "info", "both")

DEFAULT_SCENARIO = "saas_enterprise"
_CHOICES = {
    "reward": ("reward mode", REWARDS),
    "beliefs": ("belief tracker", BELIEFS),
    "information": ("kind of information", INFORMATION),
    "opener": ("opener", OPENERS),
}
"""The values of fields with a fixed set of values, with the name of each in errors."""


class GameFields(Strict):
    """The choices for a game besides its scenario; models that describe games inherit them."""

    rules: str | dict[str, Any] = Field("default", description="preset of the rules, or the numbers that differ")
    reward: Reward = Field("payoff", description="what the game pays: its payoff, or terms for single turns as well")
    information: Information | None = Field(
        None, description="`complete`: reservation prices are public; default: as the scenario says"
    )
    opener: OpenerChoice | None = Field(None, description="who opens each round; default: as the scenario says")
    max_rounds: Rounds | None = form_field("max_rounds")
    beliefs: Beliefs = Field("bayes", description="how beliefs are formed: inferred, by fixed steps, not, or stated")
    price_levels: Levels = form_field("price_levels")
    moves: tuple[str, ...] | None = form_field("moves")
    events: StrictBool = form_field("events")
    protocol: ProtocolName = form_field("protocol")
    price_share: Share = form_field("price_share")


class InferredGameFields(GameFields):
    """The same choices, except that no seat can state its belief."""

    beliefs: InferredBeliefs = Field("bayes", description="how beliefs are formed: inferred, by fixed steps, or not")


class GameArguments(TypedDict, total=False):
    """The choices for a game besides its scenario, as keyword arguments; see `GameFields`."""

    rules: str | Mapping[str, Any] | BaseModel
    reward: str
    information: str | None
    opener: str | None
    max_rounds: int | None
    beliefs: str
    price_levels: int
    moves: Sequence[str] | None
    events: bool
    protocol: str
    price_share: float


def game_field(name: str) -> Any:
    """Return the default and description of one choice, for a model that has only some of them."""
    found = GameFields.model_fields[name]
    return Field(found.default, description=found.description)


# ------------------------------------------------------------------ checks of arguments


def one_of(kind: str, value: object, known: tuple[str, ...]) -> None:
    """Refuse a value that is not one of the known ones."""
    if value not in known:
        raise UnknownNameError(kind, value, known)


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number within bounds, or say what is wrong with it."""
    number = plain_number(value)
    if type(number) is not int or not low <= number <= high:
        raise ConfigurationError(f"{name}: give a whole number from {low:,} to {high:,}, not {value!r}")
    return number


def _share(name: str, value: Any) -> float:
    """Return a number from 0 to 1, or raise an error that names the argument."""
    number = real_number(value)
    if not 0.0 <= number <= 1.0:
        raise ConfigurationError(f"{name}: give a number from 0 to 1, not {value!r}")
    return number


_INSTEAD = {
    "opponent": ("buyer", "seller"),
    "role": ("buyer", "seller"),
    "buyer": ("role", "opponent"),
    "seller": ("role", "opponent"),
    "rounds": ("max_rounds",),
}
"""Arguments of other interfaces, with what to use here instead."""


def takes_game(call: Callable[P, R]) -> Callable[P, R]:
    """Let a function that takes `**game` show these arguments in its signature, and refuse others in one sentence."""
    own = inspect.signature(call)
    shown = own.replace(parameters=_parameters(own))
    name = call.__qualname__.removesuffix(".__init__")

    @functools.wraps(call)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            shown.bind(*args, **kwargs)
        except TypeError as error:
            _refuse_call(name, shown, args, kwargs, error)
        return call(*args, **kwargs)

    checked.__signature__ = shown  # type: ignore[attr-defined]
    return checked


def _parameters(own: inspect.Signature) -> list[inspect.Parameter]:
    """Return a function's own parameters with the choices for a game, inserted before its keywords."""
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    game = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default)
        for name, field in GameFields.model_fields.items()
        if name not in own.parameters
    ]
    given = list(own.parameters.values())
    keywords = [parameter for parameter in given if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    return [*(parameter for parameter in given if parameter.kind not in by_name), *game, *keywords]


def _refuse_call(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any], error: TypeError
) -> NoReturn:
    """Raise the error of a call that a signature does not allow."""
    known = [each for each in signature.parameters if each != "self"]
    unknown = [each for each in kwargs if each not in known]
    positional = [each for each, p in signature.parameters.items() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    if unknown:
        reason = f"got an unexpected keyword argument {unknown[0]!r}{_advice(unknown[0], known)}"
    elif len(args) > len(positional):
        several = ", ".join(each for each in positional if each != "self") or "nothing"
        reason = f"{args[len(positional)]!r} stands without the name of its argument; only {several} may"
    else:
        reason = str(error)
    raise ArgumentError(f"{name}: {reason}; the arguments are {', '.join(known)}") from None


def _advice(name: str, known: list[str]) -> str:
    """Return the end of an error: the arguments that a wrong name may stand for."""
    near = [each for each in _INSTEAD.get(name, ()) if each in known]
    near = near or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; use {' or '.join(near)}" if near else ""


# ------------------------------------------------------------------ the configuration


@dataclass(frozen=True)
class GameConfig:
    """The configuration of a game, validated: the same config, seed and moves give the same game.

    Where its scenario is a family, every game has a deal of its own: see `deal`. `max_rounds` is the most that one can
    have.
    """

    scenario: AnyScenario
    rules: BaseModel
    reward: str
    information: str
    opener: str
    max_rounds: int
    beliefs: str
    price_levels: int = PRICE_LEVELS
    moves: tuple[str, ...] = MOVES
    events: bool = True
    protocol: str = USUAL_PROTOCOL
    price_share: float = HALF

    @functools.cached_property
    def params(self) -> Params:
        """The core's record of this configuration, an array of one; for a family it holds the ranges."""
        return build_any_params(
            self.scenario,
            self.rules,
            opener=self.opener,
            rounds=None if isinstance(self.scenario, Family) else self.max_rounds,
            information=self.information,
            reward=self.reward,
            beliefs=self.beliefs,
            events=self.events,
            form=self._form,
        )

    @property
    def only_opener(self) -> int:
        """The seat that the protocol lets open every game; -1 where either may."""
        return only_opener(self.protocol, self.opener)

    @property
    def _form(self) -> Form:
        moves = sum(1 << MOVES.index(move) for move in self.moves)
        return Form(moves, self.price_levels, self.protocol, self.price_share, self.only_opener)

    @property
    def has_deals(self) -> bool:
        """Whether every game has a deal of its own."""
        return isinstance(self.scenario, Family)

    @property
    def played(self) -> Scenario:
        """The scenario, where it is one; a family is refused."""
        if isinstance(self.scenario, Family):
            raise ConfigurationError(
                f"{self.scenario.name} is a family, with another deal for every game, where a single scenario is "
                "needed; give one of its deals: `parlay scenarios NAME --out deal.toml` writes one, "
                "and in Python `config.deal(seed, number).scenario` is one"
            )
        return self.scenario

    @property
    def room(self) -> int:
        """The number of packages for which spaces and rows have room."""
        return self.scenario.n_packages

    def moves_of(self, is_opener: bool) -> tuple[Move, ...]:
        """Return the moves that the game and its protocol give to the seat that opens each round, or to the other."""
        return self._moves[0 if is_opener else 1]

    @functools.cached_property
    def _moves(self) -> list[tuple[Move, ...]]:
        """The moves of the seat that opens each round, and those of the other."""
        both = self.params[0]["form"]["moves"].tolist()
        return [tuple(move for move in Move if bits >> move & 1) for bits in both]

    @functools.cached_property
    def prices(self) -> tuple[float, ...]:
        """The prices that offers may have, normalised; none where any price of the range may be offered."""
        few = self.price_levels < PRICE_LEVELS
        return tuple(level / (PRICE_LEVELS - 1) for level in levels_of(self.price_levels)) if few else ()

    @functools.cached_property
    def currency(self) -> Currency:
        """The text writer for the scenario's amounts."""
        return Currency(self.played)

    def deal(self, seed: int, number: int = 0) -> GameConfig:
        """Return the configuration of one game, with the scenario that its family draws; itself without a family."""
        return self.with_deal(drawn(self.params, seed, [number])) if self.has_deals else self

    def with_deal(self, params: Params) -> DealConfig:
        """Return the configuration of a game with a drawn deal; `params` is the record, an array of one."""
        assert isinstance(self.scenario, Family)
        scenario = scenario_of(self.scenario, params[0])
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return DealConfig(**own | {"scenario": scenario, "max_rounds": scenario.rounds}, family=self.scenario)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: an unpickled record would be writable, and kernels would be compiled again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __deepcopy__(self, memo: dict[int, Any]) -> GameConfig:
        """Return the configuration itself, because it is immutable."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data, such as JSON can hold.

        A choice that has a default is in it only where it differs from that.
        """
        plain = {field.name: getattr(self, field.name) for field in fields(GameConfig)}
        plain |= {"scenario": self.scenario.model_dump(mode="json"), "rules": self.rules.model_dump(mode="json")}
        if plain["scenario"].get("types", self) is None:
            del plain["scenario"]["types"]
        return {name: value for name, value in plain.items() if name not in _USUAL or value != _USUAL[name]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GameConfig:
        """Return the configuration that `to_dict` wrote.

        Raises:
            CatalogueError: where something is missing, unknown or cannot be used.
        """
        wanted = [field.name for field in fields(GameConfig)]
        if not isinstance(data, Mapping) or sorted({**_USUAL, **data}) != sorted(wanted):
            needed = ", ".join(name for name in wanted if name not in _USUAL)
            raise CatalogueError(
                f"config: give an object with the keys {needed}, and no others but {', '.join(_USUAL)}"
            )
        if not isinstance(data["rules"], Mapping) or not isinstance(data["scenario"], Mapping):
            raise CatalogueError("config: scenario and rules are objects, with all their fields")
        scenario = any_scenario_from(data["scenario"], "config: scenario")
        if isinstance(scenario, Family) and data["max_rounds"] == scenario.rounds[1]:
            data = {**data, "max_rounds": None}
        try:
            return make_config(**{**data, "scenario": scenario})
        except CatalogueError:
            raise
        except ParlayError as error:
            raise CatalogueError(f"config: {error}") from None


_USUAL = {field.name: field.default for field in fields(GameConfig) if field.default is not MISSING}
"""The choices of later versions, which a stored configuration may leave out."""


@dataclass(frozen=True, kw_only=True)
class DealConfig(GameConfig):
    """The configuration of one game of a family: its scenario is the deal that was drawn."""

    family: Family

    @property
    def room(self) -> int:
        """The number of packages for which the family's spaces and rows have room."""
        return self.family.n_packages


@takes_game
def make_config(scenario: str | Path | AnyScenario = DEFAULT_SCENARIO, **game: Unpack[GameArguments]) -> GameConfig:
    """Return a validated configuration; None stands for the value of the scenario, or the one that its family draws."""
    loaded = load_any_scenario(scenario)
    chosen: dict[str, Any] = {name: field.default for name, field in GameFields.model_fields.items()} | game
    one_of("protocol", chosen["protocol"], PROTOCOL_NAMES)
    chosen["price_share"] = _share("price_share", chosen["price_share"])
    fit_protocol(chosen, loaded.name, loaded.n_packages)
    if isinstance(loaded, Family) and chosen["max_rounds"] is not None:
        chosen["max_rounds"] = whole_number("max_rounds", chosen["max_rounds"], 1, MAX_ROUNDS)
        loaded = loaded.model_copy(update={"rounds": (chosen["max_rounds"],) * 2})
    rounds = loaded.rounds[1] if isinstance(loaded, Family) else loaded.rounds
    of_scenario = {"information": loaded.information, "opener": loaded.opener, "max_rounds": rounds}
    chosen |= {name: value for name, value in of_scenario.items() if chosen[name] is None}
    for name, (kind, known) in _CHOICES.items():
        one_of(kind, chosen[name], known)
    chosen["rules"] = load_rules(chosen["rules"])
    chosen["max_rounds"] = whole_number("max_rounds", chosen["max_rounds"], 1, MAX_ROUNDS)
    chosen["price_levels"] = whole_number("price_levels", chosen["price_levels"], LEAST_LEVELS, PRICE_LEVELS)
    chosen["moves"] = checked_moves(chosen["moves"], chosen["protocol"])
    if not isinstance(chosen["events"], bool):
        raise ConfigurationError(f"events: give True or False, not {chosen['events']!r}")
    return GameConfig(loaded, **chosen)
