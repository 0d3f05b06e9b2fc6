"""The report of a finished game, in currency and words."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from parlay_marl.catalogue.scenarios import Params
from parlay_marl.core.compiled.trial import Bound
from parlay_marl.core.moves import SEATS
from parlay_marl.core.outcome import OUTCOME_DTYPE, Ending
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.core.state import PRICE_ONLY_DTYPE, STATE_DTYPE, state_dtype
from parlay_marl.core.step import report_games
from parlay_marl.game.config import GameConfig
from parlay_marl.game.figures import reader_of
from parlay_marl.game.ledger import Claim

Pair = tuple[float, float]
Counts = tuple[int, int]


@functools.cache
def _report_kernel(row_bytes: int) -> Bound:
    """Return `report_games` for the array types of a game whose row has this size."""
    params = np.zeros(1, PARAMS_DTYPE)
    params.flags.writeable = False
    dtype = PRICE_ONLY_DTYPE if row_bytes == PRICE_ONLY_DTYPE.itemsize else STATE_DTYPE
    return Bound(report_games, np.zeros(1, dtype), params, np.zeros(1, OUTCOME_DTYPE))


def make_report(rows: Any, params: Params) -> Any:
    """Return the core's report of a game in its current state (an array of one row), an array of one record."""
    report = np.frombuffer(
        bytearray(OUTCOME_DTYPE.itemsize), OUTCOME_DTYPE
    )  # `zeros` takes longer than everything else here
    _report_kernel(rows.dtype.itemsize).code()(rows, params, report)
    return report


_FIELDS: tuple[str, ...] = OUTCOME_DTYPE.names or ()
_read = reader_of(OUTCOME_DTYPE, _FIELDS)
_ENDINGS = {int(ending): ending.name.lower() for ending in Ending}
"""The names of the endings in lower case, by number."""


class Outcome:
    """The result of a game. Pairs are (buyer, seller); prices are in currency, worths in normalised price.

    Undefined figures are None: the price without a deal; the Nash point, its distance and the efficiency without a
    ZOPA; the other solutions where no deal in the public range is a gain for both. The report is computed when a
    figure is first read, so that an unread outcome costs nothing.
    """

    def __init__(self, row: bytes, config: GameConfig, claims: Callable[[], tuple[Claim, ...]]) -> None:
        self._row = row
        self._config = config
        self._ledger = claims
        self._scenario, self._price = config.played, config.currency.price

    def for_players(self) -> Outcome:
        """Return the outcome without the seed, which would reveal the private figures of later games."""
        row = self._copied_row()
        row["key"] = 0
        return Outcome(row.tobytes(), self._config, functools.partial(tuple, self.claims))

    @functools.cached_property
    def _record(self) -> Any:
        return make_report(self._copied_row(), self._config.params)[0]

    @functools.cached_property
    def _figures(self) -> dict[str, Any]:
        """The fields of the record as plain numbers and pairs."""
        return dict(zip(_FIELDS, _read(self._record), strict=True))

    def _copied_row(self) -> Any:
        """Return a copy of the final row, an array of one record."""
        return np.frombuffer(bytearray(self._row), state_dtype(self._config.room))

    def _number(self, name: str) -> float | None:
        number = float(self._figures[name])
        return None if math.isnan(number) else number

    def _currency(self, name: str) -> float | None:
        x = self._number(name)
        return None if x is None else self._price(x)

    def _pair(self, name: str) -> Pair:
        buyer, seller = self._figures[name]
        return buyer, seller

    def _gains(self, name: str) -> Pair | None:
        buyer, seller = self._pair(name)
        return None if math.isnan(buyer) else (buyer, seller)

    def _counts(self, name: str) -> Counts:
        buyer, seller = self._figures[name]
        return buyer, seller

    @property
    def scenario(self) -> str:
        """The name of the scenario."""
        return self._scenario.name

    @property
    def ending(self) -> str:
        """The way the game ended: deal, walk_away, collapsed, deadline or forfeit."""
        return _ENDINGS[self._figures["ending"]]

    @property
    def is_deal(self) -> bool:
        """True where it ended in a deal."""
        return bool(self._figures["ending"] == Ending.DEAL)

    @property
    def closed_by(self) -> str | None:
        """The seat whose move ended the game; None where the deadline or erosion did."""
        seat = int(self._figures["closed_by"])
        return SEATS[seat] if seat >= 0 else None

    @property
    def opener(self) -> str:
        """The seat that opened each round."""
        return SEATS[int(self._figures["opener"])]

    @property
    def round(self) -> int:
        """The round index of the last turn, from 0."""
        return int(self._figures["round"])

    @property
    def price(self) -> float | None:
        """The price of the deal."""
        return self._currency("price")

    @property
    def package(self) -> str | None:
        """The terms of the deal in words, empty where only the price is open; None without a deal."""
        return self._scenario.package_label(int(self._figures["package"])) if self.is_deal else None

    @property
    def zopa(self) -> Pair | None:
        """The bounds of the best package's ZOPA at the end; None where there is none."""
        low, high = float(self._figures["zopa_low"]), float(self._figures["zopa_high"])
        return (self._price(low), self._price(high)) if low < high else None

    @property
    def nash_price(self) -> float | None:
        """The price of the Nash point."""
        return self._currency("nash_price")

    @property
    def nash_package(self) -> str:
        """The package of the Nash point in words: the one with the largest joint surplus."""
        return self._scenario.package_label(int(self._figures["nash_package"]))

    @property
    def nash_distance(self) -> float | None:
        """The root mean square, over the seats, of worth minus worth at the Nash point."""
        return self._number("nash_distance")

    @property
    def efficiency(self) -> float | None:
        """The joint worth over the best possible."""
        return self._number("efficiency")

    @property
    def kalai_smorodinsky_worth(self) -> Pair | None:
        """The worth of the Kalai-Smorodinsky solution to each seat: half of the ZOPA where that lies in the range."""
        return self._gains("ks_worth")

    @property
    def egalitarian_worth(self) -> Pair | None:
        """The worth of the egalitarian solution to each seat."""
        return self._gains("egalitarian_worth")

    @property
    def is_pareto_efficient(self) -> bool | None:
        """True where no other deal is worth more to one seat and no less to the other."""
        return bool(self._figures["pareto"] == 1) if self.is_deal else None

    @property
    def best_worth(self) -> Pair:
        """The largest worth that a deal in the public range could have had for each seat."""
        return self._pair("best_worth")

    @property
    def worth(self) -> Pair:
        """The worth of the ending to each seat."""
        return self._pair("worth")

    @property
    def shares(self) -> Pair:
        """The share of the ZOPA that each seat won, in [0, 1]."""
        return self._pair("share")

    @property
    def payoff(self) -> Pair:
        """The discounted payoffs, in nominal ZOPA widths."""
        return self._pair("payoff")

    @property
    def reservation(self) -> Pair:
        """The reservation prices at the end."""
        buyer, seller = self._figures["reservation"]
        return self._price(buyer), self._price(seller)

    @property
    def offers_made(self) -> Counts:
        """Offers that each seat made, anchors and claims included."""
        return self._counts("offers_made")

    @property
    def first_price(self) -> tuple[float | None, float | None]:
        """The price that each seat opened with; None where it made no offer."""
        buyer, seller = (None if math.isnan(x) else self._price(x) for x in self._pair("first_price"))
        return buyer, seller

    def _differences(self, name: str) -> Pair:
        buyer, seller = self._pair(name)
        width = self._scenario.high - self._scenario.low
        return buyer * width, seller * width

    @property
    def given_up(self) -> Pair:
        """The price that each seat gave up from its first offer to its last, in currency."""
        return self._differences("given_up")

    @property
    def belief_error(self) -> Pair:
        """The distance between each seat's belief at the end and the other's reservation price, in currency."""
        return self._differences("belief_error")

    @property
    def erosion_ticks(self) -> int:
        """The number of times that the ZOPA eroded."""
        return int(self._figures["erosion_ticks"])

    @property
    def tension_peak(self) -> float:
        """The highest tension."""
        return float(self._figures["tension_peak"])

    @property
    def claims_made(self) -> Counts:
        """Claims that each seat made."""
        return self._counts("claims_made")

    @property
    def bluffs_made(self) -> Counts:
        """Claims of each seat that were bluffs."""
        return self._counts("bluffs_made")

    @property
    def bluffs_caught(self) -> Counts:
        """Bluffs of the other that each seat caught."""
        return self._counts("bluffs_caught")

    @property
    def wrong_challenges(self) -> Counts:
        """Honest claims of the other that each seat challenged."""
        return self._counts("wrong_challenges")

    @functools.cached_property
    def _claims(self) -> tuple[Claim, ...]:
        return self._ledger() if any(self.claims_made) else ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All claims of the game, with the true limits and how each was settled."""
        return self._claims

    @property
    def events_answered(self) -> Counts:
        """Events that each seat answered with its next offer."""
        return self._counts("events_answered")

    @property
    def events_missed(self) -> Counts:
        """Events that each seat did not answer with an offer."""
        return self._counts("events_missed")

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        plain = {name: getattr(self, name) for name in _reported()}
        return plain | {"claims": tuple(asdict(claim) for claim in self.claims)}

    def __eq__(self, other: object) -> bool:
        """Return whether two reports are equal."""
        return isinstance(other, Outcome) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(self._record.tobytes())

    def __repr__(self) -> str:
        return f"Outcome({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"


@functools.cache
def _reported() -> tuple[str, ...]:
    """Return the names of what a report says."""
    return tuple(name for name, value in vars(Outcome).items() if isinstance(value, property))
