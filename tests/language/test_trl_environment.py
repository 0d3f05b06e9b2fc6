"""The environment for TRL, without TRL: its methods are the tools, its rewards are the game's."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from parlay_marl.errors import ConfigurationError
from parlay_marl.language.reply_player import ReplyPlayer
from parlay_marl.language.text_env import TextEnv
from parlay_marl.language.tools import tool_schemas
from parlay_marl.language.trl import environment_factory, rows


def tools_of(environment: Any) -> dict[str, Any]:
    """Return what TRL takes for tools: every public method but two."""
    members = inspect.getmembers(environment, predicate=inspect.ismethod)
    return {name: method for name, method in members if name[0] != "_" and name not in ("reset", "get_reward")}


@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms"])
@pytest.mark.parametrize("beliefs", ["bayes", "elicited"])
def test_methods_are_the_tools_of_the_package(scenario: str, beliefs: str) -> None:
    environment = environment_factory(scenario=scenario, beliefs=beliefs)()
    environment.reset(0)
    tools = tools_of(environment)
    schemas = tool_schemas(environment._env.view().scenario, states_belief=beliefs == "elicited")
    assert set(tools) == {schema["function"]["name"] for schema in schemas}
    for schema in schemas:
        function = schema["function"]
        method = tools[function["name"]]
        parameters = inspect.signature(method).parameters
        assert list(parameters) == list(function["parameters"]["properties"])
        required = [name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty]
        assert required == function["parameters"]["required"]
        text = inspect.getdoc(method) or ""
        assert text.startswith(function["description"].split(":")[0])
        assert re.findall(r"^    (\w+): ", text, re.MULTILINE) == list(parameters)


def test_a_game_is_played_by_calling_tools() -> None:
    environment, env = environment_factory("diplomat", "seller")(), TextEnv("seller", "diplomat", form="tools")
    text = environment.reset(seed=7, prompt=[{"role": "user", "content": ""}])
    assert text == env.reset(7)[0]
    paid = 0.0
    for price in (175_000, 165_000, 155_000, 150_000, 145_000):
        expected, reward, done, *_ = env.step(f"I say so.\n/offer {price}")
        assert environment.offer(price, words="I say so.") == expected
        paid += reward
        if done:
            break
    if not env.game.is_over:
        assert environment.walk_away() == env.step("/walk")[0]
    assert "no more" in environment.accept()
    assert environment.get_reward() == paid


def test_a_stated_belief_goes_with_the_next_move() -> None:
    environment = environment_factory(beliefs="elicited")()
    environment.reset(0)
    assert "next move" in environment.state_belief(140_000.0, 5_000.0)  # type: ignore[attr-defined]
    environment.offer(120_000)
    action = environment._env.record().actions[-2]
    assert action.belief == pytest.approx((30_000 / 70_000, 5_000 / 70_000))


def test_terms_are_named() -> None:
    environment = environment_factory(scenario="acquisition_terms")()
    environment.reset(0)
    term = environment._env.view().scenario.terms[0]
    environment.offer(12_000_000, {term.name: term.options[1].name})  # type: ignore[arg-type]
    offer = environment._env.view().offer
    assert offer is not None
    assert environment._env.view().scenario.package_label(offer.package).find(term.options[1].name) >= 0


def test_an_unfinished_game_is_forfeited() -> None:
    environments = [environment_factory()() for _ in range(2)]
    for environment in environments:
        environment.reset(0)
    environments[0].offer(120_000)
    for _ in range(2):
        assert [environment.get_reward() for environment in environments] == [-1.0, -1.0]
    assert "no more" in environments[0].accept()


def test_an_unreadable_call_is_told() -> None:
    environment = environment_factory()()
    environment.reset(0)
    assert "not taken" in environment.offer("a lot")  # type: ignore[arg-type]
    assert "not taken" in environment.offer(1)


def test_every_environment_has_a_player_of_its_own() -> None:
    players = []

    def make() -> ReplyPlayer:
        players.append(ReplyPlayer(lambda _: "/offer 160000", "frozen"))
        return players[-1]

    environments = [environment_factory(make, opener="seller")() for _ in range(2)]
    for environment in environments:
        assert "160,000" in environment.reset(0)
    assert len(set(map(id, players))) == len(players) >= 2
    with pytest.raises(ConfigurationError, match="a player of its own"):
        environment_factory(players[0])


def test_rows_are_seeds() -> None:
    given = rows(range(3), "Go.")
    assert [row["seed"] for row in given] == [0, 1, 2]
    assert given[0]["prompt"] == [{"role": "user", "content": "Go."}]
    assert given[0]["prompt"] is not given[1]["prompt"]
