"""How the tests call `parlay`: in this process, or as a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from parlay_marl.cli import app
from tests.processes import Started

OF_THE_TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "GITHUB_ACTIONS")

Parlay = Callable[..., Result]


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_THE_TERMINAL:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def parlay() -> Parlay:
    """Run `parlay` with arguments and typed lines in this process; no colours, as into a pipe."""

    def run(*args: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, list(args), input=typed, prog_name="parlay")

    return run


def long_flags(command: str) -> set[str]:
    """Return the long flags of a command, those of a settings model included."""
    found = get_command(app).commands[command]  # type: ignore[attr-defined]
    params = found.get_params(found.make_context(command, [], resilient_parsing=True))
    return {flag for param in params for flag in param.opts if flag.startswith("--")}


def start(*args: str) -> Started:
    """Start `python -m parlay_marl` as a process of its own."""
    return Started([sys.executable, "-m", "parlay_marl", *args])
