"""The claims of a game: who claimed which limit when, the truth at that moment, and how each claim was settled.

A game keeps none of this while it is played: its record is played again for the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.credibility import contradicts
from parlay_marl.core.moves import SEATS, ClaimStatus, Move
from parlay_marl.game.action import Action

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
    def row(self) -> Any:
        """The state, one record."""


def claims_in(moments: Iterable[Moment], actions: Iterable[Action]) -> tuple[Claim, ...]:
    """Return the claims of a game in their order, from its moments before the first turn and after each action."""
    claims: list[Claim] = []
    latest: dict[int, int] = {}
    following = iter(moments)
    game = next(following)
    before, seat = game.row.copy(), game.seat
    for played, after in zip(actions, following, strict=False):
        for maker, place in latest.items():
            claims[place] = _settled(claims[place], before, after.row, maker, played if maker == seat else None)
        if played.move == Move.BATNA_REVEAL:
            latest[seat] = len(claims)
            claims.append(_claim(after, before, seat))
        before, seat = after.row.copy(), after.seat
    return tuple(claims)


def _settled(claim: Claim, before: Any, after: Any, maker: int, played: Action | None) -> Claim:
    """Return a claim after a turn; `played` is the action where it is the claimant's own."""
    if claim.status != OPEN:
        return claim
    status = _status(before, after, maker, played)
    return claim if status == OPEN else replace(claim, status=status, settled=int(before["round"]))


def _status(before: Any, after: Any, maker: int, played: Action | None) -> str:
    """Return the status of an open claim after a turn."""
    if played is None or played.move != Move.BATNA_REVEAL:
        return ClaimStatus(int(after["claim_status"][maker])).name.lower()
    # The row holds the new claim already; as an offer, it may have contradicted the claim that it replaces.
    same_package = before["claim_package"][maker] == played.package
    worse = contradicts(maker, played.price or 0.0, float(before["claim_price"][maker]))
    return CONTRADICTED if same_package and worse else REPLACED


def _claim(game: Moment, before: Any, seat: int) -> Claim:
    """Return the claim that a seat has just made."""
    scenario = game.scenario
    return Claim(
        seat=SEATS[seat],
        round=int(before["round"]),
        price=scenario.to_currency(float(game.row["claim_price"][seat])),
        truth=scenario.to_currency(float(before["reservation"][seat])),
        is_bluff=bool(game.row["claim_is_bluff"][seat]),
    )
