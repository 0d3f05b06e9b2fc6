"""The worker process: it makes policies and calls them for the process that started it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from parlay_marl.errors import PolicyError
from parlay_marl.lifeline import end_with_parent
from parlay_marl.tournament.entrants import Policy, Recipe
from parlay_marl.tournament.executors.asking import ask_policy, call_player, make_policy
from parlay_marl.tournament.executors.plain import encode

READY = b"ready"
"""The message of the process when it is ready."""


def serve(connection: Connection, recipes: Mapping[str, Recipe]) -> None:
    """Make and call policies for the process at the other end of a connection, until that ends.

    The output of policies goes to standard error: standard output is for results.
    """
    sys.stdout = sys.stderr
    with contextlib.suppress(OSError):  # either may be closed
        os.dup2(2, 1)  # for output that does not come from Python
    has_group = hasattr(os, "setsid")
    if has_group:
        os.setsid()  # a group of its own: Ctrl-C is for the parent, and the whole group can be killed
    end_with_parent(group=has_group)
    policies: dict[int, Policy] = {}
    connection.send_bytes(READY)
    while True:
        try:
            kind, *request = connection.recv()
        except EOFError:
            return
        if kind == "begin":
            policies = {}
            _make(connection, recipes, policies, *request)
        else:
            _answer(connection, CALLS[kind], policies, *request)


def _make(
    connection: Connection,
    recipes: Mapping[str, Recipe],
    policies: dict[int, Policy],
    key: int,
    names: Mapping[int, str],
) -> None:
    """Make the policies of a cell, with a reply for each."""
    for seat, name in names.items():
        try:
            policies[seat] = make_policy(recipes[name], seat, key)
        except PolicyError as fault:
            connection.send_bytes(encode(True, str(fault)))
        else:
            connection.send_bytes(encode(False, None))


CALLS: Mapping[str, Callable[..., Any]] = {"ask": ask_policy, "call": call_player}
"""The function that answers each kind of request."""


def _answer(
    connection: Connection, call: Callable[..., Any], policies: Mapping[int, Policy], seat: int, *given: Any
) -> None:
    """Call a function for the policy in a seat, and send its answer."""
    try:
        reply = encode(False, call(policies[seat], seat, *given))
    except PolicyError as fault:
        reply = encode(True, str(fault))
    connection.send_bytes(reply)
