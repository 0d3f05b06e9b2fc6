"""Making and calling policies; every failure becomes a `PolicyError` with its reason.

An entrant's code runs in these functions and, when its answer is read, in the objects that it returns. They return
plain data, and raise errors with plain text. Every error is a fault of the entrant, except `KeyboardInterrupt`, which
is Ctrl-C.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import IllegalMoveError, PolicyError
from parlay_marl.game.action import Action
from parlay_marl.players.generators import seed_shared
from parlay_marl.tournament.entrants import Policy, Recipe, in_words
from parlay_marl.tournament.executors.plain import Answers, as_action, as_answers, as_reason, shown


def seed_generators(key: int) -> None:
    """Seed the generators that policies share, so that draws do not depend on earlier games."""
    seed_shared(key)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(key)


def make_policy(recipe: Recipe, seat: int, key: int) -> Policy:
    """Return the policy of a recipe; the generators are seeded before and after it is made."""
    seed_generators(key)
    policy: Policy = _guarded(seat, "cannot be made:", recipe.make)
    seed_generators(key)  # again, because the policy may have imported the library of a generator only now
    return policy


def ask_policy(policy: Any, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
    """Return a policy's answers, one integer for each row; -1 stands for a number that is no action."""

    def ask() -> Answers | str:
        return as_answers(policy.act(observations, masks), masks)

    answers: Answers | str = _guarded(seat, "raises", ask)
    if isinstance(answers, str):
        raise PolicyError(seat, answers)
    return answers


def call_player(player: Any, seat: int, method: str, argument: Any) -> Action | str | None:
    """Call `begin`, `act` or `end` of a player; return its action from `act`, and None from the others.

    Where its view refuses to make an action, or a part of the action is invalid, the reason is returned as text.
    """
    if method != "act":
        _guarded(seat, "raises", lambda: getattr(player, method)(argument))
        return None
    fault, answer = _guarded(seat, "raises", _acted, player, argument)
    if fault:
        raise PolicyError(seat, fault)
    action: Action | str = answer
    return action


def _acted(player: Any, view: Any) -> tuple[str, Action | str]:
    """Return the fault of a player's answer, empty if it is valid, and the answer."""
    try:
        answer = player.act(view)
    except IllegalMoveError as error:
        return "", as_reason(str(error))
    if isinstance(answer, Action):
        move, price, package, belief, words = tuple.__iter__(answer)
        if isinstance(words, str):
            return "", as_action(move, price, package, belief, words)
    return f"answers {shown(answer)}; it must return an Action, with words that are text", ""


def _guarded(seat: int, fails: str, call: Callable[..., Any], *given: Any) -> Any:
    """Call a function that runs an entrant's code; every error counts as that entrant's fault."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            return call(*given)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PolicyError(seat, f"{fails} {in_words(error)}") from error
