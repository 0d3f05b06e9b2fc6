"""The progress and the speed of a training run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The progress and the speed of a run."""

    frames: int
    total: int
    """Frames at the end of the run."""
    seconds: float
    """Time since the start of the run, or since it was resumed."""
    frames_per_second: float
    """Speed of training alone, without evaluations and checkpoints."""
    environment_share: float
    """Share of that time spent in the batch, opponents included."""


class Clock:
    """Measures the time and the speed of a run."""

    def __init__(self, frames: int) -> None:
        self._start, self._first_frame, self._outside = time.perf_counter(), frames, 0.0

    @contextmanager
    def outside_training(self) -> Iterator[None]:
        """Leave the time of a block out of the training time."""
        start = time.perf_counter()
        yield
        self._outside += time.perf_counter() - start

    def progress(self, frames: int, total: int, environment_seconds: float) -> Progress:
        """Return the progress of the run after a number of frames."""
        seconds = time.perf_counter() - self._start
        training = max(seconds - self._outside, 1e-9)
        speed = (frames - self._first_frame) / training
        return Progress(frames, total, seconds, speed, environment_seconds / training)
