"""A game between two players, played at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Unpack

from parlay_marl.catalogue.personas import Persona
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.config import DEFAULT_SCENARIO, ILLEGAL, GameArguments, make_config, one_of, takes_game
from parlay_marl.game.game import Game
from parlay_marl.game.record import GameRecord
from parlay_marl.players.persona import AnyPlayer, as_player


@takes_game
def play_game(
    buyer: str | Path | Persona | AnyPlayer,
    seller: str | Path | Persona | AnyPlayer,
    scenario: str | Path | Scenario = DEFAULT_SCENARIO,
    *,
    seed: int | None = None,
    number: int = 0,
    options: Mapping[str, Any] | None = None,
    illegal: str = "raise",
    **game: Unpack[GameArguments],
) -> GameRecord:
    """Let two players play a game to its end, and return its record.

    `buyer` and `seller` are players as `env` takes them: a persona's name or file, the file of a learned policy, a
    `Player`, or an object with a `name` and a method `act(observations, masks)`. Without a `seed`, a random one is
    used. `options` are those of `reset`. With `illegal="terminate"`, a seat that plays an illegal action loses the game
    and no error is raised. The other arguments are those of `make_config`.
    """
    one_of("treatment of illegal moves", illegal, ILLEGAL)
    played, refused = Game(make_config(scenario, **game), (as_player(buyer), as_player(seller))), None
    played.read_turns()
    try:
        played.start(secrets.randbits(63) if seed is None else seed, number, deepcopy(options))
    except IllegalMoveError as error:
        if illegal == "raise":
            raise
        refused = str(error)
        played.forfeit()
    return played.record(illegal=refused)
