"""OpenEnv's protocol: the negotiation as an environment. One client has one seat, an opponent or a client the other."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from parlay_marl import __version__
from parlay_marl.catalogue.files import validate
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError, IllegalMoveError, NotStartedError, ParlayError, RequestError
from parlay_marl.game.view import SeatView
from parlay_marl.language.view_text import News, introduction, position
from parlay_marl.server.connection import CONNECTION, Connection
from parlay_marl.server.error_text import FAILED, client_text
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.history import latest_page, page_from
from parlay_marl.server.openenv_parts import Environment, EnvironmentMetadata
from parlay_marl.server.parsing import parse_words
from parlay_marl.server.places import Place
from parlay_marl.server.protocols.openenv_action import action_of, does_only, refuse_unknown
from parlay_marl.server.protocols.openenv_figures import figures
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation, NegotiationState
from parlay_marl.server.protocols.openenv_reset import ResetRequest
from parlay_marl.server.session import GameSession

PROTOCOL = "openenv"
LONGEST_ID = 255
NO_RESET = "no game has been started; send a reset first"
RESUMED = "the game goes on in another connection of its client"


class Seen(NamedTuple):
    """What a client is answered: the fields of a `NegotiationObservation`, and the two that OpenEnv sends beside it."""

    fields: dict[str, Any]
    reward: float | None
    done: bool

    def model(self) -> NegotiationObservation:
        """Return the same as OpenEnv's observation."""
        return NegotiationObservation.model_validate({**self.fields, "reward": self.reward, "done": self.done})


class NegotiationEnvironment(Environment[NegotiationAction, NegotiationObservation, NegotiationState]):
    """The episodes of one client, one after the other.

    `begin` and `take_turn` answer with plain fields, for the server's own WebSocket; OpenEnv's calls with a model.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, factory: GameFactory) -> None:
        super().__init__()
        self._factory = factory
        self._place: Place | None = None
        self._connection: Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._has_text = True
        self._ignores_unknown = False
        self._why_no_game = NO_RESET
        self._number: int | None = None
        """The number of the connection's session in the log; None before the first reset."""

    @property
    def _session(self) -> GameSession | None:
        """The client's game, None where it has none."""
        return None if self._place is None else self._place.session

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
            self._check_keys(action)
            if action.history is not None:
                return self._history_page(action, action.history).model()
            self._play(action)
            seen = self._observation()
            self._factory.telemetry.stepped(PROTOCOL, time.perf_counter() - began)
            return seen

    async def reset_async(
        self, seed: int | None = None, episode_id: str | None = None, **options: Any
    ) -> NegotiationObservation:
        """Begin an episode; where another client or a hosted player opens, wait for its turn."""
        return (await self.begin({**options, "seed": seed, "episode_id": episode_id})).model()

    async def step_async(
        self, action: NegotiationAction, timeout_s: float | None = None, **_: Any
    ) -> NegotiationObservation:
        """Play the client's turn; where another client or a hosted player has the other seat, wait for its turn."""
        return (await self.take_turn(action)).model()

    async def begin(self, request: Mapping[str, Any]) -> Seen:
        """Begin an episode as `reset_async` does; `request` has its arguments."""
        with self._errors_reported():
            options = {name: value for name, value in request.items() if name not in ("seed", "episode_id")}
            self._begin(request.get("seed"), request.get("episode_id"), options)
            await self._others_turn()
            return self._seen(is_first=True)

    async def take_turn(self, action: NegotiationAction) -> Seen:
        """Play a turn as `step_async` does.

        A turn takes microseconds, so that it is played in the server's own loop.
        """
        with self._errors_reported():
            began = time.perf_counter()
            self._check_keys(action)
            if action.history is not None:
                return self._history_page(action, action.history)
            self._play(action)
            played = time.perf_counter()
            await self._others_turn()
            waited = time.perf_counter()
            seen = self._seen()
            self._factory.telemetry.stepped(PROTOCOL, time.perf_counter() - waited + played - began)
            return seen

    @property
    def state(self) -> NegotiationState:
        """The episode as the client's seat knows it."""
        place = self._place
        if place is None:
            return NegotiationState()
        session = place.session
        start, turns = latest_page(session)
        return NegotiationState(
            episode_id=place.episode,
            step_count=place.steps,
            scenario=session.scenario.name,
            role=SEATS[place.seat],
            opponent=place.opponent,
            round=session.view(place.seat).round,
            done=session.is_over,
            cumulative_reward=session.earned[place.seat],
            history=turns,
            history_start=start,
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
        """End: leave the game, or keep the place in it where the connection was lost. OpenEnv calls it in a thread."""
        if self._loop is None or self._thread == threading.get_ident():
            self._close()
            return
        with contextlib.suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        """Do the same in the server's own loop."""
        if self._place is not None and self._was_lost:
            self._factory.places.lose(self._place)
            self._place = None
        self._leave()
        if self._number is not None:
            self._factory.telemetry.session_ended(PROTOCOL, self._number)
            self._number = None

    @property
    def _was_lost(self) -> bool:
        """Return whether the connection has ended without a goodbye, and its client may come back."""
        return self._connection is not None and self._connection.was_lost and not self._factory.is_stopping

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
        """Begin the game that is asked for, or return to one; only then leave the one before."""
        request = validate(ResetRequest, {**options, **({} if seed is None else {"seed": seed})}, "reset")
        episode = _episode_id(episode_id)
        self._know_connection()
        if request.resume_token is not None:
            place = self._factory.places.take(request.resume_token)
            place.session.tell_again(place.seat)
        else:
            place = self._new_place(request, episode)
            if self._connection is not None:
                self._factory.places.give_token(place, self._connection.address)
        self._leave()
        self._place, self._has_text, self._ignores_unknown = place, request.text, request.ignore_unknown
        place.given_up = self._give_up
        if self._number is None:
            self._number = self._factory.telemetry.session_started(PROTOCOL)

    def _new_place(self, request: ResetRequest, episode: str) -> Place:
        """Return the client's place in a new game, or in a game of two clients."""
        if request.join_code is not None:
            match, seat = self._factory.matches.join(request.join_code)
            return Place(match.session, seat, episode, "client", match)
        session = self._factory.session(request, request.opponent, request.role)
        session.begin(request.seed)
        return Place(session, SEATS.index(request.role), episode, request.opponent)

    def _know_connection(self) -> None:
        """Remember the connection of the client, and the loop that serves it; a call in a thread has neither."""
        self._connection = CONNECTION.get()
        with contextlib.suppress(RuntimeError):
            self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def _give_up(self) -> None:
        """Lose the place to another connection of the same client."""
        self._place, self._why_no_game = None, RESUMED

    def _leave(self) -> None:
        """Give up the place for good; where the server ends, no client has left it."""
        if self._place is not None and not self._factory.is_stopping:
            self._factory.places.leave(self._place)
        self._place = None

    def _taken(self) -> Place:
        """Return the client's place in its game."""
        if self._place is None:
            raise NotStartedError(self._why_no_game)
        return self._place

    def _check_keys(self, action: NegotiationAction) -> None:
        """Refuse a turn with unknown keys, unless the client has said that they are to be ignored."""
        self._taken()
        if not self._ignores_unknown:
            refuse_unknown(action)

    def _play(self, action: NegotiationAction) -> None:
        """Play the client's turn; a client that only waits plays nothing."""
        place = self._taken()
        session = place.session
        words = parse_words(action.utterance, self._factory.settings.max_words)
        if action.wait:
            self._check_waits(action, place)
        else:
            session.check_turn(place.seat)
            session.play(place.seat, action_of(action, session.view(place.seat), words))
            if place.match is not None:
                place.match.turn_begins()
        place.steps += 1

    def _check_waits(self, action: NegotiationAction, place: Place) -> None:
        """Refuse a client that waits where it is on turn, or where it would also move."""
        if place.match is None:
            raise IllegalMoveError("wait: only a game of two clients has turns to wait for; make a move")
        if not does_only(action, "wait"):
            raise IllegalMoveError("wait: nothing goes with it; make a move, or wait")
        if place.is_on_turn:
            raise IllegalMoveError("wait: it is your turn; make a move")

    async def _others_turn(self) -> None:
        """Wait until the client is on turn, the game is over or the client has gone.

        For another client it waits no longer than the settings say.
        """
        place = self._taken()
        if place.session.is_over or place.is_on_turn:
            return
        if place.match is None:
            waiting = place.let_hosted_player_act()
        else:
            waiting = place.match.turn_of(place.seat, self._factory.settings.wait)
        await (waiting if self._connection is None else self._connection.wait_for(waiting))

    # ------------------------------------------------------------------ what the client sees

    def _observation(self, is_first: bool = False) -> NegotiationObservation:
        """Return the same as `_seen`, as OpenEnv's observation."""
        return self._seen(is_first).model()

    def _seen(self, is_first: bool = False) -> Seen:
        """Return what the client's seat sees, and count its news and its rewards as told."""
        place = self._taken()
        seen = self._look(place, is_first)
        place.session.news_told(place.seat)
        if is_first:  # what the other's opening turn has paid is paid with the first step
            return seen
        return seen._replace(reward=place.session.take_reward(place.seat))

    def _look(self, place: Place, is_first: bool = False) -> Seen:
        """Return what the client's seat sees, without its rewards."""
        session, seat = place.session, place.seat
        view, belief, news = session.view(seat), session.belief(seat), session.news(seat)
        believed = None if belief is None else belief.as_dict()
        answered = session.last_turn_of(1 - seat)
        fields = {
            "metadata": self._metadata(place, is_first),
            "episode_id": place.episode,
            **figures(view, session.text, session.conditions, session.is_on_turn(seat)),
            "belief": believed,
            "headlines": list(news.headlines),
            "counter_move": None if answered is None else answered.move.name,
            "utterance": news.words,
            "text": self._text(place, view, believed, news, is_first) if self._has_text else "",
        }
        return Seen(fields, None, session.is_over)

    def _text(
        self, place: Place, view: SeatView, belief: Mapping[str, float] | None, news: News, is_first: bool
    ) -> str:
        """Return an observation as text for a reader."""
        session = place.session
        if session.is_over:
            text = f"{news.words}\n{session.verdict()}".strip()
        else:
            text = position(view, belief, news, session.text)
        return f"{self._introduction(place, view)}\n\n{text}" if is_first else text

    def _introduction(self, place: Place, view: SeatView) -> str:
        """Return what comes before the first position; in a match, with what is unusual about the game."""
        unusual = place.session.conditions.text() if place.match is not None else ""
        return "\n".join(part for part in (introduction(view, place.session.text), unusual) if part)

    def _history_page(self, action: NegotiationAction, start: int) -> Seen:
        """Return what the client's seat sees, with a page of the history.

        Nothing is played, paid or counted as told: what is new is new in the next observation, too.
        """
        if not does_only(action, "history"):
            raise RequestError("history: nothing goes with it; make a move, or ask for the history")
        place = self._taken()
        page = page_from(place.session, start)
        seen = self._look(place)
        seen.fields["metadata"]["history"] = page
        return seen._replace(reward=0.0)

    def _metadata(self, place: Place, is_first: bool) -> dict[str, Any]:
        """Return what goes with an observation: the token of a reset, the outcome, and whether the other is away."""
        told: dict[str, Any] = {}
        if is_first and place.token is not None:
            told["resume_token"] = place.token
        if place.match is not None and not place.session.is_over and place.match.is_away[1 - place.seat]:
            told["other_is_away"] = True
        return told | (self._report(place.session) if place.session.is_over else {})

    def _report(self, session: GameSession) -> dict[str, Any]:
        """Return the outcome of the finished game, and count its end once."""
        if not session.is_counted:
            session.is_counted = True
            self._factory.telemetry.game_ended(PROTOCOL, *session.ending(), self._number)
        return {"outcome": session.outcome()}


def _episode_id(given: Any) -> str:
    """Return the id of an episode, a new one where none is given."""
    if given is None:
        return str(uuid.uuid4())
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_ID or not given.isprintable():
        raise ConfigurationError(f"episode_id: give 1 to {LONGEST_ID} printable characters, or leave it out")
    return given
