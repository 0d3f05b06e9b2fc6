"""The settings of a game's form: the same as those of a configuration, and only what is not usual is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parlay_marl import form_fields
from parlay_marl.catalogue import scenarios
from parlay_marl.core import form, moves
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.errors import CatalogueError, ConfigurationError
from parlay_marl.form_fields import FormSettings
from parlay_marl.game.config import PROTOCOL_NAMES, GameFields, make_config
from parlay_marl.game.form_settings import checked_form, form_in_options, form_in_words
from parlay_marl.game.forms import FORM_CHOICES, MOVES
from parlay_marl.training.config import TrainingConfig

SMALL = {"protocol": "seller_offers", "price_levels": 5, "moves": ["accept", "offer", "silence"], "events": False}


def test_the_settings_are_those_of_a_configuration() -> None:
    assert set(FormSettings.model_fields) == {*FORM_CHOICES, "max_rounds"}
    for name, field in FormSettings.model_fields.items():
        for model in (GameFields, TrainingConfig):
            declared = model.model_fields[name]
            assert (field.default, field.description) == (declared.default, declared.description)
            assert field.annotation == declared.annotation


def test_numbers_of_the_core_are_the_cores() -> None:
    assert (form_fields.LEAST_LEVELS, form_fields.HALF) == (form.LEAST_LEVELS, form.HALF)
    assert (form_fields.PRICE_LEVELS, form_fields.MAX_ROUNDS) == (moves.PRICE_LEVELS, scenarios.MAX_ROUNDS)
    assert tuple(PROTOCOLS) == PROTOCOL_NAMES


def test_settings_that_are_usual_are_left_out() -> None:
    assert checked_form({}, "here") == {}
    assert checked_form(FormSettings().model_dump(), "here") == {}
    assert checked_form({"moves": reversed(MOVES), "price_levels": 41}, "here") == {}


def test_a_form_is_plain_data_in_one_order() -> None:
    form = checked_form({"moves": ["silence", "offer", "accept"], "protocol": "seller_offers"}, "here")
    assert form == {"protocol": "seller_offers", "moves": ["accept", "offer", "silence"]}
    assert form == checked_form({"moves": ("offer", "accept", "silence"), "protocol": "seller_offers"}, "here")
    assert json.loads(json.dumps(form)) == form
    config = make_config("uniform", **form)
    assert list(config.moves) == form["moves"]


@pytest.mark.parametrize(
    ("given", "error", "reason"),
    [
        ({"protocol": "auction"}, CatalogueError, "here: protocol: Input should be 'alternating_offers'"),
        ({"price_levels": 1}, CatalogueError, "here: price_levels"),
        ({"price_share": 2.0}, CatalogueError, "here: price_share"),
        ({"max_rounds": 0}, CatalogueError, "here: max_rounds"),
        ({"colour": "red"}, CatalogueError, "here: colour: Extra inputs are not permitted"),
        ({"moves": ["accept"]}, ConfigurationError, "every game has accept and offer"),
        ({"protocol": "buyer_offers", "moves": ["accept", "offer"]}, ConfigurationError, "add silence"),
    ],
)
def test_wrong_settings_are_refused(given: dict[str, Any], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        checked_form(given, "here")


def test_a_form_in_words_and_as_options() -> None:
    assert form_in_words({}) == ""
    assert form_in_options({}) == []
    form = checked_form({**SMALL, "max_rounds": 2, "price_share": 0.25}, "here")
    assert form_in_words(form) == (
        "protocol seller_offers, price share 0.25, price levels 5, moves accept and offer and silence, no events, "
        "rounds 2"
    )
    assert form_in_options(form) == [
        *("--protocol", "seller_offers", "--price-share", "0.25", "--price-levels", "5"),
        *("--moves", "accept", "--moves", "offer", "--moves", "silence", "--no-events", "--rounds", "2"),
    ]
