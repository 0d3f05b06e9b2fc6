"""The public surface: what the pages name is there, and importing it is cheap."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import pettingzoo
import pytest
from pettingzoo import AECEnv, ParallelEnv

import parlay_marl
from parlay_marl import catalogue, errors, exchange, negotiation_v0, tournament
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.studies import beliefs
from tests.processes import ROOT, run

SURFACE = {
    negotiation_v0: {
        *("BeliefView", "Claim", "GameConfig", "EnvSnapshot", "Game", "GameRecord", "Move", "Outcome"),
        *(
            "Action",
            "Player",
            "Reading",
            "ResetOptions",
            "SeatView",
            "env",
            "infer_limit",
            "make_config",
            "parallel_env",
            "play_game",
        ),
        *("raw_env", "replay"),
    },
    catalogue: {
        *("RULE_PRESETS", "AnyScenario", "Family", "Persona", "Rules", "Scenario", "build_any_params", "build_params"),
        *("family_names", "load_any_scenario", "load_family", "load_persona", "load_rules", "load_scenario"),
        *("partner_names", "persona_names", "scenario_names"),
    },
    exchange: {"as_negotiator", "export_scenario", "import_scenario"},
    beliefs: {
        *("BeliefReport", "ReliabilityBin", "SeenQuality", "SeenReport", "TrackerQuality", "ValueOfBelief"),
        *("assess_beliefs", "assess_seen"),
    },
    tournament: {
        *("GAME_DTYPE", "Analysis", "EntrantInfo", "Forfeit", "Games", "analyse", "figures", "replay_game"),
        *("run_tournament", "write_report"),
    },
}
if find_spec("openenv") is not None:  # it is no part of the environment for RLlib
    SURFACE[importlib.import_module("parlay_marl.server")] = {
        *("NegotiationAction", "NegotiationEnvironment", "NegotiationObservation", "NegotiationState", "ParlayClient"),
        *("ServerSettings", "StepResult", "SyncParlayClient", "create_app"),
    }
ENV_ARGUMENTS = (
    *(
        "scenario",
        "rules",
        "reward",
        "information",
        "opener",
        "max_rounds",
        "beliefs",
        "price_levels",
        "moves",
        "events",
        "protocol",
        "price_share",
        "actions",
        "illegal",
    ),
    *("buyer", "seller", "render_mode"),
)
HAS_RAY = find_spec("ray") is not None
NEEDS = {
    "parlay_marl.training.rllib": "ray",
    "parlay_marl.exchange.negmas_negotiator": "negmas",
    "parlay_marl.exchange.negmas_scenarios": "negmas",
    "parlay_marl.players.strangers.negmas_deal": "negmas",
    "parlay_marl.players.strangers.negmas_table": "negmas",
    "parlay_marl.theory.openspiel": "pyspiel",
    "parlay_marl.language.verifiers_tasks": "verifiers",
    "parlay_marl.language.tasksets.parlay_one_seat": "verifiers",
    "parlay_marl.language.tasksets.parlay_two_seats": "verifiers",
}
"""Modules that need a library when they are imported: CI looks at them where it is installed."""
NAMES = [found.name for found in pkgutil.walk_packages(parlay_marl.__path__, "parlay_marl.")]
MODULES = [
    importlib.import_module(name)
    for name in NAMES
    if not name.endswith("__main__") and (name not in NEEDS or find_spec(NEEDS[name]) is not None)
]
if HAS_RAY:
    SURFACE[importlib.import_module("parlay_marl.training.rllib")] = {
        *("ENV_NAME", "BatchEnvRunner", "EnvSettings", "LeagueCallback", "MaskedPPOModule", "Matchmaking"),
        *("NegotiationMultiAgentEnv", "against_persona", "against_zoo", "module_spec", "policy_of", "register"),
        *("self_play_league", "shared_policy", "two_policies"),
    }

every_public_module = pytest.mark.parametrize("module", SURFACE, ids=lambda module: module.__name__)


def rank(name: str) -> tuple[int, str]:
    """Return where a name stands in `__all__`: constants, classes, functions, each in the order of letters."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@every_public_module
def test_the_public_names_are_these(module: Any) -> None:
    assert set(module.__all__) == SURFACE[module]
    assert module.__all__ == sorted(set(module.__all__), key=rank)
    for name in module.__all__:
        assert hasattr(module, name)


def test_no_other_module_declares_exports() -> None:
    found = {module.__name__ for module in MODULES if hasattr(module, "__all__")}
    assert found - {"parlay_marl.server.openenv_parts"} == {m.__name__ for m in SURFACE}, (
        "parts of OpenEnv are not ours"
    )


def test_a_star_import_gives_the_public_names() -> None:
    space: dict[str, Any] = {}
    exec("from parlay_marl.negotiation_v0 import *", space)
    assert set(space) - {"__builtins__"} == set(negotiation_v0.__all__)


@every_public_module
def test_every_public_class_and_function_is_documented_in_a_sentence(module: Any) -> None:
    """`Rules` is made from tables of parameters, and documented where it is made."""
    things = {name: getattr(module, name) for name in module.__all__ if name != "Rules"}
    for name, thing in things.items():
        if inspect.isclass(thing) or inspect.isfunction(thing):
            own = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
            assert own, f"{module.__name__}.{name} has no docstring"
            first = own.strip().split("\n\n")[0]
            assert first.endswith((".", ":")), f"{module.__name__}.{name}: {first!r} is no sentence"


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_the_modules_for_rllib_say_what_to_install() -> None:
    with pytest.raises(errors.MissingExtraError, match=r'RLlib needs ray; pip install "parlay-marl\[rllib\]"'):
        importlib.import_module("parlay_marl.training.rllib")


@pytest.mark.parametrize("module", [parlay_marl, *MODULES], ids=lambda module: module.__name__)
def test_every_module_says_what_it_is(module: ModuleType) -> None:
    assert module.__doc__, module.__name__
    assert module.__doc__.strip().split("\n\n")[0].endswith((".", ":"))


def test_the_environments_take_the_arguments_that_their_page_names() -> None:
    assert tuple(inspect.signature(negotiation_v0.raw_env).parameters) == (*ENV_ARGUMENTS, "action_mask")
    in_parallel = (*ENV_ARGUMENTS, "off_turn", "action_mask")
    assert tuple(inspect.signature(negotiation_v0.parallel_env).parameters) == in_parallel
    own = ("role", "opponent", *(name for name in ENV_ARGUMENTS if name not in ("buyer", "seller")))
    assert tuple(inspect.signature(NegotiationEnv).parameters) == own
    page = negotiation_v0.__doc__
    assert page is not None
    for name in in_parallel:
        assert f"`{name}`" in page


def test_the_parallel_form_is_made_for_tools_that_sample_without_masks() -> None:
    own = {name: p.default for name, p in inspect.signature(negotiation_v0.parallel_env).parameters.items()}
    turns = {name: p.default for name, p in inspect.signature(negotiation_v0.raw_env).parameters.items()}
    assert own == turns | {"illegal": "terminate", "off_turn": "ignore"}


def test_the_arguments_of_the_issue_are_there_with_their_defaults() -> None:
    defaults = {name: p.default for name, p in inspect.signature(negotiation_v0.raw_env).parameters.items()}
    assert defaults == {
        "scenario": "saas_enterprise",
        "rules": "default",
        "reward": "payoff",
        "information": None,
        "opener": None,
        "max_rounds": None,
        "actions": "discrete",
        "illegal": "raise",
        "beliefs": "bayes",
        "price_levels": 41,
        "moves": None,
        "events": True,
        "protocol": "alternating_offers",
        "price_share": 0.5,
        "buyer": None,
        "seller": None,
        "render_mode": None,
        "action_mask": "observation",
    }


def test_the_version_is_that_of_the_package() -> None:
    assert parlay_marl.__version__.count(".") == 2
    assert parlay_marl.__version__ in (ROOT / "CHANGELOG.md").read_text()


def test_the_environments_are_registered_by_strings() -> None:
    assert gymnasium.spec("parlay/Negotiation-v0").entry_point == "parlay_marl.envs.single:NegotiationEnv"
    assert pettingzoo.spec("aec", "parlay/negotiation-v0").entry_point == "parlay_marl.negotiation_v0:env"
    assert pettingzoo.spec("parallel", "parlay/negotiation-v0").entry_point == "parlay_marl.negotiation_v0:parallel_env"


def test_gymnasium_knows_the_environment_by_name() -> None:
    env = gymnasium.make("parlay/Negotiation-v0", role="seller", opponent="diplomat", scenario="uniform")
    assert isinstance(env.unwrapped, NegotiationEnv)
    observation, _ = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    assert env.unwrapped.spec is not None
    assert env.unwrapped.spec.id == "parlay/Negotiation-v0"
    env.close()


def test_gymnasium_makes_many_of_it_at_once() -> None:
    envs = gymnasium.make_vec("parlay/Negotiation-v0", num_envs=3, vectorization_mode="sync")
    observations, _ = envs.reset(seed=3)
    assert observations["observation"].shape[0] == 3
    envs.close()


@pytest.mark.parametrize(("kind", "base"), [("aec", AECEnv), ("parallel", ParallelEnv)])
def test_pettingzoo_knows_the_environments_by_name(kind: str, base: type[Any]) -> None:
    env = pettingzoo.make(kind, "parlay/negotiation-v0", scenario="uniform", seller="nash")
    assert isinstance(env.unwrapped, base)
    env.reset(seed=3)
    assert env.agents == ["buyer_0"]
    assert env.unwrapped.metadata["name"] == "negotiation_v0"


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = "import sys, parlay_marl; print('\\n'.join(sys.modules))"
    done = run([sys.executable, "-W", "error", "-c", program], check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {
        "numba",
        "llvmlite",
        "torch",
        "pydantic",
        "rich",
        "typer",
        "scipy",
        "pandas",
        "pygame",
        "matplotlib",
        "PIL",
    }
    ours = [name for name in done.stdout.split() if name.startswith("parlay_marl")]
    assert ours == ["parlay_marl"]


def drawn_tree() -> dict[str, tuple[str, ...]]:
    """Return the bases of every error as the docstring of `errors` draws them: the parent, then what it also is."""
    tree: dict[str, tuple[str, ...]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ((?:\|   |    )*)(?:\|-- |`-- )?(\w+Error)\b(.*)$", line)
        if match is None:
            continue
        depth = len(match[1]) // 4 + ("--" in line[: match.start(2)])
        also = re.search(r"\(also an? (\w+)\)", match[3])
        tree[match[2]] = (*([path[depth - 1]] if depth else []), *([also[1]] if also else []))
        path[depth:] = [match[2]]
    return tree


def defined() -> dict[str, type[BaseException]]:
    """Return every error that `errors` defines."""
    return {name: thing for name, thing in vars(errors).items() if inspect.isclass(thing) and is_own_error(thing)}


def is_own_error(thing: type[Any]) -> bool:
    return issubclass(thing, Exception) and not issubclass(thing, Warning) and thing.__module__ == errors.__name__


def test_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    tree = drawn_tree()
    assert tree.pop("ParlayError") == ()
    assert errors.ParlayError.__bases__ == (Exception,)
    assert tree == {
        name: tuple(base.__name__ for base in error.__bases__)
        for name, error in defined().items()
        if error is not errors.ParlayError
    }


@pytest.mark.parametrize("name", sorted(defined()))
def test_every_error_is_a_parlay_error_and_documented(name: str) -> None:
    error = defined()[name]
    assert issubclass(error, errors.ParlayError)
    assert vars(error).get("__doc__")


def test_the_standard_errors_that_callers_may_catch() -> None:
    standard = {
        errors.UnknownNameError: ValueError,
        errors.CatalogueError: ValueError,
        errors.ConfigurationError: ValueError,
        errors.ArgumentError: TypeError,
        errors.IllegalMoveError: ValueError,
        errors.ActionTypeError: TypeError,
        errors.NotStartedError: RuntimeError,
        errors.GameOverError: RuntimeError,
        errors.RequestError: ValueError,
        errors.ServerRefusedError: RuntimeError,
        errors.ServerConnectionError: ConnectionError,
        errors.EndpointError: ConnectionError,
        errors.BudgetError: RuntimeError,
        errors.StoppedError: RuntimeError,
        errors.PolicyError: RuntimeError,
        errors.UnclearTextError: ValueError,
        errors.MissingExtraError: ImportError,
    }
    assert all(issubclass(own, usual) for own, usual in standard.items())
    assert issubclass(errors.PolicyFileError, errors.CatalogueError)
    assert issubclass(errors.ArgumentError, errors.ConfigurationError)
    bases = {errors.ParlayError, errors.TurnError, errors.PolicyFileError}
    assert set(standard) | bases == set(defined().values())


def test_no_module_but_the_command_line_has_errors_of_its_own() -> None:
    strays = {
        f"{module.__name__}.{name}"
        for module in MODULES
        for name, thing in vars(module).items()
        if inspect.isclass(thing) and issubclass(thing, BaseException) and thing.__module__ == module.__name__
    }
    assert {stray for stray in strays if not stray.startswith(("parlay_marl.errors.", "parlay_marl.cli."))} == set()


def test_an_unknown_name_is_told_the_nearest_or_all() -> None:
    known = ("shark", "diplomat")
    assert str(errors.UnknownNameError("persona", "sharc", known)) == "unknown persona 'sharc'; did you mean 'shark'?"
    assert str(errors.UnknownNameError("persona", 7, known)) == "unknown persona 7; known: diplomat, shark"


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_the_experiment_says_what_to_install(tmp_path: Path) -> None:
    script = ROOT / "experiments" / "rllib_experiment.py"
    done = run([sys.executable, script, "persona", "--out", tmp_path / "x"])
    assert done.returncode == 2
    assert done.stderr == 'rllib_experiment: RLlib needs ray; pip install "parlay-marl[rllib]"\n'
    assert not (tmp_path / "x").exists()
