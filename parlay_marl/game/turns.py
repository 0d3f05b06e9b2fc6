"""What happened in a game, turn by turn, as a spectator sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.drift import price_given_up
from parlay_marl.core.moves import SEATS, ClaimStatus, Move, makes_offer
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig
from parlay_marl.game.text import price_text
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.players.voice import drifted_now, line, occasion

USUAL_ROUNDS = 20.0


@dataclass(frozen=True)
class Turn:
    """One turn as a spectator sees it.

    Prices are normalised; `change` is the price given up, None at a first offer. `headlines` came after the turn before
    this one. `changes_terms`: the package is not that of the seat's last offer.
    """

    round: int
    seat: int
    name: str
    headlines: tuple[str, ...]
    move: Move
    price: float | None
    package: int | None
    change: float | None
    changes_terms: bool
    result: str
    tension: float
    eroded: bool
    words: str


class Before(NamedTuple):
    """The state before a turn: public figures, and those of the seat on turn. A whole row is large."""

    round: int
    offer_price: float | None
    """None before the seat's first offer."""
    offer_package: int
    claim_status: int
    erosion_ticks: int
    events_fired: int

    @classmethod
    def of(cls, row: Any, seat: int) -> Before:
        """Return the figures of a row."""
        price = float(row["offer_price"][seat]) if row["offers_made"][seat] else None
        package, status = int(row["offer_package"][seat]), int(row["claim_status"][seat])
        return cls(int(row["round"]), price, package, status, int(row["erosion_ticks"]), int(row["events_fired"]))

    def change(self, move: int, price: float, seat: int) -> float | None:
        """Return the price that an offer gives up against the seat's last one; None where none can be compared."""
        if not makes_offer(move) or self.offer_price is None:
            return None
        return price_given_up(seat, self.offer_price, price)


class Begun(NamedTuple):
    """A turn that has been looked at and not been played yet."""

    seat: int
    action: Action
    before: Before
    words: str
    says_drift: bool


def name_of(player: Any, seat: int) -> str:
    """Return the name of who plays a seat."""
    return SEATS[seat] if player is None else str(player.name)


class TurnReader:
    """Reads the turns of a game while they are played, from the state before and after each of them.

    `players` are those of both seats, None for whoever is outside. A persona's words depend on whether it has drifted;
    all else is public.
    """

    def __init__(self, config: GameConfig, players: Sequence[Any]) -> None:
        self.turns: list[Turn] = []
        self._scenario: Scenario = config.scenario
        self._scale = config.max_rounds / USUAL_ROUNDS
        self._players = players
        self._fired = 0
        self._drifted: set[int] = set()

    def look(self, rows: Any, seat: int, action: Action) -> Begun:
        """Look at the state before a turn, an array of one row; nothing is noted before it has been played."""
        before = Before.of(rows[0], seat)
        words, says_drift = action.words, False
        player = self._players[seat]
        if not words and isinstance(player, PersonaPlayer):
            words, says_drift = self._words(rows, seat, action, player, before)
        return Begun(seat, action, before, words, says_drift)

    def read(self, rows: Any, begun: Begun) -> None:
        """Read the turn from the state after it."""
        after, (seat, action, before, words, says_drift) = rows[0], begun
        headlines = self._headlines(before.events_fired)
        self._fired = before.events_fired
        if says_drift:
            self._drifted.add(seat)
        move = Move(action.move)
        maker = 1 - seat if move is Move.ACCEPT else seat
        is_priced = makes_offer(move) or move is Move.ACCEPT
        self.turns.append(
            Turn(
                round=before.round,
                seat=seat,
                name=name_of(self._players[seat], seat),
                headlines=headlines,
                move=move,
                price=float(after["offer_price"][maker]) if is_priced else None,
                package=int(after["offer_package"][maker]) if is_priced else None,
                change=before.change(move, action.price or 0.0, seat),
                changes_terms=before.offer_price is None or before.offer_package != after["offer_package"][maker],
                result=_result(before, after, move, seat),
                tension=float(after["tension"]),
                eroded=bool(after["erosion_ticks"] > before.erosion_ticks),
                words=words,
            )
        )

    def news(self, rows: Any) -> tuple[str, ...]:
        """Return the headlines that came after the last turn."""
        return self._headlines(int(rows[0]["events_fired"]))

    def _headlines(self, fired: int) -> tuple[str, ...]:
        new = fired & ~self._fired
        return tuple(event.headline for i, event in enumerate(self._scenario.events) if new & (1 << i))

    def _words(self, rows: Any, seat: int, action: Action, player: PersonaPlayer, before: Before) -> tuple[str, bool]:
        """Return what a persona says with a turn, and whether that tells of its drift."""
        row = rows[0]
        drifted = bool(drifted_now(rows, player.record, 0, seat))
        style = player.record[0]["drifted" if drifted else "base"]
        late = row["round"] >= style["ultimatum_round"] * self._scale
        move, price, package = Move(action.move), action.price or 0.0, action.package or 0
        change = before.change(move, price, seat)
        whens = [occasion(move, change is None, change is not None and change > 1e-9, bool(late))]
        says_drift = drifted and seat not in self._drifted
        if says_drift:
            whens.insert(0, "drift")
        if move is Move.ACCEPT:
            price, package = float(row["offer_price"][1 - seat]), int(row["offer_package"][1 - seat])
        facts = {
            "price": price_text(price, self._scenario),
            "terms": self._scenario.package_label(package),
            "other": SEATS[1 - seat],
        }
        choice = int(row["key"]) // 7 + len(self.turns) // 2
        return " ".join(filter(None, (line(player.persona, when, choice, **facts) for when in whens))), says_drift


def _result(before: Before, after: Any, move: Move, seat: int) -> str:
    """Return what came to light in a turn about a claim, in words."""
    if move is Move.CHALLENGE:
        return "and it was" if after["claim_status"][1 - seat] == ClaimStatus.CAUGHT else "but it was honest"
    was_open = before.claim_status == ClaimStatus.OPEN
    if was_open and after["claim_status"][seat] == ClaimStatus.CONTRADICTED:
        return "against its own claim"
    return ""
