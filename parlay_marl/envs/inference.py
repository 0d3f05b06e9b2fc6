"""An opponent model as a function: infer a limit from a sequence of offers, without an environment.

It calls the rules of the `bayes` tracker, so that the same offers give the same belief as in a game.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core import tracking
from parlay_marl.core.belief import HIGH, LOW, RESERVATION, SPREAD
from parlay_marl.core.moves import OFFER, SEATS, SILENCE
from parlay_marl.core.posterior import CELLS, Frame
from parlay_marl.core.state import STATE_DTYPE
from parlay_marl.errors import ConfigurationError
from parlay_marl.form_fields import real_number
from parlay_marl.game.config import DEFAULT_SCENARIO, GameConfig, make_config, one_of, whole_number
from parlay_marl.game.text import exact_money

Offer = float | tuple[float, int] | None
"""A price in currency, or a price and the number of a package; None: no offer."""
WAYS = ("boulware", "linear", "conceder", "no_plan")
"""Names of the concession types of Faratin, Sierra and Jennings (1998): late, steady, early; the last is no plan."""
MOST_TICKS = 1_000_000
_Placed = tuple[float, int] | None


@dataclass(frozen=True)
class Estimate:
    """A belief about a reservation price at one moment, in currency."""

    reservation: float
    """Its mean."""
    sd: float
    """Its standard deviation."""
    low: float
    """Its 5% bound."""
    high: float
    """Its 95% bound."""
    ways: dict[str, float]
    """Probability of each concession type in `WAYS`; they add up to 1."""


@dataclass(frozen=True, eq=False)
class Reading(Estimate):
    """The result of `infer_limit`; the estimate itself is the one after the last round."""

    maker: str
    scenario: str
    currency: str
    prior: Estimate
    """The estimate before anything is seen."""
    history: tuple[Estimate, ...]
    """The estimate after the maker's turn in each round, before the next round's headlines."""
    prices: NDArray[np.float64]
    """The price grid in currency, `(rounds + 1, prices)`: before anything is seen, then after each round.

    Headlines widen the grid, and erosion shifts it.
    """
    posterior: NDArray[np.float64]
    """The density of the reservation price on that grid, per unit of currency, `(rounds + 1, prices)`."""


def infer_limit(
    offers: Iterable[Offer],
    maker: str = "seller",
    scenario: str | Path | Scenario = DEFAULT_SCENARIO,
    *,
    own_offers: Iterable[Offer] | None = None,
    rules: str | Mapping[str, Any] | BaseModel = "default",
    max_rounds: int | None = None,
    common_prior: bool | None = None,
    event_rounds: Sequence[int | None] | None = None,
    erosion_ticks: Sequence[int] | None = None,
) -> Reading:
    """Infer the reservation price and the concession type of a maker from its offers.

    `offers` has an entry for each round from the first on: a price in currency, `(price, package)`, or None for a round
    without an offer, which is a silence. `own_offers` are the listener's, since to refuse them says something too:
    those that stood when the maker moved in each round, None where there was nothing new (so that where the maker opens
    the rounds, the first is None, and an entry is what was offered in the round before).

    The deadline is `max_rounds`, or the scenario's. `common_prior` is as the rules say: it begins from the range that
    the scenario draws the price from; False begins from the public range. `event_rounds` are the rounds of the
    scenario's headlines, None for one that does not come; without it, those of the scenario. `erosion_ticks` says
    how often the ZOPA had eroded when the maker moved in each round. Claims and challenges are left to the games.

    Raises `ConfigurationError` for a price that is none or lies outside the public range, for more offers than rounds,
    for a scenario whose limits are public, and for arguments that are not of these types. Sources: Zeng and Sycara
    (1998), Hindriks and Tykhonov (2008).
    """
    one_of("maker", maker, SEATS)
    config = make_config(scenario, rules=rules, beliefs="bayes", max_rounds=max_rounds)
    if config.information == "complete":
        raise ConfigurationError(
            f"scenario {config.scenario.name!r}: both limits are public, there is nothing to infer"
        )
    made = _placed("offers", offers, config)
    if len(made) > config.max_rounds:
        raise ConfigurationError(
            f"offers: {len(made)} rounds are given, but there are {config.max_rounds}; give fewer, or more max_rounds"
        )
    refused = _by_round(
        "own_offers", _placed("own_offers", () if own_offers is None else own_offers, config), len(made), None
    )
    if common_prior is not None and not isinstance(common_prior, bool | np.bool_):
        raise ConfigurationError(f"common_prior: give True, False, or None for the rules' own, not {common_prior!r}")
    listener = _Listener(config, SEATS.index(maker), common_prior)
    headlines = _headline_rounds(event_rounds, config)
    ticks = _checked_ticks(erosion_ticks, len(made))
    for round_index, (offer, own, eroded) in enumerate(zip(made, refused, ticks, strict=True)):
        listener.begin_round(round_index, headlines, eroded)
        listener.hear(offer, own)
    return listener.reading()


class _Listener:
    """A row of the state in which one seat observes the other."""

    def __init__(self, config: GameConfig, maker: int, common_prior: bool | None) -> None:
        self._scenario, self._maker, self._me = config.played, maker, 1 - maker
        params = config.params.copy()
        if common_prior is not None:
            params["belief"]["common_prior"] = float(bool(common_prior))
        self._p = params[0]
        self._s = np.zeros(1, STATE_DTYPE)[0]
        self._ticks = 0
        self._seen: list[tuple[Estimate, NDArray[np.float64], NDArray[np.float64]]] = []
        tracking.start(self._s, self._p)
        self._store()

    def begin_round(self, round_index: int, headlines: Sequence[int], ticks: int) -> None:
        """Update by the headlines of a round and by erosion."""
        self._s["round"] = round_index
        for event, when in enumerate(headlines):
            if when == round_index and self._p["scenario"]["event_named"][event][self._maker] == 1:
                tracking.see_headline(self._s, self._p, self._maker, event)
        for _ in range(ticks - self._ticks):
            tracking.see_erosion(self._s, self._p)
        self._ticks = ticks

    def hear(self, offer: _Placed, own: _Placed) -> None:
        """Update by the maker's turn of a round, in which it could have accepted the listener's offer."""
        self._s["last_move"][self._me] = SILENCE if own is None else OFFER
        if own is not None:
            self._stand(self._me, own)
        if offer is None:
            tracking.see_no_offer(self._s, self._p, self._maker, True)
        else:
            is_first = self._s["offers_made"][self._maker] == 0
            self._stand(self._maker, offer)
            tracking.see_offer(self._s, self._p, self._maker, OFFER, *offer, is_first, 0.0)
        tracking.catch_up(self._s, self._p, self._me)
        self._store()

    def _stand(self, seat: int, offer: tuple[float, int]) -> None:
        """Put an offer on the table."""
        s = self._s
        is_first = s["offers_made"][seat] == 0
        s["previous_price"][seat] = offer[0] if is_first else s["offer_price"][seat]
        s["earlier_packages"][seat][0] = offer[1] if is_first else s["offer_package"][seat]
        s["offer_price"][seat], s["offer_package"][seat] = offer
        self._s["offers_made"][seat] += 1

    def _store(self) -> None:
        """Store the current belief, in currency."""
        scenario, belief = self._scenario, self._s["belief"][self._me]
        origin, spacing = (float(self._s["frame"][self._me][field]) for field in (Frame.ORIGIN, Frame.SPACING))
        width = scenario.high - scenario.low
        weights = self._s["posterior"][self._me].astype(np.float64)
        weights /= weights.sum()
        estimate = Estimate(
            reservation=scenario.to_currency(float(belief[RESERVATION])),
            sd=float(belief[SPREAD]) * width,
            low=scenario.to_currency(float(belief[LOW])),
            high=scenario.to_currency(float(belief[HIGH])),
            ways=dict(zip(WAYS, weights.sum(axis=1).tolist(), strict=True)),
        )
        prices = scenario.low + width * (origin + spacing * np.arange(CELLS, dtype=np.float64))
        density: NDArray[np.float64] = weights.sum(axis=0) / (spacing * width)
        self._seen.append((estimate, prices, density))

    def reading(self) -> Reading:
        """Return all stored beliefs."""
        estimates, prices, posterior = zip(*self._seen, strict=True)
        tables = np.array(prices), np.array(posterior)
        for table in tables:
            table.flags.writeable = False
        return Reading(
            **vars(estimates[-1]),
            maker=SEATS[self._maker],
            scenario=self._scenario.name,
            currency=self._scenario.currency,
            prior=estimates[0],
            history=tuple(estimates[1:]),
            prices=tables[0],
            posterior=tables[1],
        )


def _placed(name: str, offers: Iterable[Offer], config: GameConfig) -> list[_Placed]:
    """Return offers as normalised prices and packages."""
    return [_place(f"{name}[{i}]", offer, config) for i, offer in enumerate(_listed(name, offers, "round"))]


def _listed(name: str, given: Any, each: str) -> list[Any]:
    """Return the entries that were given for each round or event; refuse what is no list."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{name}: give a list with an entry for each {each}, not {given!r}")
    return list(given)


def _place(where: str, offer: Any, config: GameConfig) -> _Placed:
    """Return one offer as a normalised price and a package, or None."""
    if offer is None:
        return None
    price, package = offer if isinstance(offer, tuple | list) and len(offer) == 2 else (offer, 0)
    if not math.isfinite(amount := real_number(price)):
        raise ConfigurationError(
            f"{where}: {offer!r} is no offer; give a price, (price, package), or None for a round without one"
        )
    scenario = config.played
    x = scenario.normalise(amount)
    if not 0.0 <= x <= 1.0:
        raise ConfigurationError(
            f"{where}: {amount:,g} lies outside the public range of {scenario.name}, "
            f"{exact_money(scenario.low, scenario)} to {exact_money(scenario.high, scenario)}"
        )
    return x, whole_number(f"{where}: package", package, 0, scenario.n_packages - 1)


def _by_round(name: str, given: Sequence[Any], rounds: int, missing: Any) -> list[Any]:
    """Return an entry for each round; entries missing at the end are filled."""
    if len(given) > rounds:
        raise ConfigurationError(f"{name}: {len(given)} entries for {rounds} rounds of offers; give one for each")
    return [*given, *[missing] * (rounds - len(given))]


def _headline_rounds(event_rounds: Sequence[int | None] | None, config: GameConfig) -> list[int]:
    """Return the round of each of the scenario's events; -1 for one that does not come."""
    events = config.played.events
    if event_rounds is None:
        return [event.round for event in events]
    given = _listed("event_rounds", event_rounds, "event")
    if len(given) != len(events):
        raise ConfigurationError(
            f"event_rounds: {len(given)} entries, but {config.scenario.name} has {len(events)} events"
        )
    last = config.max_rounds - 1
    return [-1 if r is None else whole_number(f"event_rounds[{i}]", r, 0, last) for i, r in enumerate(given)]


def _checked_ticks(erosion_ticks: Sequence[int] | None, rounds: int) -> list[int]:
    """Return the number of erosions by each round."""
    listed = _listed("erosion_ticks", () if erosion_ticks is None else erosion_ticks, "round")
    given = [whole_number(f"erosion_ticks[{i}]", ticks, 0, MOST_TICKS) for i, ticks in enumerate(listed)]
    if given != sorted(given):
        raise ConfigurationError(f"erosion_ticks: {given} falls; give how often the ZOPA has eroded by each round")
    return _by_round("erosion_ticks", given, rounds, max(given, default=0))
