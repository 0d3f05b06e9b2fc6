"""The protocol of the page at `/play`: the whole table of a seat is sent after every change.

A message is `{"type": ...}` with the fields of `server.page.messages`. The server answers `choices`, `table`,
`best_reply` or `error`, and also sends a table when the other side has moved. All state is on the server: a reloaded
page sends the token of its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any, cast

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError, NotStartedError, ParlayError, RequestError
from parlay_marl.server.connection import CONNECTION, Connection
from parlay_marl.server.error_text import FAILED, client_text
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.matches import Match
from parlay_marl.server.middleware.asgi import CONTENT, MESSAGE
from parlay_marl.server.page.best_reply import best_reply
from parlay_marl.server.page.choices import choices
from parlay_marl.server.page.messages import (
    Again,
    Begin,
    Guess,
    Join,
    Play,
    Resume,
    Show,
    action_of,
    request_of,
)
from parlay_marl.server.page.place import PagePlace
from parlay_marl.server.page.replays import Replays
from parlay_marl.server.page.table import table
from parlay_marl.server.parsing import parse_words
from parlay_marl.server.session import GameSession

PROTOCOL = "page"
PERSON = "another person"
NO_GAME = "no game has been started; choose one first"
MOVED_ON = "the game goes on in another tab or window; this one has let go of it"
STALE = "the game has gone on since this page was drawn; look at it again, and then move"


class PageSession:
    """The games of one connection of the page, one after the other."""

    def __init__(self, factory: GameFactory, replays: Replays, websocket: WebSocket) -> None:
        self._factory, self._replays, self._websocket = factory, replays, websocket
        connection = CONNECTION.get()
        assert connection is not None
        self._connection: Connection = connection
        self._place: PagePlace | None = None
        self._number = factory.telemetry.session_started(PROTOCOL)
        self._sent = 0.0
        """Time of the last change of a match that was sent."""

    async def run(self) -> None:
        """Serve the page until it leaves."""
        await self._send(choices(self._factory))
        while True:
            await self._others()
            event = await self._websocket.receive()
            if event["type"] != MESSAGE:
                return
            await self._answer(event[CONTENT])

    def close(self) -> None:
        """Leave the game, or keep the place where the connection was lost, as in a reload of the page."""
        place, self._place = self._place, None
        if place is not None and not self._factory.is_stopping:
            if self._connection.was_lost:
                self._factory.places.lose(place)
            else:
                self._factory.places.leave(place)
        self._factory.telemetry.session_ended(PROTOCOL, self._number)

    # ------------------------------------------------------------------ the other side

    async def _others(self) -> None:
        """Send the table after each change by the other side, until a message arrives."""
        while (place := self._place) is not None and not place.session.is_over and not self._factory.is_stopping:
            if place.match is not None:
                before = self._sent
                await self._connection.wait_or_message(place.match.changed(before))
                is_new = place.match.used != before
            elif not place.is_on_turn:
                await self._connection.wait_or_message(place.let_hosted_player_act())
                is_new = place.is_on_turn or place.session.is_over
            else:
                return
            if not is_new or self._place is not place:
                return
            await self._send_table()

    # ------------------------------------------------------------------ messages

    async def _answer(self, message: dict[str, Any]) -> None:
        """Carry out a request of the page; errors become answers."""
        began = time.perf_counter()
        try:
            reply = await self._carry_out(message)
        except ParlayError as error:
            self._factory.telemetry.refused(PROTOCOL, type(error).__name__, self._number)
            reply = {"type": "error", "error": client_text(error)}
        except Exception as error:
            self._factory.telemetry.failed(PROTOCOL, error, self._number)
            reply = {"type": "error", "error": FAILED}
        if reply is None:
            await self._send_table()
        else:
            await self._send(reply)
        if message.get("type") == "play":
            self._factory.telemetry.stepped(PROTOCOL, time.perf_counter() - began)

    async def _carry_out(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer to a request; None means the table."""
        match request_of(message):
            case Begin() as begin:
                self._begin(begin.wanted)
            case Join() as join:
                self._take_seat(*self._factory.matches.join(join.code), {})
            case Resume() as resume:
                self._resume(resume.token)
            case Again() as again:
                self._again(again)
            case Play() as play:
                self._play(play)
            case Show() as show:
                self._taken().show_belief(show.on)
            case Guess() as guess:
                self._taken().note_guess(guess.price)
            case _:
                return await self._simple(message["type"])
        return None

    async def _simple(self, kind: str) -> dict[str, Any] | None:
        """Return the answer to a request without fields."""
        if kind == "leave":
            self._leave()
            return choices(self._factory)
        if kind == "hint":
            self._taken().hint()
        elif kind == "best_reply":
            return await self._best_reply()
        else:
            self._taken()
        return None

    def _begin(self, request: Begin) -> None:
        """Begin the requested game, and leave the previous one."""
        asked = request.model_dump()
        if request.invite:
            opened = self._factory.new_match(request, self._connection.address)
            codes = cast(dict[str, str], opened["join_codes"])
            self._take_seat(*self._factory.matches.join(codes[request.role]), asked)
            return
        session = self._factory.session(request, request.opponent, request.role)
        session.begin(request.seed)
        self._sit(PagePlace(session, SEATS.index(request.role), "", request.opponent), asked)

    def _take_seat(self, match: Match, seat: int, asked: dict[str, Any]) -> None:
        """Take a seat in a game of two persons."""
        self._sit(PagePlace(match.session, seat, "", PERSON, match), asked)

    def _sit(self, place: PagePlace, asked: dict[str, Any]) -> None:
        """Take a new place, to which the page can return."""
        place.prepare(place.session.config, asked)
        self._factory.places.give_token(place, self._connection.address)
        self._leave()
        self._hold(place)

    def _hold(self, place: PagePlace) -> None:
        """Hold a place until another connection takes it."""
        self._place = place
        place.given_up = self._give_up

    def _resume(self, token: str) -> None:
        """Return to a place by its token."""
        if self._place is not None and self._place.token == token:
            return
        place = self._factory.places.take(token)
        if not isinstance(place, PagePlace):
            self._factory.places.lose(place)
            raise ConfigurationError("token: it is that of another protocol's game; begin a new one")
        self._leave()
        self._hold(place)

    def _give_up(self) -> None:
        """Lose the place to another connection of the same person."""
        self._place = None
        self._end = asyncio.create_task(self._say_goodbye())

    async def _say_goodbye(self) -> None:
        """Tell the page that another connection has its game, and close the connection."""
        await self._send({"type": "moved_on", "error": MOVED_ON})
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._websocket.close()

    def _again(self, request: Again) -> None:
        """Begin the same deal again, in either seat."""
        place = self._taken()
        if not place.session.is_over:
            raise RequestError("again: this game is not over yet")
        if place.match is not None:
            raise RequestError("again: a game of two persons needs a new invitation")
        asked = {**place.request, "role": request.role, "seed": place.session.game.seed}
        self._begin(Begin.model_validate(asked))

    def _leave(self) -> None:
        """Give up the place for good."""
        if self._place is not None:
            self._factory.places.leave(self._place)
        self._place = None

    def _taken(self) -> PagePlace:
        """Return the person's place."""
        if self._place is None:
            raise NotStartedError(NO_GAME)
        return self._place

    def _play(self, request: Play) -> None:
        """Play the person's turn, and the answer of a persona to it."""
        place = self._taken()
        session = place.session
        session.check_turn(place.seat)
        if request.turn != len(session.turns):
            raise RequestError(STALE)
        words = parse_words(request.words.strip(), self._factory.settings.max_words)
        session.play(place.seat, action_of(request, session.view(place.seat), words))
        place.steps += 1
        if place.match is not None:
            place.match.turn_begins()

    async def _best_reply(self) -> dict[str, Any]:
        """Return the payoff of the best persona of the catalogue in the person's place."""
        place = self._taken()
        session: GameSession = place.session
        if not session.is_over:
            raise RequestError("best_reply: it is worked out at the end of the game")
        seed = session.game.seed
        assert seed is not None
        found = await asyncio.to_thread(best_reply, session.config, seed, place.seat, place.persona())
        own = session.game.outcome().payoff[place.seat]
        return {"type": "best_reply", "reply": found, "own_payoff": own}

    # ------------------------------------------------------------------ sending

    async def _send_table(self) -> None:
        """Send the table of the place; at the end, count the game once and keep its replay."""
        place = self._taken()
        session = place.session
        if place.match is not None:
            self._sent = place.match.used
        place.note_belief()
        if session.is_over:
            self._note_end(place)
        await self._send(table(place))

    def _note_end(self, place: PagePlace) -> None:
        """Count the end of the game, and keep its replay under a name that only this seat gets."""
        session = place.session
        if not session.is_counted:
            session.is_counted = True
            self._factory.telemetry.game_ended(PROTOCOL, *session.ending(), self._number)
        if place.replay_id is None and self._factory.settings.workers == 1:
            place.replay_id = self._replays.add(place.record())

    async def _send(self, reply: dict[str, Any]) -> None:
        """Send an answer."""
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._websocket.send_text(json.dumps(reply, allow_nan=False, separators=(",", ":")))


class PageSockets:
    """The WebSockets of the page; only a limited number may have a session."""

    def __init__(self, factory: GameFactory, replays: Replays) -> None:
        self._factory, self._replays = factory, replays
        self._open = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one WebSocket, unless the server is full."""
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            if self._open < self._factory.settings.max_sessions:
                await self._session(websocket)
            else:
                full = {"type": "full", "error": f"{self._open} people are playing, and no more fit; try again later"}
                await websocket.send_text(json.dumps(full))
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the page may have closed it
            await websocket.close()

    async def _session(self, websocket: WebSocket) -> None:
        session = PageSession(self._factory, self._replays, websocket)
        self._open += 1
        try:
            await session.run()
        finally:
            self._open -= 1
            session.close()


def page_socket_router(factory: GameFactory, replays: Replays) -> APIRouter:
    """Return the route of the page's WebSocket."""
    router, sockets = APIRouter(), PageSockets(factory, replays)

    @router.websocket("/play/ws")
    async def page_websocket(websocket: WebSocket) -> None:
        await sockets.serve(websocket)

    return router
