"""What happened in a game, turn by turn, as a spectator sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from parlay_marl.core.drift import price_given_up
from parlay_marl.core.moves import SEATS, ClaimStatus, Move, makes_offer
from parlay_marl.game.text import price_text
from parlay_marl.opponents.seat import PersonaOpponent
from parlay_marl.opponents.voice import drifted_now, line, occasion

if TYPE_CHECKING:
    from parlay_marl.game.game import Game, PlayedMove

USUAL_ROUNDS = 20.0


@dataclass(frozen=True)
class Turn:
    """One turn as a spectator sees it.

    Prices are normalised; `change` is the price given up, None at a first offer. `changes_terms`: the package is not
    that of the seat's last offer.
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
    """What a turn is told against: figures of a game before it, those of the seat on turn. A whole row is large."""

    round: int
    offer_price: float | None
    """None before the seat's first offer."""
    offer_package: int
    claim_status: int
    erosion_ticks: int

    @classmethod
    def of(cls, row: Any, seat: int) -> Before:
        """Return the figures of a row."""
        price = float(row["offer_price"][seat]) if row["offers_made"][seat] else None
        package, status = int(row["offer_package"][seat]), int(row["claim_status"][seat])
        return cls(int(row["round"]), price, package, status, int(row["erosion_ticks"]))

    def change(self, played: PlayedMove, seat: int) -> float | None:
        """Return the price that an offer gives up against the seat's last one; None where none can be compared."""
        if not makes_offer(played.move) or self.offer_price is None:
            return None
        return price_given_up(seat, self.offer_price, played.price)


def seat_name(game: Game, seat: int) -> str:
    """Return the name of who plays a seat."""
    player = game.players[seat]
    return SEATS[seat] if player is None else player.name


class Narrator:
    """Tells a game turn by turn, by playing its moves again."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self._again = type(game)(game.config)
        self._told_events = 0
        self._changed: set[int] = set()
        self.start = 0
        self.turns: list[Turn] = []

    def catch_up(self) -> list[Turn]:
        """Return the turns played since the last call; a new game is told from its start."""
        game = self.game
        moves = game.moves
        if game.starts != self.start:
            self.start, self.turns, self._told_events, self._changed = game.starts, [], 0, set()
            self._again.begin(game.seed or 0, game.number, game.options)
        new = [self._tell(played, count) for count, played in enumerate(moves) if count >= len(self.turns)]
        self.turns += new
        return new

    def _tell(self, played: PlayedMove, count: int) -> Turn:
        """Play one move again and tell of it."""
        again, seat = self._again, self._again.seat
        headlines, words = self._headlines(), self._words(played, count)
        before = Before.of(again.row, seat)
        again.turn_by_move(int(played.move), *played[1:])  # a kernel looks longer at an enumeration
        after = again.row
        maker = 1 - seat if played.move is Move.ACCEPT else seat
        is_priced = makes_offer(played.move) or played.move is Move.ACCEPT
        return Turn(
            round=before.round,
            seat=seat,
            name=seat_name(self.game, seat),
            headlines=headlines,
            move=played.move,
            price=float(after["offer_price"][maker]) if is_priced else None,
            package=int(after["offer_package"][maker]) if is_priced else None,
            change=before.change(played, seat),
            changes_terms=before.offer_price is None or before.offer_package != after["offer_package"][maker],
            result=_result(before, after, played.move, seat),
            tension=float(after["tension"]),
            eroded=bool(after["erosion_ticks"] > before.erosion_ticks),
            words=words,
        )

    def news(self) -> tuple[str, ...]:
        """Return the headlines that no turn has told yet, once, after the turns have been told."""
        return self._headlines()

    def _headlines(self) -> tuple[str, ...]:
        """Return the headlines that have come since they were last told."""
        fired = int(self._again.row["events_fired"])
        new = fired & ~self._told_events
        self._told_events = fired
        return tuple(event.headline for i, event in enumerate(self.game.scenario.events) if new & (1 << i))

    def _words(self, played: PlayedMove, count: int) -> str:
        """Return what a persona says with a move; other players say nothing."""
        again, seat = self._again, self._again.seat
        player = self.game.players[seat]
        if not isinstance(player, PersonaOpponent):
            return ""
        drifted = drifted_now(again.rows, player.record, 0, seat)
        style = player.record[0]["drifted" if drifted else "base"]
        late = again.row["round"] >= style["ultimatum_round"] * again.config.max_rounds / USUAL_ROUNDS
        change = Before.of(again.row, seat).change(played, seat)
        whens = [occasion(played.move, change is None, change is not None and change > 1e-9, bool(late))]
        if drifted and seat not in self._changed:
            self._changed.add(seat)
            whens.insert(0, "drift")
        maker = 1 - seat if played.move is Move.ACCEPT else seat
        price = again.row["offer_price"][maker] if played.move is Move.ACCEPT else played.price
        package = again.row["offer_package"][maker] if played.move is Move.ACCEPT else played.package
        scenario, choice = self.game.scenario, int(again.row["key"]) // 7 + count // 2
        facts = {
            "price": price_text(float(price), scenario),
            "terms": scenario.package_label(int(package)),
            "other": SEATS[1 - seat],
        }
        return " ".join(filter(None, (line(player.persona, when, choice, **facts) for when in whens)))


def _result(before: Before, after: Any, move: Move, seat: int) -> str:
    """Return what came to light in a turn about a claim, in words."""
    if move is Move.CHALLENGE:
        return "and it was" if after["claim_status"][1 - seat] == ClaimStatus.CAUGHT else "but it was honest"
    was_open = before.claim_status == ClaimStatus.OPEN
    if was_open and after["claim_status"][seat] == ClaimStatus.CONTRADICTED:
        return "against its own claim"
    return ""
