"""Offer curves: the offers of a pair, round by round, with transcripts of single games.

The games are played again from the tournament's seed and the number of the game. Only games of personas, with or
without learned policies, can be played again: a file of games does not hold other players.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.rules import load_rules
from parlay_marl.core.moves import ACCEPT, BATNA_REVEAL, BUYER, OFFER, SEATS, SELLER
from parlay_marl.core.outcome import DEAL
from parlay_marl.errors import ConfigurationError, PolicyFileError
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.render.web.held import HeldReplays
from parlay_marl.simulation.cells import openers_of
from parlay_marl.studies.recorded import recorded
from parlay_marl.tournament.entrants import recalled_persona
from parlay_marl.tournament.games import EntrantInfo, Games
from parlay_marl.tournament.report.transcripts import Strings, transcript_of

MEAN_GAMES = 8
"""Games with each opener behind a mean curve."""
DRAWN_GAMES = 2
"""Number of these games whose own curves are drawn."""
MOST_POINTS = 25
"""Most points of a curve; longer games leave rounds out."""
MOST_CURVES, MOST_TRANSCRIPTS = 2500, 1200
"""Most pairs with curves, and games with transcripts, in one report: those of the best entrants first."""
STEPS = 1000
"""Scale of prices in a curve: integers from 0 to this."""
Prices = NDArray[np.float64]
Places = NDArray[np.int64]


class _Pair(NamedTuple):
    """A buyer and a seller: their numbers, and their players."""

    buyer: int
    seller: int
    players: tuple[PersonaPlayer, PersonaPlayer]


def offer_curves(games: Games, ranking: Sequence[int], replays: HeldReplays) -> dict[str, Any]:
    """Return the offer curves of pairs in every scenario, and transcripts of some of their games, as plain data.

    The replays of games with transcripts are added to `replays` as long as there is room, the same in every scenario,
    and each transcript has the number of its replay, or None.

    `ranking` holds the numbers of the entrants, the best first. `rounds` are the rounds of a scenario's curves. Of a
    pair, `mean` holds the standing offers of buyer and seller after each of these rounds, `open` the percentage of
    games that go on, zeros at the end left out, `games` single games as `[number, opener, rounds, is a deal, offers of
    the buyer, of the seller]`, and `transcripts` some games turn by turn. Offers are in thousandths of the range: the
    first one, and then changes. A pair is None where an entrant is no persona, its policy file is gone, or the page is
    full; it is `{}` where its games no longer come out the same.
    """
    pairs = list(_pairs(games.entrants, ranking))
    strings, many = Strings(), len(games.scenarios)
    drawn, with_transcripts = (most // max(many, 1) for most in (MOST_CURVES, MOST_TRANSCRIPTS))
    shown = games.openers if games.openers * len(pairs) <= with_transcripts else 1
    rules, scenarios = load_rules(games.rules), []
    for number, scenario in enumerate(games.scenarios):
        config = make_config(scenario, rules=rules, reward="payoff", **games.form)
        steps, openers = _steps(config.max_rounds), openers_of(config.params)
        found: list[Any] = [None] * len(games.entrants) ** 2
        for count, pair in enumerate(pairs[:drawn]):
            curves = _curves(games, number, pair, config.params, steps)
            if curves and count < with_transcripts:
                first, part = (pair.buyer + pair.seller + number) % len(openers), (number + 1) / many
                shown_openers = (*openers[first:], *openers[:first])[:shown]
                played = [_played(config, pair, games.seed, opener) for opener in shown_openers]
                curves["transcripts"] = [
                    transcript_of(game, strings) | {"replay": replays.add(game.record(), part)} for game in played
                ]
            found[pair.buyer * len(games.entrants) + pair.seller] = curves
        scenarios.append({"rounds": (steps + 1).tolist(), "pairs": found})
    return {
        "strings": strings.all(),
        "scenarios": scenarios,
        "mean_of": min(MEAN_GAMES, games.games_per_cell) * games.openers,
    }


def _played(config: GameConfig, pair: _Pair, seed: int, opener: int) -> Game:
    """Return game 0 of a seed between two personas, played to its end."""
    game = Game(config, pair.players)
    game.start(seed, 0, {"opener": SEATS[opener]})
    return game


def _pairs(entrants: Sequence[EntrantInfo], ranking: Sequence[int]) -> Iterator[_Pair]:
    """Yield the pairs of personas, those of the best entrants first."""
    players = {number: _player(entrants[number]) for number in ranking}
    order = {number: rank for rank, number in enumerate(ranking)}
    found = [
        _Pair(buyer, seller, (one, other))
        for buyer, one in players.items()
        for seller, other in players.items()
        if one is not None and other is not None
    ]
    yield from sorted(found, key=lambda pair: (max(order[pair.buyer], order[pair.seller]), pair.buyer, pair.seller))


def _player(entrant: EntrantInfo) -> PersonaPlayer | None:
    """Return the player of an entrant; None where it is not a persona, or its policy file is missing or has changed."""
    if entrant.kind != "persona":
        return None
    try:
        return recalled_persona(entrant)
    except (ConfigurationError, PolicyFileError):
        return None


def _steps(rounds: int) -> Places:
    """Return the rounds at which a curve has points: all, or evenly spread ones with the last."""
    return np.unique(np.linspace(0, rounds - 1, min(rounds, MOST_POINTS)).round().astype(np.int64))


def _row(games: Games, scenario: int, pair: _Pair, opener: int, number: int) -> Any:
    """Return the row of a game in the table, which holds as many games of every cell; `opener` counts the openers."""
    entrants = len(games.entrants)
    cell = ((scenario * entrants + pair.buyer) * entrants + pair.seller) * games.openers + opener
    return games.rows[cell * games.games_per_cell + number]


def _curves(games: Games, scenario: int, pair: _Pair, params: Any, steps: Places) -> dict[str, Any]:
    """Return the curves of a pair in a scenario; empty where a replayed game differs from the table."""
    many = min(MEAN_GAMES, games.games_per_cell)
    offers, last, single = [], [], []
    for place, opener in enumerate(openers_of(params)):
        turns, _, lengths = recorded(*pair.players, params, opener=opener, seed=games.seed, numbers=np.arange(many))
        standing, closing, deal = standing_offers(turns, lengths)
        if params[0]["form"]["is_sealed"]:  # nobody accepts: the prices that were named make the deal
            deal = standing[:, 0, BUYER] >= standing[:, 0, SELLER]
        for number in range(many):
            outcome = _row(games, scenario, pair, place, number)["outcome"]
            if (int(outcome["round"]), bool(outcome["ending"] == DEAL)) != (closing[number], deal[number]):
                return {}
            if number < DRAWN_GAMES:
                until = np.append(steps[steps < closing[number]], closing[number])
                curves = [_changes(_whole(standing[number, until, seat])) for seat in range(2)]
                single.append([number, opener, int(closing[number]) + 1, int(deal[number]), *curves])
        offers.append(standing[:, steps])
        last.append(closing)
    together = np.concatenate(offers)
    known = ~np.isnan(together)
    mean = np.where(known, together, 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    is_open = np.concatenate(last)[:, None] > steps
    return {
        "mean": [_changes(_whole(mean[:, seat])) for seat in range(2)],
        "open": np.trim_zeros(np.rint(100.0 * is_open.mean(axis=0)).astype(np.int64), "b").tolist(),
        "games": single,
    }


def standing_offers(turns: Any, lengths: Places) -> tuple[Prices, Places, NDArray[np.bool_]]:
    """Return both seats' standing offers after every round, `(n, rounds, 2)`, of `(n, 2 * rounds)` turns of games.

    Also return the last round of each game, and whether it ended in a deal. From then on both offers are the price of
    the deal; after another ending they stay as they are. NaN before a seat's first offer.
    """
    n, most = turns.shape
    at = np.arange(most)
    is_played = at < lengths[:, None]
    is_offer = is_played & (turns["move"] >= OFFER) & (turns["move"] <= BATNA_REVEAL)
    standing = np.full((n, most // 2, 2), np.nan)
    for seat in range(2):
        latest = np.maximum.accumulate(np.where(is_offer & (turns["seat"] == seat), at, -1), axis=1)[:, 1::2]
        price = np.take_along_axis(turns["price"], np.maximum(latest, 0), axis=1)
        standing[:, :, seat] = np.where(latest >= 0, price, np.nan)
    final = turns[np.arange(n), lengths - 1]
    deal = final["move"] == ACCEPT
    closing = final["round"].astype(np.int64)
    price = standing[np.arange(n), closing, 1 - final["seat"]]
    is_settled = deal[:, None] & (np.arange(most // 2) >= closing[:, None])
    return np.where(is_settled[:, :, None], price[:, None, None], standing), closing, deal


def _whole(prices: Prices) -> list[int | None]:
    """Return normalised prices in whole steps; None for NaN."""
    return [None if price != price else round(price * STEPS) for price in prices.tolist()]


def _changes(prices: list[int | None]) -> list[int | None]:
    """Return the first price of a curve, and then its changes, which need fewer digits."""
    before = 0
    changes: list[int | None] = []
    for price in prices:
        changes.append(None if price is None else price - before)
        before = before if price is None else price
    return changes
