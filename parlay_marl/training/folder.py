"""The folder of a training run: its plan, its checkpoint, the policies that it has passed through, its evaluations.

run.json              the plan, and the machine and versions it ran on
checkpoint.pt         what a killed run goes on from
NAME.safetensors      the policy at the last checkpoint, NAME as the folder is called
evaluations.json      what it was paid by every opponent, and when
snapshots/            the policy at each evaluation
tensorboard/          curves
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from parlay_marl.catalogue.files import reasons, write_whole
from parlay_marl.errors import ConfigurationError
from parlay_marl.policies.policy import Policy, write_policy
from parlay_marl.training.plan import Plan

_VERSIONS = ("parlay-marl", "numpy", "torch", "stable-baselines3", "sb3-contrib")


class Folder:
    """Where a run is kept; a new one must be empty, an old one must hold a run."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def checkpoint(self) -> Path:
        """The file that a killed run goes on from."""
        return self.path / "checkpoint.pt"

    def policy(self, plan: Plan) -> Path:
        """Return the file of the policy as it was last, called after it."""
        return self.path / f"{plan.name}.safetensors"

    @property
    def tensorboard(self) -> Path:
        """The folder of the curves."""
        return self.path / "tensorboard"

    def begin(self, plan: Plan) -> None:
        """Make the folder and note the plan; refuse one that holds anything."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                raise ConfigurationError(
                    f"{self.path}: the folder is not empty; give a new one, or go on with the run in it with --resume"
                )
            self._write("run.json", {"plan": plan.model_dump(mode="json"), **surroundings()})
        except OSError as error:
            raise ConfigurationError(f"{self.path}: cannot keep a run: {error.strerror}") from None

    def plan(self) -> Plan:
        """Return the plan of the run that the folder holds."""
        path = self.path / "run.json"
        try:
            return Plan.model_validate(json.loads(path.read_text(encoding="utf-8"))["plan"])
        except FileNotFoundError:
            raise ConfigurationError(f"{self.path}: holds no run to resume; begin one without --resume") from None
        except ValidationError as error:
            raise ConfigurationError(f"{path}: {reasons(error)}; correct it or begin the run again") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}: no plan of a run can be read ({error}); begin the run again") from None

    def keep_evaluations(self, evaluations: list[dict[str, Any]]) -> None:
        """Write all evaluations."""
        self._write("evaluations.json", evaluations)

    def keep_snapshot(self, policy: Policy, frames: int) -> None:
        """Write the policy as it was after so many frames."""
        (self.path / "snapshots").mkdir(exist_ok=True)
        write_policy(self.path / "snapshots" / f"{frames:012d}.safetensors", policy)

    def _write(self, name: str, data: Any) -> None:
        write_whole(self.path / name, (json.dumps(data, indent=2) + "\n").encode())


def surroundings() -> dict[str, Any]:
    """Return what a run depends on beside its plan: the machine and the versions of what computes."""
    versions = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"versions": versions, "machine": {"system": platform.platform(), "processor": processor()}}


def processor() -> str:
    """Return what the processor calls itself."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
