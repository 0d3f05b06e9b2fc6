"""The public surface is what tests/public_api.txt says: nobody's program breaks by a change that was not meant."""

from __future__ import annotations

import difflib

import pytest

pytest.importorskip("openenv")  # it is no part of the environment for RLlib

from tests import public_api


def test_the_public_surface_is_the_one_that_is_kept() -> None:
    kept, here = public_api.KEPT.read_text("utf-8"), public_api.surface()
    changes = "\n".join(difflib.unified_diff(kept.splitlines(), here.splitlines(), "kept", "here", lineterm="", n=0))
    if changes:
        pytest.fail(
            "the public surface has changed; where that is meant, run `python -m tests.public_api` and write it into "
            f"CHANGELOG.md, as docs/development.md says:\n{changes}",
            pytrace=False,
        )


def test_the_surface_has_signatures() -> None:
    lines = public_api.surface().splitlines()
    assert any(line.startswith("play_game(") and "seed: int" in line for line in lines)
    assert "    Move.ACCEPT = 0" in lines
    assert any(line.startswith("    SeatView.make_offer(self, price") for line in lines)
