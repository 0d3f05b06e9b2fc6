"""The claims of a game: seat, round, claimed limit, true limit at that moment, and how each claim was settled.

It is built turn by turn, together with the turns of a game or in a replay of its record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.credibility import contradicts
from parlay_marl.core.moves import SEATS, ClaimStatus, Move
from parlay_marl.game.action import Action
from parlay_marl.game.figures import Figures, figures_of

OPEN, CONTRADICTED, REPLACED = "open", "contradicted", "replaced"


@dataclass(frozen=True)
class Claim:
    """A claim of a reservation price; prices are in currency, rounds are indices from 0.

    `truth` is the claimant's reservation price at the time of the claim, by which `is_bluff` was judged. `status` is
    the claim's end: `open` (none yet), `verified` or `caught` by a challenge, `contradicted` by a deal that its
    claimant offered or took, or `replaced` by the next claim. `settled` is the round of that end, None while open.
    """

    seat: str
    round: int
    price: float
    truth: float
    is_bluff: bool
    status: str = OPEN
    settled: int | None = None


class Moment(Protocol):
    """A game at one moment."""

    seat: int

    @property
    def scenario(self) -> Scenario:
        """The scenario that is played."""

    @property
    def rows(self) -> Any:
        """The state, an array of one record."""


class Ledger:
    """The claims of a game in order, read turn by turn."""

    def __init__(self, scenario: Scenario) -> None:
        self.claims: list[Claim] = []
        self._scenario = scenario
        self._latest: dict[int, int] = {}
        """The index of each seat's latest claim."""

    def read(self, before: Figures, after: Figures, seat: int, played: Action) -> None:
        """Read a turn of a seat, from the figures before and after it."""
        for maker, place in self._latest.items():
            self.claims[place] = _settled(self.claims[place], before, after, maker, played if maker == seat else None)
        if played.move == Move.BATNA_REVEAL:
            self._latest[seat] = len(self.claims)
            self.claims.append(_claim(self._scenario, before, after, seat))


def claims_in(moments: Iterable[Moment], actions: Iterable[Action]) -> tuple[Claim, ...]:
    """Return the claims of a game in order, from its moments before the first turn and after each action."""
    following = iter(moments)
    game = next(following)
    ledger, before, seat = Ledger(game.scenario), figures_of(game.rows), game.seat
    for played, game in zip(actions, following, strict=False):
        after = figures_of(game.rows)
        ledger.read(before, after, seat, played)
        before, seat = after, game.seat
    return tuple(ledger.claims)


def _settled(claim: Claim, before: Figures, after: Figures, maker: int, played: Action | None) -> Claim:
    """Return a claim after a turn; `played` is the action where it is the claimant's own."""
    if claim.status != OPEN:
        return claim
    status = _status(before, after, maker, played)
    return claim if status == OPEN else replace(claim, status=status, settled=before.round)


def _status(before: Figures, after: Figures, maker: int, played: Action | None) -> str:
    """Return the status of an open claim after a turn."""
    if played is None or played.move != Move.BATNA_REVEAL:
        return ClaimStatus(after.claim_status[maker]).name.lower()
    # The row holds the new claim already; as an offer, it may have contradicted the claim that it replaces.
    same_package = before.claim_package[maker] == played.package
    worse = contradicts(maker, played.price or 0.0, before.claim_price[maker])
    return CONTRADICTED if same_package and worse else REPLACED


def _claim(scenario: Scenario, before: Figures, after: Figures, seat: int) -> Claim:
    """Return the claim that a seat has just made."""
    return Claim(
        seat=SEATS[seat],
        round=before.round,
        price=scenario.to_currency(after.claim_price[seat]),
        truth=scenario.to_currency(before.reservation[seat]),
        is_bluff=bool(after.claim_is_bluff[seat]),
    )
