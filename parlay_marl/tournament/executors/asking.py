"""Making policies and calling them, where whatever goes wrong becomes a `PolicyError` with its reason."""

from __future__ import annotations

import contextlib
import random
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlay_marl.errors import IllegalMoveError, PolicyError
from parlay_marl.game.action import Action
from parlay_marl.printable import escaped
from parlay_marl.tournament.entrants import Policy, Recipe, in_words

Answers = NDArray[np.int64]


def seed_generators(key: int) -> None:
    """Seed the generators that policies share, so that their draws do not depend on what was played before."""
    random.seed(key)
    np.random.seed(key % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(key)


def make_policy(recipe: Recipe, seat: int, key: int) -> Policy:
    """Return the policy of a recipe; the generators are seeded before and after it is made."""
    seed_generators(key)
    try:
        policy = recipe.make()
    except (Exception, SystemExit) as error:
        raise PolicyError(seat, f"cannot be made: {in_words(error)}") from error
    seed_generators(key)  # again: the policy may have imported the library of a generator only now
    return policy


def ask_policy(policy: Any, seat: int, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> Answers:
    """Return a policy's answers, one whole number for each row; -1 stands for a number that is no action."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            answers = np.asarray(policy.act(observations, masks))
    except (Exception, SystemExit) as error:
        raise PolicyError(seat, f"raises {in_words(error)}") from error
    if answers.shape != (len(masks),) or answers.dtype.kind not in "iu":
        raise PolicyError(
            seat,
            f"answers an array of {answers.dtype} of shape {answers.shape}; "
            f"it must give one whole number for each of {len(masks)} rows",
        )
    in_range = (answers >= 0) & (answers < masks.shape[1])
    return np.where(in_range, answers, -1).astype(np.int64)


def call_player(player: Any, seat: int, method: str, argument: Any) -> Action | str | None:
    """Call `begin`, `act` or `end` of a player; return its action from `act`, and None from the others.

    Where its view refuses to make an action, the reason is returned as text.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            answer = getattr(player, method)(argument)
    except IllegalMoveError as error:
        if method == "act":
            return str(error)
        raise PolicyError(seat, f"raises {in_words(error)}") from error
    except (Exception, SystemExit) as error:
        raise PolicyError(seat, f"raises {in_words(error)}") from error
    if method != "act":
        return None
    if not isinstance(answer, Action) or not isinstance(answer.words, str):
        raise PolicyError(
            seat, f"answers {escaped(repr(answer)):.80}; it must return an Action, with words that are text"
        )
    return answer
