"""Information states as text to read: one's own figures, then what both seats did, as far as the seat has seen it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import INDEX_CHALLENGE, N_MOVES, SEATS, Move, decode, makes_offer
from parlay_marl.core.observation import AT
from parlay_marl.game.config import GameConfig
from parlay_marl.theory.small_game import SmallGame

_FATES = ("", "verified", "caught", "")
"""What a challenge finds, in the order of a claim's numbers in an observation: open, verified, caught, contradicted."""


def action_text(config: GameConfig, seat: int, action: int) -> str:
    """Return a discrete action of a seat in words, such as `offer 140,000`."""
    return said(config, *decode(action, seat, config.room))


def said(config: GameConfig, move: int, price: float, package: int) -> str:
    """Return a move with its price in words."""
    name = Move(move).name.lower().replace("_", " ")
    terms = f" on package {package}" if move == Move.OFFER and config.room > 1 else ""
    currency = config.currency
    return f"{name} {currency.number(currency.price(price))}{terms}" if makes_offer(move) else name


def _fate(is_challenge: bool, claim: int, seen: NDArray[np.float32]) -> str:
    """Return what a challenge has brought to light about a claim; nothing after other moves."""
    if not is_challenge:
        return ""
    return next((f", {status}" for i, status in enumerate(_FATES) if status and seen[claim + i] > 0.0), "")


class SeenText:
    """Writes the text of each information state after that of the seat's own turn before; no two are equal."""

    def __init__(self, game: SmallGame) -> None:
        self.game = game
        self.texts: list[str] = []
        self._used: dict[str, int] = {}

    def add(self, seat: int, previous: int, action: int, seen: NDArray[np.float32]) -> None:
        """Write the next state: `previous` is the seat's own last one (or -1), `action` what it did there."""
        text = self._own(seat, seen)
        if previous >= 0:
            own = action_text(self.game.config, seat, action) + _fate(action == INDEX_CHALLENGE, AT.other_claim, seen)
            text = f"{self.texts[previous]} | {SEATS[seat]}: {own}"
        text += self._other(seat, seen)
        self._used[text] = count = self._used.get(text, 0) + 1
        self.texts.append(text if count == 1 else f"{text} ({count})")

    def _own(self, seat: int, seen: NDArray[np.float32]) -> str:
        """Return who the seat is: those of its figures that differ among its types."""
        kinds = self.game.types[seat]
        currency = self.game.config.currency
        words = [SEATS[seat], f"limit {currency.number(currency.price(float(seen[AT.reservation])))}"]
        if len({kind.urgency for kind in kinds}) > 1:
            words.append(f"urgency {float(seen[AT.urgency]):.2f}")
        if len({kind.alternative for kind in kinds}) > 1:
            words.append("with an alternative" if seen[AT.alternative] > 0.5 else "without an alternative")
        if self.game.config.opener == "random":
            words.append("opens" if seen[AT.is_opener] > 0.5 else "answers")
        return ", ".join(words)

    def _other(self, seat: int, seen: NDArray[np.float32]) -> str:
        """Return the other's last move, as far as it is seen."""
        moves = seen[AT.other_last_move : AT.other_last_move + N_MOVES]
        if not moves.any():
            return ""
        price = float(seen[AT.other_offer_price])
        packages = self.game.config.room
        offered = AT.other_offer_package + 2 * (packages - 1)
        package = int(np.argmax(seen[offered : offered + packages]))
        last = int(moves.argmax())
        if makes_offer(last) and seen[AT.other_offer_made] == 0.0:
            return f" | {SEATS[1 - seat]}: a sealed price"
        fate = _fate(last == Move.CHALLENGE, AT.own_claim, seen)
        return f" | {SEATS[1 - seat]}: {said(self.game.config, last, price, package)}{fate}"
