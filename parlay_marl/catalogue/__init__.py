"""Scenarios, personas and rule presets: validated from TOML files and turned into the core's records."""

from parlay_marl.catalogue.personas import Persona, load_persona, partner_names, persona_names
from parlay_marl.catalogue.rules import RULE_PRESETS, Rules, load_rules
from parlay_marl.catalogue.scenarios import Scenario, build_params, load_scenario, scenario_names

__all__ = [
    "RULE_PRESETS",
    "Persona",
    "Rules",
    "Scenario",
    "build_params",
    "load_persona",
    "load_rules",
    "load_scenario",
    "partner_names",
    "persona_names",
    "scenario_names",
]
