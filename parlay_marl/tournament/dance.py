"""The negotiation dance: how the offers of a pair close in, round by round, and single games told turn by turn.

Both are played again from the tournament's seed and the number of the game. Only personas can be: they are numbers,
and so are the learned policies that play some of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Scenario, build_params
from parlay_marl.core.moves import ACCEPT, BATNA_REVEAL, OFFER, SEATS, Move
from parlay_marl.core.outcome import DEAL
from parlay_marl.errors import ConfigurationError, PolicyFileError
from parlay_marl.game import transcript
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.game import Game
from parlay_marl.game.text import plain, price_text
from parlay_marl.game.turns import Turn
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.tournament.beliefs import recorded
from parlay_marl.tournament.entrants import recalled_persona
from parlay_marl.tournament.games import EntrantInfo, Games

MEAN_GAMES = 8
"""Games with either opener that a mean curve is of."""
DRAWN_GAMES = 2
"""Of these, those whose own curves are drawn."""
MOST_POINTS = 25
"""Points of a curve; longer games leave rounds out."""
MOST_CURVES, MOST_TRANSCRIPTS = 2500, 1200
"""Pairs in a scenario whose curves, and games that are told, one report holds: those of the best entrants first."""
MOST_TURNS, HEAD, TAIL = 60, 40, 16
"""A game of more turns is told by its first and its last."""
VERDICT_WIDTH = 10_000
"""Characters: wide enough that nothing is broken into lines."""
STEPS = 1000
"""A curve's prices are whole numbers from 0 to this."""
Prices = NDArray[np.float64]
Places = NDArray[np.int64]


class Strings:
    """Texts, each kept once and known by its number; number 0 is the empty text."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {"": 0}

    def place(self, text: str) -> int:
        """Return the number of a text."""
        return self._places.setdefault(text, len(self._places))

    def all(self) -> list[str]:
        """Return the texts in the order of their numbers."""
        return list(self._places)


class _Pair(NamedTuple):
    """A buyer and a seller, by number and as who plays them."""

    buyer: int
    seller: int
    players: tuple[PersonaPlayer, PersonaPlayer]


def dances(games: Games, ranking: Sequence[int]) -> dict[str, Any]:
    """Return the offer curves of pairs in every scenario, and some of their games turn by turn, as plain data.

    `ranking` holds the numbers of the entrants, the best first. `rounds` are the rounds of a scenario's curves. Of a
    pair, `mean` holds the standing offers of buyer and seller after each of these, `open` the percentage of games
    that go on, zeros at the end left out; `games` single ones as `[number, opener, rounds, is a deal, offers of the
    buyer, of the seller]`; `told` the transcripts. Offers are in thousandths of the range: the first, from there on
    changes. A pair is None where a policy plays that must be asked or whose file is gone, or the page is full, `{}`
    where its games no longer come out the same.
    """
    pairs = list(_pairs(games.entrants, ranking))
    strings, many = Strings(), len(games.scenarios)
    drawn, told = (most // max(many, 1) for most in (MOST_CURVES, MOST_TRANSCRIPTS))
    openers = 2 if 2 * len(pairs) <= told else 1
    rules, scenarios = load_rules(games.rules), []
    for number, scenario in enumerate(games.scenarios):
        config = make_config(scenario, rules=rules, reward="payoff")
        steps, params = _steps(config.max_rounds), build_params(scenario, rules, reward="payoff")
        found: list[Any] = [None] * len(games.entrants) ** 2
        for count, pair in enumerate(pairs[:drawn]):
            dance = _curves(games, number, pair, params, steps)
            if dance and count < told:
                first = (pair.buyer + pair.seller + number) % 2
                dance["told"] = [_told(games, config, pair, (first + k) % 2, strings) for k in range(openers)]
            found[pair.buyer * len(games.entrants) + pair.seller] = dance
        scenarios.append({"rounds": (steps + 1).tolist(), "pairs": found})
    return {"strings": strings.all(), "scenarios": scenarios, "mean_of": min(MEAN_GAMES, games.games_per_cell) * 2}


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
    """Return who plays an entrant; None where it must be asked, or its policy file is gone or has changed."""
    if entrant.kind != "persona":
        return None
    try:
        return recalled_persona(entrant)
    except (ConfigurationError, PolicyFileError):
        return None


def _steps(rounds: int) -> Places:
    """Return the rounds that a curve has points at: all, or evenly spread ones with the last."""
    return np.unique(np.linspace(0, rounds - 1, min(rounds, MOST_POINTS)).round().astype(np.int64))


def _row(games: Games, scenario: int, pair: _Pair, opener: int, number: int) -> Any:
    """Return the row of a game in the table, which holds as many games of every cell."""
    entrants = len(games.entrants)
    cell = ((scenario * entrants + pair.buyer) * entrants + pair.seller) * 2 + opener
    return games.rows[cell * games.games_per_cell + number]


def _curves(games: Games, scenario: int, pair: _Pair, params: Any, steps: Places) -> dict[str, Any]:
    """Return the curves of a pair in a scenario, or nothing where a game does not come out as the table has it."""
    many = min(MEAN_GAMES, games.games_per_cell)
    offers, last, single = [], [], []
    for opener in range(2):
        turns, _, lengths = recorded(*pair.players, params, opener=opener, seed=games.seed, numbers=np.arange(many))
        standing, closing, deal = standing_offers(turns, lengths)
        for number in range(many):
            outcome = _row(games, scenario, pair, opener, number)["outcome"]
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

    Also the closing round of each game, and whether it ended in a deal: from there on both stand at its price; after
    any other ending they stay. NaN before a seat's first offer.
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
    """Return the first price of a curve, and from there on by how much it changes, which takes fewer digits."""
    before = 0
    changes: list[int | None] = []
    for price in prices:
        changes.append(None if price is None else price - before)
        before = before if price is None else price
    return changes


def _told(games: Games, config: GameConfig, pair: _Pair, opener: int, strings: Strings) -> dict[str, Any]:
    """Return game 0 of a pair with an opener, turn by turn.

    `turns` are `[deed, price, terms, tension, words, result, headlines, eroded]`, texts by number and zeros
    at the end left out; `skipped` says after how many turns how many are left out. Prices are in currency: that of an
    acceptance, of an offer the change from the seat's offer told before.
    """
    game = Game(config, pair.players)
    game.start(games.seed, 0, {"opener": SEATS[opener]})
    turns, outcome = game.turns, game.outcome()
    skipped = None
    if len(turns) > MOST_TURNS:
        skipped = [HEAD, len(turns) - HEAD - TAIL]
        turns = turns[:HEAD] + turns[-TAIL:]
    lines = transcript.verdict(outcome, config.scenario, VERDICT_WIDTH)
    if any(outcome.claims_made):
        lines += transcript.ledger_lines(game, outcome, VERDICT_WIDTH)
    last = [0.0, 0.0]
    return {
        "number": 0,
        "opener": opener,
        "turns": [_told_turn(turn, config.scenario, strings, last) for turn in turns],
        "end": [strings.place(line) for line in plain(lines).split("\n")],
        **({"skipped": skipped} if skipped else {}),
    }


def _told_turn(turn: Turn, scenario: Scenario, strings: Strings, last: list[float]) -> list[Any]:
    """Return a turn as numbers; its price and terms leave its words, so that what personas say is kept once.

    `last` holds the offers of both seats that were told last, 0 before the first.
    """
    words, terms, price = turn.words, "", None
    if turn.price is not None:
        price = scenario.to_currency(turn.price)
        if turn.move is not Move.ACCEPT:
            price, last[turn.seat] = round(price - last[turn.seat], scenario.exact_decimals), price
        price = int(price) if price.is_integer() else price
        words = words.replace(price_text(turn.price, scenario), "{price}")
    if turn.package is not None and scenario.terms:
        label = scenario.package_label(turn.package)
        words = words.replace(label, "{terms}")
        terms = label if turn.changes_terms else ""
    texts = [strings.place(text) for text in (words, turn.result, "\n".join(turn.headlines))]
    told = [
        strings.place(transcript.move_text(turn, scenario)),
        price,
        strings.place(terms),
        round(turn.tension),
        *texts,
    ]
    told.append(int(turn.eroded))
    while told[-1] == 0:
        told.pop()
    return told
