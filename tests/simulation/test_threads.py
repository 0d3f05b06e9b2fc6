"""The same games, byte for byte, whatever the number of lanes and threads, and however the lanes are cut up."""

from __future__ import annotations

import gc
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from parlay_marl.core.compiled.work import DONE, end_of_chunk, first_chunk, next_chunk
from parlay_marl.core.moves import INDEX_ACCEPT, INDEX_WALK_AWAY
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs import batch as batches
from parlay_marl.envs.batch import Batch
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.errors import ConfigurationError, IllegalMoveError
from parlay_marl.game.config import whole_number
from parlay_marl.simulation import threads as threads_module
from parlay_marl.simulation.threads import Workers
from tests.helpers import check_infos, content, offer, same
from tests.policies.networks import learned

SEED, STEPS = 17, 40
KINDS: dict[str, dict[str, Any]] = {
    "both": {"opener": "random", "max_rounds": 8},
    "mixed": {
        "learner": "mixed",
        "opponent": {"shark": 2, "random": 1, "tit_for_tat": 1},
        "scenario": {"saas_enterprise": 1, "hiring_package_terms": 1, "uniform": 1},
        "opener": "random",
        "illegal": "terminate",
        "max_rounds": 6,
    },
}
KINDS["learned"] = KINDS["mixed"] | {
    "opponent": {learned("learned"): 2, "shark": 1, learned("learned-shark", "shark", traits=TRAIT_INPUTS, seed=1): 2}
}
every_kind = pytest.mark.parametrize("kind", KINDS)
every_mode = pytest.mark.parametrize("mode", ["next_step", "same_step"])


@pytest.fixture(autouse=True)
def _threads_for_few_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LEAST_PER_THREAD", 2)


def chosen(masks: Any, first: int, step: int) -> Any:
    """Return legal actions that depend on the step, the lane's place (from `first`) and its mask alone."""
    n, actions = masks.shape
    scores = np.random.default_rng(step).random((first + n, actions))[first:]
    scores[:, [INDEX_ACCEPT, INDEX_WALK_AWAY]] *= 0.99
    return (scores * masks).argmax(axis=1)


def trace(n: int, first: int = 0, **arguments: Any) -> list[tuple[bytes, ...]]:
    """Return, for every lane, all that happens to it: its game, itself, what it sees and the outcomes."""
    batch = Batch(n, **{"reward": "shaped", **arguments})
    batch.reset(SEED + first)
    lanes: list[list[bytes]] = [[] for _ in range(n)]
    total = 0
    for step in range(STEPS):
        total += batch.step(chosen(batch.masks, first, step))
        for i, lane in enumerate(lanes):
            one = slice(i, i + 1)
            lane += [content(rows[one]) for rows in (batch.games, batch.lanes, batch.outcomes)]
            lane += [rows[one].tobytes() for rows in (batch.observations, batch.masks, batch.final_observations)]
    assert total >= n
    batch.close()
    return [tuple(lane) for lane in lanes]


@every_mode
@every_kind
def test_nothing_depends_on_the_number_of_threads(kind: str, mode: str) -> None:
    plain = trace(23, autoreset=mode, **KINDS[kind])
    for threads in (1, 2, 3, 5, 40):
        assert trace(23, autoreset=mode, threads=threads, **KINDS[kind]) == plain


@every_mode
@every_kind
def test_nothing_depends_on_the_number_of_lanes_or_where_they_are_cut(kind: str, mode: str) -> None:
    arguments = {"autoreset": mode} | KINDS[kind]
    whole = trace(23, **arguments)
    for cuts in ((0, 1, 23), (0, 7, 11, 23), (0, 22, 23)):
        parts = [trace(b - a, a, threads=2, **arguments) for a, b in itertools.pairwise(cuts)]
        assert [lane for part in parts for lane in part] == whole


def test_threads_are_used_where_lanes_suffice_and_never_for_fewer() -> None:
    assert [Batch(10, threads=threads)._workers.count for threads in (1, 2, 5, 6)] == [1, 2, 5, 5]
    assert Batch(1, threads=8)._workers.count == 1


def test_a_reset_of_some_lanes_and_refusals_are_the_same_with_threads() -> None:
    plain, threaded = (
        Batch(11, autoreset="disabled", reward="shaped"),
        Batch(11, autoreset="disabled", threads=3, reward="shaped"),
    )
    for batch in (plain, threaded):
        batch.reset(5)
        batch.step([offer(20)] * 11)
        batch.step([1, offer(20)] * 5 + [1])
        batch.reset(chosen=batch.endings != 0)
        with pytest.raises(IllegalMoveError, match="lane 8, "):
            batch.step([offer(30)] * 8 + [3, -1, -1])
        batch.step([offer(30)] * 11)
        batch.reset(9, {"urgency": {"buyer": 0.5}}, np.arange(11) % 3 == 0)
    assert content(plain.games) == content(threaded.games)
    assert content(plain.lanes) == content(threaded.lanes)
    assert same(plain.observations, threaded.observations)
    assert same(plain.masks, threaded.masks)


def test_batches_in_several_python_threads_at_once_are_as_one_after_the_other() -> None:
    jobs: list[Callable[[], Any]] = [
        lambda kind=kind, threads=threads, first=first: trace(16, first, threads=threads, **KINDS[kind])
        for kind in KINDS
        for threads in (1, 2)
        for first in (0, 50)
    ]
    in_turn = [job() for job in jobs]
    with ThreadPoolExecutor(len(jobs)) as pool:
        at_once = [future.result() for future in [pool.submit(job) for job in jobs]]
    assert at_once == in_turn


def test_the_vector_environment_takes_threads() -> None:
    plain, threaded = (
        NegotiationVectorEnv(12, role="mixed", opponent="veteran", threads=t, reward="shaped") for t in (1, 3)
    )
    first, second = plain.reset(seed=3)[0], threaded.reset(seed=3)[0]
    for step in range(30):
        assert same(first, second)
        actions = chosen(first["action_mask"], 0, step)
        (first, *signals, infos), (second, *others, told) = plain.step(actions), threaded.step(actions)
        assert all(map(same, signals, others))
        check_infos(infos, told)
    threaded.close()
    threaded.close()


def test_a_batch_whose_threads_were_released_plays_on_by_itself() -> None:
    batch, plain = Batch(8, threads=2, reward="shaped"), Batch(8, reward="shaped")
    for each in (batch, plain):
        each.reset(1)
        each.step([offer(20)] * 8)
        each.close()
        each.step([offer(25)] * 8)
    assert content(batch.games) == content(plain.games)


# --------------------------------------------------------------------------------------------------------- workers


def squares(work: Any, rows: Any, slow: bool = False) -> int:
    """Square rows in place, as a kernel would; return how many fell to this call."""
    mine, start = 0, first_chunk(work)
    while start < len(rows):
        stop = end_of_chunk(work, start, len(rows))
        if slow:
            time.sleep(0.002)
        rows[start:stop] **= 2
        mine += stop - start
        start = next_chunk(work, start, stop, stop - start, len(rows))
    return mine


@pytest.mark.parametrize("n", [1, 2, 5, 64, 1000])
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_every_row_is_worked_on_once_and_the_results_are_added_up(n: int, threads: int) -> None:
    workers = Workers(threads, n, 1)
    for _ in range(20):
        rows = np.arange(n)
        assert workers.run(squares, rows) == n
        assert rows.tolist() == [i * i for i in range(n)]
    workers.close()


def test_helpers_join_in_awake_or_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    for looks in (0, 10**6):
        monkeypatch.setattr(threads_module, "LOOKS", looks)
        seen, workers = set(), Workers(3, 96, 1)

        def kernel(work: Any, rows: Any, seen: set[str] = seen) -> int:
            seen.add(threading.current_thread().name)
            return squares(work, rows, slow=True)

        for pause in (0.0, 0.0, 0.05, 0.0):
            time.sleep(pause)
            seen.clear()
            assert workers.run(kernel, np.arange(96)) == 96
            assert len(seen) == 2  # both helpers bear one name
        workers.close()


def test_helpers_end_with_their_workers() -> None:
    gc.collect()
    others = threading.enumerate()  # helpers of other tests may be among them, on their way out

    def helpers() -> int:
        ours = [thread for thread in threading.enumerate() if thread not in others]
        return sum(thread.name == "parlay-helper" for thread in ours)

    def settle(count: int) -> None:
        deadline = time.monotonic() + 10
        while helpers() > count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert helpers() == count

    closed, dropped = Workers(3, 10, 1), Workers(4, 10, 1)
    assert helpers() == 5
    closed.close()
    settle(3)
    closed.close()
    assert closed.run(squares, np.arange(10)) == 10
    del dropped
    gc.collect()
    settle(0)


def test_an_error_in_any_thread_is_raised_when_all_have_ended() -> None:
    at_work: set[str] = set()

    def kernel(work: Any, bad: str) -> int:
        name = threading.current_thread().name
        if name == bad:
            while work[DONE] == 0:  # the other one is at work
                time.sleep(0.001)
            raise ZeroDivisionError(f"in {bad}")
        at_work.add(name)
        mine = squares(work, np.arange(10), slow=True)
        at_work.discard(name)
        return mine

    workers = Workers(2, 10, 1)
    for bad in ("parlay-helper", "MainThread", "parlay-helper"):
        with pytest.raises(ZeroDivisionError, match=f"in {bad}"):
            workers.run(kernel, bad)
        assert not at_work
    assert workers.run(kernel, "nobody") == 10
    workers.close()


@pytest.mark.parametrize("value", [0, -1, 257, 1.0, "1", None, True, float("nan"), [1]])
def test_what_is_no_number_of_threads_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="threads: give a whole number from 1 to 256, not"):
        Workers(value, 10, 1)


@pytest.mark.parametrize("value", [1, 256, np.int8(5), np.uint64(7), np.array(3)])
def test_any_kind_of_whole_number_will_do(value: Any) -> None:
    assert whole_number("threads", value, 1, 256) == int(value)
