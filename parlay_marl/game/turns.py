"""The turns of a game, as spectators and as seats see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    this one. `changes_terms`: the package is not that of the seat's last offer. `words` are what was said, after the
    `drift_line`: the line by which a persona tells spectators that it has drifted.
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
    drift_line: str = ""

    @property
    def phrase(self) -> str:
        """The words that the other seat hears: those without the drift line."""
        return self.words[len(self.drift_line) + 1 :] if self.drift_line else self.words

    def as_seen(self) -> Turn:
        """Return the turn as the seats see it: who plays a seat, and how it has drifted, is private."""
        return replace(self, name=SEATS[self.seat], words=self.phrase, drift_line="")


class Before(NamedTuple):
    """The few figures of the state before a turn that reading it takes: a whole row is large."""

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
        """Return the price that an offer gives up against the seat's last offer; None without such a pair."""
        if not makes_offer(move) or self.offer_price is None:
            return None
        return price_given_up(seat, self.offer_price, price)


class Begun(NamedTuple):
    """A turn that has been looked at and has not been played yet."""

    seat: int
    action: Action
    before: Before
    phrase: str
    drift_line: str


class TurnReader:
    """Reads the turns of a game while they are played, from the state before and after each of them.

    `names` are those of both seats, `personas` their personas, None for other players. `drift_lines` are known drift
    lines by the number of their turn, for a game that is replayed without its personas.
    """

    def __init__(
        self,
        config: GameConfig,
        names: Sequence[str],
        personas: Sequence[PersonaPlayer | None],
        drift_lines: Mapping[int, str],
    ) -> None:
        self.turns: list[Turn] = []
        self._seen: list[Turn] = []
        self._scenario: Scenario = config.played
        self._scale = config.max_rounds / USUAL_ROUNDS
        self._names, self._personas, self._drift_lines = names, personas, drift_lines
        self._fired = 0
        self._drifted: set[int] = set()

    def look(self, rows: Any, seat: int, action: Action) -> Begun:
        """Look at the state before a turn, an array of one row; nothing is noted before the turn has been played."""
        before = Before.of(rows[0], seat)
        phrase, drift_line = action.words, self._drift_lines.get(len(self.turns), "")
        persona = self._personas[seat]
        if not phrase and persona is not None:
            phrase, drift_line = self._lines(rows, seat, action, persona, before)
        return Begun(seat, action, before, phrase, drift_line)

    def read(self, rows: Any, begun: Begun) -> None:
        """Read the turn from the state after it."""
        after, (seat, action, before, phrase, drift_line) = rows[0], begun
        headlines = self._headlines(before.events_fired)
        self._fired = before.events_fired
        if drift_line:
            self._drifted.add(seat)
        move = Move(action.move)
        maker = 1 - seat if move is Move.ACCEPT else seat
        is_priced = makes_offer(move) or move is Move.ACCEPT
        self.turns.append(
            Turn(
                round=before.round,
                seat=seat,
                name=self._names[seat],
                headlines=headlines,
                move=move,
                price=float(after["offer_price"][maker]) if is_priced else None,
                package=int(after["offer_package"][maker]) if is_priced else None,
                change=before.change(move, action.price or 0.0, seat),
                changes_terms=before.offer_price is None or before.offer_package != after["offer_package"][maker],
                result=_result(before, after, move, seat),
                tension=float(after["tension"]),
                eroded=bool(after["erosion_ticks"] > before.erosion_ticks),
                words=" ".join(filter(None, (drift_line, phrase))),
                drift_line=drift_line,
            )
        )

    def seen(self) -> tuple[Turn, ...]:
        """Return the turns as the seats see them."""
        self._seen += [turn.as_seen() for turn in self.turns[len(self._seen) :]]
        return tuple(self._seen)

    def news(self, rows: Any) -> tuple[str, ...]:
        """Return the headlines that came after the last turn."""
        return self._headlines(int(rows[0]["events_fired"]))

    def _headlines(self, fired: int) -> tuple[str, ...]:
        new = fired & ~self._fired
        return tuple(event.headline for i, event in enumerate(self._scenario.events) if new & (1 << i))

    def _lines(self, rows: Any, seat: int, action: Action, player: PersonaPlayer, before: Before) -> tuple[str, str]:
        """Return what a persona says with a turn, and the line that tells of its drift, at most once a game."""
        row = rows[0]
        drifted = bool(drifted_now(rows, player.record, 0, seat))
        style = player.record[0]["drifted" if drifted else "base"]
        late = row["round"] >= style["ultimatum_round"] * self._scale
        move, price, package = Move(action.move), action.price or 0.0, action.package or 0
        change = before.change(move, price, seat)
        when = occasion(move, change is None, change is not None and change > 1e-9, bool(late))
        if move is Move.ACCEPT:
            price, package = float(row["offer_price"][1 - seat]), int(row["offer_package"][1 - seat])
        facts = {
            "price": price_text(price, self._scenario),
            "terms": self._scenario.package_label(package),
            "other": SEATS[1 - seat],
        }
        choice = int(row["key"]) // 7 + len(self.turns) // 2
        says_drift = drifted and seat not in self._drifted
        drift_line = line(player.persona, "drift", choice, **facts) if says_drift else ""
        return line(player.persona, when, choice, **facts), drift_line


def _result(before: Before, after: Any, move: Move, seat: int) -> str:
    """Return what a turn has shown about a claim, in words."""
    if move is Move.CHALLENGE:
        return "and it was" if after["claim_status"][1 - seat] == ClaimStatus.CAUGHT else "but it was honest"
    was_open = before.claim_status == ClaimStatus.OPEN
    if was_open and after["claim_status"][seat] == ClaimStatus.CONTRADICTED:
        return "against its own claim"
    return ""
