"""One episode of the first protocol: a game for two with the messages of the first server."""

from __future__ import annotations

import time
import uuid
from typing import Any

from parlay_marl.core.moves import SEATS, Move
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import RequestError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.game_request import GameRequest
from parlay_marl.server.parsing import parse_action, parse_words
from parlay_marl.server.protocols.first_messages import FIRST_MOVES, FirstAction
from parlay_marl.server.session import GameSession

WITHOUT_OFFER = (Move.SILENCE, Move.CHALLENGE)
"""Tactical moves that take no offer."""
ITEMS_OF_A_PAGE = 128
"""Items of each history in a state; an ordinary game has fewer."""
COSTLY = (Move.BATNA_REVEAL, Move.SILENCE)
"""Moves that need credibility."""
REASONS = {Ending.DEAL: "deal_reached", Ending.WALK_AWAY: "walk_away", Ending.COLLAPSED: "zopa_collapsed"}
"""Names of endings; all others are called `max_turns`."""


class FirstSession:
    """One episode of the first protocol."""

    def __init__(
        self, factory: GameFactory, scenario: str, opponent: str, role: str, seed: int | None, shared: bool
    ) -> None:
        self._settings = settings = factory.settings
        start = settings.credibility_start
        credibility = {"start": start, "most": start, "regain": settings.credibility_regain}
        request = GameRequest(
            scenario=scenario, rules={"credibility": credibility}, opener=role, max_rounds=settings.rounds,
            reward="shaped",
        )  # fmt: skip
        self.id = str(uuid.uuid4())
        self.number = 0
        """The number of the session in the log, which holds no ids."""
        self.opponent, self.shared = opponent, shared
        self.seat, self.other = SEATS.index(role), 1 - SEATS.index(role)
        self.game: GameSession = factory.session(request, opponent, role, has_own_rules=True)
        self.game.begin(seed)
        self.used = time.monotonic()
        self.orphan_of: str | None = None
        """The address of the connection that began a shared session and has ended."""
        self.amounts: list[float] = []
        """The amounts of the client's offers."""
        self.events = 0
        self._first_width = self._width()
        self.beliefs = [self.belief()]

    @property
    def _view(self) -> SeatView:
        return self.game.view(self.seat)

    # ------------------------------------------------------------------ playing

    async def step(self, message: FirstAction) -> dict[str, Any]:
        """Play the client's turn and the opponent's answer; return the observation."""
        self.game.check_turn(self.seat)
        tactic = message.tactical_move
        if tactic in COSTLY and tactic not in self._view.legal_moves:
            raise RequestError("Insufficient credibility points for that move")
        words = parse_words(message.utterance, self._settings.max_words)
        self.game.play(self.seat, self._action(message, words))
        if message.offer_amount is not None and tactic not in WITHOUT_OFFER and not message.walk_away:
            self.amounts.append(self._within_range(message.offer_amount))
        await self.game.let_hosted_player_act()
        self.beliefs.append(self.belief())
        return self.observation(self.game.take_reward(self.seat))

    def _action(self, message: FirstAction, words: str) -> Action:
        """Return the action of a message in a game for two.

        An amount is ignored where the move takes none: acceptance, walking away, silence and a challenge.
        """
        view, tactic = self._view, message.tactical_move
        if message.accept or message.walk_away:
            return parse_action(view, words, tactic=tactic, accept=message.accept, walk_away=message.walk_away)
        if tactic in WITHOUT_OFFER:
            return parse_action(view, words, tactic=tactic)
        amount = message.offer_amount
        if amount is None and tactic is Move.BATNA_REVEAL:
            amount = view.reservation_price  # the first server claimed the seat's own limit then
        if amount is not None:
            amount = self._within_range(amount)
        action = parse_action(view, words, amount=amount, tactic=tactic, terms=message.terms)
        is_met = tactic is None and amount is not None and _is_met(view, amount, action.package)
        return view.accept(words) if is_met else action

    def _within_range(self, amount: float) -> float:
        """Return an amount, cut to the public range: the first server had no range."""
        return min(max(amount, self.game.scenario.low), self.game.scenario.high)

    # ------------------------------------------------------------------ what the client sees

    def observation(self, reward: float, opening: str = "") -> dict[str, Any]:
        """Return the observation; its hidden figures are the seat's beliefs, unless the server reveals the truth.

        `opening` are the words of the first observation.
        """
        game, view = self.game, self._view
        low, high = self._limits()
        news = game.take_news(self.seat)
        self.events += len(news.headlines)
        return {
            "step_count": game.client_turns,
            "episode_done": game.is_over,
            "current_offer": self.amounts[-1] if self.amounts else 0.0,
            "opponent_offer": 0.0 if view.counter_offer is None else view.counter_offer.price,
            "zopa_lower": low,
            "zopa_upper": high,
            "nash_point": round(0.5 * (low + high), game.scenario.exact_decimals),
            "tension_score": view.tension,
            "belief_state": self.beliefs[-1],
            "last_utterance": opening or news.words,
            "available_moves": list(FIRST_MOVES),
            "credibility_points": round(view.credibility),
            "reward": reward,
            "cumulative_reward": game.earned[self.seat],
            "drift_event": "; ".join(news.headlines) or None,
            "zopa_erosion_ticks": view.erosion_ticks,
            "zopa_width_pct_remaining": self._share_left(low, high),
        }

    def belief(self) -> dict[str, Any]:
        """Return the client's belief under the names of the first protocol.

        One of the two limits is the client's own.
        """
        belief = self._view.belief
        low, high = self._believed_limits()
        return {
            "est_budget": high,
            "est_walk_away": low,
            "est_urgency": belief.urgency,
            "est_has_alternative": belief.alternative > 0.5,
            "confidence": belief.confidence,
        }

    def _believed_limits(self) -> tuple[float, float]:
        """Return the seller's and the buyer's limit: the client's own, and its estimate of the other's."""
        own, other = self._view.reservation_price, self._view.belief.reservation
        return (other, own) if self.seat == 0 else (own, other)

    def _limits(self) -> tuple[float, float]:
        """Return the seller's and the buyer's limit as shown to the client: believed, or true where revealed."""
        if not self._settings.reveal_hidden:
            return self._believed_limits()
        true = self.game.hidden_figures()["reservation_price"]
        return true["seller"], true["buyer"]

    def _width(self) -> float:
        """Return the width of the ZOPA as shown to the client."""
        low, high = self._limits()
        return max(high - low, 0.0)

    def _share_left(self, low: float, high: float) -> float:
        """Return the remaining width of the ZOPA as a share of its first width, both as shown to the client."""
        return max(high - low, 0.0) / self._first_width if self._first_width > 0.0 else 0.0

    # ------------------------------------------------------------------ state

    def state(self, public: bool = False, start: int | None = None) -> dict[str, Any]:
        """Return the episode's state; with `public`, without the client's private figures.

        Each of its two histories is one page, from `start` or the last one; where a page is not the whole history,
        the state says where it begins.
        """
        game, view, ending = self.game, self._view, Ending(int(self.game.game.row["ending"]))
        scenario = game.scenario
        beliefs, amounts = _page(self.beliefs, start), _page(self.amounts, start)
        is_all = (beliefs, amounts) == (slice(0, len(self.beliefs)), slice(0, len(self.amounts)))
        cut = {} if is_all else {"history_from": {"belief_history": beliefs.start, "offer_history": amounts.start}}
        return cut | {
            "session_id": self.id,
            "scenario_id": scenario.name,
            "persona": self.opponent,
            "step_count": game.client_turns,
            "cumulative_reward": 0.0 if public else game.earned[self.seat],
            "hidden_state": self._public_figures() if public else self._hidden_state(),
            "belief_history": [] if public else self.beliefs[beliefs],
            "offer_history": self.amounts[amounts],
            "drift_events_fired": self.events,
            "episode_done": game.is_over,
            "termination_reason": REASONS.get(ending, "max_turns") if ending else None,
            "credibility_points": round(view.credibility),
            "tension_score": view.tension,
            "deal_reached": ending is Ending.DEAL,
            "walk_away": ending in (Ending.WALK_AWAY, Ending.COLLAPSED),
            "high_tension_streak": view.hot_streak,
            "zopa_erosion_ticks": view.erosion_ticks,
            "zopa_width_pct_remaining": 1.0 if public else self._share_left(*self._limits()),
            "original_zopa_width": scenario.high - scenario.low if public else self._first_width,
            "bluffs_caught": int(game.game.row["bluffs_caught"][self.seat]),
        }

    @property
    def _claimed(self) -> float | None:
        """Return the limit that the client claimed last."""
        claim = self._view.claim
        return None if claim is None else claim.price

    def _hidden_state(self) -> dict[str, Any]:
        """Return the hidden state: the client's belief, or the truth where the server reveals it."""
        low, high = self._limits()
        figures: dict[str, Any] = {"budget_ceiling": high, "walk_away_price": low, "last_stated_batna": self._claimed}
        if not self._settings.reveal_hidden:
            belief = self.beliefs[-1]
            seen = {"urgency_score": belief["est_urgency"], "has_alternative": belief["est_has_alternative"]}
            return figures | seen | {"persona_drifted": False, "event_impacts": None}
        true, other = self.game.hidden_figures(), SEATS[self.other]
        return figures | {
            "urgency_score": true["urgency"][other],
            "has_alternative": true["has_alternative"][other],
            "persona_drifted": self.game.has_drifted(self.other),
            "event_impacts": None,
        }

    def _public_figures(self) -> dict[str, Any]:
        """Return the fields of the hidden state with public figures only."""
        scenario = self.game.scenario
        return {
            "budget_ceiling": scenario.high, "walk_away_price": scenario.low, "urgency_score": 0.5,
            "has_alternative": False, "persona_drifted": False, "last_stated_batna": self._claimed,
            "event_impacts": None,
        }  # fmt: skip


def _page(items: list[Any], start: int | None) -> slice:
    """Return the slice of the page of a history that begins at an item, or of the last page."""
    first = max(len(items) - ITEMS_OF_A_PAGE, 0) if start is None else min(start, len(items))
    return slice(first, min(first + ITEMS_OF_A_PAGE, len(items)))


def _is_met(view: SeatView, amount: float, package: int | None) -> bool:
    """Return whether the other's standing offer is worth at least as much to a seat as its own offer."""
    standing = view.counter_offer
    if standing is None:
        return False
    return view.worth(standing.price, standing.package) >= view.worth(amount, package)
