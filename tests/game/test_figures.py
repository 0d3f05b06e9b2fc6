"""The figures of a row that are read at once: each is that of the record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.core.state import PRICE_ONLY_DTYPE, STATE_DTYPE
from parlay_marl.game.figures import Figures, figures_of


@pytest.mark.parametrize("dtype", [PRICE_ONLY_DTYPE, STATE_DTYPE], ids=["price only", "terms"])
def test_each_figure_is_that_of_its_field(dtype: Any) -> None:
    draw = np.random.default_rng(0)
    for _ in range(20):
        rows = np.zeros(1, dtype)
        for name in Figures._fields:
            field = rows[name]
            if field.dtype.kind == "f":
                field[...] = draw.random(field.shape)
            else:
                field[...] = draw.integers(0, np.iinfo(field.dtype).max, field.shape, field.dtype, endpoint=True)
        found = figures_of(rows)
        for name, figure in zip(Figures._fields, found, strict=True):
            kept = rows[name][0].tolist()
            assert figure == (tuple(kept) if isinstance(kept, list) else kept), name
