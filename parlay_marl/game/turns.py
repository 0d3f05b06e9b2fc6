"""The turns of a game, as spectators and as seats see them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.compiled import trial
from parlay_marl.core.drift import price_given_up
from parlay_marl.core.moves import SEATS, ClaimStatus, Move, makes_offer
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig
from parlay_marl.game.figures import Figures, figures_of
from parlay_marl.game.ledger import Ledger
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.players.voice import drifted_now, line, occasion

USUAL_ROUNDS = 20.0
_makes_offer, _price_given_up = inspect.unwrap(makes_offer), inspect.unwrap(price_given_up)
"""The plain Python functions, because a call as a rule takes twice as long."""
_OPEN, _CAUGHT, _CONTRADICTED = int(ClaimStatus.OPEN), int(ClaimStatus.CAUGHT), int(ClaimStatus.CONTRADICTED)


@dataclass(frozen=True)
class Turn:
    """One turn as a spectator sees it.

    Prices are normalised; `change` is the price given up, None at a first offer. `headlines` came after the turn
    before this one. `changes_terms`: the package is not that of the seat's last offer. `words` begin with the
    `drift_line`, which tells spectators that the persona has drifted.
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
        """The words for the other seat: those without the drift line."""
        return self.words[len(self.drift_line) + 1 :] if self.drift_line else self.words

    def as_sealed(self) -> Turn:
        """Return the turn as the seats see it before sealed bids are opened: a hidden price without words."""
        return replace(self.as_seen(), price=None, package=None, words="")

    def as_seen(self) -> Turn:
        """Return the turn as the seats see it: the player of a seat and its drift are private."""
        if self.name == SEATS[self.seat] and not self.drift_line:
            return self
        seen = object.__new__(Turn)  # `replace`, or a frozen class's own `__init__`, takes several times as long
        vars(seen).update(vars(self), name=SEATS[self.seat], words=self.phrase, drift_line="")
        return seen


class Begun(NamedTuple):
    """The state before a turn that has not been played yet."""

    seat: int
    action: Action
    before: Figures
    change: float | None
    """The price that an offer gives up against the seat's last offer; None without such a pair."""
    phrase: str
    drift_line: str


class TurnReader:
    """Reads the turns of a game while they are played, from the states before and after each.

    `names` are the players' names, `personas` their personas, None for other players. `drift_lines` are known drift
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
        self.on_turn: Callable[[Turn], None] | None = None
        """Called with each turn as soon as it has been read."""
        self._seen: tuple[Turn, ...] = ()
        self._scenario: Scenario = config.played
        self._currency = config.currency
        self._label = functools.cache(self._scenario.package_label)
        self.ledger = Ledger(self._scenario)
        """The claims so far."""
        self._ultimatums = [_ultimatums(each, config.max_rounds / USUAL_ROUNDS) for each in personas]
        """The rounds from which each seat's persona gives ultimatums, before and after its drift."""
        self._names, self._personas, self._drift_lines = names, personas, drift_lines
        self._fired = 0
        self._after: Figures | None = None
        """The figures after the last turn, which are those before the next one; None before the first."""
        self._drifted: set[int] = set()
        self._is_sealed = PROTOCOLS[config.protocol].is_sealed

    def look(self, rows: Any, seat: int, action: Action) -> Begun:
        """Read the state before a turn, an array of one row; nothing is stored until the turn has been played."""
        before = self._after or figures_of(rows)
        move, last = action.move, before.offer_price[seat] if before.offers_made[seat] else None
        change = None if last is None or not _makes_offer(move) else _price_given_up(seat, last, action.price or 0.0)
        phrase, drift_line = action.words, self._drift_lines.get(len(self.turns), "")
        persona = self._personas[seat]
        if not phrase and persona is not None:
            phrase, drift_line = self._lines(rows, seat, action, persona, before, change)
        return Begun(seat, action, before, change, phrase, drift_line)

    def read(self, rows: Any, begun: Begun) -> None:
        """Read the turn from the state after it."""
        after, (seat, action, before, change, phrase, drift_line) = figures_of(rows), begun
        self._after = after
        headlines = self._headlines(before.events_fired)
        self._fired = before.events_fired
        if drift_line:
            self._drifted.add(seat)
        move = action.move
        self.ledger.read(before, after, seat, action)
        maker = 1 - seat if move is Move.ACCEPT else seat
        is_priced = _makes_offer(move) or move is Move.ACCEPT
        turn = object.__new__(Turn)  # see `as_seen`
        vars(turn).update(
            round=before.round,
            seat=seat,
            name=self._names[seat],
            headlines=headlines,
            move=move,
            price=action.price if self._is_sealed else after.offer_price[maker] if is_priced else None,
            package=after.offer_package[maker] if is_priced else None,
            change=change,
            changes_terms=not before.offers_made[seat] or before.offer_package[seat] != after.offer_package[maker],
            result=_result(before, after, move, seat),
            tension=after.tension,
            eroded=after.erosion_ticks > before.erosion_ticks,
            words=f"{drift_line} {phrase}" if drift_line and phrase else drift_line or phrase,
            drift_line=drift_line,
        )
        self.turns.append(turn)
        if self.on_turn is not None:
            self.on_turn(turn)

    def seen(self) -> tuple[Turn, ...]:
        """Return the turns as the seats see them."""
        if self._is_sealed and len(self.turns) == 1:
            return (self.turns[0].as_sealed(),)
        if len(self._seen) < len(self.turns):
            self._seen += tuple(turn.as_seen() for turn in self.turns[len(self._seen) :])
        return self._seen

    def news(self, rows: Any) -> tuple[str, ...]:
        """Return the headlines that came after the last turn."""
        return self._headlines(rows["events_fired"].item())

    def _headlines(self, fired: int) -> tuple[str, ...]:
        new = fired & ~self._fired
        if not new:
            return ()
        return tuple(event.headline for i, event in enumerate(self._scenario.events) if new & (1 << i))

    def _lines(
        self, rows: Any, seat: int, action: Action, player: PersonaPlayer, before: Figures, change: float | None
    ) -> tuple[str, str]:
        """Return what a persona says with a turn, and its drift line, at most once a game."""
        drifted = bool(trial.apply(drifted_now, rows, player.record, 0, seat))
        late = before.round >= self._ultimatums[seat][drifted]
        move, price, package = action.move, action.price or 0.0, action.package or 0
        when = occasion(move, change is None, change is not None and change > 1e-9, late)
        if move is Move.ACCEPT:
            price, package = before.offer_price[1 - seat], before.offer_package[1 - seat]
        facts = {
            "price": self._currency.exact_money(self._currency.price(price)),
            "terms": self._label(package),
            "other": SEATS[1 - seat],
        }
        choice = before.key // 7 + len(self.turns) // 2
        says_drift = drifted and seat not in self._drifted
        drift_line = line(player.persona, "drift", choice, **facts) if says_drift else ""
        return line(player.persona, when, choice, **facts), drift_line


def _ultimatums(player: PersonaPlayer | None, scale: float) -> tuple[float, ...]:
    """Return the rounds from which a persona gives ultimatums, before and after its drift; none without one."""
    if player is None:
        return ()
    return tuple(float(player.record[0][style]["ultimatum_round"] * scale) for style in ("base", "drifted"))


def _result(before: Figures, after: Figures, move: Move, seat: int) -> str:
    """Return what a turn has revealed about a claim, in words."""
    if move is Move.CHALLENGE:
        return "and it was" if after.claim_status[1 - seat] == _CAUGHT else "but it was honest"
    if before.claim_status[seat] == _OPEN and after.claim_status[seat] == _CONTRADICTED:
        return "against its own claim"
    return ""
