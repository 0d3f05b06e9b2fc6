"""Golden transcripts: a few short games, told exactly as in `tests/transcripts/`.

After a change that is meant, `PARLAY_UPDATE_TRANSCRIPTS=1 pytest tests/test_transcripts.py` writes them anew; read the
difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from parlay_marl import negotiation_v0
from parlay_marl.game.game import Game
from parlay_marl.game.transcript import transcript
from parlay_marl.players.persona import as_player

FOLDER = Path(__file__).parent / "transcripts"
UPDATE = "PARLAY_UPDATE_TRANSCRIPTS"


class Told(NamedTuple):
    """A game between two personas."""

    buyer: str
    seller: str
    config: dict[str, Any]
    seed: int
    options: dict[str, Any]


GAMES = {
    "shark_diplomat_saas": Told("shark", "diplomat", {"scenario": "saas_enterprise", "max_rounds": 10}, 4, {}),
    "veteran_linear_hiring_terms": Told(
        "veteran", "linear", {"scenario": "hiring_package_terms", "max_rounds": 10}, 1, {"event_rounds": [4]}
    ),
    "micro_micro_open_cards": Told("micro", "micro", {"scenario": "complete_information", "max_rounds": 12}, 0, {}),
    "nash_hardliner_uniform": Told("nash", "hardliner", {"scenario": "uniform", "max_rounds": 6}, 3, {}),
}


def told(game: Told) -> str:
    """Return the transcript of a game."""
    played = Game(negotiation_v0.make_config(**game.config), (as_player(game.buyer), as_player(game.seller)))
    played.reset(game.seed, game.options)
    assert played.is_over
    return transcript(played)


@pytest.mark.parametrize("name", GAMES)
def test_a_game_is_told_as_it_was(name: str) -> None:
    path = FOLDER / f"{name}.txt"
    text = told(GAMES[name])
    if os.environ.get(UPDATE):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"if this is meant: {UPDATE}=1 pytest tests/test_transcripts.py"


@pytest.mark.parametrize("name", GAMES)
def test_a_transcript_fits_a_terminal(name: str) -> None:
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)


def test_every_transcript_is_of_a_game() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(GAMES)
    assert not os.environ.get(UPDATE), f"the transcripts are written; run the tests again without {UPDATE}"
