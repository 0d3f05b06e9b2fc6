"""Making policies and calling them, where whatever goes wrong becomes a `PolicyError` with its reason.

An entrant's code runs in these functions and, when its answer is read, in the objects that it answers. What they return
is plain data, and what they raise has plain text. Every error is a fault of the entrant, but for `KeyboardInterrupt`:
somebody has pressed Ctrl-C.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import IllegalMoveError, PolicyError
from parlay_marl.game.action import Action
from parlay_marl.tournament.entrants import Policy, Recipe, in_words
from parlay_marl.tournament.executors.plain import Answers, as_action, as_answers, as_reason, shown


def seed_generators(key: int) -> None:
    """Seed the generators that policies share, so that their draws do not depend on what was played before."""
    random.seed(key)
    np.random.seed(key % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(key)


def make_policy(recipe: Recipe, seat: int, key: int) -> Policy:
    """Return the policy of a recipe; the generators are seeded before and after it is made."""
    seed_generators(key)
    policy: Policy = _guarded(seat, "cannot be made:", recipe.make)
    seed_generators(key)  # again: the policy may have imported the library of a generator only now
    return policy


def ask_policy(policy: Any, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
    """Return a policy's answers, one whole number for each row; -1 stands for a number that is no action."""

    def ask() -> Answers | str:
        return as_answers(policy.act(observations, masks), masks)

    answers: Answers | str = _guarded(seat, "raises", ask)
    if isinstance(answers, str):
        raise PolicyError(seat, answers)
    return answers


def call_player(player: Any, seat: int, method: str, argument: Any) -> Action | str | None:
    """Call `begin`, `act` or `end` of a player; return its action from `act`, and None from the others.

    Where its view refuses to make an action, or a part of the action is none, the reason is returned as text.
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
    """Return a text that says what is wrong with a player's answer, empty where nothing is, and the answer."""
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
    """Call a function that runs the code of the entrant in a seat; whatever it raises is that entrant's fault."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            return call(*given)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PolicyError(seat, f"{fails} {in_words(error)}") from error
