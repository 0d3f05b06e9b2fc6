"""Players of one game at a time: what they are told, what they may do, and what becomes of their mistakes."""

from __future__ import annotations

import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.errors import (
    ActionTypeError,
    ConfigurationError,
    GameOverError,
    IllegalMoveError,
    PlayerWarning,
    TurnError,
)
from parlay_marl.game.action import Action
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.view import SeatView
from parlay_marl.negotiation_v0 import Player, play_game
from tests.helpers import SCENARIOS


class Halver(Player):
    """Opens at its own end, gives half of the way to its limit each time, and takes what is worth as much."""

    name = "halver"

    def __init__(self) -> None:
        self.begun: list[SeatView] = []
        self.seen: list[SeatView] = []
        self.ended: list[Outcome] = []

    def begin(self, view: SeatView) -> None:
        self.begun.append(view)

    def act(self, view: SeatView) -> Action:
        self.seen.append(view)
        scenario = view.scenario
        end = (scenario.low, scenario.high)[view.seat]
        limit = min(max(view.reservation_price, scenario.low), scenario.high)
        price = end if view.offer is None else (view.offer.price + limit) / 2
        if view.counter_offer and view.counter_offer.worth >= max(view.worth(price), 0.0):
            return view.accept("Agreed.")
        return view.make_offer(price, words=f"{price:.0f} it is.")

    def end(self, outcome: Outcome) -> None:
        self.ended.append(outcome)


@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_player_plays_whole_games_in_either_seat(scenario: str, seat: int) -> None:
    player = Halver()
    pair: list[Any] = ["linear", "linear"]
    pair[seat] = player
    for seed in range(5):
        record = play_game(*pair, scenario, seed=seed)
        assert player.ended[-1] == record.outcome
        own = [action for turn, action in enumerate(record.actions) if (turn + _first(record)) % 2 == seat]
        assert own == [action for action in own if action.words]
        assert record.replay().outcome() == record.outcome
    assert len(player.begun) == len(player.ended) == 5
    assert player.seen


def _first(record: Any) -> int:
    return SEATS.index(record.outcome.opener)


@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms"])
def test_a_view_says_what_the_rows_say_and_nothing_of_the_other(scenario: str) -> None:
    class Reader(Halver):
        def act(self, view: SeatView) -> Action:
            row = env.game.row
            assert (view.seat, view.round) == (1, row["round"])
            assert view.reservation_price == env.game.scenario.to_currency(float(row["reservation"][1]))
            assert (view.credibility, view.counter_credibility) == (row["credibility"][1], row["credibility"][0])
            return super().act(view)

    player = Reader()
    env = negotiation_v0.env(scenario=scenario, seller=player)
    for seed in range(4):
        env.reset(seed=seed)
        env.action_space("buyer_0").seed(seed)
        while not env.game.is_over:
            env.step(env.action_space("buyer_0").sample(env.last()[0]["action_mask"]))
    assert len(player.ended) == 4
    assert len(player.seen) > 8


def test_two_games_that_differ_in_the_others_figures_alone_look_the_same() -> None:
    """The view of the first turn, pickled whole, does not depend on the other's limit, urgency or alternative."""
    seen = []
    for limit, urgency, alternative in ((130_000, 0.1, False), (150_000, 0.9, True)):
        player = Halver()
        options = {
            "opener": "buyer",
            "reservation": {"buyer": 160_000, "seller": limit},
            "urgency": {"buyer": 0.5, "seller": urgency},
            "alternative": {"buyer": False, "seller": alternative},
        }
        env = negotiation_v0.env(buyer=player)
        env.reset(seed=4, options=options)
        seen.append(pickle.dumps((player.begun[0], player.seen[0])))
    assert seen[0] == seen[1]


def test_a_view_does_not_change_when_the_game_goes_on() -> None:
    player = Halver()
    env = negotiation_v0.env(seller=player, opener="seller")
    env.reset(seed=1)
    kept = pickle.dumps(player.seen[0])
    env.step(15)
    assert len(player.seen) == 2
    assert pickle.dumps(player.seen[0]) == kept
    assert player.seen[0].belief == player.begun[0].belief


def test_actions_of_a_view() -> None:
    class Asking(Player):
        def act(self, view: SeatView) -> Action:
            scenario = view.scenario
            assert view.make_offer(scenario.low, {"equity": "full grant"}).package == view.package_of(
                {"equity": "full grant"}
            )
            assert view.anchor().price == 1.0
            assert view.make_claim(scenario.high).move is Move.BATNA_REVEAL
            assert view.silence() == Action(Move.SILENCE)
            assert view.challenge().move is Move.CHALLENGE
            with pytest.raises(IllegalMoveError, match="outside the public range"):
                view.make_offer(scenario.high + 1)
            with pytest.raises(ValueError, match="unknown term 'colour'"):
                view.make_offer(scenario.high, {"colour": "red"})
            assert Move.ACCEPT not in view.legal_moves
            return view.walk_away() if Move.WALK_AWAY in view.legal_moves else view.anchor()

    env = negotiation_v0.env(scenario="hiring_package_terms", seller=Asking(), opener="seller")
    env.reset(seed=0)
    assert env.game.actions[0].move is Move.ANCHOR_HIGH


class Wrong(Player):
    """Answers whatever it was given."""

    name = "wrong"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def act(self, view: SeatView) -> Action:
        answer: Action = self.answer
        return answer


@pytest.mark.parametrize("answer", [None, 5, "accept", {"move": 0}, (Move.ACCEPT,)])
def test_what_is_no_action_is_a_type_error_and_undone(answer: Any) -> None:
    env = negotiation_v0.env(seller=Wrong(answer), opener="buyer")
    env.reset(seed=0)
    before = env.game.rows.tobytes()
    with pytest.raises(ActionTypeError, match=r"seller: the player 'wrong' answers .* must return an Action"):
        env.step(15)
    assert env.game.rows.tobytes() == before


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Action(Move.ACCEPT), "no offer of the other seat stands"),
        (Action(Move.OFFER, 1.5), "within the public range"),
        (Action(Move.CHALLENGE), "no open claim"),
    ],
)
def test_an_illegal_turn_is_an_error_or_costs_the_game(answer: Action, reason: str) -> None:
    with pytest.raises(IllegalMoveError, match=f"buyer: .*{reason}.*by the player 'wrong'"):
        play_game(Wrong(answer), "linear", seed=0, opener="buyer")
    record = play_game(Wrong(answer), "linear", seed=0, opener="buyer", illegal="terminate")
    assert record.outcome.ending == "forfeit"
    assert record.outcome.closed_by == "buyer"
    assert record.outcome.payoff[0] == -1.0


def test_a_player_sits_in_the_gymnasium_form_and_in_parallel() -> None:
    env = gym.make("parlay/Negotiation-v0", opponent=Halver())
    seen, info = env.reset(seed=3)
    steps = 0
    over = False
    while not over:
        seen, _, over, _, info = env.step(env.action_space.sample(seen["action_mask"]))
        steps += 1
    assert info["ending"] != 0
    parallel = negotiation_v0.parallel_env(buyer=Halver())
    parallel.reset(seed=3)
    while parallel.agents:
        parallel.step({a: np.flatnonzero(parallel._observations()[a]["action_mask"])[-1] for a in parallel.agents})


def test_a_player_may_state_a_belief_and_else_states_what_its_tracker_infers() -> None:
    class Sure(Halver):
        def act(self, view: SeatView) -> Action:
            action = super().act(view)
            return action._replace(belief=(0.5, 0.1)) if view.states_belief else action

    env = negotiation_v0.env(seller=Sure(), beliefs="elicited", opener="seller")
    env.reset(seed=2)
    assert env.game.actions[0].belief == (0.5, 0.1)
    plain = negotiation_v0.env(seller=Halver(), beliefs="elicited", opener="seller")
    plain.reset(seed=2)
    assert plain.game.actions[0].belief is not None
    with pytest.raises(NotImplementedError, match=r"Player has no method act\(view\)"):
        play_game(Player(), "linear", opener="buyer", seed=0)


def test_what_a_player_says_is_in_the_transcript() -> None:
    record = play_game(Halver(), "shark", seed=1)
    assert "it is." in record.transcript()


def test_a_class_or_an_import_path_is_no_player() -> None:
    with pytest.raises(ConfigurationError, match=r"is a class; give an object of it, such as Halver\(\)"):
        play_game(Halver, "shark")  # type: ignore[arg-type]
    with pytest.raises(
        ConfigurationError, match="'mine:Halver': import paths are for tournaments and the command line"
    ):
        negotiation_v0.env(seller="mine:Halver")


@pytest.mark.parametrize(
    ("price", "error", "reason"),
    [
        ("a lot", ActionTypeError, "'a lot' is no price; give an amount of USD"),
        (True, ActionTypeError, "True is no price"),
        (5.0, IllegalMoveError, "buyer: 5 lies outside the public range, .*by the player 'offering'"),
    ],
)
def test_a_price_that_is_none_is_refused(price: Any, error: type[Exception], reason: str) -> None:
    class Offering(Player):
        name = "offering"

        def act(self, view: SeatView) -> Action:
            return view.make_offer(price)

    with pytest.raises(error, match=reason):
        play_game(Offering(), "linear", opener="buyer", seed=0)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_prices_in_units_can_be_offered(scenario: str) -> None:
    class Walking(Player):
        name = "walking"

        def act(self, view: SeatView) -> Action:
            low, high = view.scenario.low, view.scenario.high
            for price in np.linspace(low - 1, high + 1, 17):
                asked = view.in_units(price)
                assert low <= asked <= high
                assert view.scenario.to_currency(view.make_offer(asked).price or 0.0) == asked
            return view.make_offer(view.in_units((low + high) / 2))

    assert play_game(Walking(), "conceder", scenario, seed=0, max_rounds=3).actions


def test_what_is_replayed_are_actions() -> None:
    with pytest.raises(ActionTypeError, match=r"0 is no action of a game; give those of `game.actions`"):
        negotiation_v0.replay({}, 0, [0])  # type: ignore[list-item]


class Nervous(Halver):
    """Makes an illegal move where there is nothing to play."""

    name = "nervous"

    def __init__(self, when: str) -> None:
        super().__init__()
        self.when = when

    def begin(self, view: SeatView) -> None:
        if self.when == "begin":
            view.make_offer(1e9)

    def end(self, outcome: Outcome) -> None:
        if self.when == "end":
            raise IllegalMoveError("too late")


def test_an_illegal_move_where_nothing_is_played_costs_nobody_the_game() -> None:
    with pytest.raises(ActionTypeError, match=r"the player 'nervous': .*, where no turn is played"):
        play_game("linear", Nervous("begin"), seed=1, opener="buyer", illegal="terminate")


def test_a_game_stands_whose_player_fails_when_it_is_told_the_end() -> None:
    with pytest.warns(PlayerWarning, match=r"the player 'nervous' raised IllegalMoveError\('too late'\) .* stands"):
        record = play_game("linear", Nervous("end"), seed=1, opener="buyer")
    assert record.outcome == play_game("linear", Halver(), seed=1, opener="buyer").outcome


class Meddler(Halver):
    """Calls its own game while it is asked."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.env: Any = None

    def act(self, view: SeatView) -> Action:
        calls: dict[str, Any] = {
            "step": lambda: self.env.step(7),
            "reset": lambda: self.env.reset(seed=9),
            "forfeit": lambda: self.env.game.forfeit(0),
        }
        with pytest.raises(TurnError, match="a player cannot move the game in which it is being asked"):
            calls[self.what]()
        return super().act(view)


@pytest.mark.parametrize("what", ["step", "reset", "forfeit"])
def test_a_player_cannot_move_its_own_game(what: str) -> None:
    player = Meddler(what)
    player.env = env = negotiation_v0.env(seller=player, opener="buyer")
    env.reset(seed=2)
    env.step(10)
    plain = negotiation_v0.env(seller=Halver(), opener="buyer")
    plain.reset(seed=2)
    plain.step(10)
    assert env.game.actions == plain.game.actions


def test_the_outcome_that_a_player_gets_does_not_tell_the_seed() -> None:
    player = Halver()
    seed = 987_654_321
    outcome = play_game("shark", player, "saas_enterprise", seed=seed, opener="seller").outcome
    told = pickle.dumps(player.ended[0])
    assert player.ended[0] == outcome
    assert player.ended[0].claims == outcome.claims
    for number in range(3):
        game = Game(negotiation_v0.make_config(opener="seller"), (None, None))
        game.begin(seed, number)
        assert int(game.row["key"]).to_bytes(8, "little") not in told
    assert seed.to_bytes(4, "little") not in told


@pytest.mark.parametrize("package", [2.0, "x", [1], True, -1, 99, np.float64(1)])
def test_a_view_refuses_what_is_no_package(package: Any) -> None:
    player = Halver()
    play_game("linear", player, "hiring_package_terms", seed=1)
    view = player.seen[0]
    for call in (view.make_offer, view.worth):
        with pytest.raises((ActionTypeError, IllegalMoveError), match="package"):
            call(view.reservation_price, package)
    assert view.make_offer(view.reservation_price, np.int64(0)).package == 0  # type: ignore[arg-type]
    assert view.worth(view.reservation_price, np.int64(2)) == view.worth(view.reservation_price, 2)  # type: ignore[arg-type]


def test_a_view_refuses_what_is_no_price() -> None:
    player = Halver()
    play_game("linear", player, seed=1)
    view = player.seen[0]
    with pytest.raises(IllegalMoveError, match="lies outside the public range"):
        view.make_offer(10**400)
    with pytest.raises(ActionTypeError, match="nan is no price"):
        view.in_units(float("nan"))


def test_words_are_text() -> None:
    with pytest.raises(ActionTypeError, match="buyer: the player 'wrong' says 5; words are text"):
        play_game(Wrong(Action(Move.ANCHOR_HIGH, words=5)), "linear", seed=0, opener="buyer")  # type: ignore[arg-type]


def test_turns_that_were_looked_at_do_not_change() -> None:
    game = negotiation_v0.env(opener="buyer")
    game.reset(seed=0)
    before = game.game.turns
    game.step(15)
    assert before == []
    assert len(game.game.turns) == 1


def test_a_game_that_is_over_cannot_be_forfeited() -> None:
    env = negotiation_v0.env(opener="buyer")
    env.reset(seed=0)
    env.step(15)
    env.step(0)
    with pytest.raises(GameOverError):
        env.game.forfeit(0)
    assert env.outcome().is_deal
