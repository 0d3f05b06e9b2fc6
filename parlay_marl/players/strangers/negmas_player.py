"""A negotiator of NegMAS as a player of a seat."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from parlay_marl.core.moves import Move
from parlay_marl.errors import ConfigurationError, PolicyError
from parlay_marl.form_fields import plain_number
from parlay_marl.players.generators import OwnGenerators
from parlay_marl.players.passing import without_new_offer
from parlay_marl.players.player import Player
from parlay_marl.players.strangers.negmas_names import Maker, find_maker, negmas_library

if TYPE_CHECKING:
    from parlay_marl.game.action import Action
    from parlay_marl.game.outcome import Outcome
    from parlay_marl.game.view import SeatView
    from parlay_marl.players.strangers.negmas_table import Table

MOST_PRICES = 100_001


class NegmasPlayer(Player):
    """A negotiator of NegMAS in a seat: any that plays alternating offers (SAO), a new object for every game.

    It is shown the scenario as an outcome space, its own worths as a utility function, and the other's standing offer
    as the current offer of round `r` of `n_steps` rounds, at relative time `(r + 1) / (n_steps + 1)`. It sees no
    private figure of the other seat. `docs/negmas.md` says what each move becomes.
    """

    draws_globally = True

    def __init__(self, negotiator: str | Maker, prices: int | None = None) -> None:
        """Take a name, `negmas:BoulwareTBNegotiator`, or a class or function that makes a negotiator.

        `prices` is the number of prices in the outcome space, evenly over the public range; 41 without it, as
        many as the discrete action space has.
        """
        negmas_library()
        from parlay_marl.players.strangers.negmas_deal import USUAL_PRICES

        number = USUAL_PRICES if prices is None else plain_number(prices)
        if type(number) is not int or not 2 <= number <= MOST_PRICES:
            raise ConfigurationError(f"prices: give a whole number from 2 to {MOST_PRICES:,}, not {prices!r}")
        self._maker, self._prices = negotiator, number
        self.name = _name_of(negotiator)
        with OwnGenerators():
            self._make()
        self._table: Table | None = None

    def __repr__(self) -> str:
        return f"NegmasPlayer({self._maker!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Return the data of the player without the current negotiation: a negotiator need not be picklable."""
        return {**vars(self), "_table": None}

    def begin(self, view: SeatView) -> None:
        """Make a negotiator, and open its negotiation."""
        from parlay_marl.players.strangers.negmas_deal import deal_of, utility
        from parlay_marl.players.strangers.negmas_table import Table

        self._seat = view.seat
        self._deal = deal_of(view.scenario, self._prices)
        ufun = utility(self._deal, view.seat, (view.reservation_price, view.package_worth))
        negotiator = self._make()
        try:
            self._table = Table(negotiator, ufun, self._deal, view.rounds, view.opener == view.seat, view.role)
        except Exception as error:
            raise self._failure(view.seat, view.role, error) from error

    def act(self, view: SeatView) -> Action:
        """Return the negotiator's response as a turn."""
        from parlay_marl.players.strangers.negmas_deal import reserved_value

        table, offer = self._table, view.counter_offer
        if table is None:
            raise ConfigurationError(f"{self.name}: its game has not begun; call begin(view) first")
        standing = None if offer is None else self._deal.outcome(offer.price, offer.package, view.seat)
        words = view.turns[-1].words if view.turns and view.turns[-1].seat != view.seat else ""
        figures = (view.reservation_price, view.package_worth)
        try:
            table.reserve(reserved_value(view.scenario, view.seat, figures))
            return self._turn(table.answer(standing, words), view)
        except Exception as error:
            raise self._failure(view.seat, view.role, error) from error

    def end(self, outcome: Outcome) -> None:
        """Tell the negotiator how it ended, and drop it."""
        table, self._table = self._table, None
        if table is None:
            return
        agreement, price = None, outcome.price
        if outcome.is_deal and price is not None:
            labels = [self._deal.scenario.package_label(k) for k in range(len(self._deal.options))]
            agreement = self._deal.outcome(price, labels.index(outcome.package or ""), self._seat)
        table.close(agreement, timed_out=outcome.ending == "deadline")

    def _make(self) -> Any:
        """Return a new negotiator."""
        from negmas.gb import GBNegotiator
        from negmas.sao import SAONegotiator

        maker = find_maker(self._maker) if isinstance(self._maker, str) else self._maker
        try:
            negotiator = maker()
        except Exception as error:
            raise ConfigurationError(
                f"{self.name}: calling it without arguments fails: {type(error).__name__}: {error}; give a class, or a "
                "function, that needs none"
            ) from error
        if not isinstance(negotiator, SAONegotiator | GBNegotiator):
            raise ConfigurationError(
                f"{self.name} is no negotiator of alternating offers (SAO), but {negotiator!r:.80}"
            )
        return negotiator

    def _turn(self, response: Any, view: SeatView) -> Action:
        """Return a response as a turn."""
        from negmas.sao import ResponseType

        from parlay_marl.players.strangers.negmas_table import ENDS

        kind = response.response
        if kind == ResponseType.ACCEPT_OFFER and view.counter_offer is not None:
            return view.accept()
        if kind == ResponseType.REJECT_OFFER and response.outcome is not None:
            return self._offer(response.outcome, view)
        leaves = kind in ENDS or kind == ResponseType.ACCEPT_OFFER
        if leaves and Move.WALK_AWAY in view.legal_moves:
            return view.walk_away()
        return without_new_offer(view)

    def _offer(self, outcome: Any, view: SeatView) -> Action:
        """Return an outcome as an offer; refuse one that is not an outcome of this deal."""
        scenario = view.scenario
        values = tuple(outcome) if isinstance(outcome, tuple | list) else ()
        package = self._deal.packages.get(tuple(values[1:])) if values else None
        price = float(values[0]) if values and _is_number(values[0]) else math.nan
        slack = 1e-9 * (scenario.high - scenario.low)
        if package is None or not scenario.low - slack <= price <= scenario.high + slack:
            raise ValueError(f"it offers {outcome!r:.100}, which is no outcome of {self._deal.space!s:.200}")
        return view.make_offer(min(max(price, scenario.low), scenario.high), package)

    def _failure(self, seat: int, role: str, error: Exception) -> PolicyError:
        """Return the error of a negotiator that fails, as one sentence with its name."""
        text = " ".join(str(error).split())
        kind = (
            "" if isinstance(error, ValueError | TypeError) and text.startswith("it ") else f"{type(error).__name__}: "
        )
        return PolicyError(seat, f"{role}: the negotiator {self.name!r} of NegMAS fails: {kind}{text:.300}")


def _is_number(value: Any) -> bool:
    """Return whether a value is a number, such as a price."""
    try:
        return not isinstance(value, bool | str | bytes) and math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def _name_of(maker: str | Maker) -> str:
    """Return the name of a negotiator: that of its class or function."""
    if isinstance(maker, str):
        return maker.rpartition(":")[2].rpartition(".")[2]
    return getattr(maker, "__name__", type(maker).__name__)
