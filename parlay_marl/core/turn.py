"""The course of a game: how it begins, one turn of it, and what a seat sees.

There are no rules here, only the order in which those of the other modules apply.
"""

from __future__ import annotations

from typing import Any

from parlay_marl.core import tracking
from parlay_marl.core.bargain import next_hot_streak, toughened
from parlay_marl.core.belief import ELICITED
from parlay_marl.core.chance import draw_game
from parlay_marl.core.compiled.jit import part, rule
from parlay_marl.core.credibility import after_move, move_cost
from parlay_marl.core.effects import make_move
from parlay_marl.core.ending import end_game, pay_ending
from parlay_marl.core.events import fire_events
from parlay_marl.core.moves import (
    BUYER,
    SELLER,
    seat_on_turn,
    write_action_mask,
)
from parlay_marl.core.observation import write_observation
from parlay_marl.core.outcome import (
    COLLAPSED,
    DEADLINE,
    NONE,
    surplus_of,
)
from parlay_marl.core.protocols.sealed_bid import name_price
from parlay_marl.core.reward import (
    discount_factor,
)
from parlay_marl.core.tension import next_carry, tension_at


@rule
def start_game(s: Any, p: Any, fixed: Any) -> None:
    """Begin a game in a cleared row that holds its key and scenario."""
    draw_game(s, p, fixed)
    open_game(s, p)


@part()
def open_game(s: Any, p: Any) -> None:
    """Begin a game whose chance is drawn: set the seat on turn, and fire the events of round 0."""
    s["seat"] = s["opener"]
    s["closed_by"] = -1
    s["tension"] = p["tension"]["base"]
    s["tension_peak"] = s["tension"]
    for seat in range(2):
        s["credibility"][seat] = p["credibility"]["start"]
        s["last_move"][seat] = -1
        s["payoff_left"][seat] = 1.0
    tracking.start(s, p)
    for seat in range(2):
        s["start_accuracy"][seat] = tracking.accuracy(s, p, seat)
    fire_events(s, p)


@rule
def _heat_up(s: Any, p: Any, heat: float) -> None:
    """Update the tension, and erode the ZOPA where it was hot for too long."""
    s["carry"] = next_carry(s["carry"], heat, p["tension"])
    s["tension"] = tension_at(s["round"], p["scenario"]["rounds"], s["carry"], p["tension"])
    s["tension_peak"] = max(s["tension_peak"], s["tension"])
    if s["ending"] != NONE:
        return
    s["hot_streak"] = next_hot_streak(s["hot_streak"], s["tension"], p["erosion"]["hot_tension"])
    if s["hot_streak"] < p["erosion"]["hot_turns"]:
        return
    unit = s["start_width"] if p["erosion"]["of_start_width"] > 0.0 else p["scenario"]["nominal_width"]
    for seat in range(2):
        s["reservation"][seat] = toughened(seat, s["reservation"][seat], p["erosion"]["rate"] * unit)
    s["hot_streak"] = 0
    s["erosion_ticks"] += 1
    tracking.see_erosion(s, p)
    if s["start_width"] > 0.0 and surplus_of(s, s["best_package"]) <= 0.0:
        end_game(s, COLLAPSED, -1)


@rule
def _discount(s: Any, p: Any) -> None:
    """Discount both seats' payoffs for the round that is over, by their urgency in it."""
    for seat in range(2):
        fixed = p["scenario"]["discount_factor"][seat]
        s["payoff_left"][seat] *= discount_factor(s["urgency"][seat], fixed, p["reward"])


@rule
def _pass_turn(s: Any, p: Any) -> None:
    """Give the turn to the other seat; a new round begins with its events, the last one ends the game."""
    if s["seat"] == s["opener"]:
        s["seat"] = 1 - s["seat"]
    elif s["round"] + 1 >= p["scenario"]["rounds"]:
        end_game(s, DEADLINE, -1)
    else:
        s["round"] += 1
        s["seat"] = s["opener"]
        _discount(s, p)
        fire_events(s, p)


@rule
def _make_move(s: Any, p: Any, seat: int, move: int, price: float, package: int) -> None:
    """Carry out a move that both seats see, and pass the turn."""
    s["credibility"][seat] = after_move(s["credibility"][seat], move_cost(move, p["credibility"]), p["credibility"])
    heat = make_move(s, p, move, price, package)
    _heat_up(s, p, heat)
    tracking.catch_up(s, p, BUYER)
    tracking.catch_up(s, p, SELLER)
    if s["ending"] == NONE:
        _pass_turn(s, p)


@part()
def take_turn(s: Any, p: Any, move: int, price: float, package: int) -> None:
    """Play one legal move of the seat on turn, with all its consequences."""
    s["reward"][BUYER] = 0.0
    s["reward"][SELLER] = 0.0
    seat = seat_on_turn(s)
    if p["belief"]["tracker"] == ELICITED:
        s["stated_score"][seat] += tracking.accuracy(s, p, seat)
    if p["form"]["is_sealed"] == 1:
        name_price(s, p, seat, price)
    else:
        _make_move(s, p, seat, move, price, package)
    if s["ending"] != NONE:
        pay_ending(s, p)


@part()
def observe(s: Any, p: Any, seat: int, packages: int, observation: Any, mask: Any) -> None:
    """Write the observation of a seat and its mask of legal actions, which is all 0 where it is not on turn."""
    write_observation(s, p, seat, packages, observation)
    if s["ending"] != NONE or s["seat"] != seat:
        mask[:] = 0
    else:
        write_action_mask(s, p, packages, mask)
