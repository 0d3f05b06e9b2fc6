"""The episodes of one client of OpenEnv's protocol: its games, and its place in each."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from parlay_marl.catalogue.files import validate
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError, GameOverError, NotStartedError, ParlayError, RequestError
from parlay_marl.language.forms import FORMS
from parlay_marl.language.tools import Call
from parlay_marl.server.connection import CONNECTION, Connection
from parlay_marl.server.error_text import FAILED, client_text
from parlay_marl.server.game_factory import GameFactory, default_factory
from parlay_marl.server.history import latest_page, page_from
from parlay_marl.server.places import Place
from parlay_marl.server.protocols.openenv_action import as_message, does_only, refuse_unknown
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationState
from parlay_marl.server.protocols.openenv_reset import ResetRequest
from parlay_marl.server.protocols.openenv_seen import Reader, Seen, look, noted
from parlay_marl.server.protocols.openenv_tools import (
    Called,
    call_of,
    tools_of,
)
from parlay_marl.server.protocols.openenv_turn import Note, misread, play
from parlay_marl.server.session import GameSession

PROTOCOL = "openenv"
LONGEST_ID = 255
OVER = "the game is over, and no tool does anything more; another session, or a reset, begins another game"
"""The answer to a model that calls a tool after the end: its tools have no reset."""
MOST_REASONS = 5
"""Most reasons in the answer to a malformed turn."""
NO_RESET = "no game has been started; send a reset first"
RESUMED = "the game goes on in another connection of its client"


class Episodes:
    """The episodes of one client, one after the other; its answers are plain fields."""

    def __init__(self, factory: GameFactory | None = None) -> None:
        self._factory = factory or default_factory()
        self._place: Place | None = None
        self._connection: Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._reader = Reader()
        self._ignores_unknown = self._answers_refusals = False
        self._why_no_game = NO_RESET
        self._number: int | None = None
        """The number of the connection's session in the log; None before the first reset."""

    @property
    def _session(self) -> GameSession | None:
        """The client's game, or None."""
        return None if self._place is None else self._place.session

    # ------------------------------------------------------------------ what a client asks for

    async def begin(self, request: Mapping[str, Any]) -> Seen:
        """Begin an episode like `NegotiationEnvironment.reset_async`, with its arguments in `request`."""
        with self._errors_reported():
            options = {name: value for name, value in request.items() if name not in ("seed", "episode_id")}
            self._begin(request.get("seed"), request.get("episode_id"), options)
            await self._others_turn()
            return self._seen(is_first=True)

    async def take_turn(self, action: NegotiationAction | Call) -> Seen:
        """Play a turn like `NegotiationEnvironment.step_async`, in the server's event loop: it takes microseconds."""
        with self._errors_reported():
            began = time.perf_counter()
            page = self._page(action)
            if page is not None:
                return page
            note = self._play(action)
            played = time.perf_counter()
            if note is None or note.is_played:
                await self._others_turn()
            waited = time.perf_counter()
            seen = self._answer(note)
            self._factory.telemetry.stepped(PROTOCOL, time.perf_counter() - waited + played - began)
            return seen

    async def misread(self, error: ValidationError) -> Seen:
        """Answer a malformed turn, where the client wants refusals as answers; otherwise raise the error."""
        if not self._answers_refusals or not self._taken().is_on_turn:
            raise error
        with self._errors_reported():
            why = "; ".join(
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:MOST_REASONS]
            )
            note = self._counted(misread(self._taken(), client_text(RequestError(why))))
            if note is not None and note.is_played:
                await self._others_turn()
            return self._answer(note)

    def tools(self) -> list[dict[str, Any]]:
        """Return the moves as MCP tools: those of the current game, or of any game."""
        place = self._place
        return tools_of(None if place is None else place.session.view(place.seat))

    async def call(self, name: Any, arguments: Any) -> Called:
        """Play a tool call; an error becomes part of the answer, so that a model can correct it."""
        try:
            return Called(await self.take_turn(call_of(name, arguments)))
        except ParlayError as error:
            return Called(error=_why(error))

    def _call_now(self, name: Any, arguments: Any) -> Called:
        """Play a tool call without waiting for another client."""
        try:
            return Called(self._turn_now(call_of(name, arguments)))
        except ParlayError as error:
            return Called(error=_why(error))

    @property
    def state(self) -> NegotiationState:
        """Return the episode as the client's seat knows it."""
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

    def close(self) -> None:
        """Close: leave the game, or keep the place where the connection was lost. OpenEnv calls this in a thread."""
        if self._loop is None or self._thread == threading.get_ident():
            self._close()
            return
        with contextlib.suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._close)

    def disconnect(self) -> None:
        """Detach the connection: later calls do not come from it."""
        self._connection = None

    def _close(self) -> None:
        """Close, in the server's event loop."""
        if self._place is not None and self._was_lost:
            self._factory.places.lose(self._place)
            self._place = None
        self._leave()
        if self._number is not None:
            self._factory.telemetry.session_ended(PROTOCOL, self._number)
            self._number = None

    @property
    def _was_lost(self) -> bool:
        """Return whether the connection ended without a close message, so that its client may return."""
        return self._connection is not None and self._connection.was_lost and not self._factory.is_stopping

    # ------------------------------------------------------------------ playing

    def _errors_reported(self) -> _Reported:
        """Pass errors for the client on; log an unexpected error, and replace it by one without its text."""
        return _Reported(self._report)

    def _report(self, error: Exception) -> None:
        """Count an error, and raise it, or what the client gets in its place."""
        if not isinstance(error, ParlayError):
            self._factory.telemetry.failed(PROTOCOL, error, self._number)
            raise RuntimeError(FAILED) from None
        self._factory.telemetry.refused(PROTOCOL, type(error).__name__, self._number)
        text = client_text(error)
        if text != str(error):
            raise RequestError(text) from None

    def _begin(self, seed: int | None, episode_id: str | None, options: Mapping[str, Any]) -> None:
        """Begin the requested game, or return to one; leave the previous game only after that has worked."""
        asked = validate(ResetRequest, {**options, **({} if seed is None else {"seed": seed})}, "reset")
        request = asked.of_task()
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
        self._place, self._ignores_unknown = place, request.ignore_unknown
        self._answers_refusals = request.refusals == "answer"
        self._reader = Reader(request.text, FORMS[request.form])
        place.given_up = self._give_up
        if self._number is None:
            self._number = self._factory.telemetry.session_started(PROTOCOL)

    def _new_place(self, request: ResetRequest, episode: str) -> Place:
        """Return the client's place in a new game, or in a game of two clients."""
        if request.join_code is not None:
            match, seat = self._factory.matches.join(request.join_code)
            return Place(match.session, seat, episode, "client", match)
        session = self._factory.session(request, request.opponent, request.role, place=request.place)
        session.begin(request.seed)
        return Place(session, SEATS.index(request.role), episode, request.opponent)

    def _know_connection(self) -> None:
        """Store the client's connection and event loop; a call in a thread has neither."""
        self._connection = CONNECTION.get()
        with contextlib.suppress(RuntimeError):
            self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def _give_up(self) -> None:
        """Lose the place to another connection of the same client."""
        self._place, self._why_no_game = None, RESUMED

    def _leave(self) -> None:
        """Give up the place for good, unless the server is ending."""
        if self._place is not None and not self._factory.is_stopping:
            self._factory.places.leave(self._place)
        self._place = None

    def _taken(self) -> Place:
        """Return the client's place in its game."""
        if self._place is None:
            raise NotStartedError(self._why_no_game)
        return self._place

    def _turn_now(self, action: NegotiationAction | Call) -> Seen:
        """Play a turn without waiting for another client."""
        with self._errors_reported():
            began = time.perf_counter()
            seen = self._page(action)
            if seen is None:
                seen = self._answer(self._play(action))
                self._factory.telemetry.stepped(PROTOCOL, time.perf_counter() - began)
            return seen

    def _page(self, action: NegotiationAction | Call) -> Seen | None:
        """Return a page of the history, where a turn asks for one.

        Nothing is played or paid, and news and rewards stay in the next observation.
        """
        place = self._taken()
        if isinstance(action, Call) or action.history is None:
            return None
        self._known(action)
        if not does_only(action, "history"):
            raise RequestError("history: nothing goes with it; make a move, or ask for the history")
        page = page_from(place.session, action.history)
        seen = self._look(place)
        seen.fields["metadata"]["history"] = page
        return seen._replace(reward=0.0)

    def _known(self, action: NegotiationAction) -> NegotiationAction:
        """Return a turn without unknown keys: refuse them, unless the client has asked for another treatment."""
        if not action.model_extra or self._ignores_unknown:
            return action
        if not self._answers_refusals:
            refuse_unknown(action)
        return as_message(action)

    def _play(self, action: NegotiationAction | Call) -> Note | None:
        """Play the client's turn; return a note where the turn was not played as sent."""
        place = self._taken()
        try:
            turn = action if isinstance(action, Call) else self._known(action)
            note = play(place, turn, self._factory.settings.max_words)
        except ParlayError as error:
            if not self._answers_refusals or not place.is_on_turn or isinstance(action, Call):
                raise
            note = misread(place, client_text(error))
        return self._counted(note)

    def _counted(self, note: Note | None) -> Note | None:
        """Return a note, and count its refusal."""
        if note is not None and note.error is not None:
            self._factory.telemetry.refused(PROTOCOL, "UnclearTextError", self._number)
        return note

    async def _others_turn(self) -> None:
        """Wait until it is the client's turn, the game is over or the client has disconnected.

        The wait for another client is limited by the settings.
        """
        place = self._taken()
        if place.session.is_over or place.is_on_turn:
            return
        if place.match is None:
            waiting = place.let_hosted_player_act()
        else:
            waiting = place.match.turn_of(place.seat, self._factory.settings.wait)
        connection = CONNECTION.get()
        await (waiting if connection is None else connection.wait_for(waiting))

    # ------------------------------------------------------------------ what the client sees

    def _answer(self, note: Note | None) -> Seen:
        """Return what the client sees after its turn; a turn that was not played delivers no news."""
        if note is None:
            return self._seen()
        seen = self._seen() if note.is_played else self._look(self._taken())._replace(reward=0.0)
        return noted(seen, note)

    def _seen(self, is_first: bool = False) -> Seen:
        """Return what the client sees, and mark its news and rewards as delivered."""
        place = self._taken()
        seen = self._look(place, is_first)
        place.session.news_told(place.seat)
        if is_first:  # the reward of the other's opening turn is paid with the first step
            return seen
        return Seen(seen.fields, place.session.take_reward(place.seat), seen.done)

    def _look(self, place: Place, is_first: bool = False) -> Seen:
        """Return what the client sees, without rewards; count the end of the game once."""
        session = place.session
        if session.is_over and not session.is_counted:
            session.is_counted = True
            self._factory.telemetry.game_ended(PROTOCOL, *session.ending(), self._number)
        return look(place, self._reader, is_first)


class _Reported:
    """Hands the error of a `with` block to `report`; a class, because a generator takes several times as long."""

    __slots__ = ("_report",)

    def __init__(self, report: Callable[[Exception], None]) -> None:
        self._report = report

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception):
            self._report(error)


def _episode_id(given: Any) -> str:
    """Return the given id of an episode, or a new one."""
    if given is None:
        return str(uuid.uuid4())
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_ID or not given.isprintable():
        raise ConfigurationError(f"episode_id: give 1 to {LONGEST_ID} printable characters, or leave it out")
    return given


def _why(error: ParlayError) -> str:
    """Return the reason why a tool call was not played, for a model."""
    return OVER if isinstance(error, GameOverError) else client_text(error)
