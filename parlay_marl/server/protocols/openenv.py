"""OpenEnv's protocol: the negotiation as an environment. One client has one seat, an opponent or a client the other."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import EnvironmentMetadata

from parlay_marl import __version__
from parlay_marl.catalogue.files import validate
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.errors import ConfigurationError, IllegalMoveError, NotStartedError, ParlayError, RequestError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.server.error_text import FAILED, client_text
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.matches import Match
from parlay_marl.server.parsing import parse_action, parse_words
from parlay_marl.server.protocols.openenv_figures import figures
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation, NegotiationState
from parlay_marl.server.protocols.openenv_reset import ResetRequest
from parlay_marl.server.seat_text import introduction, position
from parlay_marl.server.session import GameSession

PROTOCOL = "openenv"
LONGEST_ID = 255
NO_RESET = "no game has been started; send a reset first"


class NegotiationEnvironment(Environment[NegotiationAction, NegotiationObservation, NegotiationState]):
    """The episodes of one client, one after the other."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, factory: GameFactory) -> None:
        super().__init__()
        self._factory = factory
        self._episode = ""
        self._steps = 0
        self._request = ResetRequest()
        self._seat = 0
        self._session: GameSession | None = None
        self._match: Match | None = None
        self._number: int | None = None
        """The number of the connection's session in the log; None before the first reset."""

    # ------------------------------------------------------------------ OpenEnv's calls

    def reset(self, seed: int | None = None, episode_id: str | None = None, **options: Any) -> NegotiationObservation:
        """Begin an episode without waiting for another client; `options` are the fields of `ResetRequest`."""
        with self._errors_reported():
            self._begin(seed, episode_id, options)
            return self._observation(is_first=True)

    def step(self, action: NegotiationAction, timeout_s: float | None = None, **_: Any) -> NegotiationObservation:
        """Play the client's turn and a persona's answer, without waiting for another client."""
        with self._errors_reported():
            began = time.perf_counter()
            self._play(action)
            seen = self._observation()
            self._factory.telemetry.stepped(PROTOCOL, time.perf_counter() - began)
            return seen

    async def reset_async(
        self, seed: int | None = None, episode_id: str | None = None, **options: Any
    ) -> NegotiationObservation:
        """Begin an episode; where another client or a hosted player opens, wait for its turn."""
        with self._errors_reported():
            self._begin(seed, episode_id, options)
            await self._others_turn()
            return self._observation(is_first=True)

    async def step_async(
        self, action: NegotiationAction, timeout_s: float | None = None, **_: Any
    ) -> NegotiationObservation:
        """Play the client's turn; where another client or a hosted player has the other seat, wait for its turn.

        A turn takes microseconds, so that it is played in the server's own loop.
        """
        with self._errors_reported():
            began = time.perf_counter()
            self._play(action)
            played = time.perf_counter()
            await self._others_turn()
            waited = time.perf_counter()
            seen = self._observation()
            self._factory.telemetry.stepped(PROTOCOL, time.perf_counter() - waited + played - began)
            return seen

    @property
    def state(self) -> NegotiationState:
        """The episode as the client's seat knows it."""
        session = self._session
        if session is None:
            return NegotiationState(episode_id=self._episode or None)
        return NegotiationState(
            episode_id=self._episode,
            step_count=self._steps,
            scenario=session.scenario.name,
            role=SEATS[self._seat],
            opponent=self._request.opponent if self._request.join_code is None else "client",
            round=session.view(self._seat).round,
            done=session.is_over,
            cumulative_reward=session.earned[self._seat],
            history=session.history(),
            hidden=session.hidden_figures() if self._factory.settings.reveal_hidden else {},
        )

    def get_metadata(self) -> EnvironmentMetadata:
        """Return the description of the environment."""
        return EnvironmentMetadata(
            name="parlay_marl",
            description="A buyer and a seller bargain over a deal in alternating turns, each with hidden limits.",
            version=__version__,
        )

    def close(self) -> None:
        """Leave the game; one against another client or a hosted player is forfeited."""
        self._leave()
        if self._number is not None:
            self._factory.telemetry.session_ended(PROTOCOL, self._number)
            self._number = None

    # ------------------------------------------------------------------ playing

    @contextlib.contextmanager
    def _errors_reported(self) -> Iterator[None]:
        """Let errors for the client pass; log an unexpected error, and replace it by one without its text."""
        try:
            yield
        except ParlayError as error:
            self._factory.telemetry.refused(PROTOCOL, type(error).__name__, self._number)
            text = client_text(error)
            if text == str(error):
                raise
            raise RequestError(text) from None
        except Exception as error:
            self._factory.telemetry.failed(PROTOCOL, error, self._number)
            raise RuntimeError(FAILED) from None

    def _begin(self, seed: int | None, episode_id: str | None, options: Mapping[str, Any]) -> None:
        """Begin the game that is asked for; only then leave the one before."""
        request = validate(ResetRequest, {**options, **({} if seed is None else {"seed": seed})}, "reset")
        episode, match = _episode_id(episode_id), None
        if request.join_code is not None:
            match, seat = self._factory.matches.join(request.join_code)
            session = match.session
        else:
            session, seat = self._factory.session(request, request.opponent, request.role), SEATS.index(request.role)
            session.begin(request.seed)
        self._leave()
        self._match, self._session, self._seat = match, session, seat
        if self._number is None:
            self._number = self._factory.telemetry.session_started(PROTOCOL)
        self._episode, self._request, self._steps = episode, request, 0

    def _leave(self) -> None:
        """Give up the seat; where the server ends, no client has left it."""
        if self._factory.is_stopping:
            pass
        elif self._match is not None:
            self._match.leave(self._seat)
        elif self._session is not None and self._session.has_hosted_player:
            self._session.leave(self._seat)
        self._match = self._session = None

    def _play(self, action: NegotiationAction) -> None:
        """Play the client's turn; a client that only waits plays nothing."""
        session = self._session
        if session is None:
            raise NotStartedError(NO_RESET)
        words = parse_words(action.utterance, self._factory.settings.max_words)
        if action.wait:
            self._check_waits(action, session)
        else:
            session.check_turn(self._seat)
            session.play(self._seat, _action_of(action, session.view(self._seat), words))
            if self._match is not None:
                self._match.wake()
        self._steps += 1

    def _check_waits(self, action: NegotiationAction, session: GameSession) -> None:
        """Refuse a client that waits where it is on turn, or where it would also move."""
        if self._match is None:
            raise IllegalMoveError("wait: only a game of two clients has turns to wait for; make a move")
        if action != NegotiationAction(wait=True, metadata=action.metadata):
            raise IllegalMoveError("wait: nothing goes with it; make a move, or wait")
        if session.is_on_turn(self._seat):
            raise IllegalMoveError("wait: it is your turn; make a move")

    async def _others_turn(self) -> None:
        """Wait until the client is on turn or the game is over; for another client, no longer than the settings say."""
        session = self._session
        if session is None or session.is_over or session.is_on_turn(self._seat):
            return
        if self._match is not None:
            await self._match.turn_of(self._seat, self._factory.settings.wait)
        else:
            await session.let_hosted_player_act()

    # ------------------------------------------------------------------ what the client sees

    def _observation(self, is_first: bool = False) -> NegotiationObservation:
        """Return what the client's seat sees."""
        session, seat = self._session, self._seat
        if session is None:
            raise NotStartedError(NO_RESET)
        view, belief, headlines = session.view(seat), session.belief(seat), session.take_headlines(seat)
        turn, words = session.last_turn_of(1 - seat)
        text = ""
        if self._request.text:
            text = (
                f"{words}\n{session.verdict()}".strip() if session.is_over else position(view, belief, headlines, words)
            )
            text = f"{introduction(view)}\n\n{text}" if is_first else text
        return NegotiationObservation.model_validate(
            figures(view)
            | {
                "episode_id": self._episode,
                "your_turn": session.is_on_turn(seat),
                "belief": None if belief is None else belief.as_dict(),
                "headlines": headlines,
                "counter_move": None if turn is None else turn.move.name,
                "utterance": words,
                "text": text,
                "done": session.is_over,
                "reward": None if is_first else session.take_reward(seat),
                "metadata": self._report(session) if session.is_over else {},
            }
        )

    def _report(self, session: GameSession) -> dict[str, Any]:
        """Return the outcome of the finished game, and count its end once."""
        if not session.is_counted:
            session.is_counted = True
            self._factory.telemetry.game_ended(PROTOCOL, *session.ending(), self._number)
        return {"outcome": session.outcome()}


def _action_of(action: NegotiationAction, view: SeatView, words: str) -> Action:
    """Return the action that a message means."""
    return parse_action(
        view,
        words,
        amount=action.offer_amount,
        tactic=None if action.tactical_move is None else Move[action.tactical_move],
        accept=action.accept,
        walk_away=action.walk_away,
        terms=action.terms,
    )


def _episode_id(given: Any) -> str:
    """Return the id of an episode, a new one where none is given."""
    if given is None:
        return str(uuid.uuid4())
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_ID or not given.isprintable():
        raise ConfigurationError(f"episode_id: give 1 to {LONGEST_ID} printable characters, or leave it out")
    return given
