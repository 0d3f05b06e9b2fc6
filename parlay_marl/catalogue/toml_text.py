"""A scenario as the text of a TOML file, which reads back as the same scenario."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from parlay_marl.catalogue.scenarios import Scenario


def scenario_text(scenario: Scenario) -> str:
    """Return a scenario as TOML, without fields that have their defaults."""
    fields = scenario.model_dump(mode="json", exclude_defaults=True)
    plain = [f"{name} = {_value(field)}" for name, field in fields.items() if not _is_table(field)]
    parts = ["\n".join(plain)]
    for name, field in fields.items():
        if isinstance(field, dict):
            parts.append(_table(f"[{name}]", field))
        elif _is_table(field):
            parts += [_table(f"[[{name}]]", each) for each in field]
    return "\n\n".join(parts) + "\n"


def _is_table(field: Any) -> bool:
    """Return whether a field is written as a table, or as several."""
    return isinstance(field, dict) or (isinstance(field, list) and bool(field) and isinstance(field[0], dict))


def _table(header: str, fields: Mapping[str, Any]) -> str:
    return "\n".join([header, *(f"{name} = {_value(field)}" for name, field in fields.items())])


def _value(field: Any) -> str:
    """Return a value for the right side of an equals sign; text is quoted as in JSON, whose escapes TOML shares."""
    if isinstance(field, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(each)}" for name, each in field.items()) + " }"
    if isinstance(field, list):
        return "[" + ", ".join(_value(each) for each in field) + "]"
    return json.dumps(field, ensure_ascii=False)
