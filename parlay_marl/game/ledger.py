"""The claims of a game: who claimed what and when, what was true, and what became of it.

Nothing of it is kept while a game is played: the game is played again from its moves.
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

    `truth` is the claimant's reservation price when it spoke, by which `is_bluff` was judged. `status` is what became
    of the claim: `open` (nothing), `verified` or `caught` by a challenge, `contradicted` by a deal that its claimant
    offered or took, `replaced` by its next claim; `settled` is the round in which that happened, None while open.
    """

    seat: str
    round: int
    price: float
    truth: float
    is_bluff: bool
    status: str = OPEN
    settled: int | None = None


class Playable(Protocol):
    """A game that is played a turn at a time."""

    scenario: Scenario
    seat: int

    @property
    def row(self) -> Any:
        """The state, one record."""

    def turn(self, action: Action) -> None:
        """Play an action for the seat on turn."""


def claims_in(game: Playable, actions: Iterable[Action]) -> tuple[Claim, ...]:
    """Play turns in a game that has just begun; return the claims made in it, in their order."""
    claims: list[Claim] = []
    latest: dict[int, int] = {}
    for played in actions:
        before, seat = game.row.copy(), game.seat
        game.turn(played)
        for maker, place in latest.items():
            if claims[place].status == OPEN:
                became = _became(before, game.row, maker, played if maker == seat else None)
                if became != OPEN:
                    claims[place] = replace(claims[place], status=became, settled=int(before["round"]))
        if played.move == Move.BATNA_REVEAL:
            latest[seat] = len(claims)
            claims.append(_claim(game, before, seat))
    return tuple(claims)


def _became(before: Any, after: Any, maker: int, played: Action | None) -> str:
    """Return what a turn made of an open claim; `played` is the turn's move where it is the claimant's own."""
    if played is None or played.move != Move.BATNA_REVEAL:
        return ClaimStatus(int(after["claim_status"][maker])).name.lower()
    # The row holds the new claim already; as an offer, it may have contradicted the one that it replaces.
    same_package = before["claim_package"][maker] == played.package
    worse = contradicts(maker, played.price or 0.0, float(before["claim_price"][maker]))
    return CONTRADICTED if same_package and worse else REPLACED


def _claim(game: Playable, before: Any, seat: int) -> Claim:
    """Return the claim that a seat has just made."""
    scenario = game.scenario
    return Claim(
        seat=SEATS[seat],
        round=int(before["round"]),
        price=scenario.to_currency(float(game.row["claim_price"][seat])),
        truth=scenario.to_currency(float(before["reservation"][seat])),
        is_bluff=bool(game.row["claim_is_bluff"][seat]),
    )
