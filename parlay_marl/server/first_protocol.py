"""The protocol of the first Parlay server, at `/env/ws`: its messages and field names, with a game for two behind them.

The client is the seller unless `reset` names a `role`, and opens each round. A session is bound to the connection that
began it unless `reset` says `"shared": true`. docs/server.md says what differs from the first server, and why.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, WebSocket
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocketDisconnect

from parlay_marl.core.moves import SEATS, ClaimStatus, Move
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import ParlayError, RequestError
from parlay_marl.players.voice import drifted_now
from parlay_marl.printable import escaped
from parlay_marl.server.lobby import Lobby
from parlay_marl.server.negotiation import Deed, Negotiation, Setup
from parlay_marl.server.words import FAILED, checked, told

PROTOCOL = "first"
MOVES = {move.name.lower(): move for move in (Move.ANCHOR_HIGH, Move.BATNA_REVEAL, Move.SILENCE, Move.CHALLENGE)}
BARE = (Move.SILENCE, Move.CHALLENGE)
"""Those that no offer goes with."""
FIRST_MOVES = ("anchor_high", "batna_reveal", "silence")
"""Moves of the first server, which its clients know."""
SESSIONS_OF_CONNECTION = 8
"""Sessions that a connection keeps; the one that was not used for longest makes room for another."""
LONGEST_ECHO = 80
DEFAULT_SEED, DEFAULT_SCENARIO, DEFAULT_PERSONA = 42, "saas_enterprise", "shark"
OPENING = "The table is yours: make the first move."
FALLBACK = {
    "step_count": 0, "episode_done": False, "current_offer": 0.0, "opponent_offer": 0.0, "zopa_lower": 0.0,
    "zopa_upper": 0.0, "nash_point": 0.0, "tension_score": 0.0,
    "belief_state": {
        "est_budget": 0.0, "est_walk_away": 0.0, "est_urgency": 0.5, "est_has_alternative": False, "confidence": 0.1,
    },
    "last_utterance": "[the server failed; nothing was played]", "available_moves": list(FIRST_MOVES),
    "credibility_points": 100, "reward": 0.0, "cumulative_reward": 0.0, "drift_event": None, "zopa_erosion_ticks": 0,
    "zopa_width_pct_remaining": 0.0,
}  # fmt: skip
"""The observation of a failure, which the first server had, too; `_fallback` and `reason` say that it is one."""
REASONS = {Ending.DEAL: "deal_reached", Ending.WALK_AWAY: "walk_away", Ending.COLLAPSED: "zopa_collapsed"}


class FirstAction(BaseModel):
    """The action of the first protocol, with what its game lacked; other keys are passed over, as they were."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    utterance: str
    offer_amount: float | None = None
    tactical_move: str | None = None
    accept: bool = False
    walk_away: bool = False
    terms: Annotated[dict[str, str], Field(max_length=8)] | None = None


class FirstSession:
    """One episode of the first protocol."""

    def __init__(self, lobby: Lobby, scenario_id: str, persona: str, role: str, seed: int, shared: bool) -> None:
        settings = lobby.settings
        credibility = {"start": settings.credibility_start, "regain": settings.credibility_regain}
        setup = Setup(
            scenario=scenario_id, rules={"credibility": credibility}, opener=role, max_rounds=settings.rounds,
            reward="shaped",
        )  # fmt: skip
        self.id = str(uuid.uuid4())
        self.number = 0
        """Of the session, for the log, which names no ids."""
        self.persona, self.shared = persona, shared
        self.seat, self.other = SEATS.index(role), 1 - SEATS.index(role)
        self.negotiation: Negotiation = lobby.negotiation(setup, persona, role)
        self.negotiation.begin(seed)
        self.used = time.monotonic()
        self.amounts: list[float] = []
        self.events = 0
        self._lobby = lobby
        self._first_width = self._belief_width()
        self.beliefs = [self.belief()]

    # ------------------------------------------------------------------ playing

    def step(self, action: FirstAction) -> dict[str, Any]:
        """Play the client's turn and the persona's answer; return the observation."""
        deed = self._deed(action)
        self.negotiation.act(self.seat, deed)
        if action.offer_amount is not None and deed.tactical_move not in BARE and not deed.walk_away:
            self.amounts.append(self._within_range(action.offer_amount))
        self.beliefs.append(self.belief())
        _, words = self.negotiation.last_turn_of(self.other)
        return self.observation(self.negotiation.take_reward(self.seat), words)

    def _deed(self, action: FirstAction) -> Deed:
        """Return what an action of the first protocol does in a game for two."""
        words = checked(action.utterance, self._lobby.settings.max_words)
        tactic = self._tactic(action.tactical_move)
        if action.accept or action.walk_away:
            return Deed(None, tactic, action.accept, action.walk_away, None, words)
        if tactic in BARE:
            return Deed(None, tactic, utterance=words)  # an amount beside them was never an offer
        amount = action.offer_amount
        if amount is None and tactic is Move.BATNA_REVEAL:  # the first server told one's own limit then
            amount = self.negotiation.scenario.to_currency(float(self.negotiation.game.row["reservation"][self.seat]))
        amount = None if amount is None else self._within_range(amount)
        deed = Deed(amount, tactic, terms=action.terms, utterance=words)
        if tactic is None and amount is not None and self._is_met(deed):
            return Deed(accept=True, utterance=words)
        return deed

    def _tactic(self, name: str | None) -> Move | None:
        """Return a tactical move by its name, if the credibility that is left allows it."""
        if name is None:
            return None
        if name.lower() not in MOVES:
            raise RequestError(f"Invalid action: tactical_move: give one of {', '.join(MOVES)}")
        row, p = self.negotiation.game.row, self.negotiation.config.params[0]["credibility"]
        least = {Move.BATNA_REVEAL: p["claim_minimum"], Move.SILENCE: p["silence_minimum"]}
        if row["credibility"][self.seat] < least.get(MOVES[name.lower()], 0.0):
            raise RequestError("Insufficient credibility points for that move")
        return MOVES[name.lower()]

    def _within_range(self, amount: float) -> float:
        """Return an amount as the end of the public range where it lies beyond: the first server knew no range."""
        return min(max(amount, self.negotiation.scenario.low), self.negotiation.scenario.high)

    def _is_met(self, deed: Deed) -> bool:
        """Whether the other's standing offer is worth as much to the client as its own offer would be."""
        negotiation, standing = self.negotiation, self.negotiation.offer_of(self.other, self.seat)
        if standing is None:
            return False
        _, price, package = negotiation.move_of(self.seat, deed)
        return bool(standing["worth"] >= negotiation.worth(self.seat, price, package))

    # ------------------------------------------------------------------ what the client is told

    def observation(self, reward: float, words: str) -> dict[str, Any]:
        """Return the observation; what is hidden in it is what the client's seat believes, unless it is revealed."""
        negotiation, row = self.negotiation, self.negotiation.game.row
        low, high = self._limits()
        standing = negotiation.offer_of(self.other, self.seat)
        news = negotiation.take_headlines(self.seat)
        self.events += len(news)
        return {
            "step_count": negotiation.actions,
            "episode_done": negotiation.is_over,
            "current_offer": self.amounts[-1] if self.amounts else 0.0,
            "opponent_offer": 0.0 if standing is None else standing["amount"],
            "zopa_lower": low,
            "zopa_upper": high,
            "nash_point": round(0.5 * (low + high), negotiation.scenario.exact_decimals),
            "tension_score": float(row["tension"]),
            "belief_state": self.beliefs[-1],
            "last_utterance": words,
            "available_moves": self._available(),
            "credibility_points": round(float(row["credibility"][self.seat])),
            "reward": reward,
            "cumulative_reward": negotiation.earned[self.seat],
            "drift_event": "; ".join(news) or None,
            "zopa_erosion_ticks": int(row["erosion_ticks"]),
            "zopa_width_pct_remaining": self._width_left(),
        }

    def _available(self) -> list[str]:
        legal = set(self.negotiation.legal_moves(self.seat))
        return [name for name, move in MOVES.items() if move.name in legal]

    def belief(self) -> dict[str, Any]:
        """Return the client's belief in the words of the first protocol: one of the two limits is its own."""
        view = self.negotiation.game.belief(self.seat)
        low, high = self._believed_limits()
        return {
            "est_budget": high,
            "est_walk_away": low,
            "est_urgency": view.urgency,
            "est_has_alternative": view.alternative > 0.5,
            "confidence": view.confidence,
        }

    def _believed_limits(self) -> tuple[float, float]:
        """Return the seller's and the buyer's limit: the client's own, and what it believes of the other's."""
        negotiation = self.negotiation
        own = negotiation.scenario.to_currency(negotiation.game.row["reservation"][self.seat])
        other = negotiation.game.belief(self.seat).reservation
        return (other, own) if self.seat == 0 else (own, other)

    def _limits(self) -> tuple[float, float]:
        """Return both limits as the client is told: the true ones where the server reveals them."""
        if not self._lobby.settings.reveal_hidden:
            return self._believed_limits()
        buyer, seller = map(self.negotiation.scenario.to_currency, self.negotiation.game.row["reservation"].tolist())
        return seller, buyer

    def _belief_width(self) -> float:
        low, high = self._limits()
        return max(high - low, 0.0)

    def _width_left(self) -> float:
        """Return how much of the first width of the ZOPA is left, both as the client is told."""
        return self._belief_width() / self._first_width if self._first_width > 0.0 else 0.0

    def state(self, public: bool = False) -> dict[str, Any]:
        """Return the episode's state; to those who only have its name, what is public in it."""
        negotiation, row = self.negotiation, self.negotiation.game.row
        return {
            "session_id": self.id,
            "scenario_id": negotiation.scenario.name,
            "persona": self.persona,
            "step_count": negotiation.actions,
            "cumulative_reward": 0.0 if public else negotiation.earned[self.seat],
            "hidden_state": self._public_figures() if public else self._hidden(),
            "belief_history": [] if public else self.beliefs,
            "offer_history": self.amounts,
            "drift_events_fired": self.events,
            "episode_done": negotiation.is_over,
            "termination_reason": self._termination(),
            "credibility_points": round(float(row["credibility"][self.seat])),
            "tension_score": float(row["tension"]),
            "deal_reached": int(row["ending"]) == Ending.DEAL,
            "walk_away": int(row["ending"]) in (Ending.WALK_AWAY, Ending.COLLAPSED),
            "high_tension_streak": int(row["hot_streak"]),
            "zopa_erosion_ticks": int(row["erosion_ticks"]),
            "zopa_width_pct_remaining": 1.0 if public else self._width_left(),
            "original_zopa_width": negotiation.scenario.high - negotiation.scenario.low
            if public
            else self._first_width,
            "bluffs_caught": int(row["bluffs_caught"][self.seat]),
        }

    def _termination(self) -> str | None:
        ending = int(self.negotiation.game.row["ending"])
        return REASONS.get(Ending(ending), "max_turns") if ending else None

    def _claimed(self) -> float | None:
        """Return what the client last claimed to be its limit."""
        row = self.negotiation.game.row
        if row["claim_status"][self.seat] == ClaimStatus.NONE:
            return None
        return self.negotiation.scenario.to_currency(row["claim_price"][self.seat])

    def _hidden(self) -> dict[str, Any]:
        """Return the hidden state: the client's belief, or the truth where the server reveals it."""
        low, high = self._limits()
        figures: dict[str, Any] = {"budget_ceiling": high, "walk_away_price": low, "last_stated_batna": self._claimed()}
        if not self._lobby.settings.reveal_hidden:
            belief = self.beliefs[-1]
            seen = {"urgency_score": belief["est_urgency"], "has_alternative": belief["est_has_alternative"]}
            return figures | seen | {"persona_drifted": False, "event_impacts": None}
        row, player = self.negotiation.game.row, self.negotiation.game.players[self.other]
        return figures | {
            "urgency_score": float(row["urgency"][self.other]),
            "has_alternative": bool(row["alternative"][self.other]),
            "persona_drifted": bool(drifted_now(self.negotiation.game.rows, player.record, 0, self.other)),
            "event_impacts": None,
        }

    def _public_figures(self) -> dict[str, Any]:
        scenario = self.negotiation.scenario
        return {
            "budget_ceiling": scenario.high, "walk_away_price": scenario.low, "urgency_score": 0.5,
            "has_alternative": False, "persona_drifted": False, "last_stated_batna": self._claimed(),
            "event_impacts": None,
        }  # fmt: skip


class FirstProtocol:
    """All sessions of the first protocol on a server, and what its requests come to."""

    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby
        self.sessions: dict[str, FirstSession] = {}

    def answer(self, text: str, own: OrderedDict[str, FirstSession]) -> dict[str, Any]:
        """Return the reply to a message of a connection with sessions of its own; nothing that goes wrong passes."""
        began = time.perf_counter()
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return {"error": "Invalid JSON"}
        try:
            command, params = envelope(message)
            reply = self._carry_out(command, params, own)
        except ParlayError as error:
            self._lobby.telemetry.refused(PROTOCOL, type(error).__name__)
            return {"error": told(error)}
        except Exception as error:
            self._lobby.telemetry.failed(PROTOCOL, error)
            return {"observation": FALLBACK, "done": False, "_fallback": True, "reason": FAILED}
        if command == "step":
            self._lobby.telemetry.stepped(PROTOCOL, time.perf_counter() - began)
        return reply

    def _carry_out(
        self, command: str, params: Mapping[str, Any], own: OrderedDict[str, FirstSession]
    ) -> dict[str, Any]:
        match command:
            case "reset":
                return self._reset(params, own)
            case "step":
                return self._step(params, own)
            case "state":
                return {"state": self._session(params, own).state()}
        raise RequestError(f"Unknown command: {echo(command)}")

    def _reset(self, params: Mapping[str, Any], own: OrderedDict[str, FirstSession]) -> dict[str, Any]:
        scenario, persona = params.get("scenario_id", DEFAULT_SCENARIO), params.get("persona", DEFAULT_PERSONA)
        if not isinstance(scenario, str) or scenario not in self._lobby.scenarios:
            raise RequestError(f"Unknown scenario: {echo(scenario)}")
        if not isinstance(persona, str) or persona not in self._lobby.opponents:
            raise RequestError(f"Unknown persona: {echo(persona)}")
        role = params.get("role", "seller")
        if role not in SEATS:
            raise RequestError(f"Unknown role: {echo(role)}")
        shared = params.get("shared", self._lobby.settings.share_sessions)
        self._make_room(own)
        session = FirstSession(self._lobby, scenario, persona, role, whole_seed(params), shared is True)
        self._admit(session, own)
        return {"session_id": session.id, "observation": session.observation(0.0, OPENING), "done": False}

    def _make_room(self, own: OrderedDict[str, FirstSession]) -> None:
        """Make room for another session of a connection: among its own, or by what nobody has used for long."""
        self._forget_idle()
        while own and (len(own) >= SESSIONS_OF_CONNECTION or self._is_full()):
            over = [session for session in own.values() if session.negotiation.is_over]
            self.drop(own.pop(over[0].id) if over else own.popitem(last=False)[1])
        if self._is_full():
            raise RequestError(f"Server at capacity: {len(self.sessions)} sessions are open; try again later")

    def _is_full(self) -> bool:
        return len(self.sessions) >= self._lobby.settings.max_sessions

    def _forget_idle(self) -> None:
        """Forget shared sessions that nobody has used for long; others end with their connections."""
        long_ago = time.monotonic() - self._lobby.settings.idle
        for session in [each for each in self.sessions.values() if each.shared and each.used < long_ago]:
            self.drop(session)

    def _admit(self, session: FirstSession, own: OrderedDict[str, FirstSession]) -> None:
        """Keep a session."""
        own[session.id] = self.sessions[session.id] = session
        session.number = self._lobby.telemetry.session_started(PROTOCOL)

    def _step(self, params: Mapping[str, Any], own: OrderedDict[str, FirstSession]) -> dict[str, Any]:
        session = self._session(params, own)
        if session.negotiation.is_over:
            raise RequestError(f"Episode {session.id} is already done")
        try:
            action = FirstAction.model_validate(params.get("action", params))
        except ValidationError as error:
            raise RequestError(f"Invalid action: {without_input(error)}") from None
        observation = session.step(action)
        if observation["episode_done"]:
            self._lobby.telemetry.game_ended(PROTOCOL, *session.negotiation.ending(), session.number)
        return {"observation": observation, "done": observation["episode_done"]}

    def _session(self, params: Mapping[str, Any], own: OrderedDict[str, FirstSession]) -> FirstSession:
        """Return a session of this connection, or one that is shared."""
        name = params.get("session_id")
        session = self.sessions.get(name) if isinstance(name, str) else None
        if session is None or not (session.id in own or session.shared):
            raise RequestError(f"Session {echo(name)} not found")
        if session.id in own:
            own.move_to_end(session.id)
        session.used = time.monotonic()
        return session

    def drop(self, session: FirstSession) -> None:
        """Forget a session."""
        if self.sessions.pop(session.id, None) is not None:
            self._lobby.telemetry.session_ended(PROTOCOL, session.number)

    def leave(self, own: OrderedDict[str, FirstSession]) -> None:
        """Forget the sessions of a connection that has ended, but for shared ones."""
        for session in own.values():
            if not session.shared:
                self.drop(session)
        self._forget_idle()


def envelope(message: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the command and the parameters of a message, in either of the two forms."""
    if not isinstance(message, dict):
        raise RequestError("Invalid JSON: give an object")
    if "method" in message:
        params = message.get("params", {})
        if not isinstance(params, dict):
            raise RequestError("Invalid params: give an object")
        return str(message["method"]), params
    return str(message.get("cmd", "")), {name: value for name, value in message.items() if name != "cmd"}


def whole_seed(params: Mapping[str, Any]) -> int:
    """Return the seed of a reset."""
    given = params.get("seed", DEFAULT_SEED)
    try:
        seed = int(given) if not isinstance(given, bool) else -1
    except (TypeError, ValueError, OverflowError):
        seed = -1
    if not 0 <= seed < 2**63:
        raise RequestError("Invalid seed: give a whole number from 0 to 2**63 - 1")
    return seed


def echo(value: Any) -> str:
    """Return what a client has named, shortened and without control characters."""
    return escaped(str(value)[:LONGEST_ECHO])


def without_input(error: ValidationError) -> str:
    """Return what is wrong with an action, without repeating it."""
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'action'}: {each['msg']}" for each in error.errors())


def router_of(lobby: Lobby) -> APIRouter:
    """Return the routes of the first protocol."""
    router, protocol = APIRouter(prefix="/env", tags=["first protocol"]), FirstProtocol(lobby)

    @router.websocket("/ws")
    async def env_websocket(websocket: WebSocket) -> None:
        await websocket.accept()
        own: OrderedDict[str, FirstSession] = OrderedDict()
        try:
            while True:
                reply = protocol.answer(await websocket.receive_text(), own)
                await websocket.send_text(json.dumps(reply, ensure_ascii=True, allow_nan=False))
        except WebSocketDisconnect:
            pass
        finally:
            protocol.leave(own)

    @router.get("/sessions/{session_id}")
    async def get_session(session_id: str) -> JSONResponse:
        """Return a session's state: all of it where it is shared, else what is public in it."""
        session = protocol.sessions.get(session_id)
        if session is None:
            return JSONResponse({"error": f"Session {echo(session_id)} not found"}, 404)
        return JSONResponse({"state": session.state(public=not session.shared)})

    return router
