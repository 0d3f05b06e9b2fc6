"""What is illegal is refused by name and reason through every interface, and the game is as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import N_MOVES, Move, Refusal, decode
from parlay_marl.core.outcome import Ending
from parlay_marl.envs.batch import Batch
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.errors import (
    ActionTypeError,
    ConfigurationError,
    GameOverError,
    IllegalMoveError,
    NotStartedError,
    ParlayError,
    TurnError,
)
from parlay_marl.game.action import Action
from parlay_marl.game.game import Game
from parlay_marl.game.refusals import REASONS
from tests.helpers import AGENTS, PERSONAS, Chooser, Reciter, case_name, claim, content, offer, same

NAME = "parlay/Negotiation-v0"
N = 87
"""Discrete actions of a scenario with one package."""
NAN, INF = float("nan"), float("inf")
MIXED_OFFER = {"move": Move.OFFER, "price": 0.5, "package": 0}


class Case(NamedTuple):
    """A position, after the seller's first move or, without one, before the buyer's, and what is illegal in it."""

    why: Refusal
    first: int | None
    discrete: tuple[Any, ...]
    mixed: tuple[Any, ...]
    rules: Any = "default"
    form: Mapping[str, Any] = {}
    """Settings of the form of the game."""

    def actions(self, form: str) -> tuple[Any, ...]:
        """Return the actions of a form that are illegal so; a discrete one names no price and no package."""
        return self.discrete if form == "discrete" else self.mixed


def offers(**parts: Any) -> tuple[dict[str, Any], ...]:
    """Return mixed actions of each kind that puts an offer on the table."""
    return tuple({"move": move, "price": 0.5, "package": 0} | parts for move in (2, 3, 4))


CASES = (
    Case(
        Refusal.UNKNOWN_MOVE,
        offer(30),
        (-1, N, N + 1, 10**6, -(2**63), 2**63, 2**64 + 3, -(2**70), np.int64(-1), np.array([N]), np.uint64(2**64 - 1)),
        ({"move": -1}, {"move": N_MOVES, "price": 0.5}, {"move": 99}, {"move": np.int64(-5)}, {"move": 2**70}),
    ),
    Case(Refusal.NOTHING_TO_ACCEPT, 2, (0, np.int64(0), np.array([0])), ({"move": 0}, {"move": Move.ACCEPT})),
    Case(
        Refusal.PRICE_OUT_OF_RANGE,
        offer(30),
        (),
        tuple(
            action
            for price in (NAN, INF, -INF, -1e-9, 1.0000001, 5, -1, 140_000, 10**400, np.float32("nan"), np.array([NAN]))
            for action in offers(price=price)
        ),
    ),
    Case(
        Refusal.UNKNOWN_PACKAGE,
        offer(30),
        (),
        tuple(action for package in (-1, 1, 10**6, 2**70, np.int64(2)) for action in offers(package=package)),
    ),
    Case(
        Refusal.CLAIM_NEEDS_CREDIBILITY,
        offer(30),
        (claim(0), claim(20), claim(40)),
        ({"move": 4, "price": 0.5}, {"move": Move.BATNA_REVEAL, "price": 0.1, "package": 0}),
        {"credibility": {"start": 19}},
    ),
    Case(
        Refusal.SILENCE_NEEDS_CREDIBILITY,
        offer(30),
        (2,),
        ({"move": 5},),
        {"credibility": {"start": 4}},
    ),
    Case(Refusal.NOTHING_TO_CHALLENGE, offer(30), (3,), ({"move": 6},)),
    Case(
        Refusal.TOO_EARLY_TO_WALK,
        None,
        (1, np.int64(1), np.array([1])),
        ({"move": 1}, {"move": Move.WALK_AWAY}, {"move": np.array([1]), "price": NAN, "package": 77}),
    ),
    Case(
        Refusal.NOT_IN_THIS_GAME,
        offer(30),
        (1, 2, 3, 4, claim(20)),
        ({"move": 1}, {"move": 3}, {"move": 4, "price": 0.5}, {"move": 5}, {"move": 6}),
        form={"moves": ["accept", "offer"]},
    ),
    Case(
        Refusal.PRICE_NOT_IN_THIS_GAME,
        offer(30),
        (offer(11), offer(39), claim(1)),
        tuple(action for price in (0.25001, 0.3, 0.999, np.float32(0.1)) for action in offers(price=price)),
        form={"price_levels": 5},
    ),
)
NO_ACTIONS = (
    None,
    1.0,
    NAN,
    "5",
    b"5",
    [5],
    (5,),
    {},
    {5},
    object(),
    2j,
    True,
    np.True_,
    np.array([1, 2]),
    np.float64(5),
    np.array(5.0),
    np.array([5.0]),
    np.array([True]),
    np.array([5], object),
    np.array([]),
    np.eye(N, dtype=np.int8)[5],
    np.eye(N)[5],
    {"action": 5.0},
    {"action": 5, "belif": [0.5, 0.1]},
)
"""Nothing of it is a whole number; most of it is what a library makes of actions that are no `Discrete`."""
NO_MIXED_ACTIONS = (
    *(None, 5, 1.0, "accept", [2, 0.5, 0], {}, {"price": 0.5}, {"move": 2, "prize": 0.5}, {"move": 2, 3: 0.5}),
    *({**MIXED_OFFER, "move": move} for move in (None, 2.0, "OFFER", [2], True, np.array([1, 2]), np.array([2.0]))),
    *({**MIXED_OFFER, "price": price} for price in (None, "0.5", b"0", [0.5], 1j, True, np.True_, np.array(["0.5"]))),
    *({**MIXED_OFFER, "price": price} for price in (np.array([0.1, 0.2]), np.array([]), np.array([True]))),
    *({**MIXED_OFFER, "package": package} for package in (None, 0.0, "0", [0], False, np.array([0.0]))),
    *({"move": move} for move in (Move.OFFER, Move.BATNA_REVEAL)),
    *({"move": move, "package": 0} for move in (2, np.array([4]))),
    {"move": Move.ACCEPT, "price": "0.5"},
    {"move": Move.SILENCE, "package": None},
)
"""Neither is any of this a mixed action, nor is an offer or a claim without a price."""

every_case_in_its_forms = pytest.mark.parametrize(
    ("case", "form"),
    [
        pytest.param(case, form, id=f"{case.why.name}-{form}")
        for case in CASES
        for form in ("discrete", "mixed")
        if case.actions(form)
    ],
)
every_treatment = pytest.mark.parametrize("illegal", ["raise", "terminate"])
every_form = pytest.mark.parametrize("form", ["discrete", "mixed"])
every_interface = pytest.mark.parametrize(
    "interface", ["aec", "parallel", "one agent", "one agent, parallel", "gymnasium"]
)


def in_form(action: int, seat: int, form: str) -> Any:
    """Return a discrete action in a form of actions."""
    if form == "discrete":
        return action
    return dict(zip(("move", "price", "package"), decode(action, seat, 1), strict=True))


def sit_down(interface: str, form: str, first: int | None, **arguments: Any) -> Any:
    """Return an environment in which the buyer's agent is on turn: after the seller's first move, if there is one."""
    opener = "buyer" if first is None else "seller"
    settings = {"reward": "shaped", "actions": form, "opener": opener, "illegal": "raise", **arguments}
    other = Reciter(offer(30) if first is None else first)
    if interface == "gymnasium":
        env: Any = NegotiationEnv(opponent=other, **settings)
    else:
        kind = negotiation_v0.parallel_env if "parallel" in interface else negotiation_v0.env
        env = kind(seller=other if "one agent" in interface else None, **settings)
    env.reset(seed=3)
    if first is None:
        return env
    if interface == "aec":
        env.step(in_form(first, 1, form))
    elif interface == "parallel":
        env.step({"seller_0": in_form(first, 1, form)})
    return env


def act(env: Any, action: Any) -> Any:
    """Take an action as the buyer."""
    return env.step({"buyer_0": action} if isinstance(env, negotiation_v0.parallel_env) else action)


def everything(env: Any) -> Any:
    """Return all that an environment is, as far as it can be compared."""
    names = ("agents", "agent_selection", "rewards", "_cumulative_rewards", "terminations", "truncations", "infos")
    kept = {name: str(getattr(env, name)) for name in names if hasattr(env, name)}
    sees = [env.game.observe(seat) for seat in (0, 1)]
    return content(env.game.rows), env.game.actions, env.game.seat, env.game.rewards, str(sees), kept


@every_case_in_its_forms
@every_interface
def test_an_illegal_move_is_refused_by_name_and_reason(interface: str, form: str, case: Case) -> None:
    env = sit_down(interface, form, case.first, rules=case.rules, **case.form)
    before, turns = everything(env), len(env.game.actions)
    for action in case.actions(form):
        with pytest.raises(IllegalMoveError, match=f"^buyer: .* is illegal: {REASONS[case.why]}"):
            act(env, action)
        assert everything(env) == before
    act(env, in_form(offer(10), 0, form))
    assert env.game.actions[turns] == Action(Move.OFFER, 0.25, 0)


def test_every_reason_to_refuse_is_in_the_table() -> None:
    with_beliefs = {Refusal.BELIEF_OUT_OF_RANGE}  # see test_elicited.py
    assert {case.why for case in CASES} | {Refusal.LEGAL} | with_beliefs == set(Refusal)
    assert set(REASONS) == {case.why for case in CASES} | with_beliefs
    of_mixed_actions = {Refusal.PRICE_OUT_OF_RANGE, Refusal.UNKNOWN_PACKAGE}
    assert {case.why for case in CASES if not case.discrete} == of_mixed_actions
    assert all(case.mixed for case in CASES)


@every_treatment
@every_interface
def test_a_discrete_action_may_be_named(interface: str, illegal: str) -> None:
    env = sit_down(interface, "discrete", offer(30), illegal=illegal)
    act(env, {"action": 0})
    assert env.game.outcome().is_deal


@every_form
@every_interface
@every_treatment
def test_what_is_no_action_is_a_type_error_however_illegal_moves_are_treated(
    illegal: str, interface: str, form: str
) -> None:
    env = sit_down(interface, form, offer(30), illegal=illegal)
    before = everything(env)
    for action in NO_ACTIONS if form == "discrete" else NO_MIXED_ACTIONS:
        with pytest.raises(ActionTypeError, match=r"give|it has") as refused:
            act(env, action)
        assert everything(env) == before
        assert isinstance(refused.value, TypeError)
    act(env, in_form(0, 0, form))
    assert env.game.outcome().is_deal


@every_interface
@pytest.mark.parametrize(
    "action", [np.int64(15), np.int8(15), np.array(15), np.array([15]), np.array([[15]])], ids=case_name
)
def test_any_kind_of_whole_number_is_a_discrete_action(interface: str, action: Any) -> None:
    env = sit_down(interface, "discrete", offer(30))
    act(env, action)
    assert env.game.actions[1] == Action(Move.OFFER, 0.25, 0)
    assert [type(part) for part in env.game.actions[1]] == [Move, float, int, type(None), str]


@every_interface
@pytest.mark.parametrize(
    "action",
    [
        {"move": 2, "price": 0.25, "package": 0},
        {"move": np.int64(2), "price": np.float32(0.25), "package": np.int64(0)},
        {"move": np.array([2]), "price": np.array([0.25]), "package": np.array(0)},
        {"move": Move.OFFER, "price": np.array(0.25)},
    ],
    ids=case_name,
)
def test_mixed_actions_may_be_arrays_and_leave_out_what_a_move_does_not_need(interface: str, action: Any) -> None:
    env = sit_down(interface, "mixed", offer(30))
    act(env, action)
    assert env.game.actions[1] == Action(Move.OFFER, 0.25, 0)


@pytest.mark.parametrize("move", [Move.ACCEPT, Move.WALK_AWAY, Move.SILENCE])
def test_price_and_package_of_a_move_that_has_none_do_not_matter(move: Move) -> None:
    env = sit_down("aec", "mixed", offer(30))
    env.step({"move": move, "price": NAN, "package": 77})
    assert env.game.actions[-1].move is move


# --- illegal="terminate" ----------------------------------------------------------------------------------------------


def owed(interface: str, form: str, first: int | None, **arguments: Any) -> float:
    """Return what the seller's first move has earned the buyer and no call has paid out: one agent gets it later."""
    env = sit_down("aec", form, first, **arguments)
    return float(env.rewards["buyer_0"]) if interface not in ("aec", "parallel") else 0.0


def check_forfeit(env: Any, result: Any, offender: str, loss: float, other: float = 0.0) -> str:
    """Check that a game has ended at the cost of an agent; return what is said of its action."""
    rewards = {"buyer_0": other, "seller_0": other} | {offender: -loss}
    outcome = env.game.outcome()
    assert (outcome.ending, outcome.closed_by, outcome.price) == ("forfeit", offender.removesuffix("_0"), None)
    if isinstance(env, NegotiationEnv):
        _, reward, terminated, truncated, info = result
        assert (reward, terminated, truncated) == (rewards["buyer_0"], True, False)
        infos = {"buyer_0": info}
    elif isinstance(env, negotiation_v0.parallel_env):
        _, paid, terminations, _, infos = result
        assert paid == {agent: rewards[agent] for agent in env.possible_agents}
        assert terminations == dict.fromkeys(env.possible_agents, True)
        assert env.agents == []
    else:
        assert env.rewards == {agent: rewards[agent] for agent in env.possible_agents}
        assert env.terminations == dict.fromkeys(env.possible_agents, True)
        infos = env.infos
    assert set(infos) == ({"buyer_0"} if isinstance(env, NegotiationEnv) else set(env.possible_agents))
    assert env.outcome() == outcome
    assert {agent: info["illegal"] for agent, info in infos.items()} == {a: int(a == offender) for a in infos}
    assert {info["ending"] for info in infos.values()} == {Ending.FORFEIT}
    assert not any(env.game.observe(seat)["action_mask"].any() for seat in (0, 1))
    said: str = env.refusal()
    return said


@every_case_in_its_forms
@every_interface
@pytest.mark.parametrize(("reward", "loss"), [("shaped", 200.0), ("payoff", 1.0)])
def test_terminate_ends_the_game_at_the_offenders_cost(
    reward: str, loss: float, interface: str, form: str, case: Case
) -> None:
    for action in case.actions(form)[:3]:
        arguments = {"rules": case.rules, "illegal": "terminate", "reward": reward, **case.form}
        env = sit_down(interface, form, case.first, **arguments)
        opening = env.game.actions
        said = check_forfeit(env, act(env, action), "buyer_0", loss - owed(interface, form, case.first, **arguments))
        assert f"is illegal: {REASONS[case.why]}" in said
        assert env.game.actions == opening


@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("way", ["left out", "as an argument"])
def test_an_anchor_without_a_price_is_at_its_seats_own_end(seat: int, way: str) -> None:
    env = negotiation_v0.env(actions="mixed", opener=("buyer", "seller")[seat])
    env.reset(seed=0)
    if way == "left out":
        env.step({"move": Move.ANCHOR_HIGH})
    else:
        env.game.play(Move.ANCHOR_HIGH)
    assert env.game.actions == [Action(Move.ANCHOR_HIGH, float(seat), 0)]


@every_treatment
def test_an_offer_names_its_package_where_there_are_several(illegal: str) -> None:
    env = negotiation_v0.env(scenario="hiring_package_terms", actions="mixed", opener="buyer", illegal=illegal)
    env.reset(seed=0)
    before = everything(env)
    with pytest.raises(ActionTypeError, match="OFFER needs a package; give a whole number from 0 to 8"):
        env.step({"move": Move.OFFER, "price": 0.5})
    with pytest.raises(ActionTypeError, match="OFFER needs a package"):
        env.game.play(Move.OFFER, 0.5)
    assert everything(env) == before
    for move in (Move.BATNA_REVEAL, Move.ANCHOR_HIGH):  # about the reference package, as their discrete actions are
        env.step({"move": move, "price": 0.5})
        assert env.game.actions[-1] == Action(move, 0.5, 0)


def test_a_game_takes_no_offer_or_claim_without_a_price() -> None:
    game = Game(negotiation_v0.make_config(opener="seller"))
    game.reset(0)
    for move in (Move.OFFER, Move.BATNA_REVEAL):
        with pytest.raises(ActionTypeError, match=f"{move.name} needs a price; give one number from 0 to 1"):
            game.play(move)
        with pytest.raises(ActionTypeError, match=f"{move.name} needs a price"):
            negotiation_v0.replay(game.config, 0, [(move,)])
    assert game.actions == []


def test_gymnasium_terminates_by_default_and_opponents_still_pay_for_what_they_did() -> None:
    env = NegotiationEnv(opponent="shark", opener="seller", actions="mixed", reward="shaped")
    env.reset(seed=0)
    both = negotiation_v0.env(opener="seller", actions="mixed", reward="shaped")
    both.reset(seed=0, options=env.game.options)
    both.step(env.game.actions[0].to_mapping())
    assert both.rewards["buyer_0"] != 0.0
    _, reward, terminated, _, _ = env.step({"move": -1})
    assert terminated
    assert reward == both.rewards["buyer_0"] - 200.0


def test_terminate_still_pays_an_agent_for_what_it_did_before_its_opponents_illegal_answer() -> None:
    # The seller's offer pays the buyer, and an agent's own concession costs it; neither is lost with the game.
    opponent = Reciter(offer(30), offer(28), -1)
    env = NegotiationEnv(opponent=opponent, opener="seller", reward="shaped")
    both = negotiation_v0.env(opener="seller", reward="shaped")
    env.reset(seed=0)
    both.reset(seed=0)
    total = 0.0
    for action in (offer(30), offer(5), offer(28), offer(15)):
        both.step(action)
        total += both.rewards["buyer_0"]
    first = env.step(offer(5))[1]
    second = env.step(offer(15))
    assert second[2]
    assert env.game.outcome().closed_by == "seller"
    assert first + second[1] == pytest.approx(total)


def test_the_other_forms_default_is_to_raise() -> None:
    for kind in (negotiation_v0.env, negotiation_v0.raw_env):
        env = kind(opener="buyer")
        env.reset(seed=0)
        with pytest.raises(IllegalMoveError):
            act(env, -1)


@pytest.mark.parametrize("form", ["discrete", "mixed"])
@pytest.mark.parametrize("beliefs", ["bayes", "elicited"])
def test_the_loop_that_pettingzoo_documents_runs(form: str, beliefs: str) -> None:
    env = negotiation_v0.parallel_env(actions=form, beliefs=beliefs)
    endings, turns = set(), 0
    for seed in range(60):
        env.reset(seed=seed)
        for agent in env.possible_agents:
            env.action_space(agent).seed(seed)
        while env.agents:
            env.step({agent: env.action_space(agent).sample() for agent in env.agents})
        outcome = env.game.outcome()
        endings.add(outcome.ending)
        turns += len(env.game.actions)
        assert outcome.ending != "forfeit" or outcome.closed_by == ("buyer", "seller")[env.game.seat]
    assert {"deal", "forfeit", "walk_away"} <= endings
    assert turns > 60


def test_a_forfeit_leaves_the_next_game_alone() -> None:
    env, plain = negotiation_v0.env(illegal="terminate", reward="shaped"), negotiation_v0.env(reward="shaped")
    env.reset(seed=0)
    env.step(-1)
    env.reset()
    plain.reset(seed=0)
    plain.reset()
    assert content(env.game.rows) == content(plain.game.rows)
    assert env.rewards == {"buyer_0": 0.0, "seller_0": 0.0}


# --- out of order -----------------------------------------------------------------------------------------------------

MAKERS = {
    "aec": negotiation_v0.env,
    "parallel": negotiation_v0.parallel_env,
    "one agent": lambda **arguments: negotiation_v0.env(seller="linear", **arguments),
    "one agent, parallel": lambda **arguments: negotiation_v0.parallel_env(seller="linear", **arguments),
    "gymnasium": lambda **arguments: NegotiationEnv(opponent="linear", **arguments),
}
every_maker = pytest.mark.parametrize("interface", MAKERS)


@every_maker
@every_treatment
def test_nothing_works_before_the_first_reset(interface: str, illegal: str) -> None:
    env = MAKERS[interface](illegal=illegal, render_mode="ansi")
    calls = {
        "step": lambda: act(env, 5),
        "step nothing": lambda: act(env, None),
        "step nonsense": lambda: act(env, "walk"),
        "observe": lambda: env.observe("buyer_0"),
    }
    calls |= {name: getattr(env, name, None) for name in ("last", "state", "render", "snapshot", "action_masks")}
    for name, call in calls.items():
        if call is not None and hasattr(env, name.split()[0]):
            with pytest.raises(NotStartedError, match="call reset"):
                call()
    env.reset(seed=0)
    assert env.game.number == 0


@every_maker
@every_form
@every_treatment
def test_nothing_can_be_played_after_the_end(interface: str, illegal: str, form: str) -> None:
    env = sit_down(interface, form, offer(30), illegal=illegal)
    act(env, in_form(1, 0, form))
    before, outcome = content(env.game.rows), env.game.outcome()
    assert outcome.ending == "walk_away"
    for action in (
        5,
        0,
        -1,
        "walk",
        MIXED_OFFER,
        {},
        1.5,
        *([] if "aec" in interface or interface == "one agent" else [None]),
    ):
        with pytest.raises(GameOverError, match="call reset"):
            act(env, action)
        assert content(env.game.rows) == before
        assert env.game.outcome() == outcome
    if hasattr(env, "agent_iter"):
        for _ in list(env.agents):
            assert env.last()[2]
            env.step(None)
        assert env.agents == []
        for call in (lambda: env.step(None), lambda: env.step(5), env.last):
            with pytest.raises(GameOverError, match="call reset"):
                call()
    assert env.game.outcome() == outcome
    env.reset()
    assert not env.game.is_over


def test_the_game_itself_refuses_what_comes_at_the_wrong_time() -> None:
    game = Game(negotiation_v0.make_config())
    for call in (lambda: game.play_index(5), lambda: game.play(2, 0.5), game.snapshot):
        with pytest.raises(NotStartedError):
            call()
    with pytest.raises(GameOverError, match="not over"):
        game.outcome()
    game.reset(0)
    with pytest.raises(GameOverError, match="not over"):
        game.outcome()
    game.play_index(5)
    game.play_index(1)
    for call in (lambda: game.play_index(5), lambda: game.play(2, 0.5)):
        with pytest.raises(GameOverError):
            call()


@every_form
@every_treatment
def test_what_the_parallel_seat_not_on_turn_does_is_ignored(illegal: str, form: str) -> None:
    env, plain = (negotiation_v0.parallel_env(opener="seller", actions=form, illegal=illegal) for _ in range(2))
    fine = in_form(offer(30), 1, form)
    for action in (in_form(5, 0, form), in_form(1, 0, form), -1, "pass", 1.5, {}, None, np.eye(N)[3], object()):
        env.reset(seed=0)
        plain.reset(seed=0)
        result = env.step({"buyer_0": action, "seller_0": fine})
        assert result[1] == plain.step({"seller_0": fine})[1]
        assert content(env.game.rows) == content(plain.game.rows)
        assert env.agents == ["buyer_0", "seller_0"]


@every_form
@every_treatment
def test_the_parallel_seat_on_turn_has_to_act(illegal: str, form: str) -> None:
    env = negotiation_v0.parallel_env(opener="seller", actions=form, illegal=illegal)
    env.reset(seed=0)
    before = content(env.game.rows)
    for actions in ({}, {"seller_0": None}, {"buyer_0": in_form(5, 0, form)}):
        with pytest.raises(ActionTypeError, match=r"seller_0 is on turn, and has no action; give {'seller_0': action}"):
            env.step(actions)
        assert content(env.game.rows) == before


def test_an_unknown_treatment_off_turn_comes_with_the_nearest_one() -> None:
    with pytest.raises(ParlayError, match="unknown treatment of actions off turn 'strikt'; did you mean 'strict'"):
        negotiation_v0.parallel_env(off_turn="strikt")


@every_form
def test_the_parallel_seat_not_on_turn_may_only_pass_where_that_is_asked_for(form: str) -> None:
    env = negotiation_v0.parallel_env(
        opener="seller", actions=form, off_turn="strict", illegal="raise", reward="shaped"
    )
    env.reset(seed=0)
    before = content(env.game.rows)
    passing = env.action_space("buyer_0").n - 1 if form == "discrete" else {"move": N_MOVES}
    fine = in_form(offer(30), 1, form)
    for action in (in_form(5, 0, form), in_form(1, 0, form), in_form(-1, 0, form)):
        for actions in ({"seller_0": fine, "buyer_0": action}, {"buyer_0": action, "seller_0": fine}):
            with pytest.raises(IllegalMoveError, match=r"buyer_0: it is the turn of seller_0; .* the pass"):
                env.step(actions)
            assert content(env.game.rows) == before
    for action in ("pass", 1.5, {}, True):
        with pytest.raises(ActionTypeError):
            env.step({"seller_0": fine, "buyer_0": action})
        assert content(env.game.rows) == before
    with pytest.raises(IllegalMoveError):
        env.step({"seller_0": passing})
    assert content(env.game.rows) == before
    for i, way in enumerate(({"buyer_0": passing}, {"buyer_0": None}, {})):
        env.reset(seed=i)
        env.step({"seller_0": fine, **way})
        assert len(env.game.actions) == 1


@every_form
@pytest.mark.parametrize("reward", ["shaped", "payoff"])
def test_terminate_makes_the_seat_that_speaks_out_of_turn_pay(form: str, reward: str) -> None:
    for action in (in_form(5, 0, form), in_form(-1, 0, form)):
        env = negotiation_v0.parallel_env(opener="seller", actions=form, off_turn="strict", reward=reward)
        env.reset(seed=0)
        result = env.step({"seller_0": in_form(offer(30), 1, form), "buyer_0": action})
        said = check_forfeit(env, result, "buyer_0", 200.0 if reward == "shaped" else 1.0)
        assert "it is the turn of seller_0" in said
        assert env.game.actions == []
    env.reset(seed=0)
    passing = env.action_space("seller_0").n - 1 if form == "discrete" else {"move": N_MOVES}
    check_forfeit(env, env.step({"seller_0": passing}), "seller_0", 200.0 if reward == "shaped" else 1.0)


@every_treatment
@pytest.mark.parametrize(
    "actions", [None, 5, [5], "x", {"byer_0": 5}, {0: 5, "buyer_0": 5}, {"buyer_0": 5, "seller_0": 5}]
)
def test_parallel_actions_are_of_agents_that_there_are(illegal: str, actions: Any) -> None:
    env = negotiation_v0.parallel_env(seller="linear", opener="buyer", illegal=illegal, reward="shaped")
    env.reset(seed=0)
    before = content(env.game.rows)
    with pytest.raises(ActionTypeError, match=r"no agents of this game|give {agent: action}"):
        env.step(actions)
    assert content(env.game.rows) == before


# --- opponents --------------------------------------------------------------------------------------------------------


def test_both_seats_cannot_be_given_away() -> None:
    for kind in (negotiation_v0.env, negotiation_v0.raw_env, negotiation_v0.parallel_env):
        with pytest.raises(ConfigurationError, match=r"both seats are given to opponents.*leave one free"):
            kind(buyer="shark", seller=Chooser(0))
    with pytest.raises(ConfigurationError, match=r"both seats|cannot play"):
        NegotiationEnv(opponent=3)


class NotCallable:
    name, act = "prop", 3


class Nameless:
    def act(self, observations: Any, masks: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    "player", [3, 1.5, object(), ["shark"], lambda o, m: 0, NotCallable(), Nameless(), Reciter], ids=case_name
)
def test_what_cannot_play_is_refused(player: Any) -> None:
    with pytest.raises(
        ParlayError,
        match=r"cannot play a seat; give a persona's name or file, a `Player`, an object|is a class; give an object",
    ):
        negotiation_v0.env(seller=player)


def test_gymnasium_needs_an_opponent() -> None:
    with pytest.raises(ConfigurationError):
        NegotiationEnv(opponent=None)


ILLEGAL_ANSWERS = [0, -1, N, 10**18, 3]
NO_ANSWERS = [
    10**30,
    None,
    1.0,
    "5",
    True,
    [],
    [5, 6],
    np.array([5, 6]),
    np.array([5.0]),
    np.array([True]),
    np.array([]),
]


@pytest.mark.parametrize("answer", ILLEGAL_ANSWERS, ids=case_name)
@pytest.mark.parametrize("interface", ["one agent", "one agent, parallel", "gymnasium"])
def test_an_opponents_illegal_answer_is_told_and_undone(interface: str, answer: Any) -> None:
    env = sit_down(interface, "discrete", 2)
    (env._table.game.players[1]).answers = [answer]
    before = everything(env)
    for _ in range(2):
        with pytest.raises(IllegalMoveError, match=r"^seller: .*the opponent 'reciter'"):
            act(env, 2)
        assert everything(env) == before
    env._table.game.players[1].answers = [offer(30)]
    act(env, offer(10))
    assert [played.move for played in env.game.actions] == [Move.SILENCE, Move.OFFER, Move.OFFER]


@pytest.mark.parametrize("answer", NO_ANSWERS, ids=case_name)
@pytest.mark.parametrize("interface", ["one agent", "one agent, parallel", "gymnasium"])
@every_treatment
def test_an_opponents_answer_that_is_no_action_is_a_type_error_however_illegal_moves_are_treated(
    illegal: str, interface: str, answer: Any
) -> None:
    env = sit_down(interface, "discrete", 2, illegal=illegal)
    env._table.game.players[1].answers = [answer]
    before = everything(env)
    with pytest.raises(ActionTypeError, match=r"^seller: the opponent 'reciter' answers .* one whole number"):
        act(env, 2)
    assert everything(env) == before


@pytest.mark.parametrize("answer", ILLEGAL_ANSWERS, ids=case_name)
@pytest.mark.parametrize("interface", ["one agent", "one agent, parallel", "gymnasium"])
def test_terminate_makes_the_opponent_pay_for_its_illegal_answer(interface: str, answer: Any) -> None:
    env = sit_down(interface, "discrete", 2, illegal="terminate", reward="payoff")
    (env._table.game.players[1]).answers = [answer]
    said = check_forfeit(env, act(env, 2), "seller_0", 1.0)
    assert "the opponent 'reciter'" in said


@every_treatment
@pytest.mark.parametrize("started", [False, True])
def test_an_opponents_illegal_opening_move_leaves_the_game_before_as_it_was(started: bool, illegal: str) -> None:
    opponent = Reciter(2)
    env = NegotiationEnv(opponent=opponent, opener="seller", illegal=illegal, reward="shaped")
    if started:
        env.reset(seed=4)
        before = everything(env)
    opponent.answers = [0]
    for seed in (None, 9):
        with pytest.raises(IllegalMoveError, match="the opponent 'reciter'"):
            env.reset(seed=seed)
    if started:
        assert everything(env) == before
        assert (env.game.seed, env.game.number) == (4, 0)
    else:
        with pytest.raises(NotStartedError):
            env.step(5)


def test_an_opponents_own_error_comes_through_and_the_move_is_undone() -> None:
    class Broken(Reciter):
        def act(self, observations: Any, masks: Any) -> Any:
            if len(self.asked) > 0:
                raise ZeroDivisionError("of its own")
            return super().act(observations, masks)

    for illegal in ("raise", "terminate"):
        env = NegotiationEnv(opponent=Broken(2), opener="seller", illegal=illegal, reward="shaped")
        env.reset(seed=0)
        before = everything(env)
        with pytest.raises(ZeroDivisionError, match="of its own"):
            env.step(5)
        assert everything(env) == before


def test_an_opponent_cannot_leave_before_the_agent_has_had_a_turn() -> None:
    env = NegotiationEnv(opponent=Reciter(1), opener="seller")
    with pytest.raises(IllegalMoveError, match="the other seat has not had a turn yet"):
        env.reset(seed=0)
    with pytest.raises(NotStartedError):
        env.step(5)


def test_a_policy_sees_its_own_seat_in_batches_and_cannot_reach_into_the_game() -> None:
    opponent = Reciter(offer(30))
    env = NegotiationEnv(opponent=opponent, opener="seller")
    env.reset(seed=0)
    observations, masks = opponent.asked[0]
    two = negotiation_v0.env(opener="seller")
    two.reset(seed=0)
    assert observations.shape == (1, *two.observation_space("seller_0")["observation"].shape)
    assert same({"observation": observations[0], "action_mask": masks[0]}, two.observe("seller_0"))
    before = everything(env)
    observations[:] = 7
    masks[:] = 0
    assert everything(env) == before


@pytest.mark.parametrize("persona", PERSONAS)
def test_personas_in_a_seat_never_refuse_anything(persona: str) -> None:
    env = negotiation_v0.env(buyer=persona, illegal="raise")
    assert env.possible_agents == ["seller_0"]
    chooser = Chooser(0)
    for seed in range(10):
        env.reset(seed=seed)
        while not env.game.is_over:
            seen = env.last()[0]
            env.step(int(chooser.act(seen["observation"][None], seen["action_mask"][None])[0]))


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            lambda: negotiation_v0.env(opponent="shark"),
            "raw_env: got an unexpected keyword argument 'opponent'; use buyer or seller; ",
        ),
        (
            lambda: gymnasium.make(NAME, seller="shark"),
            "argument 'seller'; use role or opponent; ",
        ),
        (
            lambda: gymnasium.make_vec(NAME, 2, seller="shark"),
            "argument 'seller'; use role or opponent; ",
        ),
        (
            lambda: negotiation_v0.parallel_env(scenaro="uniform"),
            "argument 'scenaro'; use scenario; the arguments",
        ),
        (
            lambda: negotiation_v0.env(colour="red"),
            "argument 'colour'; the arguments are scenario, rules, reward",
        ),
        (lambda: negotiation_v0.env("uniform", "default"), "'default' stands without the name .* only scenario may"),
        (lambda: negotiation_v0.env("uniform", scenario="uniform"), "multiple values for argument 'scenario'"),
        (lambda: negotiation_v0.make_config(rounds=3), "argument 'rounds'; use max_rounds"),
        (lambda: negotiation_v0.make_config("uniform", "seed"), "'seed' stands without the name"),
        (lambda: negotiation_v0.play_game("shark"), "play_game: missing a required argument: 'seller'"),
        (
            lambda: negotiation_v0.play_game("shark", "linear", opener_seat=1),
            "argument 'opener_seat'",
        ),
        (
            lambda: negotiation_v0.replay({"rewards": "payoff"}, 0, []),
            "argument 'rewards'; use reward",
        ),
        (Batch, "Batch: missing a required argument: 'num_games'"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(call: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        call()


def test_the_scenario_may_come_without_its_name() -> None:
    for kind in (negotiation_v0.env, negotiation_v0.parallel_env):
        assert kind("uniform").config == negotiation_v0.make_config("uniform")


def test_what_is_no_move_is_told_the_moves() -> None:
    env = negotiation_v0.env(actions="mixed")
    env.reset(seed=0)
    with pytest.raises(ActionTypeError, match="'OFFER' is no move; give its number: 0 ACCEPT, 1 WALK_AWAY, 2 OFFER, "):
        env.step({"move": "OFFER", "price": 0.5})


# --- names ------------------------------------------------------------------------------------------------------------

NAMES = {
    "scenario": ("saas_enterprize", "unknown scenario 'saas_enterprize'; did you mean 'saas_enterprise'?"),
    "rules": ("sead", "unknown rules preset 'sead'; did you mean 'seed'?"),
    "reward": ("payof", "unknown reward mode 'payof'; did you mean 'payoff'?"),
    "information": ("complet", "unknown kind of information 'complet'; did you mean 'complete'?"),
    "opener": ("byer", "unknown opener 'byer'; did you mean 'buyer'?"),
    "actions": ("discret", "unknown form of actions 'discret'; did you mean 'discrete'?"),
    "illegal": ("terminat", "unknown treatment of illegal moves 'terminat'; did you mean 'terminate'?"),
    "beliefs": ("heuristics", "unknown belief tracker 'heuristics'; did you mean 'heuristic'?"),
    "render_mode": ("humane", "unknown render mode 'humane'; did you mean 'human'?"),
}


@pytest.mark.parametrize("argument", NAMES)
@pytest.mark.parametrize("kind", [negotiation_v0.env, negotiation_v0.parallel_env, NegotiationEnv])
def test_an_unknown_name_comes_with_the_nearest_one(kind: Any, argument: str) -> None:
    name, message = NAMES[argument]
    with pytest.raises(ParlayError) as refused:
        kind(**{argument: name})
    assert str(refused.value).startswith(message)
    assert isinstance(refused.value, ValueError)


def test_an_unknown_seat_or_persona_comes_with_the_nearest_one() -> None:
    with pytest.raises(ParlayError, match="unknown persona 'sharc'; did you mean 'shark'"):
        negotiation_v0.env(seller="sharc")
    with pytest.raises(ParlayError, match="unknown persona 'diplomatt'; did you mean 'diplomat'"):
        NegotiationEnv(opponent="diplomatt")
    with pytest.raises(ParlayError, match="unknown role 'buyers'; did you mean 'buyer'"):
        NegotiationEnv(role="buyers")


@pytest.mark.parametrize("name", ["zzz", 3, None, 1.5, ["saas_enterprise"]], ids=case_name)
def test_a_name_that_is_like_no_other_comes_with_all_there_are(name: Any) -> None:
    with pytest.raises(ParlayError, match="known: payoff, shaped"):
        negotiation_v0.env(reward=name)


@pytest.mark.parametrize("rounds", [0, -1, 1001, 2.5, 2.0, "20", True, float("nan")], ids=case_name)
def test_a_number_of_rounds_that_cannot_be_is_refused(rounds: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_rounds: give a whole number from 1 to 1,000"):
        negotiation_v0.env(max_rounds=rounds)


@pytest.mark.parametrize("rounds", [1, 1000, np.int64(7)])
def test_every_number_of_rounds_in_between_is_fine(rounds: Any) -> None:
    env = negotiation_v0.env(max_rounds=rounds, opener="buyer")
    assert type(env.config.max_rounds) is int
    env.reset(seed=0)
    env.step(offer(3))


def test_rendering_needs_a_mode() -> None:
    env = negotiation_v0.env()
    env.reset(seed=0)
    with pytest.raises(ConfigurationError, match="render_mode='ansi', 'human' or 'rgb_array'"):
        env.render()


@pytest.mark.parametrize("number", [-1, 1.5, "3", 2**63, None])
def test_a_game_number_that_cannot_be_is_refused(number: Any) -> None:
    game = Game(negotiation_v0.make_config())
    game.reset(3)
    before = content(game.rows)
    for call in (lambda: game.begin(3, number), lambda: game.reset(3, number=number)):
        with pytest.raises(ConfigurationError, match="number: give the number of a game"):
            call()
        assert content(game.rows) == before


def test_errors_out_of_order_are_runtime_errors_and_bad_values_value_errors() -> None:
    assert issubclass(TurnError, RuntimeError)
    assert issubclass(NotStartedError, TurnError)
    assert issubclass(GameOverError, TurnError)
    assert issubclass(IllegalMoveError, ValueError)
    assert issubclass(ActionTypeError, TypeError)
    assert issubclass(ConfigurationError, ValueError)
    assert AGENTS == ("buyer_0", "seller_0")
