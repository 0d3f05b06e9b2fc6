"""The settings of a game's form, with its number of rounds, as tournaments, arenas and commands take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from parlay_marl.catalogue.files import NO_NAMES, validate
from parlay_marl.form_fields import FormSettings
from parlay_marl.game.forms import FORM_CHOICES, MOVES, checked_moves
from parlay_marl.option import flags

if TYPE_CHECKING:
    from parlay_marl.game.config import GameConfig

Form = Mapping[str, Any]
"""Settings of a form that differ from the usual ones, as plain data such as JSON can hold."""


class FormArguments(TypedDict, total=False):
    """The same settings, as keyword arguments; see `form_fields.FormSettings`."""

    protocol: str
    price_share: float
    price_levels: int
    moves: Sequence[str] | None
    events: bool
    max_rounds: int | None


def checked_form(given: Mapping[str, Any], source: str, names: Mapping[str, str] = NO_NAMES) -> dict[str, Any]:
    """Return what settings differ from the usual ones, or say what is wrong; `names` are what the user calls them."""
    form = validate(FormSettings, given, source, names).model_dump(mode="json", exclude_defaults=True)
    if "moves" in form:
        form["moves"] = list(checked_moves(form["moves"], form.get("protocol", FormSettings().protocol)))
        if form["moves"] == list(MOVES):
            del form["moves"]
    return form


def form_of(config: GameConfig) -> dict[str, Any]:
    """Return the form of a configuration, without what is usual and without its rounds, in the order of the fields."""
    plain = {name: getattr(config, name) for name in FormSettings.model_fields if name in FORM_CHOICES}
    return checked_form(plain, "config")


def form_in_words(form: Form) -> str:
    """Return a form in words, such as `protocol sealed_bid, price share 0.25`; empty for the usual one."""
    return ", ".join(_in_words(name, value) for name, value in form.items())


def form_in_options(form: Form) -> list[str]:
    """Return the options of a command that ask for a form; none for the usual one."""
    words, names = list[str](), flags(FormSettings)
    for name, value in form.items():
        if value is False:
            words.append(f"--no-{names[name].removeprefix('--')}")
        else:
            for each in value if isinstance(value, list) else (value,):
                words += [names[name], str(each)]
    return words


def _in_words(name: str, value: Any) -> str:
    if value is False:
        return f"no {name}"
    if isinstance(value, list):
        return f"{name} {' and '.join(value)}"
    return f"{name.removeprefix('max_').replace('_', ' ')} {value}"
