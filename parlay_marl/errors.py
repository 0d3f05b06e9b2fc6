"""Every error that the package raises on purpose.

    ParlayError
    |-- UnknownNameError      no scenario, persona, rules preset... of that name (also a ValueError)
    |-- CatalogueError        a scenario or persona file that cannot be used (also a ValueError)
    |   `-- PolicyFileError   a file of a learned policy that cannot be used, or not be written
    |-- ConfigurationError    an argument or a reset option that cannot be used (also a ValueError)
    |   `-- ArgumentError     an argument that a function does not have, or one that is missing (also a TypeError)
    |-- IllegalMoveError      a move that the rules forbid (also a ValueError)
    |-- ActionTypeError       a value that is no action of the form in use (also a TypeError)
    |-- TurnError             a call out of order (also a RuntimeError)
    |   |-- NotStartedError   before the first reset
    |   `-- GameOverError     after the end of the game
    |-- RequestError          a request to the server that cannot be carried out (also a ValueError)
    |-- ServerRefusedError    a client's message that the server refuses (also a RuntimeError)
    |-- ServerConnectionError a client's connection that cannot be made, or is lost (also a ConnectionError)
    |-- EndpointError         a model's endpoint that refuses, fails or cannot be reached (also a ConnectionError)
    |-- BudgetError           a request to a model that could cost more than is left (also a RuntimeError)
    |-- StoppedError          a game that is left where it stands, as the run that plays it stops (also a RuntimeError)
    |-- PolicyError           a policy that fails in a tournament, which counts it as a forfeit (also a RuntimeError)
    |-- UnclearTextError      a turn in words that means no action, or may mean several (also a ValueError)
    `-- MissingExtraError     an optional dependency that is not installed (also an ImportError)

    ParlayWarning             a warning of the package (also a UserWarning)
    |-- ScenarioWarning       a scenario whose figures look like a mistake
    |-- ForfeitWarning        games of a tournament that a policy has lost by errors, illegal moves or late answers
    |-- PlayerWarning         a player whose `end` raised an error
    `-- CompiledCodeWarning   compiled rules that cannot be stored or used again

Each says what is wrong, where, and what to do. The call that raised it has changed nothing in the game.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_NAME = 100
"""Longest part of an unknown name that is shown and compared, in characters: a name may come from any source."""


class ParlayError(Exception):
    """Any error that the package raises on purpose."""


class UnknownNameError(ParlayError, ValueError):
    """A name that is not in the catalogue; the message names the nearest one."""

    def __init__(self, kind: str, name: object, known: Iterable[str], hint: str = "") -> None:
        names = sorted(known)
        given = str(name)[:LONGEST_NAME].lower()
        near = [name for name in names if name == f"family:{given}"]
        near = near or difflib.get_close_matches(given, names, n=1, cutoff=0.5)
        near = near or [name for name in names if given and given in name]
        self.nearest = near[0] if near else None
        """The nearest known name; None where no known one is near."""
        advice = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
        super().__init__(f"unknown {kind} {name!r:.{LONGEST_NAME}}; {advice}{hint}")


class CatalogueError(ParlayError, ValueError):
    """A scenario or persona file that cannot be used: names the file, the key and the reason."""


class PolicyFileError(CatalogueError):
    """A file of a learned policy that cannot be used, or not be written: names the file, the reason and what to do."""


class ParlayWarning(UserWarning):
    """Any warning of the package; the command line shows it in one line."""


class ScenarioWarning(ParlayWarning):
    """A scenario that can be played, but whose figures look like a mistake: says what they lead to."""


class ConfigurationError(ParlayError, ValueError):
    """An argument or a reset option that cannot be used."""


class ArgumentError(ConfigurationError, TypeError):
    """An argument that a function does not have, or one that is missing.

    It is a TypeError as well, with Python's own message for an unknown keyword: libraries that try keywords check
    both.
    """


class IllegalMoveError(ParlayError, ValueError):
    """A move that the rules forbid in this position; the game does not change."""


class ActionTypeError(ParlayError, TypeError):
    """A value that is not an action of the chosen form: its type or shape is wrong, or a part is missing.

    It is a mistake in the calling program, so it is raised even where an illegal move ends the game.
    """


class TurnError(ParlayError, RuntimeError):
    """A call out of order."""


class NotStartedError(TurnError):
    """A call that needs a game before any was started."""


class GameOverError(TurnError):
    """A move in a game that is over."""


class RequestError(ParlayError, ValueError):
    """A request to the server that cannot be carried out; its text is for the client."""


class ServerRefusedError(ParlayError, RuntimeError):
    """A client's message that the server refuses; the game does not change. `code` names the reason."""

    def __init__(self, reason: str, code: str = "UNKNOWN") -> None:
        super().__init__(reason)
        self.code = code


class ServerConnectionError(ParlayError, ConnectionError):
    """A client's connection to a server that cannot be made, or is lost."""


class EndpointError(ParlayError, ConnectionError):
    """A model's endpoint that refuses a request, fails repeatedly, or cannot be reached."""


class BudgetError(ParlayError, RuntimeError):
    """A request to a model that could cost more than is left; it was not sent."""


class StoppedError(ParlayError, RuntimeError):
    """A game that is not finished because its run was stopped."""


class PolicyError(ParlayError, RuntimeError):
    """A policy that fails when it is created or called; its seat, 0 buyer or 1 seller, forfeits."""

    def __init__(self, seat: int, reason: str) -> None:
        super().__init__(reason)
        self.seat = seat


class UnclearTextError(ParlayError, ValueError):
    """A turn in words that means no action, or is ambiguous; the message says why."""


class MissingExtraError(ParlayError, ImportError):
    """An optional dependency that is not installed; names the command that installs it."""


class ForfeitWarning(ParlayWarning):
    """Games of a tournament that a policy lost by errors, illegal moves or late answers."""


class PlayerWarning(ParlayWarning):
    """A player whose `end` raised an error; the result of its game stands."""


class CompiledCodeWarning(ParlayWarning):
    """Compiled rules that cannot be stored or used again: they are compiled again, which takes under a minute."""
