"""The negotiation as an environment of OpenEnv: one client, one seat, a persona or another client across the table."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import EnvironmentMetadata
from pydantic import Field

from parlay_marl import __version__
from parlay_marl.catalogue.files import validate
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.errors import ConfigurationError, IllegalMoveError, NotStartedError, ParlayError, RequestError
from parlay_marl.server.lobby import Lobby
from parlay_marl.server.matches import Match
from parlay_marl.server.messages import NegotiationAction, NegotiationObservation, NegotiationState
from parlay_marl.server.negotiation import Deed, Negotiation, Seat, Setup
from parlay_marl.server.prose import introduction, position
from parlay_marl.server.words import FAILED, checked, told

PROTOCOL = "openenv"
LONGEST_ID = 255


class Wishes(Setup):
    """What a client may say at `reset`."""

    role: Seat = Field("buyer", description="the client's seat")
    opponent: str = Field("shark", max_length=120, description="who plays the other seat: a persona, by name")
    join_code: str | None = Field(None, max_length=120, description="code for a seat in a game of two clients")
    text: bool = Field(True, strict=True, description="whether observations have a text for a reader")


class NegotiationEnvironment(Environment[NegotiationAction, NegotiationObservation, NegotiationState]):
    """One client's episodes, one after the other."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, lobby: Lobby) -> None:
        super().__init__()
        self._lobby = lobby
        self._episode = ""
        self._steps = 0
        self._wishes = Wishes()
        self._seat = 0
        self._negotiation: Negotiation | None = None
        self._match: Match | None = None
        self._number: int | None = None
        """Of the session, for the log; none before the first reset."""

    # ------------------------------------------------------------------ OpenEnv's calls

    def reset(self, seed: int | None = None, episode_id: str | None = None, **wishes: Any) -> NegotiationObservation:
        """Begin an episode; `wishes` are the fields of `Wishes`."""
        return self._guarded(lambda: self._reset(seed, episode_id, wishes))

    def step(self, action: NegotiationAction, timeout_s: float | None = None, **_: Any) -> NegotiationObservation:
        """Play the client's turn, and what the persona answers to it."""
        return self._guarded(lambda: self._step(action))

    async def reset_async(
        self, seed: int | None = None, episode_id: str | None = None, **wishes: Any
    ) -> NegotiationObservation:
        """Begin an episode; where another client opens, wait for its turn."""
        return await self._in_turn(self.reset(seed, episode_id, **wishes))

    async def step_async(
        self, action: NegotiationAction, timeout_s: float | None = None, **_: Any
    ) -> NegotiationObservation:
        """Play the client's turn and, where another client sits across, wait for the next one.

        A turn takes microseconds, so that it is played in the server's own loop.
        """
        return await self._in_turn(self.step(action))

    @property
    def state(self) -> NegotiationState:
        """The episode as the client's seat knows it."""
        negotiation = self._negotiation
        if negotiation is None:
            return NegotiationState(episode_id=self._episode or None)
        seat = self._seat
        return NegotiationState(
            episode_id=self._episode,
            step_count=self._steps,
            scenario=negotiation.scenario.name,
            role=SEATS[seat],
            opponent=self._opponent(),
            round=int(negotiation.game.row["round"]),
            done=negotiation.is_over,
            cumulative_reward=negotiation.earned[seat],
            history=negotiation.history(),
            hidden=hidden_figures(negotiation) if self._lobby.settings.reveal_hidden else {},
        )

    def get_metadata(self) -> EnvironmentMetadata:
        """Return what the server tells of itself."""
        return EnvironmentMetadata(
            name="parlay_marl",
            description="A buyer and a seller bargain over a deal in alternating turns, each with hidden limits.",
            version=__version__,
        )

    def close(self) -> None:
        """Leave the table; in a game of two clients that costs what a forfeit costs."""
        self._leave()
        if self._number is not None:
            self._lobby.telemetry.session_ended(PROTOCOL, self._number)
            self._number = None

    # ------------------------------------------------------------------ playing

    def _guarded(self, answer: Callable[[], NegotiationObservation]) -> NegotiationObservation:
        """Return an answer. Errors for the client pass; what nobody expected is logged, and told without its text."""
        try:
            return answer()
        except ParlayError as error:
            self._lobby.telemetry.refused(PROTOCOL, type(error).__name__, self._number)
            text = told(error)
            if text == str(error):
                raise
            raise RequestError(text) from None
        except Exception as error:
            self._lobby.telemetry.failed(PROTOCOL, error, self._number)
            raise RuntimeError(FAILED) from None

    def _reset(self, seed: int | None, episode_id: str | None, wishes: Mapping[str, Any]) -> NegotiationObservation:
        asked = validate(Wishes, {**wishes, **({} if seed is None else {"seed": seed})}, "reset")
        episode = _checked_id(episode_id)
        self._sit_down(asked)
        if self._number is None:
            self._number = self._lobby.telemetry.session_started(PROTOCOL)
        self._episode, self._wishes, self._steps = episode, asked, 0
        return self._seen(first=True)

    def _step(self, action: NegotiationAction) -> NegotiationObservation:
        began = time.perf_counter()
        self._play(action)
        self._steps += 1
        seen = self._seen()
        self._lobby.telemetry.stepped(PROTOCOL, time.perf_counter() - began)
        return seen

    def _sit_down(self, asked: Wishes) -> None:
        """Begin the game that was asked for; only then leave the one before."""
        if asked.join_code is not None:
            match, seat = self._lobby.matches.join(asked.join_code)
            self._leave()
            self._match, self._negotiation, self._seat = match, match.negotiation, seat
        else:
            negotiation, seat = self._lobby.negotiation(asked, asked.opponent, asked.role), SEATS.index(asked.role)
            negotiation.begin(asked.seed)
            self._leave()
            self._match, self._negotiation, self._seat = None, negotiation, seat

    def _leave(self) -> None:
        """Give up the seat in a game of two clients."""
        if self._match is not None:
            self._match.leave(self._seat)
            self._match = None

    def _play(self, action: NegotiationAction) -> None:
        """Play what the client does; where it only waits, nothing."""
        if self._negotiation is None:
            raise NotStartedError("no game has been started; send a reset first")
        words = checked(action.utterance, self._lobby.settings.max_words)
        if action.wait:
            self._check_waits(action)
            return
        tactic = None if action.tactical_move is None else Move[action.tactical_move]
        deed = Deed(action.offer_amount, tactic, action.accept, action.walk_away, action.terms, words)
        self._negotiation.act(self._seat, deed)
        if self._match is not None:
            self._match.wake()

    def _check_waits(self, action: NegotiationAction) -> None:
        if self._match is None:
            raise IllegalMoveError("wait: a persona never keeps you waiting; make a move")
        if action != NegotiationAction(wait=True, metadata=action.metadata):
            raise IllegalMoveError("wait: nothing goes with it; make a move, or wait")
        assert self._negotiation is not None
        if self._negotiation.on_turn(self._seat):
            raise IllegalMoveError("wait: it is your turn; make a move")

    async def _in_turn(self, seen: NegotiationObservation) -> NegotiationObservation:
        """Return what the client sees when it is on turn again, the game is over, or it has waited long enough."""
        if self._match is None or seen.your_turn or seen.done:
            return seen
        await self._match.turn_of(self._seat, self._lobby.settings.wait)
        is_first = seen.reward is None
        later = self._guarded(lambda: self._seen(first=is_first))
        reward = None if is_first else (seen.reward or 0.0) + (later.reward or 0.0)
        return later.model_copy(update={"reward": reward, "headlines": [*seen.headlines, *later.headlines]})

    # ------------------------------------------------------------------ what the client sees

    def _opponent(self) -> str:
        return self._wishes.opponent if self._wishes.join_code is None else "client"

    def _seen(self, first: bool = False) -> NegotiationObservation:
        """Return what the client's seat sees."""
        negotiation, seat = self._negotiation, self._seat
        assert negotiation is not None
        row, scenario, other = negotiation.game.row, negotiation.scenario, 1 - seat
        turn, words = negotiation.last_turn_of(other)
        belief = None if negotiation.config.beliefs == "none" else negotiation.game.belief(seat).as_dict()
        seen: dict[str, Any] = {
            "episode_id": self._episode,
            "role": SEATS[seat],
            "scenario": scenario.name,
            "currency": scenario.currency,
            "price_range": (scenario.low, scenario.high),
            "round": int(row["round"]),
            "rounds": negotiation.config.max_rounds,
            "your_turn": negotiation.on_turn(seat),
            "legal_moves": negotiation.legal_moves(seat),
            "reservation_price": scenario.to_currency(row["reservation"][seat]),
            "urgency": float(row["urgency"][seat]),
            "has_alternative": bool(row["alternative"][seat]),
            "packages": negotiation.packages_for(seat),
            "offer": negotiation.offer_of(seat, seat),
            "counter_offer": negotiation.offer_of(other, seat),
            "claim": negotiation.claim_of(seat),
            "counter_claim": negotiation.claim_of(other),
            "credibility": float(row["credibility"][seat]),
            "counter_credibility": float(row["credibility"][other]),
            "tension": float(row["tension"]),
            "hot_streak": int(row["hot_streak"]),
            "erosion_ticks": int(row["erosion_ticks"]),
            "belief": belief,
            "headlines": negotiation.take_headlines(seat),
            "counter_move": None if turn is None else turn.move.name,
            "utterance": words,
            "done": negotiation.is_over,
            "reward": None if first else negotiation.take_reward(seat),
            "metadata": self._report() if negotiation.is_over else {},
        }
        if self._wishes.text:
            body = position(seen, scenario) if not negotiation.is_over else f"{words}\n{negotiation.verdict()}".strip()
            seen["text"] = f"{introduction(seen, scenario)}\n\n{body}" if first else body
        return NegotiationObservation.model_validate(seen)

    def _report(self) -> dict[str, Any]:
        """Return what is told when the game is over."""
        negotiation = self._negotiation
        assert negotiation is not None
        if not negotiation.is_told:
            negotiation.is_told = True
            self._lobby.telemetry.game_ended(PROTOCOL, *negotiation.ending(), self._number)
        return {"outcome": negotiation.outcome()}


def hidden_figures(negotiation: Negotiation) -> dict[str, Any]:
    """Return the true figures of both seats, for a server that reveals them."""
    row, to_currency = negotiation.game.row, negotiation.scenario.to_currency
    low, high = map(to_currency, negotiation.game.zopa())
    return {
        "reservation_price": dict(zip(SEATS, map(to_currency, row["reservation"].tolist()), strict=True)),
        "urgency": dict(zip(SEATS, row["urgency"].tolist(), strict=True)),
        "has_alternative": dict(zip(SEATS, map(bool, row["alternative"].tolist()), strict=True)),
        "zopa": [low, high] if low < high else None,
    }


def _checked_id(episode_id: Any) -> str:
    """Return the name of an episode, a new one where none is given."""
    if episode_id is None:
        return str(uuid.uuid4())
    if not isinstance(episode_id, str) or not 0 < len(episode_id) <= LONGEST_ID or not episode_id.isprintable():
        raise ConfigurationError(f"episode_id: give 1 to {LONGEST_ID} printable characters, or leave it out")
    return episode_id
