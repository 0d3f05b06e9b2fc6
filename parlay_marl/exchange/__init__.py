"""Exchange with NegMAS: our players in its mechanisms, and scenarios from and to its folders; see `docs/negmas.md`.

NegMAS is imported only when one of these functions is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parlay_marl.catalogue.personas import Persona
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.errors import ConfigurationError
from parlay_marl.players.persona import AnyPlayer
from parlay_marl.players.strangers.negmas_names import negmas_library

__all__ = ["as_negotiator", "export_scenario", "import_scenario"]


def as_negotiator(player: str | Path | Persona | AnyPlayer, seed: int | None = None) -> Any:
    """Return a class of NegMAS negotiators that play as one of our players, for a `SAOMechanism` of two.

    `player` is what `play_game` takes: a persona's name or file, the file of a learned policy, or an object. It sees
    its own utility function and the mechanism's state in the form of our game. Without a `seed`, its draws are
    random.
    """
    negmas_library()
    from parlay_marl.exchange.negmas_negotiator import negotiator_class

    return negotiator_class(player, seed)


def import_scenario(folder: str | Path, name: str | None = None) -> Scenario:
    """Return the scenario in a folder of NegMAS or Genius (YAML or XML), with exactly its figures in every game.

    Both utility functions must be linear in one numeric issue, the price, in opposite directions, and add up the other
    issues, the terms. Raises `CatalogueError` with the reason where a folder does not fit.
    """
    negmas_library()
    from parlay_marl.exchange.negmas_scenarios import read_folder

    return read_folder(Path(folder), name)


def export_scenario(
    scenario: str | Path | Scenario,
    folder: str | Path,
    *,
    form: str = "yaml",
    prices: int = 41,
    seed: int | None = None,
    number: int = 0,
) -> None:
    """Write a scenario as a folder of NegMAS: its outcome space, and the utility functions of buyer and seller.

    The figures are the nominal ones or, with a `seed`, those of the game `number` of the seed. `form` is `yaml` or
    `xml`, that of Genius; `prices` is the number of prices, evenly over the public range. Raises `ConfigurationError`
    for what cannot be written, and for a folder with other files that NegMAS would read.
    """
    if seed is None and number != 0:
        raise ConfigurationError(f"number: game {number!r} of which seed? give the seed as well")
    negmas_library()
    from parlay_marl.exchange.negmas_scenarios import write_folder

    write_folder(scenario, Path(folder), form, prices, None if seed is None else (seed, number))
