"""Tasks and the rubric: what is held out is in the split to test with alone, and a task fixes a game."""

from __future__ import annotations

from dataclasses import asdict, astuple
from typing import Any

import pytest

from parlay_marl.catalogue import families, family_names, partner_names, personas
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ParlayError, RequestError
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_messages import NegotiationAction
from parlay_marl.server.protocols.openenv_tasks import KINDS, MOST_LISTED, SEEDS_OF_A_PAIR, count_of, pairs, task_of
from tests.server.table import factory, http_get, http_post, served

FACTORY = factory()
HELD_OUT_PARTNERS = {*partner_names(held_out=True), *personas.family_names(held_out=True)}
HELD_OUT_SCENARIOS = {name for name in family_names() if families.load_family(name).held_out}


def environment() -> NegotiationEnvironment:
    return NegotiationEnvironment(FACTORY)


def test_nothing_that_is_held_out_is_in_the_split_to_train_on() -> None:
    trained, tested = pairs("train"), pairs("held_out")
    assert HELD_OUT_PARTNERS
    assert HELD_OUT_SCENARIOS
    assert not {pair.opponent for pair in trained} & HELD_OUT_PARTNERS
    assert not {pair.scenario for pair in trained} & HELD_OUT_SCENARIOS
    assert {pair.opponent for pair in tested} >= HELD_OUT_PARTNERS
    assert {pair.scenario for pair in tested} >= HELD_OUT_SCENARIOS
    assert not {pair.opponent for pair in trained} & {pair.opponent for pair in tested}


@pytest.mark.parametrize("split", KINDS)
def test_each_pair_is_played_in_both_seats_with_the_same_seeds_and_no_task_is_twice(split: str) -> None:
    tasks = [task_of(split, index) for index in range(count_of(split))]
    assert len({astuple(task)[3:] for task in tasks}) == len(tasks) == count_of(split)
    seeds = {role: {task.seed for task in tasks if task.role == role} for role in SEATS}
    assert seeds["buyer"] == seeds["seller"]
    assert len(seeds["buyer"]) == SEEDS_OF_A_PAIR
    first = tasks[:40]
    assert len({task.scenario for task in first}) > 5
    assert len({task.opponent for task in first}) > 5
    assert {task.role for task in first} == set(SEATS)


def test_no_seed_is_in_both_splits() -> None:
    seeds = [{task_of(split, index).seed for index in range(0, count_of(split), 7)} for split in KINDS]
    assert not seeds[0] & seeds[1]


@pytest.mark.parametrize("split", KINDS)
@pytest.mark.parametrize("index", range(0, 60, 4))
def test_a_task_is_the_game_that_it_describes(split: str, index: int) -> None:
    env = environment()
    task = env.get_task(split, index)
    seen = env.reset(split=split, index=index, reward="shaped")
    assert (seen.scenario if ":" not in task["scenario"] else task["scenario"], seen.role) == (
        task["scenario"],
        task["role"],
    )
    assert (env.state.opponent, seen.seed_chosen, seen.reward_mode) == (task["opponent"], True, "shaped")
    again = environment().reset(split=split, index=index, reward="shaped")
    assert again.model_copy(update={"episode_id": ""}) == seen.model_copy(update={"episode_id": ""})
    if not seen.done:
        env.step(NegotiationAction(offer_amount=sum(seen.price_range) / 2))


def test_who_is_held_out_can_be_met_in_a_task_alone() -> None:
    for name in HELD_OUT_PARTNERS:
        with pytest.raises(ParlayError, match="unknown opponent"):
            environment().reset(opponent=name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "train"}, "split and index name a task together"),
        ({"index": 3}, "split and index name a task together"),
        ({"split": "validation", "index": 0}, "split: Input should be 'train' or 'held_out'"),
        ({"split": "train", "index": -1}, "index"),
        ({"split": "train", "index": "3"}, "index"),
        ({"split": "train", "index": 10**9}, "give a number from 0 to"),
        ({"split": "train", "index": 0, "opponent": "shark", "seed": 3}, "leave out opponent, seed"),
        ({"split": "train", "index": 0, "join_code": "x"}, "leave out join_code"),
    ],
)
def test_what_is_no_task_is_refused(options: dict[str, Any], said: str) -> None:
    env = environment()
    env.reset(seed=1, episode_id="before")
    with pytest.raises(ParlayError, match=said):
        env.reset(**options)
    assert env.state.episode_id == "before"


def test_the_task_api_lists_counts_and_cuts() -> None:
    env = environment()
    assert env.list_splits() == [{"name": "train", "type": "train"}, {"name": "held_out", "type": "test"}]
    assert env.num_tasks("train") > env.num_tasks("held_out") > 1_000
    assert len(env.list_tasks("train")) == MOST_LISTED
    assert env.get_task_range("train", 5, 8) == [env.get_task("train", index) for index in (5, 6, 7)]
    assert env.get_task_range("held_out", -2) == [
        env.get_task("held_out", count_of("held_out") - back) for back in (2, 1)
    ]
    assert env.get_task_range("train", 8, 5) == []
    with pytest.raises(RequestError, match="at most 1,000"):
        env.get_task_range("train")
    with pytest.raises(RequestError, match="there are train, held_out"):
        env.num_tasks("test")
    for index in (-1, count_of("train")):
        with pytest.raises(IndexError):
            env.get_task("train", index)


def test_the_task_api_over_http() -> None:
    with served() as address:
        base = f"http://{address}"
        assert http_get(f"{base}/list_environments").json() == ["parlay_marl"]
        assert http_get(f"{base}/parlay_marl/splits").json()[1] == {"name": "held_out", "type": "test"}
        count = http_post(f"{base}/parlay_marl/num_tasks", json={"split": "train"}).json()["num_tasks"]
        assert count == count_of("train")
        task = http_post(f"{base}/parlay_marl/task", json={"split": "train", "index": 3}).json()["task"]
        assert task == asdict(task_of("train", 3))
        some = {"split": "train", "start": 3, "stop": 5}
        assert http_post(f"{base}/parlay_marl/task_range", json=some).json()["tasks"][0] == task
        assert len(http_post(f"{base}/parlay_marl/tasks", json={"split": "held_out"}).json()["tasks"]) == MOST_LISTED
        wrong = http_post(f"{base}/parlay_marl/task", json={"split": "train", "index": count})
        assert wrong.status_code == 400
        wrong = http_post(f"{base}/parlay_marl/num_tasks", json={"split": "secret"})
        assert (wrong.status_code, wrong.json()["error"]) == (
            422,
            "split: there is no such split; there are train, held_out",
        )


# ---------------------------------------------------------------------- the rubric


def scores(env: NegotiationEnvironment) -> dict[str, float]:
    return {name: rubric.last_score for name, rubric in env.rubric.named_rubrics()}


def test_the_rubric_scores_a_deal_and_its_own_score_is_the_reward() -> None:
    env = environment()
    env.reset(seed=5, opponent="conceder", opener="buyer")
    assert set(scores(env).values()) == {None}
    seen, amount = env.step(NegotiationAction(offer_amount=120_000)), 120_000
    assert scores(env) == {
        "paid": 0.0,
        "readable": 1.0,
        "share": 0.0,
        "agreement": 0.0,
        "within_limit": 0.0,
        "honesty": 0.0,
    }
    while not seen.done:
        amount += 4_000
        seen = env.step(NegotiationAction(offer_amount=min(amount, 160_000)))
    outcome = seen.metadata["outcome"]
    assert outcome["ending"] == "deal"
    assert env.rubric.last_score == seen.reward == pytest.approx(outcome["payoff"][0])
    assert scores(env) == {
        "paid": seen.reward, "readable": 1.0, "share": outcome["shares"][0], "agreement": 1.0, "within_limit": 1.0,
        "honesty": 1.0,
    }  # fmt: skip
    env.reset(seed=5)
    assert set(scores(env).values()) == {None}


def test_the_rubric_tells_endings_apart() -> None:
    env = environment()
    env.reset(seed=5, opener="buyer")
    env.step(NegotiationAction(tactical_move="BATNA_REVEAL", offer_amount=111_000))
    env.step(NegotiationAction(message="Hello."))
    assert scores(env)["readable"] == 0.0
    seen = env.step(NegotiationAction(walk_away=True))
    assert seen.metadata["outcome"]["zopa"] is not None
    assert scores(env) == {
        "paid": 0.0, "readable": 1.0, "share": 0.0, "agreement": 0.0, "within_limit": 1.0, "honesty": 0.0,
    }  # fmt: skip
    env.reset(seed=5, opener="buyer", opponent="random")
    seen = env.step(NegotiationAction(offer_amount=180_000))
    while not seen.done:
        seen = env.step(NegotiationAction(offer_amount=180_000))
    assert scores(env)["within_limit"] == float(seen.metadata["outcome"]["worth"][0] >= 0.0)


def test_whoever_asks_late_finds_the_last_step_scored() -> None:
    env = environment()
    env.reset(seed=5, opener="buyer")
    env.step(NegotiationAction(message="Hello."))
    assert scores(env)["readable"] == 0.0
