"""A game whose free seats are played in text: each gets the position, and replies with its turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from parlay_marl.core.moves import SEATS, Move
from parlay_marl.errors import IllegalMoveError, NotStartedError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.config import one_of, whole_number
from parlay_marl.game.game import Game
from parlay_marl.game.view import SeatView, view_of
from parlay_marl.language.forms import FORMS, FormName
from parlay_marl.language.narrator import Narrator
from parlay_marl.language.quoting import LONGEST_WORDS
from parlay_marl.language.reply import Reply, read_reply
from parlay_marl.players.passing import without_new_offer

Unreadable = Literal["silence", "forfeit"]
MOST_ATTEMPTS = 100


@dataclass
class Violations:
    """Counts of one seat in one game."""

    unreadable: int = 0
    """Replies without exactly one readable move."""
    illegal: int = 0
    """Replies with an illegal move."""
    lost_turns: int = 0
    """Turns that the seat has lost because all attempts were refused."""


class TextGame:
    """The seats of a game that have no player, each with its text.

    `form` is the form of reply that the text explains: `commands`, `json` or `tools`; every form is accepted. A turn
    has a number of `attempts`: a refused reply changes nothing, and its seat gets the reason. Where all of them are
    refused, the seat is silent (`unreadable="silence"`), or it loses the game (`"forfeit"`).
    """

    def __init__(
        self,
        game: Game,
        form: FormName = "commands",
        *,
        attempts: int = 3,
        unreadable: Unreadable = "silence",
        longest_words: int = LONGEST_WORDS,
    ) -> None:
        one_of("form of a reply", form, tuple(FORMS))
        one_of("treatment of unreadable replies", unreadable, get_args(Unreadable))
        self.game = game
        self._form, self._longest_words = form, longest_words
        self._attempts = whole_number("attempts", attempts, 1, MOST_ATTEMPTS)
        self._forfeits = unreadable == "forfeit"
        self.violations: tuple[Violations, Violations] = (Violations(), Violations())
        self.paid = [0.0, 0.0]
        """The sum of the rewards of each seat since the beginning of the game."""
        game.read_turns()

    def begin(self, seed: int | None = None, options: Mapping[str, Any] | None = None, number: int = 0) -> None:
        """Start a game, as `Game.reset` does; a seat is on turn afterwards."""
        self.game.reset(seed, options, number)
        self.violations, self.paid = (Violations(), Violations()), [0.0, 0.0]
        self._narrators = tuple(Narrator(self._form, longest_words=self._longest_words) for _ in SEATS)
        self._notes: list[str] = ["", ""]
        self._refused = 0
        self._is_told = False

    @property
    def was_refused(self) -> bool:
        """True where the last reply was refused, and its seat is still on turn."""
        return self._refused > 0

    def view(self, seat: int) -> SeatView:
        """Return the view of a seat now."""
        self._check_begun()
        return view_of(self.game, seat)

    def rules_text(self, seat: int) -> str:
        """Return the story, the aim, the moves and the form of a reply, for the first message to a seat."""
        return self._narrators[seat].rules_text(self.view(seat))

    def prompt(self, seat: int) -> str:
        """Return the next message to a seat: the result of its last reply, then its position or the ending.

        A seat whose reply was refused gets the reason, and the position only if it has not seen it yet.
        """
        self._check_begun()
        note, self._notes[seat] = self._notes[seat], ""
        parts = [note] if note else []
        if self.game.is_over:
            parts.append(self._narrators[seat].ending(self.game.outcome(), seat, self.game.scenario))
        elif seat == self.game.seat and not self._is_told:
            parts.append(self._narrators[seat].tell(self.view(seat)))
            self._is_told = True
        return "\n".join(parts)

    def reply(self, reply: Reply | str) -> None:
        """Play a reply of the seat on turn, and the players' turns that follow; `prompt` then describes the result."""
        self._check_begun()
        game, seat = self.game, self.game.seat
        if game.is_over:
            game.refuse_turn()
        view = view_of(game, seat)
        try:
            self._play(read_reply(reply, view))
        except IllegalMoveError as error:
            self._refuse(seat, str(error), is_illegal=True)
        except UnclearTextError as error:
            self._refuse(seat, str(error), is_illegal=False)

    def forfeit(self, seat: int) -> None:
        """End the game by a forfeit of a seat, which gives no further reply."""
        self.game.forfeit(seat)
        self._count_pay()

    def figures(self, seat: int) -> dict[str, int]:
        """Return the violations of a seat so far, by name."""
        return asdict(self.violations[seat])

    # ------------------------------------------------------------------ inside

    def _check_begun(self) -> None:
        if self.game.seed is None or not hasattr(self, "_narrators"):
            raise NotStartedError("no game has been started; call begin(), or reset() of an environment, first")

    def _play(self, action: Action) -> None:
        """Play an action and the players' turns that follow; an illegal move counts as the seat's fault."""
        self.game.play(*action)
        self._turn_is_over()

    def _turn_is_over(self) -> None:
        self._refused, self._is_told = 0, False
        self._count_pay()

    def _count_pay(self) -> None:
        self.paid = [paid + reward for paid, reward in zip(self.paid, self.game.rewards, strict=True)]

    def _refuse(self, seat: int, reason: str, *, is_illegal: bool) -> None:
        """Count a refused reply; with the last attempt the turn is lost."""
        counts = self.violations[seat]
        counts.illegal += is_illegal
        counts.unreadable += not is_illegal
        self._refused += 1
        self.game.rewards = [0.0, 0.0]
        left = self._attempts - self._refused
        if left:
            times = "once more" if left == 1 else f"{left} more times"
            self._notes[seat] = f"Your reply was not taken. {reason}\nIt is still your turn; you may try {times}."
            return
        counts.lost_turns += 1
        if self._forfeits:
            self._notes[seat] = f"Your reply was not taken. {reason}\nThat was your last attempt: you forfeit the game."
            self._refused = 0
            self.forfeit(seat)
            return
        view = view_of(self.game, seat)
        action = without_new_offer(view)
        done = "you say nothing" if action.move is Move.SILENCE else f"it was played as {action.move.name}"
        if action.move is Move.OFFER and view.offer is not None:
            done = "your offer stands as it was"
        self._notes[seat] = f"Your reply was not taken. {reason}\nThat was your last attempt: {done}."
        self._play(action)
