"""The curves of a training run, for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from parlay_marl.errors import MissingExtraError


class Curves:
    """Figures over frames, written into a folder; without a folder they are dropped."""

    def __init__(self, folder: Path | None) -> None:
        self._writer = None if folder is None else _writer(folder)
        self._figures: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def record(self, name: str, value: float) -> None:
        """Keep a figure for the next `write`."""
        self._figures[name] = value

    def write(self, frames: int) -> None:
        """Write the figures that were recorded since the last time."""
        if self._writer is not None:
            for name, value in self._figures.items():
                self._writer.add_scalar(name, value, frames)
        self._figures.clear()


def _writer(folder: Path) -> Any:
    """Return torch's writer for a folder; where a library is missing, the error says how to install it."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError(f'curves need {error.name}; pip install "parlay-marl[train]"') from None
    return SummaryWriter(str(folder))
