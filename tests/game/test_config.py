"""The choices for a game are listed in one place, and every interface has them from there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from parlay_marl import negotiation_v0
from parlay_marl.envs.batch import Batch
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.game.config import (
    GameArguments,
    GameConfig,
    GameFields,
    InferredGameFields,
    game_field,
)
from parlay_marl.server.game_request import GameRequest
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.rllib_settings import EnvSettings

NAMES = tuple(GameFields.model_fields)
CALLS = (
    *(negotiation_v0.raw_env, negotiation_v0.parallel_env, negotiation_v0.make_config, negotiation_v0.play_game),
    *(NegotiationEnv, NegotiationVectorEnv, Batch),
)


def test_fields_arguments_and_configuration_have_the_same_names() -> None:
    assert tuple(get_type_hints(GameArguments)) == NAMES
    assert [field.name for field in fields(GameConfig)] == ["scenario", *NAMES]
    assert tuple(InferredGameFields.model_fields) == NAMES


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_every_signature_shows_all_choices_with_their_defaults(call: Callable[..., Any]) -> None:
    shown = inspect.signature(call).parameters
    assert {name: shown[name].default for name in NAMES} == {
        name: field.default for name, field in GameFields.model_fields.items()
    }


CHOSEN_FROM_A_LIST = ("rules", "max_rounds")
"""Choices that clients of a server have fewer of, which their descriptions say."""


@pytest.mark.parametrize(("model", "base"), [(GameRequest, GameFields), (EnvSettings, InferredGameFields)])
def test_models_inherit_the_choices(model: type[BaseModel], base: type[BaseModel]) -> None:
    for name in NAMES:
        own, listed = model.model_fields[name], base.model_fields[name]
        assert own.default == listed.default
        narrower = model is GameRequest and name in CHOSEN_FROM_A_LIST
        assert (own.description == listed.description) is not narrower
        assert own.description


@pytest.mark.parametrize("name", ["reward", "information", "max_rounds"])
def test_a_plan_of_training_picks_some_of_them(name: str) -> None:
    own, listed = TrainingConfig.model_fields[name], game_field(name)
    assert (own.default, own.description) == (listed.default, listed.description)


@pytest.mark.parametrize("rounds", [True, "4", 4.0, 0, 1001, np.array([1, 2])], ids=str)
def test_a_number_of_rounds_is_a_whole_number_in_models_too(rounds: Any) -> None:
    with pytest.raises(ValidationError, match="max_rounds"):
        GameFields(max_rounds=rounds)


def test_whole_numbers_of_numpy_are_taken_as_plain_ones() -> None:
    assert type(GameFields(max_rounds=np.int64(4)).max_rounds) is int


def test_where_nobody_states_beliefs_none_are_elicited() -> None:
    assert GameFields(beliefs="elicited").beliefs == "elicited"
    with pytest.raises(ValidationError, match="beliefs"):
        InferredGameFields(beliefs="elicited")  # type: ignore[arg-type]
