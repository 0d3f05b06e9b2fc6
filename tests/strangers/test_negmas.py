"""Negotiators of NegMAS in our seats: what they are shown and told, what their answers become, and what fails."""

from __future__ import annotations

import json
import pickle
import random
from typing import Any

import numpy as np
import pytest

pytest.importorskip("negmas", reason="negmas: not in this environment")

from negmas import (
    AspirationNegotiator,
    BoulwareTBNegotiator,
    ConcederTBNegotiator,
    HybridNegotiator,
    LinearTBNegotiator,
    MiCRONegotiator,
    NaiveTitForTatNegotiator,
    SAOMechanism,
    SAONegotiator,
    ToughNegotiator,
)
from negmas.gb import GBNegotiator
from negmas.sao import ResponseType, SAOResponse
from negmas.sao.negotiators import NiceTitForTatNegotiator

from parlay_marl import negotiation_v0
from parlay_marl.catalogue.scenarios import load_scenario, scenario_names
from parlay_marl.core.moves import Move, makes_offer
from parlay_marl.errors import ConfigurationError, PolicyError, UnknownNameError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.view import view_of, worth_of
from parlay_marl.negotiation_v0 import Action, GameRecord, Player, SeatView, play_game
from parlay_marl.players.strangers.negmas_deal import deal_of, utility, worth_of_utility
from parlay_marl.players.strangers.negmas_names import negotiator_names
from parlay_marl.players.strangers.negmas_player import NegmasPlayer

DETERMINISTIC = (
    AspirationNegotiator,
    BoulwareTBNegotiator,
    ConcederTBNegotiator,
    HybridNegotiator,
    LinearTBNegotiator,
    MiCRONegotiator,
    NaiveTitForTatNegotiator,
    NiceTitForTatNegotiator,
    ToughNegotiator,
)
BY_NAME = ("RandomNegotiator", "TopFractionNegotiator", "CABNegotiator", "CANNegotiator", "WARNegotiator")
QUIET = {"erosion": {"rate": 0.0}}
"""Rules under which limits stay: `SAOMechanism` has no erosion."""


class Listener(Player):
    """A player that keeps what it sees."""

    name = "listener"

    def __init__(self) -> None:
        self.views: list[SeatView] = []

    def act(self, view: SeatView) -> Action:
        self.views.append(view)
        return view.make_offer(view.scenario.low if view.role == "buyer" else view.scenario.high)


class Spy(SAONegotiator):
    """A negotiator that keeps the states and callbacks that it is given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: list[Any] = []
        self.calls: list[str] = []
        made.append(self)

    def on_preferences_changed(self, changes: Any) -> None:
        self.calls += [change.type.name for change in changes]

    def on_negotiation_start(self, state: Any) -> None:
        self.calls.append("start")

    def on_partner_proposal(self, state: Any, partner_id: str, offer: Any) -> None:
        self.calls.append(f"offer {offer[0]:g}")

    def on_partner_response(self, state: Any, partner_id: str, outcome: Any, response: Any) -> None:
        self.calls.append(f"{response.name} {outcome[0]:g}")

    def on_negotiation_end(self, state: Any) -> None:
        self.calls.append(f"end {state.agreement} {state.timedout} {state.broken}")

    def propose(self, state: Any, dest: str | None = None) -> Any:
        self.seen.append(state)
        return self.ufun.extreme_outcomes()[1]

    def respond(self, state: Any, source: str | None = None) -> Any:
        return ResponseType.REJECT_OFFER


made: list[Any] = []


class Scripted(SAONegotiator):
    """A negotiator that gives one answer."""

    answer: Any = None

    def propose(self, state: Any, dest: str | None = None) -> Any:
        raise NotImplementedError

    def __call__(self, state: Any, dest: str | None = None) -> Any:
        return self.answer


def scripted(answer: Any) -> NegmasPlayer:
    """Return a player whose negotiator always gives an answer."""
    return NegmasPlayer(type("Scripted", (Scripted,), {"answer": answer}))


def rejecting(offer: Any) -> SAOResponse:
    return SAOResponse(ResponseType.REJECT_OFFER, offer)


def prices(record: GameRecord) -> list[float]:
    """Return the prices of a game's offers in currency."""
    offers = [action for action in record.actions if makes_offer(action.move)]
    return [record.config.scenario.to_currency(action.price or 0.0) for action in offers]


# ------------------------------------------------------------------ exact mappings


@pytest.mark.parametrize("name", scenario_names())
def test_utilities_are_worths_of_our_rules(name: str) -> None:
    rng = np.random.default_rng(0)
    game = Game(make_config(name))
    for number in range(20):
        game.reset(seed=3, number=number)
        deal = deal_of(game.scenario)
        for seat in range(2):
            view = view_of(game, seat)
            figures = (view.reservation_price, view.package_worth)
            ufun = utility(deal, seat, figures)
            scale = game.scenario.high - game.scenario.low
            for x, package in zip(rng.uniform(size=20), rng.integers(game.packages, size=20), strict=True):
                price = game.scenario.to_currency(x)
                found = worth_of_utility(game.scenario, seat, figures, float(ufun((price, *deal.options[package]))))
                assert found == pytest.approx(
                    worth_of(game, seat, game.scenario.normalise(price), package), abs=1e-9 * scale
                )
            free = view.reservation_price
            if game.scenario.low <= free <= game.scenario.high and view.package_worth[0] == 0.0:
                assert float(ufun((free, *deal.options[0]))) == pytest.approx(ufun.reserved_value, abs=1e-12)
            assert ufun.minmax() == pytest.approx((0.0, 1.0), abs=1e-12)


def test_every_package_is_one_outcome() -> None:
    for name in scenario_names():
        scenario = load_scenario(name)
        deal = deal_of(scenario, 11)
        assert deal.space.cardinality == 11 * scenario.n_packages
        for k, options in enumerate(deal.options):
            assert deal.packages[options] == k
            assert deal.outcome(scenario.low, k, 0) in deal.space


def test_prices_between_two_of_the_space_are_worse_for_who_sees_them() -> None:
    deal = deal_of(load_scenario("saas_enterprise"))
    step = 70_000 / 40
    assert deal.outcome(110_000 + 3 * step, 0, 0) == deal.outcome(110_000 + 3 * step, 0, 1) == (110_000 + 3 * step,)
    assert deal.outcome(110_000 + 3.3 * step, 0, 0) == (110_000 + 4 * step,)
    assert deal.outcome(110_000 + 3.3 * step, 0, 1) == (110_000 + 3 * step,)


def test_time_is_that_of_the_library() -> None:
    for opener in ("buyer", "seller"):
        made.clear()
        play_game(Listener(), NegmasPlayer(Spy), seed=0, options={"opener": opener}, max_rounds=7)
        spy = made[-1]
        assert [state.step for state in spy.seen] == list(range(7))
        assert [state.relative_time for state in spy.seen] == pytest.approx([(r + 1) / 8 for r in range(7)])
        assert all(state.running and state.n_negotiators == 2 for state in spy.seen)


@pytest.mark.parametrize("opener", ["buyer", "seller"])
@pytest.mark.parametrize("seller", DETERMINISTIC)
@pytest.mark.parametrize("buyer", [LinearTBNegotiator, MiCRONegotiator, NaiveTitForTatNegotiator])
def test_whole_negotiations_are_those_of_the_library(
    buyer: type, seller: type, opener: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both seats are theirs: our game and their mechanism see the same offers, in the same order, and the same end."""
    monkeypatch.setattr(random, "choice", min)  # MiCRO offers again what it has offered, drawn by chance
    scenario, limits = load_scenario("saas_enterprise"), (163_000.0, 124_500.0)
    options = {"opener": opener, "events": False, "reservation": dict(zip(("buyer", "seller"), limits, strict=True))}
    record = play_game(NegmasPlayer(buyer), NegmasPlayer(seller), scenario, seed=1, options=options, rules=QUIET)
    deal = deal_of(scenario)
    mechanism = SAOMechanism(outcome_space=deal.space, n_steps=scenario.rounds)
    seats = [(kind(), utility(deal, seat, (limits[seat], (0.0,)))) for seat, kind in enumerate((buyer, seller))]
    for negotiator, ufun in seats if opener == "buyer" else seats[::-1]:
        mechanism.add(negotiator, ufun=ufun)
    state = mechanism.run()
    assert prices(record) == [offer[0] for _, offer in mechanism.trace]
    assert record.outcome.price == (None if state.agreement is None else state.agreement[0])


# ------------------------------------------------------------------ what a negotiator is shown


def test_callbacks_come_in_the_library_s_order() -> None:
    made.clear()
    play_game(
        Listener(), NegmasPlayer(Spy), seed=0, options={"opener": "buyer", "events": False}, max_rounds=2, rules=QUIET
    )
    expected = ["Initialization", "start", "offer 110000", "REJECT_OFFER 180000", "offer 110000", "end None True False"]
    assert made[-1].calls == expected


def test_a_deal_is_told_with_its_outcome() -> None:
    class Accepts(Listener):
        def act(self, view: SeatView) -> Action:
            return view.accept() if view.counter_offer else super().act(view)

    made.clear()
    play_game(Accepts(), NegmasPlayer(Spy), seed=0, options={"opener": "buyer"})
    assert made[-1].calls[-1] == "end (180000.0,) False False"


def test_moves_of_ours_become_offers() -> None:
    """A claim is an offer; after silence and a challenge the standing offer is on the table again; words are data."""

    class Moves(Listener):
        def act(self, view: SeatView) -> Action:
            script = [view.silence(), view.make_claim(126_000, words="No more."), view.silence(), view.anchor(110_000)]
            return script[view.round]

    made.clear()
    play_game(Moves(), NegmasPlayer(Spy), seed=0, options={"opener": "buyer"}, max_rounds=4)
    shown = [state.current_offer for state in made[-1].seen]
    assert shown == [None, (125_750.0,), (125_750.0,), (110_000.0,)]
    assert [state.current_data for state in made[-1].seen] == [None, {"text": "No more."}, None, None]


def test_erosion_and_events_change_the_reserved_value() -> None:
    made.clear()
    rules = {"erosion": {"hot_tension": 0.0, "hot_turns": 3}}
    play_game(Listener(), NegmasPlayer(Spy), seed=0, max_rounds=6, options={"opener": "buyer"}, rules=rules)
    assert "ReservedValue" in made[-1].calls
    assert made[-1].calls.count("Initialization") == 1


def everything(thing: Any, deep: int = 6, seen: set[int] | None = None) -> list[float]:
    """Return all numbers that an object leads to."""
    seen = set() if seen is None else seen
    if id(thing) in seen or deep == 0 or isinstance(thing, str | bytes | type):
        return []
    seen.add(id(thing))
    if isinstance(thing, int | float):
        return [float(thing)]
    parts = list(thing.items()) if isinstance(thing, dict) else []
    parts += list(thing) if isinstance(thing, list | tuple | set) else []
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    parts += [getattr(thing, name, None) for name in slots]
    parts += list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    return [number for part in parts for number in everything(part, deep - 1, seen)]


def test_no_private_figure_of_the_other_reaches_a_negotiator() -> None:
    """Twin games differ in the other's private figures only: the negotiator is asked the same, and answers the same."""

    def game(limit: float, urgency: float) -> Any:
        made.clear()
        options = {"opener": "buyer", "reservation": {"buyer": limit, "seller": 125_000}, "urgency": {"buyer": urgency}}
        play_game(Listener(), NegmasPlayer(Spy), seed=0, options=options)
        return made[-1]

    one, other = game(160_123.0, 0.4), game(150_321.0, 0.6)
    assert one.calls == other.calls
    for ours, theirs in zip(one.seen, other.seen, strict=True):
        assert ours.current_offer == theirs.current_offer
    assert one.ufun is None or 160_123.0 not in everything(one.ufun)
    numbers = everything(one, 9)
    assert len(numbers) > 100
    assert 160_123.0 not in numbers
    assert (160_123.0 - 110_000) / 70_000 not in numbers


# ------------------------------------------------------------------ what answers become


@pytest.mark.parametrize("opener", ["buyer", "seller"])
@pytest.mark.parametrize("role", ["buyer", "seller"])
@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package_terms"])
@pytest.mark.parametrize("name", [*(kind.__name__ for kind in DETERMINISTIC), *BY_NAME])
def test_whole_games(name: str, scenario: str, role: str, opener: str) -> None:
    random.seed(0)
    np.random.seed(0)
    seats: dict[str, Any] = {"buyer": "linear", "seller": "linear", role: f"negmas:{name}"}
    record = play_game(**seats, scenario=scenario, seed=5, options={"opener": opener}, max_rounds=8)
    assert record.outcome.ending in {"deal", "walk_away", "deadline", "collapsed"}
    assert record.names[0 if role == "buyer" else 1] == name


def test_answers_without_an_offer() -> None:
    """None is silence, an end is walking away, and accepting nothing ends as in the library."""
    options = {"opener": "seller"}
    for answer, last in [
        (rejecting(None), Move.SILENCE),
        (SAOResponse(ResponseType.WAIT, None), Move.SILENCE),
        (SAOResponse(ResponseType.NO_RESPONSE, None), Move.SILENCE),
    ]:
        record = play_game(Listener(), scripted(answer), seed=0, options=options, max_rounds=2)
        assert {action.move for action in record.actions[::2]} == {last}
    for answer in (SAOResponse(ResponseType.END_NEGOTIATION, None), SAOResponse(ResponseType.LEAVE, None)):
        record = play_game(Listener(), scripted(answer), seed=0, options=options, max_rounds=2)
        assert [action.move for action in record.actions[::2]] == [Move.SILENCE, Move.WALK_AWAY]
    record = play_game(Listener(), scripted(SAOResponse(ResponseType.ACCEPT_OFFER, None)), seed=0, options=options)
    assert record.outcome.price == 110_000


@pytest.mark.parametrize(
    "answer",
    [
        rejecting((1.0,)),
        rejecting((np.nan,)),
        rejecting((150_000.0, "more")),
        rejecting(("much",)),
        rejecting(7),
        "yes",
    ],
)
def test_nonsense_is_one_error_with_the_name(answer: Any) -> None:
    with pytest.raises(PolicyError, match=r"seller: the negotiator 'Scripted' of NegMAS fails: it (offers|answers) .*"):
        play_game("linear", scripted(answer), seed=0)


def test_an_error_of_a_negotiator_is_one_error_with_the_name() -> None:
    class Broken(GBNegotiator):
        def propose(self, state: Any, dest: str | None = None) -> Any:
            raise KeyError("no\nplan")

        def respond(self, state: Any, source: str | None = None) -> Any:
            return ResponseType.REJECT_OFFER

    with pytest.raises(PolicyError, match="buyer: the negotiator 'Broken' of NegMAS fails: KeyError: "):
        play_game(NegmasPlayer(Broken), "linear", seed=0)


# ------------------------------------------------------------------ names, and the places that take them


def test_names() -> None:
    assert NegmasPlayer("negmas:BoulwareTBNegotiator").name == "BoulwareTBNegotiator"
    assert NegmasPlayer("negmas:negmas.sao.negotiators.NiceTitForTatNegotiator").name == "NiceTitForTatNegotiator"
    assert {"MiCRONegotiator", "NiceTitForTatNegotiator"} <= set(negotiator_names())
    with pytest.raises(UnknownNameError, match="did you mean 'BoulwareTBNegotiator'"):
        play_game("linear", "negmas:BoulwareNegotiator")
    with pytest.raises(ConfigurationError, match="there is no module 'nowhere'"):
        play_game("linear", "negmas:nowhere.Agent")
    with pytest.raises(ConfigurationError, match=r"there is no 'Agent' in the module negmas\.sao"):
        play_game("linear", "negmas:negmas.sao.Agent")
    with pytest.raises(ConfigurationError, match="names no negotiator"):
        play_game("linear", "negmas:")
    with pytest.raises(ConfigurationError, match="is no negotiator of alternating offers"):
        play_game("linear", "negmas:random.Random")
    with pytest.raises(ConfigurationError, match="calling it without arguments fails"):
        play_game("linear", "negmas:random.randint")
    for prices in (0, 1, "a", 2.5):
        with pytest.raises(ConfigurationError, match="prices: give a whole number"):
            NegmasPlayer("negmas:MiCRONegotiator", prices=prices)  # type: ignore[arg-type]


def test_every_interface_takes_a_name() -> None:
    env = negotiation_v0.env(seller="negmas:LinearTBNegotiator")
    env.reset(seed=1)
    while env.agents:
        *_, is_over, is_cut, _ = env.last()
        env.step(
            None if is_over or is_cut else int(np.flatnonzero(env.observe(env.agent_selection)["action_mask"])[-1])
        )


def test_a_tournament_takes_names() -> None:
    from parlay_marl.tournament import run_tournament

    entrants = ["linear", "negmas:BoulwareTBNegotiator"]
    games = run_tournament(entrants, ["saas_enterprise"], games=2, seed=0)
    assert set(games.names) == {"linear", "BoulwareTBNegotiator"}
    assert not (games.rows["forfeit_by"] >= 0).any()


def test_a_player_can_be_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "choice", min)
    player = pickle.loads(pickle.dumps(NegmasPlayer("negmas:MiCRONegotiator", prices=21)))
    record = play_game("linear", player, seed=1)
    assert record.actions == play_game("linear", NegmasPlayer("negmas:MiCRONegotiator", prices=21), seed=1).actions
    assert GameRecord.from_dict(json.loads(json.dumps(record.to_dict()))).outcome == record.outcome
