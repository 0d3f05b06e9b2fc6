"""One game on the server, independent of sockets.

A seat belongs to a client, to a persona, which plays at once, or to a hosted player, which is waited for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.compiled import trial
from parlay_marl.core.moves import SEATS
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import ConfigurationError, IllegalMoveError
from parlay_marl.game.action import Action
from parlay_marl.game.belief import BeliefView
from parlay_marl.game.config import GameConfig
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.record import Help
from parlay_marl.game.text import plain
from parlay_marl.game.transcript import verdict
from parlay_marl.game.turns import Turn
from parlay_marl.game.view import SeatView, view_of
from parlay_marl.language.scenario_text import ScenarioText, scenario_text
from parlay_marl.language.view_text import News, spoken
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.players.voice import drifted_now
from parlay_marl.server.conditions import Conditions
from parlay_marl.server.hosted_player import HostedPlayer

VERDICT_WIDTH = 80

Opponent = PersonaPlayer | HostedPlayer


class Told(NamedTuple):
    """What a seat has been sent so far: the number of turns and of headlines, and its limit in currency."""

    turns: int = 0
    headlines: int = 0
    limit: float | None = None


class GameSession:
    """A game in which at least one seat belongs to a client.

    `opponents` has the opponent in each seat, None for a client.

    A refused turn leaves the game as it was.
    """

    def __init__(self, config: GameConfig, opponents: tuple[Opponent | None, Opponent | None] = (None, None)) -> None:
        self.config: GameConfig = config
        self._text: ScenarioText | None = None
        self._outcome: Outcome | None = None
        self.opponents = opponents
        self.game = Game(config, [each if isinstance(each, PersonaPlayer) else None for each in opponents])
        self.game.read_turns()
        self.client_turns = 0
        """Number of turns of clients."""
        self.earned = [0.0, 0.0]
        """The sum of rewards of both seats."""
        self.help: list[Help] = []
        """The help that persons had, in order."""
        self.is_counted = False
        """True once the end of the game is counted in the metrics."""
        self._has_player_failed = False
        """True once a hosted player has forfeited the game; it is then not asked again."""
        self.conditions = Conditions.of(config, seed_chosen=False)
        self._unpaid = [0.0, 0.0]
        self._views: dict[int, SeatView] = {}
        """The views of both seats since the last turn, computed on demand."""
        self.seen_turns: tuple[Turn, ...] = ()
        """All turns so far, as the seats have seen them."""
        self._headlines: list[str] = []
        self._headlines_read = 0
        """The number of headlines that came with these turns; later ones may follow them."""
        self._told = [Told(), Told()]
        """What each seat has been sent so far."""

    @property
    def scenario(self) -> Scenario:
        """The scenario of the game; that of a family is drawn when the game begins."""
        return self.game.scenario

    @property
    def text(self) -> ScenarioText:
        """The text writer for the scenario's amounts and packages."""
        if self._text is None:
            self._text = scenario_text(self.game.currency)
        return self._text

    def begin(self, seed: int | None) -> None:
        """Begin game 0 of a seed, a secret one where none is given; a persona that opens moves at once."""
        if seed is not None:
            self.conditions = replace(self.conditions, seed_chosen=True)
        self.game.reset(seed)
        self._outcome = None
        self._text = None  # a family draws another scenario for every game
        self._refresh()
        for seat, opponent in enumerate(self.opponents):
            if isinstance(opponent, HostedPlayer):
                opponent.begin(self._view_of_player(seat))

    @property
    def is_over(self) -> bool:
        """Return whether the game is over."""
        return self.game.is_over

    @property
    def has_hosted_player(self) -> bool:
        """Return whether a hosted player has a seat."""
        return any(isinstance(opponent, HostedPlayer) for opponent in self.opponents)

    @property
    def turns(self) -> list[Turn]:
        """All turns so far."""
        return self.game.turns

    def is_on_turn(self, seat: int) -> bool:
        """Return whether a seat is to act."""
        return not self.game.is_over and self.game.seat == seat

    # ------------------------------------------------------------------ playing

    def play(self, seat: int, action: Action) -> Turn:
        """Play a client's turn, and a persona's answer to it; return the client's turn."""
        self.check_turn(seat)
        count = len(self.seen_turns)
        self.game.play(*action)
        self.client_turns += 1
        self._after_turn()
        return self.seen_turns[count]

    def check_turn(self, seat: int) -> None:
        """Refuse a turn of a seat that is not to move."""
        if self.game.is_over:
            self.game.refuse_turn()
        if not self.is_on_turn(seat):
            raise IllegalMoveError(f"it is the turn of the {SEATS[1 - seat]}; wait for it")

    async def let_hosted_player_act(self) -> None:
        """Let a hosted player take its turn where it is to move; it forfeits where it fails."""
        seat = self.game.seat
        player = self.opponents[seat]
        if self.game.is_over or not isinstance(player, HostedPlayer):
            return
        action = await player.act(self._view_of_player(seat))
        if self.game.is_over:  # the client has left meanwhile
            return
        if action is None or not self._is_played(player, action):
            self._has_player_failed = True
            self.game.forfeit(seat)
        self._after_turn()

    def _is_played(self, player: HostedPlayer, action: Action) -> bool:
        """Play the action of a hosted player, and return whether it was legal."""
        try:
            self.game.play(*action)
        except Exception as error:
            player.refused(error)
            return False
        return True

    def leave(self, seat: int) -> None:
        """End the game: the seat whose client has left forfeits."""
        if not self.game.is_over:
            self.game.forfeit(seat)
            self._after_turn()

    def _after_turn(self) -> None:
        """Add up rewards, store new headlines, and tell a hosted player how the game has ended."""
        for each, reward in enumerate(self.game.rewards):
            self.earned[each] += reward
            self._unpaid[each] += reward
        self._refresh()
        if self.game.is_over and not self._has_player_failed:
            for opponent in self.opponents:
                if isinstance(opponent, HostedPlayer):
                    opponent.end(self.game.outcome().for_players())

    def _refresh(self) -> None:
        """Drop old views, and store new headlines: a finished game no longer has those after its last turn."""
        self._views.clear()
        count, self.seen_turns = len(self.seen_turns), self.game.seen_turns
        read, news = [line for turn in self.seen_turns[count:] for line in turn.headlines], self.game.news()
        if read or news:
            read = [*self._headlines[: self._headlines_read], *read]
            self._headlines_read = len(read)
            self._headlines += [*read, *news][len(self._headlines) :]

    # ------------------------------------------------------------------ what a client sees

    def view(self, seat: int) -> SeatView:
        """Return what a seat sees now."""
        if seat not in self._views:
            self._views[seat] = view_of(self.game, seat)
        return self._views[seat]

    def _view_of_player(self, seat: int) -> SeatView:
        """Return the view of a hosted player; it says where the client may know both limits."""
        view = view_of(self.game, seat)
        return replace(view, seed_chosen=True) if self.conditions.seed_chosen else view

    def belief(self, seat: int) -> BeliefView | None:
        """Return the belief of a seat about the other, None where beliefs are not tracked."""
        return None if self.config.beliefs == "none" else self.view(seat).belief

    def take_reward(self, seat: int) -> float:
        """Return the sum of a seat's rewards since the last call."""
        paid, self._unpaid[seat] = self._unpaid[seat], 0.0
        return paid

    def news(self, seat: int) -> News:
        """Return the events that a seat has not received yet."""
        told = self._told[seat]
        new = self.view(seat).turns[told.turns :]
        others = [turn for turn in new if turn.seat != seat]
        return News(
            headlines=tuple(self._headlines[told.headlines :]),
            words=self.words_of(others[-1]) if others else "",
            erosions=sum(turn.eroded for turn in new),
            limit_before=told.limit,
        )

    def news_told(self, seat: int) -> None:
        """Mark all events so far as received by a seat."""
        view = self.view(seat)
        self._told[seat] = Told(len(view.turns), len(self._headlines), view.reservation_price)

    def take_news(self, seat: int) -> News:
        """Return the events that a seat has not received yet, and mark them as received."""
        news = self.news(seat)
        self.news_told(seat)
        return news

    def tell_again(self, seat: int) -> None:
        """Mark the events after a seat's last turn as new again: the client may not have got the last reply."""
        turns = self.turns
        told = max((number for number, turn in enumerate(turns, 1) if turn.seat == seat), default=0)
        self._told[seat] = Told(told, sum(len(turn.headlines) for turn in turns[:told]))

    def words_of(self, turn: Turn) -> str:
        """Return the words of a turn of `seen_turns` for the other seat.

        An opponent's move without words gets a sentence.
        """
        return turn.words if self.opponents[turn.seat] is None else spoken(turn, self.text)

    def last_turn_of(self, seat: int) -> Turn | None:
        """Return a seat's last turn; None before its first."""
        for turn in self.seen_turns[:-3:-1]:
            if turn.seat == seat:
                return turn
        return None

    def history(self) -> list[dict[str, Any]]:
        """Return all turns as both seats have seen them."""
        return [self.told(turn) for turn in self.seen_turns]

    def told(self, turn: Turn) -> dict[str, Any]:
        """Return a turn of `seen_turns` as plain data."""
        return {
            "round": turn.round, "seat": SEATS[turn.seat], "move": turn.move.name,
            "amount": None if turn.price is None else self.scenario.to_currency(turn.price),
            "terms": {} if turn.package is None else dict(self.text.terms_of(turn.package)),
            "utterance": self.words_of(turn), "tension": round(turn.tension, 6),
            "headlines": list(turn.headlines),
        }  # fmt: skip

    # ------------------------------------------------------------------ the end, and figures that are hidden until then

    def ending(self) -> tuple[str, int]:
        """Return the ending in lower case, and the number of rounds played."""
        row = self.game.row
        return Ending(int(row["ending"])).name.lower(), int(row["round"]) + 1

    def verdict(self) -> str:
        """Return a sentence on how the finished game has ended."""
        return plain(verdict(self._ended(), self.scenario, VERDICT_WIDTH))

    def _ended(self) -> Outcome:
        """Return the report of the finished game, computed once."""
        if self._outcome is None:
            self._outcome = self.game.outcome()
        return self._outcome

    def outcome(self) -> dict[str, Any]:
        """Return the report of the finished game, with hidden figures, and the seed and number that replay it."""
        if not self.game.is_over:
            raise ConfigurationError("the game is not over yet; its outcome is known at the end")
        rewards = dict(zip(SEATS, self.earned, strict=True))
        replay = {"seed": self.game.seed, "number": self.game.number}
        return self._ended().as_dict() | {"rewards": rewards, **replay}

    def hidden_figures(self) -> dict[str, Any]:
        """Return the true figures of both seats, for a server that reveals them."""
        row, to_currency = self.game.row, self.scenario.to_currency
        low, high = map(to_currency, self.game.zopa())
        return {
            "reservation_price": dict(zip(SEATS, map(to_currency, row["reservation"].tolist()), strict=True)),
            "urgency": dict(zip(SEATS, row["urgency"].tolist(), strict=True)),
            "has_alternative": dict(zip(SEATS, map(bool, row["alternative"].tolist()), strict=True)),
            "zopa": [low, high] if low < high else None,
        }

    def has_drifted(self, seat: int) -> bool:
        """Return whether the persona in a seat has drifted, for a server that reveals it."""
        persona = self.opponents[seat]
        return isinstance(persona, PersonaPlayer) and bool(
            trial.call(drifted_now, self.game.rows, persona.record, 0, seat)
        )
