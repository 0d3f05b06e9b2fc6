"""The rules as validated models, generated from the core's tables of parameters."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, create_model

from parlay_marl.catalogue.files import Strict, still_valid, validate
from parlay_marl.core.params import RULE_SECTIONS
from parlay_marl.core.table import Parameter
from parlay_marl.errors import ConfigurationError, UnknownNameError

CHOSEN_APART = {"reward": "mode", "belief": "tracker"}
"""Parameters of the record that are arguments of their own (`reward`, `beliefs`), not rules."""

RULE_PRESETS = ("default", "seed")
"""`default`: the rules of this environment; `seed`: those of the first Parlay server where the two differ."""


def numbers_model(
    name: str, table: tuple[Parameter, ...], base: type[BaseModel] = Strict, module: str = __name__
) -> type[BaseModel]:
    """Return a model with one bounded float for each parameter of a table; pickle looks it up by name in `module`."""
    fields: dict[str, Any] = {
        parameter.name: (
            float,
            Field(parameter.default, ge=parameter.low, le=parameter.high, description=parameter.meaning),
        )
        for parameter in table
    }
    return create_model(name, __base__=base, __module__=module, **fields)


SECTION_MODELS = {
    section: numbers_model(
        f"{section.capitalize()}Rules", tuple(row for row in table if row.name != CHOSEN_APART.get(section))
    )
    for section, table in RULE_SECTIONS.items()
}

globals().update({model.__name__: model for model in SECTION_MODELS.values()})

Rules: type[BaseModel] = create_model(
    "Rules",
    __base__=Strict,
    __module__=__name__,
    **{section: (model, Field(default_factory=model)) for section, model in SECTION_MODELS.items()},  # type: ignore[call-overload]
)
"""All parameters of the rules, a section for each concept; see `parlay_marl.core.params.RULE_SECTIONS`."""


@functools.cache
def preset(name: str) -> BaseModel:
    """Return the rules of a preset."""
    if name not in RULE_PRESETS:
        raise UnknownNameError("rules preset", name, RULE_PRESETS)
    changed = {
        section: {parameter.name: parameter.seed for parameter in table if parameter.seed is not None}
        for section, table in RULE_SECTIONS.items()
    }
    return Rules.model_validate(changed if name == "seed" else {})


def short_form(rules: BaseModel) -> str | dict[str, dict[str, float]]:
    """Return the name of the preset that equals the rules, or else the parameters that differ from the default."""
    for name in RULE_PRESETS:
        if rules == preset(name):
            return name
    usual, numbers = preset("default").model_dump(), rules.model_dump()
    changed = {
        section: {name: number for name, number in numbers[section].items() if number != usual[section][name]}
        for section in usual
    }
    return {section: found for section, found in changed.items() if found}


def tells_limits(rules: BaseModel) -> bool:
    """Return whether the rules reveal the other's limit: an erosion moves a seat's own by a share of the true ZOPA."""
    return bool(rules.model_dump()["erosion"]["of_start_width"] > 0.0)


def load_rules(rules: str | Mapping[str, Any] | BaseModel) -> BaseModel:
    """Return rules from a preset's name, a mapping of sections to changed numbers, or a `Rules` model.

    A mapping may name the preset that it changes: `{"preset": "seed", "tension": {"memory": 0.5}}`.
    """
    if isinstance(rules, Rules):
        return still_valid(rules, "rules")
    if isinstance(rules, str):
        return preset(rules)
    if not isinstance(rules, Mapping):
        raise ConfigurationError(f"rules: give a preset ({', '.join(RULE_PRESETS)}) or a mapping, not {rules!r}")
    changes = dict(rules)
    merged = preset(str(changes.pop("preset", "default"))).model_dump()
    for section, numbers in changes.items():
        if section not in merged:
            raise UnknownNameError("section of the rules", section, merged)
        if not isinstance(numbers, Mapping):
            raise ConfigurationError(f"rules.{section}: give a mapping of numbers, not {numbers!r}")
        merged[section] = {**merged[section], **numbers}
    return validate(Rules, merged, "rules")
