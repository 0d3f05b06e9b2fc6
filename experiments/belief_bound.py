#!/usr/bin/env python3
"""How much of a limit do whole games of a strategy give away? A regression beside the prior and the `bayes` tracker.

    pip install "parlay-marl[negmas]"
    python experiments/belief_bound.py negmas:LinearTBNegotiator linear --games 100

For each player by itself, kernel ridge regression learns the limit from games that the player has played: the course of
its offers, the other's last one, how long the talks took and who ended them. It is judged on games that it was not
fitted to. It knows who sits across and has been shown the limits of that very player, which no belief at a table has:
what it does not find can hardly be found. Errors are shares of the prior's at the end of the game.
"""

from __future__ import annotations

import argparse

import numpy as np

from parlay_marl.core.belief import RESERVATION
from parlay_marl.core.moves import BUYER, SELLER, Move, makes_offer
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.record import GameRecord
from parlay_marl.players.persona import as_player
from parlay_marl.studies.beliefs.seen import VIEWER, Floats, played

FOLDS = 5
PLACES = 8
"""Times, evenly spread over the rounds, at which the standing offer of the player is a figure of the regression."""
WIDTHS, RIDGES = (2.0, 4.0, 8.0), (0.03, 0.3, 3.0, 30.0)


def figures(record: GameRecord, seat: int) -> tuple[list[float], float, float, float]:
    """Return the figures of a game with the player in a seat, its limit, and the means of prior and tracker."""
    moments, me = record.moments(), 1 - seat
    game = next(moments)
    prior, rounds = float(game.row["belief"][me][RESERVATION]), record.config.max_rounds
    standing, offers = [float(seat), float(me)], np.full(rounds, np.nan)
    mover = me
    for turn, game in enumerate(moments):
        mover = int(game.row["opener"]) ^ (turn & 1)
        if makes_offer(record.actions[turn].move):
            standing[0 if mover == seat else 1] = float(game.row["offer_price"][mover])
        offers[int(min(game.row["round"], rounds - 1)) :] = standing[0]
    ended = len(record.actions) / (2 * rounds)
    accepted = record.actions[-1].move == Move.ACCEPT and mover == seat
    course = offers[np.linspace(0, rounds - 1, PLACES).astype(int)]
    truth, belief = float(game.row["reservation"][seat]), float(game.row["belief"][me][RESERVATION])
    return [*np.nan_to_num(course), *standing, ended, accepted, mover == seat], truth, prior, belief


def fitted(x: Floats, y: Floats, width: float, ridge: float) -> Floats:
    """Return predictions for each game by kernel ridge regression on the games of the other folds."""
    kernel = np.exp(-((x[:, None] - x[None]) ** 2).sum(axis=-1) / (2 * width**2))
    folds, found = np.arange(len(y)) % FOLDS, np.empty(len(y))
    for fold in range(FOLDS):
        known, asked = folds != fold, folds == fold
        mean = y[known].mean()
        weights = np.linalg.solve(kernel[np.ix_(known, known)] + ridge * np.eye(known.sum()), y[known] - mean)
        found[asked] = mean + kernel[np.ix_(asked, known)] @ weights
    return found


def errors(config: GameConfig, player: str, seat: int, games: int, seed: int) -> Floats:
    """Return the mean absolute errors of the prior, the tracker and the best regression about a player in a seat."""
    records = played(config, as_player(VIEWER), as_player(player), seat, range(games), seed)
    rows, truth, prior, belief = zip(*(figures(record, seat) for record in records if record.actions), strict=True)
    x, y = np.array(rows, np.float64), np.array(truth)
    x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-6)
    regressions = [np.abs(fitted(x, y, width, ridge) - y).mean() for width in WIDTHS for ridge in RIDGES]
    return np.array([np.abs(np.array(prior) - y).mean(), np.abs(np.array(belief) - y).mean(), min(regressions)])


def main() -> None:
    """Print the errors about each player, and of all together."""
    parser = argparse.ArgumentParser(description="How much of a limit do whole games of a strategy give away?")
    parser.add_argument("players", nargs="+", help="personas, families and negmas:NAME")
    parser.add_argument("--scenario", default="saas_enterprise")
    parser.add_argument("--games", type=int, default=200, help="games a seat with each player (default 200)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    config, found = make_config(given.scenario, beliefs="bayes"), []
    print(f"{'error / prior, ' + given.scenario:40s} tracker  regression")
    for player in given.players:
        cell = np.mean([errors(config, player, seat, given.games, given.seed) for seat in (BUYER, SELLER)], axis=0)
        found.append(cell)
        print(f"{player:40s} {cell[1] / cell[0]:7.2f} {cell[2] / cell[0]:11.2f}", flush=True)
    prior, tracker, regression = np.mean(found, axis=0)
    print(f"{'all':40s} {tracker / prior:7.2f} {regression / prior:11.2f}")


if __name__ == "__main__":
    main()
