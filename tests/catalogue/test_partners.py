"""The partners beside the catalogue: strategies of the literature, some of them held out from training."""

from __future__ import annotations

import pytest

from parlay_marl.catalogue import load_persona, partner_names, persona_names
from parlay_marl.catalogue.personas import PARTNERS, refuse_held_out
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.players.strategies import STRATEGIES
from parlay_marl.training.rllib_settings import EnvSettings

every_partner = pytest.mark.parametrize("name", partner_names())


@every_partner
def test_a_partner_says_what_it_is_and_where_it_was_published(name: str) -> None:
    persona = load_persona(name)
    assert persona.name == name
    assert persona.source
    assert persona.tactics.strategy in STRATEGIES


def test_partners_are_no_part_of_the_catalogue() -> None:
    assert PARTNERS.is_dir()
    assert not set(partner_names()) & set(persona_names())
    assert sorted(partner_names(True) + partner_names(False)) == partner_names()
    assert not any(load_persona(name).held_out for name in persona_names())


def test_two_strategies_are_held_out_altogether() -> None:
    met = {load_persona(name).tactics.strategy for name in [*persona_names(), *partner_names(False)]}
    kept = {load_persona(name).tactics.strategy for name in partner_names(True)}
    assert kept - met == {"nice_tit_for_tat", "hybrid"}


def test_a_misspelt_partner_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'nice_tit_for_tat'"):
        load_persona("nice_tit_for_tet")


def test_training_refuses_partners_that_are_held_out() -> None:
    refuse_held_out(load_persona(name) for name in [*persona_names(), *partner_names(False)])
    said = "nice_tit_for_tat: held out, for evaluation only; a benchmark on partners met in training"
    with pytest.raises(ConfigurationError, match=said):
        refuse_held_out([load_persona("nice_tit_for_tat")])
    with pytest.raises(ConfigurationError, match=said):
        EnvSettings(opponents={"shark": 1.0, "nice_tit_for_tat": 1.0}).batch(4, against_opponents=True)
