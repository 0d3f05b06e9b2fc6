"""The public surface: what the pages name is there, and importing it is cheap."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import gymnasium
import pettingzoo
import pytest

import parlay_marl
from parlay_marl import catalogue, errors, negotiation_v0, tournament

ROOT = Path(__file__).resolve().parent.parent

SURFACE = {
    negotiation_v0: {
        *("Config", "EnvSnapshot", "Game", "Move", "Outcome", "PlayedMove", "ResetOptions"),
        *("env", "make_config", "parallel_env", "raw_env", "replay"),
    },
    catalogue: {
        *("RULE_PRESETS", "Persona", "Rules", "Scenario", "build_params", "load_persona", "load_rules"),
        *("load_scenario", "persona_names", "scenario_names"),
    },
    tournament: {"Cell", "Entrant", "Results", "run_tournament"},
}
ENV_ARGUMENTS = (
    *("scenario", "rules", "reward", "information", "opener", "max_rounds", "actions", "illegal", "beliefs"),
    *("buyer", "seller", "render_mode"),
)


@pytest.mark.parametrize("module", SURFACE, ids=lambda module: module.__name__)
def test_the_public_names_are_these(module: object) -> None:
    assert set(module.__all__) == SURFACE[module]
    for name in module.__all__:
        assert hasattr(module, name)


def test_the_environments_take_the_arguments_that_their_page_names() -> None:
    for kind in (negotiation_v0.raw_env, negotiation_v0.parallel_env):
        assert tuple(inspect.signature(kind).parameters) == ENV_ARGUMENTS
    from parlay_marl.envs.single import NegotiationEnv

    own = ("role", "opponent", *(name for name in ENV_ARGUMENTS if name not in ("buyer", "seller")))
    assert tuple(inspect.signature(NegotiationEnv).parameters) == own
    page = negotiation_v0.__doc__
    assert page is not None
    for name in ENV_ARGUMENTS:
        assert f"`{name}`" in page


def test_the_version_is_that_of_the_package() -> None:
    assert parlay_marl.__version__.count(".") == 2
    assert parlay_marl.__version__ in (ROOT / "CHANGELOG.md").read_text()


def test_the_environments_are_registered_by_strings() -> None:
    assert gymnasium.spec("parlay/Negotiation-v0").entry_point == "parlay_marl.envs.single:NegotiationEnv"
    assert pettingzoo.spec("aec", "parlay/negotiation-v0").entry_point == "parlay_marl.negotiation_v0:env"
    assert pettingzoo.spec("parallel", "parlay/negotiation-v0").entry_point == "parlay_marl.negotiation_v0:parallel_env"


def test_every_error_is_in_the_tree_that_the_module_draws() -> None:
    drawn = errors.__doc__
    assert drawn is not None
    classes = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]
    for error in classes:
        assert issubclass(error, errors.ParlayError)
        assert error.__name__ in drawn
        for builtin in (ValueError, RuntimeError, ImportError):
            if issubclass(error, builtin) and error.__bases__[-1] is builtin:
                line = next(line for line in drawn.splitlines() if error.__name__ in line)
                assert builtin.__name__ in line
    assert len(classes) == drawn.count("--") + 1


def test_every_module_can_be_imported_by_itself() -> None:
    names = [info.name for info in pkgutil.walk_packages(parlay_marl.__path__, "parlay_marl.")]
    assert len(names) > 30
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = "import sys, parlay_marl; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numba", "llvmlite", "torch", "pydantic", "rich", "typer", "scipy", "pandas", "pygame"}
    ours = [name for name in done.stdout.split() if name.startswith("parlay_marl")]
    assert ours == ["parlay_marl"]
