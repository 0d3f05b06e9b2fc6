"""Scenarios, personas and rule presets: validated from TOML files and turned into the core's records."""

from parlay_marl.catalogue.deals import build_any_params
from parlay_marl.catalogue.families import AnyScenario, Family, family_names, load_any_scenario, load_family
from parlay_marl.catalogue.personas import Persona, load_persona, partner_names, persona_names
from parlay_marl.catalogue.rules import RULE_PRESETS, Rules, load_rules
from parlay_marl.catalogue.scenarios import Scenario, build_params, load_scenario, scenario_names

__all__ = [
    "RULE_PRESETS",
    "AnyScenario",
    "Family",
    "Persona",
    "Rules",
    "Scenario",
    "build_any_params",
    "build_params",
    "family_names",
    "load_any_scenario",
    "load_family",
    "load_persona",
    "load_rules",
    "load_scenario",
    "partner_names",
    "persona_names",
    "scenario_names",
]
