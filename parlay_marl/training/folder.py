"""The folder of a training run: its config, its checkpoint, its policies and its evaluations.

run.json              the config, and the machine and the versions that ran it
checkpoint.pt         the state from which a killed run continues
NAME.safetensors      the policy at the last checkpoint, by default named after the folder
evaluations.json      payoffs against every opponent, by frames
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
from parlay_marl.training.config import TrainingConfig

_VERSIONS = ("parlay-marl", "numpy", "torch")


class Folder:
    """The folder of a run; it must be empty when the run begins."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def checkpoint(self) -> Path:
        """The file from which a killed run continues."""
        return self.path / "checkpoint.pt"

    def policy(self, config: TrainingConfig) -> Path:
        """Return the file of the policy at the last checkpoint."""
        return self.path / f"{config.name}.safetensors"

    @property
    def tensorboard(self) -> Path:
        """The folder of the curves."""
        return self.path / "tensorboard"

    def begin(self, config: TrainingConfig) -> None:
        """Make the folder and write the config; refuse a folder that is not empty."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                raise ConfigurationError(
                    f"{self.path}: the folder is not empty; give a new one, or continue the run in it with --resume"
                )
            self._write("run.json", {"config": config.model_dump(mode="json"), **provenance()})
        except OSError as error:
            raise ConfigurationError(f"{self.path}: cannot hold a run: {error.strerror}") from None

    def config(self) -> TrainingConfig:
        """Return the config of the run in the folder."""
        path = self.path / "run.json"
        try:
            return TrainingConfig.model_validate(json.loads(path.read_text(encoding="utf-8"))["config"])
        except FileNotFoundError:
            raise ConfigurationError(f"{self.path}: holds no run to resume; begin one without --resume") from None
        except ValidationError as error:
            raise ConfigurationError(f"{path}: {reasons(error)}; correct it or begin the run again") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{path}: the config of the run cannot be read ({error}); begin the run again"
            ) from None

    def write_evaluations(self, evaluations: list[dict[str, Any]]) -> None:
        """Write all evaluations."""
        self._write("evaluations.json", evaluations)

    def write_gaps(self, gaps: list[dict[str, Any]]) -> None:
        """Write what the replies of the league gained."""
        self._write("gaps.json", gaps)

    def write_snapshot(self, policy: Policy, frames: int) -> None:
        """Write the policy after a number of frames."""
        (self.path / "snapshots").mkdir(exist_ok=True)
        write_policy(self.path / "snapshots" / f"{frames:012d}.safetensors", policy)

    def _write(self, name: str, data: Any) -> None:
        write_whole(self.path / name, (json.dumps(data, indent=2) + "\n").encode())


def provenance() -> dict[str, Any]:
    """Return the machine and the versions of the libraries that a run depends on."""
    versions = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"versions": versions, "machine": {"system": platform.platform(), "processor": processor()}}


def processor() -> str:
    """Return the name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
