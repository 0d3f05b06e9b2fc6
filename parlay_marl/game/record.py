"""A game between two opponents, played at once, and the record of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parlay_marl.catalogue.personas import Persona
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.action import Action
from parlay_marl.game.config import ILLEGAL, GameConfig, make_config, one_of
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.position import Position
from parlay_marl.game.transcript import transcript
from parlay_marl.players.persona import AnyPlayer, as_player


@dataclass(frozen=True)
class GameRecord:
    """A finished game: what it can be played again from, and how it ended.

    `options` are the reset options, with the event sensitivities of personas; `actions` are those of both seats in
    their order, with normalised prices. Pairs are (buyer, seller).
    """

    config: GameConfig
    seed: int
    number: int
    options: Mapping[str, Any] | None
    actions: tuple[Action, ...]
    outcome: Outcome
    rewards: tuple[float, float]
    """What the game has paid to each seat in all."""
    illegal: str | None
    """What was illegal, where that ended the game; its seat is `outcome.closed_by`."""
    players: tuple[AnyPlayer, AnyPlayer] = field(repr=False, compare=False)

    @property
    def names(self) -> tuple[str, str]:
        """The names of who played."""
        buyer, seller = self.players
        return buyer.name, seller.name

    def replay(self, turns: int | None = None) -> Position:
        """Return the game played again, bit for bit, or its first `turns` turns; who played is not asked again."""
        game = Position(self.config, self.players).begin(self.seed, self.number, self.options)
        for action in self.actions[:turns]:
            game.turn(action)
        if self.illegal is not None and (turns is None or turns > len(self.actions)):
            game.forfeit(SEATS.index(str(self.outcome.closed_by)))
        return game

    def transcript(self) -> str:
        """Return the game as text: every turn, what personas said, the ending, and a picture of the offers."""
        return transcript(self.replay())


def play_game(
    buyer: str | Path | Persona | AnyPlayer,
    seller: str | Path | Persona | AnyPlayer,
    scenario: str | Path | Scenario = "saas_enterprise",
    *,
    seed: int | None = None,
    number: int = 0,
    options: Mapping[str, Any] | None = None,
    illegal: str = "raise",
    **arguments: Any,
) -> GameRecord:
    """Let two opponents play a game to its end, and return the record of it.

    `buyer` and `seller` are what `env` takes for a seat: a persona's name or file, the file of a learned policy, or
    anything with a name and a method `act(observations, masks)`. Without a `seed` one is drawn. `options` are those of
    `reset`; with `illegal="terminate"` a seat that plays an illegal action loses instead of raising an error; the other
    `arguments` are those of `make_config`: `rules`, `reward`, `information`, `opener`, `max_rounds`, `beliefs`.
    """
    one_of("treatment of illegal moves", illegal, ILLEGAL)
    players = as_player(buyer), as_player(seller)
    game, refused = Game(make_config(scenario, **arguments), players), None
    try:
        game.start(secrets.randbits(63) if seed is None else seed, number, deepcopy(options))
    except IllegalMoveError as error:
        if illegal == "raise":
            raise
        refused = str(error)
        game.forfeit()
    assert game.seed is not None
    buyer_paid, seller_paid = game.rewards
    return GameRecord(
        game.config,
        game.seed,
        game.number,
        game.options,
        tuple(game.actions),
        game.outcome(),
        (buyer_paid, seller_paid),
        refused,
        players,
    )
