"""The text environment: one seat whose observations and actions are text, an opponent in the other.

`reset` and `step` are those of GEM's and TextArena's single-player environments: a text in, a text out, and the five
values of Gymnasium.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Unpack

from parlay_marl.core.moves import SEATS
from parlay_marl.envs.infos import BEFORE, FIGURES, plain_outcome
from parlay_marl.envs.many import Many
from parlay_marl.errors import NotStartedError
from parlay_marl.game.config import DEFAULT_SCENARIO, GameArguments, takes_game
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import Outcome, make_report
from parlay_marl.game.record import GameRecord
from parlay_marl.game.view import SeatView
from parlay_marl.language.deals import Deals
from parlay_marl.language.forms import FormName
from parlay_marl.language.quoting import LONGEST_WORDS
from parlay_marl.language.reply import Reply
from parlay_marl.language.text_game import TextGame, Unreadable

Info = dict[str, Any]


class TextEnv:
    """One seat (`role`) in text against an `opponent`.

    `role` may be `mixed`; `scenario` and `opponent` may be a sequence, drawn for each game with equal shares, or a
    mapping to shares. An opponent is a persona by its name or file, `family:NAME`, or any `Player`. `form` is the
    form of reply that the text explains: `commands`, `json` or `tools`; a reply may be of any form. The other
    arguments are those of `negotiation_v0.env`.

    A reply that is unreadable or illegal changes nothing; the next observation says what was wrong. After `attempts`
    such replies in one turn the seat is silent, or loses the game where `unreadable` is `forfeit`.
    """

    @takes_game
    def __init__(
        self,
        role: str = "buyer",
        opponent: Many = "shark",
        scenario: Many = DEFAULT_SCENARIO,
        *,
        form: FormName = "commands",
        attempts: int = 3,
        unreadable: Unreadable = "silence",
        longest_words: int = LONGEST_WORDS,
        **game: Unpack[GameArguments],
    ) -> None:
        self._deals = Deals(role, opponent, scenario, **game)
        self._settings: dict[str, Any] = {
            "form": form, "attempts": attempts, "unreadable": unreadable, "longest_words": longest_words,
        }  # fmt: skip
        first = self._deals.drawn(0)
        self._text, self._seat = TextGame(self._deals.game(first), **self._settings), first.seat
        self._seed: int | None = None
        self._number = 0

    # ------------------------------------------------------------------ the environment

    def reset(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[str, Info]:
        """Start game 0 of a seed or, without one, the next game of the seed in use; return its text and info.

        The text has the story, the rules and the form of a reply, then the position. `options` are those of
        `negotiation_v0`'s `reset`. The first seed is taken from the operating system where none is given. A refused
        seed or option changes nothing.
        """
        if seed is not None:
            number = 0
        elif self._seed is not None:
            seed, number = self._seed, self._number + 1
        else:
            seed, number = secrets.randbits(63), 0
        return self.reset_to(seed, number, options)

    def reset_to(self, seed: int, number: int, options: Mapping[str, Any] | None = None) -> tuple[str, Info]:
        """Start game `number` of a seed; see `reset`."""
        drawn = self._deals.drawn(seed, number)
        text = TextGame(self._deals.game(drawn), **self._settings)
        text.begin(seed, options, number)
        self._text, self._seat, self._seed, self._number = text, drawn.seat, seed, number
        return f"{self.rules_text()}\n\n{text.prompt(self._seat)}", self._info()

    def step(self, reply: Reply | str) -> tuple[str, float, bool, bool, Info]:
        """Play a reply and the opponent's turn; return (text, reward, terminated, truncated, info).

        The reward is this seat's, 0 for a refused reply. Games are never truncated.
        """
        self._check_begun()
        self._text.reply(reply)
        reward = float(self.game.rewards[self._seat])
        return self._text.prompt(self._seat), reward, self.game.is_over, False, self._info()

    def forfeit(self) -> float:
        """End the game by a forfeit of the seat, which gives no further reply; return its reward."""
        self._check_begun()
        self._text.forfeit(self._seat)
        return float(self.game.rewards[self._seat])

    def close(self) -> None:
        """Do nothing: there are no resources to release."""

    # ------------------------------------------------------------------ about the game

    @property
    def game(self) -> Game:
        """The `Game` underneath."""
        return self._text.game

    @property
    def role(self) -> str:
        """The free seat of this game, `buyer` or `seller`."""
        return SEATS[self._seat]

    @property
    def has_terms(self) -> bool:
        """True where a game may have terms besides the price."""
        return any(config.room > 1 for config in self._deals.configs)

    @property
    def states_belief(self) -> bool:
        """True where a reply may state a belief."""
        return self._deals.configs[0].beliefs == "elicited"

    def rules_text(self) -> str:
        """Return the story, the aim, the moves with their costs, and the form of a reply: a system prompt."""
        self._check_begun()
        return self._text.rules_text(self._seat)

    def view(self) -> SeatView:
        """Return the view of the seat now."""
        self._check_begun()
        return self._text.view(self._seat)

    def outcome(self) -> Outcome:
        """Return the report of the finished game, hidden figures included."""
        self._check_begun()
        return self.game.outcome()

    def record(self) -> GameRecord:
        """Return the record of the game so far, from which it can be replayed."""
        self._check_begun()
        return self.game.record()

    def _check_begun(self) -> None:
        if self._seed is None:
            raise NotStartedError("no game has been started; call reset() first")

    def _info(self) -> Info:
        """Return the info: counts of refused replies, the round, and the figures of `envs.infos`, 0 before the end."""
        figures = BEFORE
        if self.game.is_over:
            report = plain_outcome(make_report(self.game.rows, self.game.params))
            figures = {figure.name: figure.read(report, self._seat) for figure in FIGURES}
        own = self._text.figures(self._seat)
        counts = {"refused": int(self._text.was_refused), "unreadable_replies": own["unreadable"]}
        return dict(figures) | counts | {"illegal_replies": own["illegal"], "lost_turns": own["lost_turns"]}
