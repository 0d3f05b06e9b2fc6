"""Beliefs that the seats state themselves: with which actions, through which interfaces, and that honesty pays."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from parlay_marl import negotiation_v0
from parlay_marl.core.belief import score
from parlay_marl.core.moves import INDEX_WALK_AWAY, N_MOVES, Refusal, decode
from parlay_marl.core.observation import AT
from parlay_marl.envs.batch import Batch
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.errors import ActionTypeError, IllegalMoveError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.refusals import REASONS
from parlay_marl.players.persona import as_player
from tests.helpers import (
    AGENTS,
    PERSONAS,
    SCENARIOS,
    Chooser,
    Reciter,
    case_name,
    check_infos,
    content,
    offer,
    pick,
    same,
)

NAN, INF = float("nan"), float("inf")
SHAPED = 5.0
"""What a rise of the score by 1 pays."""
OUT_OF_BOUNDS = ([NAN, 0.1], [0.5, NAN], [INF, 0.1], [0.5, INF], [0.5, -0.01], [0.5, 1.01], [-1.01, 0.1], [2.01, 0.1])
NO_BELIEFS = (
    0.5,
    "0.5",
    [0.5],
    [0.5, 0.1, 0.2],
    [[0.5, 0.1]],
    ["0.5", "0.1"],
    [True, False],
    [None, 0.1],
    {},
    [[1], 2],
)

every_form = pytest.mark.parametrize("form", ["discrete", "mixed"])
every_scenario = pytest.mark.parametrize("scenario", SCENARIOS)


def report(rng: np.random.Generator) -> Any:
    """Return a belief to state at random; now and then none."""
    return None if rng.random() < 0.3 else np.array([rng.uniform(-1.0, 2.0), rng.uniform(0.0, 1.0)])


def action_of(index: int, belief: Any, form: str, seat: int, packages: int) -> dict[str, Any]:
    """Return an action with a belief in a form of actions."""
    stated = {} if belief is None else {"belief": belief}
    if form == "discrete":
        return {"action": index, **stated}
    return dict(zip(("move", "price", "package"), decode(index, seat, packages), strict=True)) | stated


def make(kind: str, form: str = "discrete", **arguments: Any) -> Any:
    """Return an environment in which the buyer's agent, or both, state beliefs."""
    settings = {
        "reward": "shaped",
        "actions": form,
        "beliefs": "elicited",
        "opener": "buyer",
        "illegal": "raise",
        **arguments,
    }
    if kind == "gymnasium":
        return NegotiationEnv(opponent=Reciter(offer(30)), **settings)
    return {"aec": negotiation_v0.env, "parallel": negotiation_v0.parallel_env}[kind](**settings)


def act(env: Any, action: Any) -> Any:
    return env.step({"buyer_0": action} if isinstance(env, negotiation_v0.parallel_env) else action)


every_interface = pytest.mark.parametrize("kind", ["aec", "parallel", "gymnasium"])


# --- spaces -----------------------------------------------------------------------------------------------------------


def test_the_belief_is_part_of_the_action_space() -> None:
    box = spaces.Box(np.array([-1.0, 0.0]), np.array([2.0, 1.0]), dtype=np.float64)
    discrete, mixed = (make("aec", form).action_space("buyer_0") for form in ("discrete", "mixed"))
    assert discrete.spaces == {"action": spaces.Discrete(87), "belief": box}
    assert mixed["belief"] == box
    assert set(mixed.spaces) == {"move", "price", "package", "belief"}
    passing = make("parallel").action_space("buyer_0")
    assert passing["action"] == spaces.Discrete(88)


@every_form
def test_actions_with_beliefs_are_sampled_under_a_mask(form: str) -> None:
    env = make("aec", form)
    env.reset(seed=0)
    space = env.action_space("buyer_0")
    space.seed(0)
    mask = env.last()[0]["action_mask"]
    for _ in range(200):
        drawn = space.sample(mask)
        assert drawn in space
        assert mask[drawn["action" if form == "discrete" else "move"]]
    assert drawn["belief"].dtype == np.float64


# --- one game through every interface ---------------------------------------------------------------------------------


@every_scenario
@every_form
def test_the_same_moves_and_beliefs_are_the_same_game_through_every_interface(form: str, scenario: str) -> None:
    rng = np.random.default_rng(1)
    for seed in range(4):
        settings: dict[str, Any] = {"scenario": scenario, "beliefs": "elicited", "reward": "shaped"}
        game = Game(make_config(**settings))
        aec, parallel = (kind(actions=form, **settings) for kind in (negotiation_v0.env, negotiation_v0.parallel_env))
        batch = Batch(1, **settings)
        for each in (game, aec, parallel, batch):
            each.reset(seed)
        while not game.is_over:
            seat, index, belief = game.seat, pick(rng, game.mask, game.packages), report(rng)
            game.play_index(index, belief)
            action = action_of(index, belief, form, seat, game.packages)
            aec.step(action)
            seen, rewards, _, _, infos = parallel.step({AGENTS[seat]: action})
            batch.step([index], None if belief is None else [belief])
            assert content(aec.game.rows) == content(parallel.game.rows) == content(game.rows) == content(batch.games)
            assert list(aec.rewards.values()) == list(rewards.values()) == game.rewards == batch.rewards[0].tolist()
            assert all(same(infos[a]["belief"], aec.infos[a]["belief"]) for a in AGENTS)
            for i, agent in enumerate(AGENTS):
                assert same(aec.observe(agent)["observation"], seen[agent]["observation"])
                assert game.belief(i) == aec.belief(agent) == parallel.belief(agent)
        assert aec.game.actions == parallel.game.actions == game.actions


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize("case", range(6))
def test_lanes_are_single_environments_with_beliefs_too(case: int, mode: AutoresetMode) -> None:
    arguments = {
        "beliefs": "elicited",
        "reward": "shaped",
        "scenario": SCENARIOS[case % len(SCENARIOS)],
        "role": ("buyer", "seller")[case % 2],
        "opponent": PERSONAS[case % len(PERSONAS)],
    }
    env = NegotiationVectorEnv(4, autoreset_mode=mode, **arguments)
    sync = SyncVectorEnv([lambda: NegotiationEnv(**arguments)] * 4, autoreset_mode=mode)
    rng, (seen, _) = np.random.default_rng(case), env.reset(seed=3)
    assert same(seen, sync.reset(seed=3)[0])
    forfeits = 0
    for _ in range(60):
        indices = [pick(rng, mask, env.batch.packages) for mask in seen["action_mask"]]
        beliefs = rng.uniform([-1.0, 0.0], [2.0, 1.05], (4, 2))  # one in twenty is too wide
        actions = {"action": np.array(indices), "belief": beliefs}
        seen, *signals, infos = env.step(actions)
        expected, *others, told = sync.step(actions)
        assert same(seen, expected)
        assert all(map(same, signals, others))
        for i, single in enumerate(sync.envs):
            assert content(env.batch.games[i : i + 1]) == content(single.game.rows)
        check_infos(infos, told)
        forfeits += np.count_nonzero(infos.get("final_info", infos)["illegal"])
        if mode is not AutoresetMode.SAME_STEP:
            assert env.refusals() == sync.call("refusal")
        if mode is AutoresetMode.DISABLED and signals[1].any():
            options = {"reset_mask": signals[1]}
            seen = env.reset(options=options)[0]
            assert same(seen, sync.reset(options={"reset_mask": signals[1].copy()})[0])
    assert forfeits > 0


def test_a_batch_takes_the_beliefs_of_both_seats_and_any_kind_of_numbers() -> None:
    batch, plain = (Batch(3, beliefs="elicited", opener="buyer", reward="shaped") for _ in "ab")
    for each in (batch, plain):
        each.reset(seed=1)
    batch.step([offer(10)] * 3, [[0, 1]] * 3)
    plain.step([offer(10)] * 3, np.array([[0.0, 1.0]] * 3, np.float32)[:, ::-1][:, ::-1])
    assert content(batch.games) == content(plain.games)
    assert batch.games["estimate"][:, 0].tolist() == [[0.0, 1.0]] * 3
    batch.step([offer(30)] * 3, [[0.25, 0.5]] * 3)
    assert batch.games["estimate"].tolist() == [[[0.0, 1.0], [0.25, 0.5]]] * 3
    again = pickle.loads(pickle.dumps(batch))
    for each in (batch, again):
        each.step([offer(12)] * 3, [[0.5, 0.0]] * 3)
    assert content(batch.games) == content(again.games)


# --- what is stated stands --------------------------------------------------------------------------------------------


@every_interface
@every_form
def test_what_was_last_stated_stands_and_is_what_the_seat_is_shown(kind: str, form: str) -> None:
    env = make(kind, form)
    env.reset(seed=0)
    prior = env.game.row["estimate"][0].copy()
    assert prior.tolist() == env.game.row["belief"][0][:2].tolist()
    act(env, action_of(offer(5), None, form, 0, 1))
    assert env.game.row["estimate"][0].tolist() == prior.tolist()
    for belief in ([0.25, 0.0625], (0.5, 0), np.array([0.75, 0.125], np.float32)):
        if env.game.seat == 1:
            silence = action_of(2, None, form, 1, 1)
            env.step({"seller_0": silence} if kind == "parallel" else silence)
        act(env, action_of(offer(6), belief, form, 0, 1))
        assert env.game.row["estimate"][0].tolist() == list(belief)
        observation = env.game.observe(0)["observation"]
        view, scenario = env.game.belief(0), env.game.scenario
        assert observation[AT.belief_reservation] == belief[0]
        assert observation[AT.belief_spread] == belief[1]
        assert view.reservation == pytest.approx(scenario.to_currency(belief[0]))
        assert view.sd == pytest.approx(belief[1] * (scenario.high - scenario.low))
        assert scenario.normalise(view.high) == pytest.approx(observation[AT.belief_high], abs=1e-6)
        assert scenario.normalise(view.low) == pytest.approx(observation[AT.belief_low], abs=1e-6)
        assert view.confidence == pytest.approx(observation[AT.belief_confidence], abs=1e-6)


def test_a_bare_number_is_an_action_without_a_belief() -> None:
    env, other = make("aec"), make("aec")
    for each, action in ((env, offer(5)), (other, {"action": offer(5), "belief": None})):
        each.reset(seed=0)
        each.step(action)
    assert content(env.game.rows) == content(other.game.rows)


@every_form
def test_a_belief_that_comes_with_a_pass_is_not_taken_in(form: str) -> None:
    env = make("parallel", form)
    env.reset(seed=0)
    before = env.game.row["estimate"][1].tolist()
    passing = {"action": 87} if form == "discrete" else {"move": N_MOVES}
    env.step({"buyer_0": action_of(offer(5), [0.5, 0.1], form, 0, 1), "seller_0": {**passing, "belief": [0.1, 0.1]}})
    assert env.game.row["estimate"].tolist() == [[0.5, 0.1], before]


@pytest.mark.parametrize("player", ["shark", "random", Chooser(0)], ids=case_name)
@pytest.mark.parametrize("seat", [0, 1])
def test_a_player_states_what_is_inferred_for_its_seat(seat: int, player: Any) -> None:
    env = negotiation_v0.env(**{("buyer", "seller")[seat]: player}, beliefs="elicited", reward="shaped")
    rng = np.random.default_rng(0)
    for seed in range(3):
        env.reset(seed=seed)
        while not env.game.is_over:
            env.step({"action": pick(rng, env.last()[0]["action_mask"], 1), "belief": report(rng)})
        again = Game(env.config)
        again.begin(seed, env.game.number, env.game.options)
        for played in env.game.actions:
            if again.seat == seat:
                assert played.belief == tuple(again.row["belief"][seat][:2].tolist())
            again.play(*played)
        assert content(again.rows) == content(env.game.rows)


def test_whole_games_in_the_kernel_state_as_a_game_of_players_does() -> None:
    arguments = {"beliefs": "elicited", "scenario": "saas_enterprise", "reward": "shaped"}
    config, players = make_config(**arguments), (as_player("linear"), as_player("shark"))
    game = Game(config, players)
    game.reset(4)
    assert all(played.belief is not None for played in game.actions)
    assert content(negotiation_v0.replay(config, 4, game.actions, game.options).rows) == content(game.rows)


# --- kept and repeated ------------------------------------------------------------------------------------------------


def test_stated_beliefs_are_kept_copied_pickled_and_replayed() -> None:
    rng = np.random.default_rng(2)
    for seed in range(5):
        env = negotiation_v0.env(beliefs="elicited", seller="veteran", reward="shaped")
        env.reset(seed=seed)
        for _ in range(3):
            if not env.game.is_over:
                env.step({"action": offer(int(rng.integers(0, 12))), "belief": report(rng)})
        kept = pickle.loads(pickle.dumps(env.snapshot()))
        others = [copy.deepcopy(env), pickle.loads(pickle.dumps(env)), make("aec", opener=None, seller="veteran")]
        others[2].reset(seed=99)
        others[2].restore(kept)
        for each in (env, *others):
            if not each.game.is_over:
                each.step({"action": 1, "belief": [0.3, 0.2]})
            assert content(each.game.rows) == content(env.game.rows)
            assert same(each.infos, env.infos)
        moves = json.loads(json.dumps(env.game.actions))
        again = negotiation_v0.replay(env.config, seed, moves, env.game.options, env.game.number)
        assert content(again.rows) == content(env.game.rows)
        assert again.actions == env.game.actions


def test_moves_without_beliefs_may_be_triples() -> None:
    again = negotiation_v0.replay({"beliefs": "elicited", "opener": "buyer"}, 3, [(2, 0.5, 0), (2, 0.9, 0, (0.5, 0.1))])
    assert [played.belief for played in again.actions] == [None, (0.5, 0.1)]


# --- refusals ---------------------------------------------------------------------------------------------------------


@every_interface
@every_form
def test_a_belief_that_cannot_be_is_refused_and_changes_nothing(kind: str, form: str) -> None:
    env = make(kind, form)
    env.reset(seed=0)
    before = content(env.game.rows)
    for belief in OUT_OF_BOUNDS:
        with pytest.raises(
            IllegalMoveError, match=r"buyer: the belief with mean .* is illegal: its mean must be"
        ) as told:
            act(env, action_of(offer(5), belief, form, 0, 1))
        assert REASONS[Refusal.BELIEF_OUT_OF_RANGE] in str(told.value)
        assert content(env.game.rows) == before
    for belief in NO_BELIEFS:
        with pytest.raises(ActionTypeError, match="is no belief; give two numbers, mean and spread"):
            act(env, action_of(offer(5), belief, form, 0, 1))
        assert content(env.game.rows) == before
    with pytest.raises(ActionTypeError, match=r"(no action|no mixed action|it has)"):
        act(env, action_of(offer(5), None, form, 0, 1) | {"belif": [0.5, 0.1]})
    assert env.game.actions == []


@every_interface
@every_form
def test_terminate_takes_a_belief_out_of_bounds_for_an_illegal_move_and_no_belief_for_a_type_error(
    kind: str, form: str
) -> None:
    env = make(kind, form, illegal="terminate")
    env.reset(seed=0)
    before = content(env.game.rows)
    for belief in NO_BELIEFS:
        with pytest.raises(ActionTypeError, match="is no belief; give two numbers, mean and spread"):
            act(env, action_of(offer(5), belief, form, 0, 1))
        assert content(env.game.rows) == before
    act(env, action_of(offer(5), OUT_OF_BOUNDS[0], form, 0, 1))
    assert env.game.outcome().ending == "forfeit"
    assert env.game.outcome().closed_by == "buyer"


@every_interface
@every_form
@pytest.mark.parametrize("beliefs", ["bayes", "heuristic", "none"])
def test_where_beliefs_are_not_elicited_none_goes_with_an_action(beliefs: str, kind: str, form: str) -> None:
    env = make(kind, form, beliefs=beliefs)
    env.reset(seed=0)
    before = content(env.game.rows)
    with pytest.raises(ActionTypeError, match="beliefs='elicited'"):
        act(env, action_of(offer(5), [0.5, 0.1], form, 0, 1))
    assert content(env.game.rows) == before


@pytest.mark.parametrize(
    ("estimates", "message"),
    [(estimates, "estimates: give 2 rows of mean and spread") for estimates in (5, [0.5, 0.1], [[0.5, 0.1]], "ab", {})]
    + [([[0.5, 0.1], belief], "lane 1, buyer: the belief with mean") for belief in OUT_OF_BOUNDS],
    ids=case_name,
)
def test_a_batch_refuses_estimates_that_cannot_be(estimates: Any, message: str) -> None:
    batch = Batch(2, beliefs="elicited", opener="buyer", reward="shaped")
    batch.reset(seed=0)
    before = content(batch.games), content(batch.lanes)
    with pytest.raises(ActionTypeError if "give" in message else IllegalMoveError, match=message):
        batch.step([offer(5)] * 2, estimates)
    assert (content(batch.games), content(batch.lanes)) == before


def test_a_batch_that_elicits_nothing_takes_no_estimates() -> None:
    batch = Batch(2)
    batch.reset(seed=0)
    with pytest.raises(ActionTypeError, match="set beliefs='elicited'"):
        batch.step([offer(5)] * 2, [[0.5, 0.1]] * 2)


# --- honesty ----------------------------------------------------------------------------------------------------------

TRUE_BELIEFS = [(0.2, 0.05), (0.5, 0.1), (0.8, 0.25), (0.5, 0.289)]
REPORTS = [
    (shift, factor) for shift in (-1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 1.0) for factor in (0.25, 0.5, 0.9, 1.0, 1.1, 2.0)
]


def expected_score(report: tuple[float, float], truth: tuple[float, float]) -> float:
    """Return the expectation of the score of a report where the truth is normal: by quadrature, exact to 1e-9."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    z = 8.0 * nodes
    densities = 8.0 * weights * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    return float(sum(w * score(*report, truth[0] + truth[1] * at) for w, at in zip(densities, z, strict=True)))


@pytest.mark.parametrize("truth", TRUE_BELIEFS)
def test_an_honest_report_has_the_highest_expected_score(truth: tuple[float, float]) -> None:
    mean, spread = truth
    honest = expected_score(truth, truth)
    # E CRPS of one's own normal belief is s / sqrt(pi) (Gneiting and Raftery 2007).
    assert honest == pytest.approx(1.0 - spread / np.sqrt(np.pi), abs=1e-8)
    for shift, factor in REPORTS:
        if (shift, factor) != (0.0, 1.0):
            assert expected_score((mean + shift * spread, factor * spread), truth) < honest - 1e-6 * spread


def paid_for(report: tuple[float, float] | None, n: int, scenario: str) -> Any:
    """Return what stating a belief in the buyer's first move pays it in each of n games that the seller leaves then."""
    batch = Batch(n, scenario, beliefs="elicited", opener="buyer", observe=False, reward="shaped")
    batch.reset(seed=11)
    actions = np.full(n, 2)  # silence: nothing else pays or costs
    if report is None:
        batch.step(actions)
    else:
        batch.step(actions, np.tile(report, (n, 1)))
    assert not batch.rewards.any(), "nothing is paid while the game goes on"
    batch.step(np.full(n, INDEX_WALK_AWAY))
    return batch.rewards[:, 0].copy()


@pytest.mark.parametrize("scenario", ["uniform", "saas_enterprise"])
def test_reporting_the_public_prior_pays_best_where_nothing_else_is_known(scenario: str) -> None:
    n = 20_000
    game = Game(make_config(scenario, beliefs="elicited", reward="shaped"))
    game.reset(0)
    mean, spread = game.row["estimate"][0].tolist()
    honest = paid_for((mean, spread), n, scenario)
    assert (honest == 0.0).all(), "it repeats what stands"
    for shift, factor in ((0.0, 0.4), (0.0, 2.0), (0.5, 1.0), (-0.5, 1.0), (0.5, 0.5)):
        lie = (mean + shift * spread, min(factor * spread, 1.0))
        paid = paid_for(lie, n, scenario)
        assert paid.mean() + 4.0 * paid.std() / np.sqrt(n) < 0.0, (shift, factor, paid.mean())


STATED = ([0.1, 0.05], [0.9, 0.4], [0.1, 0.05], [0.4, 0.1])


def test_the_ending_pays_the_mean_score_over_ones_own_turns_less_that_of_the_prior() -> None:
    for seed in range(5):
        env = make("aec")
        env.reset(seed=seed)
        row, scores = env.game.row, []
        prior = score(*row["estimate"][0].tolist(), float(row["reservation"][1]))
        for belief in STATED:
            scores.append(score(*belief, float(row["reservation"][1])))
            env.step({"action": 2, "belief": belief})
            env.step({"action": 2})
            assert env.rewards["buyer_0"] == 0.0
        scores.append(score(*STATED[-1], float(row["reservation"][1])))  # what was last stated stands
        env.step({"action": 2})
        env.step({"action": INDEX_WALK_AWAY})
        assert env.rewards["buyer_0"] == pytest.approx(SHAPED * (np.mean(scores) - prior))


def test_a_report_that_is_repeated_counts_as_one_that_stands() -> None:
    paid = []
    for again in ({}, {"belief": [0.3, 0.1]}):
        env = make("aec")
        env.reset(seed=0)
        env.step({"action": 2, "belief": [0.3, 0.1]})
        for _ in range(3):
            env.step({"action": 2})
            env.step({"action": 2} | again)
        env.step({"action": INDEX_WALK_AWAY})
        paid.append(env.rewards["buyer_0"])
    assert paid[0] == paid[1] != 0.0
