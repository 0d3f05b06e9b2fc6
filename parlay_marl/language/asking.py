"""Asking a model: retries with pauses, their cost within a budget, and replies that are known from the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import sleep as pause
from typing import Any, NamedTuple

from parlay_marl.errors import EndpointError
from parlay_marl.language.abilities import abilities_of
from parlay_marl.language.budget import Budget, Prices
from parlay_marl.language.endpoint import Endpoint, Failure
from parlay_marl.language.journal import Completion, Journal, Lost

LONGEST_PAUSE = 30.0
"""Longest pause between attempts, in seconds; shorter ones are doubled."""
LONGEST_WAIT = 120.0
"""Longest wait that an endpoint may ask for, in seconds; with a longer one it has failed."""
FREE = Prices(0.0, 0.0)


class Usage(NamedTuple):
    """Counts of a player's requests, costs and mistakes, over all of its games."""

    requests: int = 0
    """Requests to the endpoint, including failed ones."""
    retried: int = 0
    """Failed requests, retried or given up."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    """In the unit of the prices; a request of unknown cost counts with its largest possible cost."""
    unreadable: int = 0
    """Replies without a readable move."""
    illegal: int = 0
    """Replies with an illegal move."""
    lost_turns: int = 0
    """Turns lost by two such replies in a row."""

    def plus(self, **more: float) -> Usage:
        """Return the sum of this usage and some more."""
        return self._replace(**{name: getattr(self, name) + value for name, value in more.items()})


class Asker:
    """Asks one model for its replies, one after the other."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        retries: int,
        prices: Prices | None,
        budget: Budget | None,
        journal: Journal | None,
        needs_tools: bool,
    ) -> None:
        self.endpoint, self._retries, self._needs_tools = endpoint, retries, needs_tools
        self._prices, self._budget, self._journal = prices or FREE, budget, journal
        self.abilities = abilities_of(endpoint.url, endpoint.model)
        self.usage = Usage()

    @property
    def with_tools(self) -> bool:
        """Whether the next request may have tools: as in the known reply or, without one, if the model takes them."""
        known = None if self._journal is None else self._journal.next_reply
        return self.abilities.takes_tools if known is None else known.with_tools

    def ask(self, request: Callable[[], Mapping[str, Any]]) -> Completion:
        """Return the completion of a request, which is built again before each attempt.

        Raise `EndpointError` where the endpoint refuses it, or fails once more after all retries, and `BudgetError`
        where the request could cost more than is left.
        """
        attempt = 0
        while True:
            made = request()
            known = self._known(made)
            if known is not None:
                return known
            body = self.abilities.shaped(made)
            found = self._attempt(made, body)
            if isinstance(found, Completion):
                return found
            if self.abilities.learn(found.reason, body, needs_tools=self._needs_tools):
                continue
            pause(self._seconds(found, attempt))
            attempt += 1

    def _known(self, made: Mapping[str, Any]) -> Completion | None:
        """Return the known reply to a request, and count its known attempts."""
        for went in () if self._journal is None else self._journal.replayed(self._named(made)):
            self._count(went)
            if isinstance(went, Completion):
                return went
        return None

    def _attempt(self, made: Mapping[str, Any], body: Mapping[str, Any]) -> Completion | Failure:
        """Send a request once; its cost is in the budget, the journal and the usage when this returns."""
        bound = self._prices.bound(body, made["max_tokens"])
        if self._budget is not None:
            self._budget.reserve(bound)
        cost = bound
        try:
            if self._journal is not None:
                self._journal.asked(bound)
            found = self.endpoint.send(body)
            cost = self._cost(found, bound)
        finally:
            if self._budget is not None:
                self._budget.settle(bound, cost)
        if isinstance(found, Failure):
            lost = Lost(found.tokens, cost)
            self._count(lost)
            if self._journal is not None:
                self._journal.failed(found.reason, lost)
            return found
        completion = found._replace(cost=cost)
        self._count(completion)
        if self._journal is not None:
            self._journal.answered(self._named(made), completion)
        return completion

    def _count(self, went: Completion | Lost) -> None:
        """Count an attempt."""
        sent, written = went.tokens or (0, 0)
        failed = int(isinstance(went, Lost))
        self.usage = self.usage.plus(
            requests=1, retried=failed, prompt_tokens=sent, completion_tokens=written, cost=went.cost
        )

    def _cost(self, found: Completion | Failure, bound: float) -> float:
        """Return the cost of an attempt, or its largest possible cost where the endpoint does not report it."""
        if found.tokens is not None:
            return self._prices.cost(*found.tokens)
        return bound if isinstance(found, Completion) or found.may_be_charged else 0.0

    def _seconds(self, failure: Failure, attempt: int) -> float:
        """Return the seconds until the next attempt; raise `EndpointError` where there is none."""
        who = f"the model {self.endpoint.model!r} at {self.endpoint.url}"
        if not failure.may_succeed:
            raise EndpointError(f"{who} refuses the request: {failure.reason}")
        if attempt >= self._retries:
            raise EndpointError(f"{who} fails {attempt + 1} times in a row, at last by: {failure.reason}")
        if failure.wait is not None and failure.wait > LONGEST_WAIT:
            raise EndpointError(
                f"{who} asks to wait {failure.wait:,.0f} s, more than {LONGEST_WAIT:g}: {failure.reason}"
            )
        return min(failure.pause * 2.0**attempt, LONGEST_PAUSE) if failure.wait is None else failure.wait

    def _named(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request with the model's name, in the form of the journal."""
        return {"model": self.endpoint.model, **made}
