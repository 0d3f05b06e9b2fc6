"""One NegMAS negotiation with one negotiator, which sees our game as `SAOMechanism` shows its own.

The mechanism is NegMAS's, so that a negotiator finds its usual state, history and interface; the turns of the other
seat come from our game, so that `SAOMechanism` does not call it. The order of calls and callbacks is reproduced:
`tests/strangers/test_negmas.py` compares whole negotiations. Imports NegMAS, so it is imported where it is used.
"""

from __future__ import annotations

import functools
import inspect
import time
from typing import Any

import attrs
from negmas.common import PreferencesChange, PreferencesChangeType
from negmas.gb import GBNegotiator
from negmas.sao import ResponseType, SAOMechanism, SAONegotiator, SAOResponse

from parlay_marl.players.strangers.negmas_deal import Deal

Outcome = tuple[Any, ...]
CALLBACKS = ("on_round_start", "on_round_end", "on_partner_proposal", "on_partner_response")
ENDS = (ResponseType.END_NEGOTIATION, ResponseType.LEAVE)


class AbsentNegotiator(SAONegotiator):
    """The other seat of our game: a member of the mechanism that is never called."""

    def propose(self, state: Any, dest: str | None = None) -> None:
        """Offer nothing."""


class Table:
    """A negotiation between a negotiator and the other seat of our game."""

    def __init__(self, negotiator: Any, ufun: Any, deal: Deal, rounds: int, is_opener: bool, role: str) -> None:
        """Add a negotiator to the mechanism; `is_opener` where it makes the first offer of each round."""
        other = "seller" if role == "buyer" else "buyer"
        self.negotiator, self.other = negotiator, AbsentNegotiator(name=other)
        self.ufun, self.is_opener = ufun, is_opener
        self.mechanism = SAOMechanism(
            outcome_space=deal.space, n_steps=rounds, end_on_no_response=False, name=deal.scenario.name
        )
        seats = [(negotiator, ufun, role), (self.other, None, other)]
        for who, preferences, seat in seats if is_opener else reversed(seats):
            if not self.mechanism.add(who, preferences=preferences, role=seat):
                raise ValueError("it does not join the negotiation")
        self._takes_dest = _takes_dest(negotiator.__class__)
        self._listens = _listens(negotiator.__class__)
        self._state = self.mechanism._current_state
        self._is_asked, self._reserved = False, ufun.reserved_value
        self._start()

    def _start(self) -> None:
        state = self._state
        state.running = state.started = True
        state.step, state.relative_time = 0, self.mechanism.relative_time
        self.mechanism._start_time = time.perf_counter_ns()
        self.negotiator._on_negotiation_start(state=self._seen())

    def reserve(self, value: float) -> None:
        """Set a new reserved value, after erosion or an event."""
        if value != self._reserved:
            self._reserved = self.ufun.reserved_value = value
            self.negotiator.on_preferences_changed([PreferencesChange(PreferencesChangeType.ReservedValue)])

    def answer(self, offer: Outcome | None, words: str) -> SAOResponse:
        """Show the other seat's turn since the last call, and return the negotiator's response.

        `offer` is the other's standing offer, None before its first one.
        """
        if not self.is_opener:
            self._begin_round()
            self._propose(self.other, offer, words)
        elif self._is_asked:
            self._propose(self.other, offer, words)
            self._end_round()
        if self.is_opener:
            self._begin_round()
        self._is_asked = True
        response = self._ask()
        if response.response == ResponseType.REJECT_OFFER:
            self._propose(self.negotiator, response.outcome, "")
        if not self.is_opener:
            self._end_round()
        return response

    def close(self, agreement: Outcome | None, timed_out: bool) -> None:
        """End the negotiation."""
        state = self._state
        state.running, state.agreement = False, agreement
        state.timedout, state.broken = timed_out, agreement is None and not timed_out
        self.negotiator._on_negotiation_end(state=self._seen())

    # ------------------------------------------------------------------ a round

    def _seen(self) -> Any:
        """Return the state as the negotiator sees it now: a copy, like `SAOMechanism`'s."""
        state = self._state
        seen = object.__new__(type(state))
        for name in _fields(state.__class__):
            object.__setattr__(seen, name, getattr(state, name))
        return seen

    def _begin_round(self) -> None:
        state = self._state
        state.new_offers, state.new_data, state.new_offerer_agents = [], [], []
        if "on_round_start" in self._listens:
            self.negotiator.on_round_start(state=self._seen())

    def _end_round(self) -> None:
        state, mechanism = self._state, self.mechanism
        if "on_round_end" in self._listens:
            self.negotiator.on_round_end(state=self._seen())
        mechanism._history.append(self._seen())
        state.step += 1
        state.time, state.relative_time = mechanism.time, mechanism.relative_time

    def _ask(self) -> SAOResponse:
        """Return the negotiator's response to the offer on the table."""
        more = {"dest": self.other.id} if self._takes_dest else {}
        response = self.negotiator(state=self._seen(), **more)
        if not isinstance(response, SAOResponse):
            raise TypeError(f"it answers {response!r:.80}; it must return a SAOResponse")
        return SAOResponse.from_extended(response.response, response.outcome)

    def _propose(self, maker: Any, offer: Outcome | None, words: str) -> None:
        """Record a rejection with an offer or None, and tell the negotiator where the other seat made it."""
        state = self._state
        if maker is self.other:
            self._tell(offer)
        data = {"text": words} if words else None
        state.n_acceptances = 0 if offer is None else 1
        state.current_offer, state.current_data, state.current_proposer = offer, data, maker.id
        state.new_offers = [*state.new_offers, (maker.id, offer)]
        state.new_data = [*state.new_data, (maker.id, data)]
        state.new_offerer_agents = [*state.new_offerer_agents, None]
        state.last_negotiator = maker.name
        self.mechanism._current_proposer = maker

    def _tell(self, offer: Outcome | None) -> None:
        """Tell the negotiator that the other seat rejects the standing offer, and makes one."""
        if self._state.current_offer is not None and "on_partner_response" in self._listens:
            self.negotiator.on_partner_response(
                state=self._seen(),
                partner_id=self.other.id,
                outcome=self._state.current_offer,
                response=ResponseType.REJECT_OFFER,
            )
        if offer is not None and "on_partner_proposal" in self._listens:
            self.negotiator.on_partner_proposal(partner_id=self.other.id, offer=offer, state=self._seen())


@functools.cache
def _takes_dest(kind: Any) -> bool:
    """Return whether negotiators accept the receiver of their offer as an argument: older ones take the state alone."""
    parameters = inspect.signature(kind.__call__).parameters.values()
    return any(each.name == "dest" or each.kind is each.VAR_KEYWORD for each in parameters)


@functools.cache
def _listens(kind: Any) -> frozenset[str]:
    """Return the callbacks that a class of negotiators overrides; the others do nothing."""
    return frozenset(name for name in CALLBACKS if getattr(kind, name) is not getattr(GBNegotiator, name))


@functools.cache
def _fields(kind: Any) -> tuple[str, ...]:
    """Return the names of the fields of a state."""
    return tuple(field.name for field in attrs.fields(kind))
