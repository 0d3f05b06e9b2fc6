"""Places of clients in their games, which survive a lost connection: a client returns to its place by a token."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from parlay_marl.errors import ConfigurationError
from parlay_marl.server.matches import Match
from parlay_marl.server.session import GameSession
from parlay_marl.server.settings import ServerSettings


class Place:
    """A client's place in a game: its seat, and the state of its episode."""

    def __init__(
        self, session: GameSession, seat: int, episode: str, opponent: str, match: Match | None = None
    ) -> None:
        self.session, self.seat, self.episode, self.opponent, self.match = session, seat, episode, opponent, match
        self.steps = 0
        """Number of steps of the client."""
        self.unread = 0
        """Number of messages in a row that held no legal move."""
        self.belief: tuple[float, float] | None = None
        """A belief, normalised, that the client has stated since its last move."""
        self.token: str | None = None
        """The token by which the client returns, or None."""
        self.address = ""
        """The address of the client."""
        self.given_up: Callable[[], None] | None = None
        """Called when another connection has taken the place, to tell the connection that had it."""
        self.expiry: asyncio.TimerHandle | None = None
        """The timer that ends the place while the client is away."""
        self._act: asyncio.Task[None] | None = None

    @property
    def is_on_turn(self) -> bool:
        """Return whether the client is to act."""
        return self.session.is_on_turn(self.seat)

    def leave(self) -> None:
        """Leave the game; one against another client or a hosted player is forfeited."""
        if self.match is not None:
            self.match.leave(self.seat)
        elif self.session.has_hosted_player:
            self.session.leave(self.seat)

    async def let_hosted_player_act(self) -> None:
        """Wait for the turn of a hosted player; it is asked once, even where the client reconnects meanwhile."""
        if self._act is None or self._act.done():
            self._act = asyncio.create_task(self.session.let_hosted_player_act())
        await asyncio.shield(self._act)


class Places:
    """The places of a server that clients can return to; a place whose client stays away is given up."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._by_token: dict[str, Place] = {}
        self._away: dict[Place, None] = {}
        """Places whose clients are away, the longest absence first."""

    def __len__(self) -> int:
        return len(self._by_token)

    def give_token(self, place: Place, address: str) -> None:
        """Give a place its token; with several workers there is none, because a connection may reach any of them."""
        if self._settings.workers == 1:
            place.token, place.address = secrets.token_urlsafe(16), address
            self._by_token[place.token] = place

    def take(self, token: str) -> Place:
        """Return the place of a token; another connection that has the place loses it."""
        place = self._by_token.get(token)
        if place is None:
            raise ConfigurationError("resume_token: there is no such game, or its client was away for too long")
        if place.given_up is not None:
            place.given_up()
        self._away.pop(place, None)
        if place.expiry is not None:
            place.expiry.cancel()
            place.expiry = None
        if place.match is not None:
            place.match.go_away(place.seat, False)
        return place

    def lose(self, place: Place) -> None:
        """Keep a place for the idle time after its client has lost the connection."""
        if place.token is None:
            place.leave()
            return
        place.given_up = None
        self._make_room(place.address)
        self._away[place] = None
        place.expiry = asyncio.get_running_loop().call_later(self._settings.idle, self.leave, place)
        if place.match is not None:
            place.match.go_away(place.seat, True)

    def _make_room(self, address: str) -> None:
        """Give up the oldest places where an address, or the server, has too many."""
        same = [place for place in self._away if place.address == address]
        if len(same) >= self._settings.max_orphans:
            self.leave(same[0])
        elif len(self._away) >= self._settings.max_sessions:
            self.leave(next(iter(self._away)))

    def leave(self, place: Place) -> None:
        """Leave a game for good."""
        if place.token is not None:
            self._by_token.pop(place.token, None)
        self._away.pop(place, None)
        if place.expiry is not None:
            place.expiry.cancel()
            place.expiry = None
        place.given_up = None
        place.leave()
