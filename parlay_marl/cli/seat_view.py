"""What a person in a seat sees before a move: own figures, what is on the table, the belief about the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parlay_marl.core import bargain
from parlay_marl.core.belief import Belief
from parlay_marl.core.moves import SEATS, ClaimStatus, Move
from parlay_marl.game.picture import axis
from parlay_marl.game.text import Line, Piece, money, price_text, wrapped
from parlay_marl.game.transcript import warmth
from parlay_marl.game.turns import Turn

if TYPE_CHECKING:
    from parlay_marl.game.position import Position

LABEL = 13
"""Columns of the labels on the left."""

CLAIM_STATUS = {
    ClaimStatus.OPEN: "open",
    ClaimStatus.VERIFIED: "verified",
    ClaimStatus.CAUGHT: "caught as a bluff",
    ClaimStatus.CONTRADICTED: "contradicted",
}

REFUSED = {
    Move.ACCEPT: "There is no offer of theirs to accept yet.",
    Move.WALK_AWAY: "They have not had a turn yet; make a first move before you leave.",
    Move.BATNA_REVEAL: "A claim needs more credibility than you have left.",
    Move.SILENCE: "Silence needs more credibility than you have left.",
    Move.CHALLENGE: "They have no open claim that could be challenged.",
}
"""Why a move that is not legal now is refused."""


class SeatView:
    """One seat's view of a game: its own figures and what is public, never the other's figures."""

    def __init__(self, game: Position, seat: int) -> None:
        self._game = game
        self._scenario = game.scenario
        self._seat = seat
        self._limit_before: float | None = None

    @property
    def _own(self) -> dict[str, float]:
        row, seat = self._game.row, self._seat
        return {name: float(row[name][seat]) for name in ("reservation", "urgency", "alternative")}

    def refused(self, move: Move) -> str | None:
        """Return why a move is not legal now, or None where it is."""
        return None if self._game.move_mask(self._seat)[move] else REFUSED.get(move, "That is not possible now.")

    def usual_package(self) -> int:
        """Return the package of an offer that names no terms: that of the last offer, at first one's own best."""
        row = self._game.row
        if row["offers_made"][self._seat] > 0:
            return int(row["offer_package"][self._seat])
        return int(row["package_values"][self._seat][: self._game.packages].argmax())

    def worth(self, price: float, package: int) -> float:
        """Return what a deal at a normalised price is worth to the seat, in currency."""
        row = self._game.row
        plain = getattr(bargain.worth, "py_func", bargain.worth)
        value, limit = row["package_values"][self._seat][package], row["reservation"][self._seat]
        return float(plain(self._seat, price, value, limit)) * (self._scenario.high - self._scenario.low)

    def _figure(self, x: float) -> str:
        """Return a normalised price that is a limit or an estimate, rounded as such figures are."""
        return money(self._scenario.to_currency(x), self._scenario)

    # ------------------------------------------------------------------ lines

    def introduction(self, width: int) -> list[Line]:
        """Return the story, the aim and the terms, for the start of a game."""
        lines = wrapped(" ".join(self._scenario.story.split()), width=width) if self._scenario.story else []
        better = ("below", "above")[self._seat]
        deal = "deal, price and terms together," if self._scenario.terms else "price"
        aim = f"You are the {SEATS[self._seat]}. Any {deal} {better} your limit beats no deal; "
        known = (
            "is public, as yours is"
            if self._game.config.information == "complete"
            else "is hidden from you, as yours is from them"
        )
        aim += f"the {SEATS[1 - self._seat]}'s limit {known}."
        return [[], *lines, [], *wrapped(aim, SEATS[self._seat], width=width), *self.terms(width)]

    def terms(self, width: int) -> list[Line]:
        """Return what every option and every package is worth to the seat; nothing where only the price is open."""
        scenario, values = self._scenario, self._game.row["package_values"][self._seat]
        if not scenario.terms:
            return []
        lines: list[Line] = [[Piece("Packages, and what they are worth to you beside the price:", "dim")]]
        for package in range(scenario.n_packages):
            worth = money(values[package] * (scenario.high - scenario.low), scenario)
            label = f"{package + 1:>3}  {worth:>16}  "
            lines += wrapped(scenario.package_label(package), indent=len(label), width=width, first=label)
        return lines

    def table(self, turns: list[Turn], width: int) -> list[Line]:
        """Return everything that the seat goes by before a move."""
        row = self._game.row
        lines = [[], self._rule(width), *self._own_lines(width)]
        for seat, whose in ((self._seat, "your"), (1 - self._seat, "their")):
            lines += self._offer_lines(seat, whose, width) + self._claim_lines(seat, whose, width)
        lines += self._belief_lines(width)
        mine, theirs = (float(row["credibility"][seat]) for seat in (self._seat, 1 - self._seat))
        lines += self._labelled("credibility", f"you {mine:.0f}, they {theirs:.0f}", "", width)
        return [*lines, self._axis(turns)]

    def _rule(self, width: int) -> Line:
        """Return a dividing line with the round and the tension."""
        row, rounds = self._game.row, self._game.config.max_rounds
        text = f"-- round {int(row['round']) + 1} of {rounds} "
        if row["round"] == rounds - 1:
            text += "-- your last turn "
        tension = f"tension {row['tension']:.0f}"
        dashes = "-" * max(width - len(text) - len(tension) - 4, 2)
        return [Piece(text + dashes, "dim"), Piece(f" {tension} ", warmth(float(row["tension"]))), Piece("--", "dim")]

    def _labelled(self, label: str, text: str, style: str, width: int) -> list[Line]:
        return wrapped(text, style, indent=LABEL, width=width, first=label)

    def _own_lines(self, width: int) -> list[Line]:
        """Return the seat's own figures, and what the limit was where it has moved."""
        own, scenario = self._own, self._scenario
        limit = self._figure(own["reservation"])
        text = limit + (" before terms" if scenario.terms else "")
        if self._limit_before is not None and self._figure(self._limit_before) != limit:
            text += f" (it was {self._figure(self._limit_before)})"
        self._limit_before = own["reservation"]
        has = "an alternative to this deal" if own["alternative"] else "no alternative to this deal"
        return self._labelled("your limit", f"{text}; urgency {own['urgency']:.2f}, {has}", "title", width)

    def _offer_lines(self, seat: int, whose: str, width: int) -> list[Line]:
        """Return a seat's standing offer and what it is worth to oneself."""
        row, scenario = self._game.row, self._scenario
        if row["offers_made"][seat] == 0:
            return self._labelled(f"{whose} offer", "none yet", "dim", width)
        price, package = float(row["offer_price"][seat]), int(row["offer_package"][seat])
        terms = f" with {scenario.package_label(package)}" if scenario.terms else ""
        worth = money(self.worth(price, package), scenario)
        return self._labelled(
            f"{whose} offer", f"{price_text(price, scenario)}{terms}; worth {worth} to you", SEATS[seat], width
        )

    def _claim_lines(self, seat: int, whose: str, width: int) -> list[Line]:
        """Return a seat's claim and what has become of it, where it has made one."""
        row = self._game.row
        status = ClaimStatus(int(row["claim_status"][seat]))
        if status is ClaimStatus.NONE:
            return []
        text = f"a limit of {price_text(float(row['claim_price'][seat]), self._scenario)}; {CLAIM_STATUS[status]}"
        if status is ClaimStatus.OPEN and seat != self._seat:
            text += ": `challenge` would call it a bluff"
        return self._labelled(f"{whose} claim", text, "warm", width)

    def _belief_lines(self, width: int) -> list[Line]:
        """Return what the seat believes of the other, or what it knows where limits are public."""
        belief = self._game.row["belief"][self._seat]
        estimate = self._figure(float(belief[Belief.RESERVATION]))
        if self._game.config.information == "complete":
            text = f"their limit is {estimate}, which is public"
        else:
            low, high = (self._figure(float(belief[bound])) for bound in (Belief.LOW, Belief.HIGH))
            text = f"their limit near {estimate} (90%: {low} to {high})"
        text += f"; urgency {belief[Belief.URGENCY]:.2f}, alternative {belief[Belief.ALTERNATIVE]:.0%}"
        return self._labelled("your belief", f"{text}, confidence {belief[Belief.CONFIDENCE]:.2f}", "", width)

    def _axis(self, turns: list[Turn]) -> Line:
        """Return the price axis with the seat's limit, where the price is all that counts."""
        if self._scenario.terms:
            return axis(turns)
        return [*axis(turns, "L", self._own["reservation"]), Piece(" L your limit", "nash")]
