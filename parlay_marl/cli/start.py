"""The start of one game, by players, seed and number."""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parlay_marl.game.config import GameConfig
    from parlay_marl.game.game import Game
    from parlay_marl.players.persona import AnyPlayer, PersonaPlayer

LAST_GAME = 2**31 - 1


def import_from_here() -> None:
    """Put the current folder on the import path, as Python itself does."""
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.insert(0, os.getcwd())


def seed_or_random(seed: int | None) -> int:
    """Return a seed, or a random one short enough to type."""
    return secrets.randbelow(1_000_000) if seed is None else seed


def persona(name: str) -> PersonaPlayer:
    """Return the player of a persona, by name or file."""
    from parlay_marl.players.persona import as_persona

    return as_persona(name)


def player(name: str) -> AnyPlayer:
    """Return a player: a persona by name or file, or that of an import path or a scheme."""
    from parlay_marl.catalogue.personas import is_import_path
    from parlay_marl.players.persona import persona_called
    from parlay_marl.players.schemes import has_scheme

    if has_scheme(name) or is_import_path(name):
        from parlay_marl.tournament.entrants import load_policy

        import_from_here()
        return load_policy(name)
    return persona_called(name)


def play_out(game: Game, seed: int, number: int) -> None:
    """Play a game to its end; an error of a user's own player becomes one sentence."""
    from parlay_marl.core.moves import SEATS
    from parlay_marl.errors import ParlayError, PolicyError
    from parlay_marl.players.player import Player
    from parlay_marl.tournament.entrants import in_words

    try:
        game.start(seed, number)
    except ParlayError:
        raise
    except Exception as error:
        player = game.players[game.seat]
        if not isinstance(player, Player) or type(player).__module__.startswith("parlay_marl."):
            raise
        raise PolicyError(
            game.seat, f"{SEATS[game.seat]}: the player {player.name!r} raises {in_words(error)}"
        ) from error


def new_game(config: GameConfig, buyer: AnyPlayer, seller: AnyPlayer, seed: int, number: int) -> Game:
    """Return the game of two players, after a check of the seed and the number that it will start with."""
    from parlay_marl.errors import ConfigurationError
    from parlay_marl.game.game import Game
    from parlay_marl.game.position import checked_seed

    if not 0 <= number <= LAST_GAME:
        raise ConfigurationError(f"--game: give a whole number from 0 to {LAST_GAME}, not {number}")
    checked_seed(seed)
    game = Game(config, (buyer, seller))
    game.read_turns()
    return game
