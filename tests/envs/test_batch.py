"""The batch: two seats played from outside, mixes of scenarios, personas and roles, and buffers written in place."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from parlay_marl.core.compiled import trial
from parlay_marl.core.moves import INDEX_ANCHOR, INDEX_OFFERS, INDEX_WALK_AWAY, PRICE_LEVELS, n_actions
from parlay_marl.core.outcome import OUTCOME_DTYPE, Ending
from parlay_marl.core.step import observe_game
from parlay_marl.core.style import TRAIT_INPUTS
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import ConfigurationError, IllegalMoveError, NotStartedError, UnknownNameError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import make_report
from parlay_marl.players.persona import PersonaPlayer, as_persona, as_player
from parlay_marl.simulation import lanes as kernels
from tests.helpers import HOT, PERSONAS, SCENARIOS, Chooser, case_name, content, offer, pick
from tests.policies.networks import learned

N, SEED = 6, 40
ROOM = 9
"""Packages of the scenario with the most."""
PAGE = 4096
STATM = Path("/proc/self/statm")
MODES = ("next_step", "same_step", "disabled")


class Policy(Chooser):
    def __repr__(self) -> str:
        return self.name


POLICY = Policy(0)
every_mode = pytest.mark.parametrize("mode", MODES)
compiled_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="needs the compiled rules")


def legal_actions(rng: np.random.Generator, batch: Batch) -> Any:
    """Return a random legal action for every lane."""
    return np.array([pick(rng, mask, batch.packages) for mask in batch.masks])


def row(rows: Any, i: int) -> bytes:
    """Return the content of a row, but for the index of its scenario, which is 0 in a game of its own."""
    one = rows[i : i + 1].copy()
    one["scenario"] = 0
    return content(one)


def report(game: Game) -> bytes:
    """Return the content of a game's report."""
    return content(np.asarray(make_report(game.rows, game.config.params)).reshape(1))


# ----------------------------------------------------------------------------------------------------- both seats


@every_mode
@pytest.mark.parametrize("reward", ["shaped", "payoff"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_with_both_seats_free_lanes_are_games_of_two(scenario: str, reward: str, mode: str) -> None:
    arguments: dict[str, Any] = {"scenario": scenario, "reward": reward, "rules": HOT, "max_rounds": 5}
    batch = Batch(N, opener="random", autoreset=mode, **arguments)
    batch.reset(SEED)
    games = [Game(make_config(opener="random", **arguments)) for _ in range(N)]
    for i, game in enumerate(games):
        game.reset(SEED + i)
    rng = np.random.default_rng(1)
    waits, finished = [False] * N, 0
    for _ in range(50):
        actions = legal_actions(rng, batch)
        ended = batch.step(actions)
        assert ended == np.count_nonzero(batch.endings)
        finished += ended
        for i, game in enumerate(games):
            rewards, ending = [0.0, 0.0], 0
            if waits[i]:
                game.reset()
                waits[i] = False
            else:
                game.play_index(int(actions[i]))
                rewards = game.rewards
                if game.is_over:
                    ending = int(game.row["ending"])
                    assert content(batch.outcomes[i : i + 1]) == report(game)
                if game.is_over and mode == "same_step":
                    assert batch.final_observations[i].tobytes() == game.observation.tobytes()
                    game.reset()
                waits[i] = game.is_over and mode == "next_step"
            assert batch.rewards[i].tolist() == rewards
            assert batch.endings[i] == ending
            assert batch.refusals[i] == 0
            assert row(batch.games, i) == row(game.rows, 0)
            assert batch.observations[i].tobytes() == game.observation.tobytes()
            assert batch.masks[i].tolist() == [1 if game.is_over else each for each in game.mask.tolist()]
            assert game.is_over or batch.seats[i] == game.seat
            assert batch.learners[i] == -1
        if mode == "disabled" and ended:
            over = batch.endings != 0
            batch.reset(chosen=over)
            for i in np.flatnonzero(over).tolist():
                games[i].reset()
    assert finished >= N


def test_an_illegal_action_is_a_forfeit_of_the_seat_on_turn() -> None:
    batch = Batch(2, illegal="terminate", opener="seller", reward="shaped")
    batch.reset(1)
    assert batch.seats.tolist() == [1, 1]
    assert batch.step([offer(20), 0]) == 1
    assert batch.endings.tolist() == [0, Ending.FORFEIT]
    assert batch.rewards[1, 1] < -0.5
    assert batch.rewards[1, 0] == 0
    assert batch.outcomes["closed_by"][1] == 1


def test_a_policy_from_outside_plays_one_seat_in_batches() -> None:
    batch, policy = Batch(32, opener="random"), Chooser(3)
    batch.reset(2)
    rng = np.random.default_rng(4)
    ended = 0
    for _ in range(60):
        actions = np.zeros(32, np.int64)
        theirs = batch.seats == 1
        running = batch.lanes["is_over"] == 0
        mine = ~theirs & running
        theirs &= running
        if theirs.any():
            actions[theirs] = policy.act(batch.observations[theirs], batch.masks[theirs])
        actions[mine] = [pick(rng, mask, 1) for mask in batch.masks[mine]]
        assert batch.observations[theirs, 0].tolist() == [1.0] * int(theirs.sum())
        ended += batch.step(actions)
        assert not batch.refusals.any()
    assert ended > 32


def test_a_game_begins_the_same_whoever_sits_outside() -> None:
    inside = Batch(4, learner="buyer", opponent="shark", opener="buyer", reward="shaped")
    outside = Batch(4, opener="buyer", reward="shaped")
    inside.reset(5)
    outside.reset(5, {"event_sensitivity": {"seller": as_player("shark").event_sensitivity}})
    assert [row(inside.games, i) for i in range(4)] == [row(outside.games, i) for i in range(4)]
    assert inside.observations.tobytes() == outside.observations.tobytes()


# ---------------------------------------------------------------------------------------------------------- mixes

MIX = {"saas_enterprise": 1, "hiring_package_terms": 2, "uniform": 1, "acquisition_terms": 0.5}
FIELD = {"shark": 3, "random": 1, "nash": 1}


def mixed_batch(n: int, **arguments: Any) -> Batch:
    default = {"scenario": MIX, "opponent": FIELD, "learner": "mixed", "opener": "random", "reward": "shaped"}
    return Batch(n, **(default | arguments))


def drawn(batch: Batch) -> list[tuple[int, ...]]:
    """Return what was drawn for the game of every lane: scenario, opponent, learner."""
    columns = (batch.games["scenario"], batch.lanes["opponent"], batch.lanes["learner"])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def without_room(action: int, packages: int) -> int:
    """Return the action of a scenario's own space that an action of the padded space is."""
    claims = INDEX_OFFERS + PRICE_LEVELS * ROOM
    return action - PRICE_LEVELS * (ROOM - packages) if action >= claims else action


def test_lanes_of_a_mix_are_the_single_games_of_what_was_drawn() -> None:
    n = 24
    batch = mixed_batch(n, illegal="raise")
    batch.reset(SEED)
    assert batch.n_actions == n_actions(ROOM)
    rng = np.random.default_rng(0)
    games: list[Game | None] = [None] * n
    seen, mask = np.zeros_like(batch.observations[0]), np.zeros_like(batch.masks[0])
    kinds, ended = set(), 0
    for _ in range(80):
        for i in range(n):
            scenario, opponent, learner = drawn(batch)[i]
            game = games[i]
            if game is None:
                players: list[Any] = [batch.personas[opponent]] * 2
                players[learner] = None
                game = games[i] = Game(batch.configs[scenario], players)
                game.reset(SEED + i, None, int(batch.lanes["number"][i]))
                kinds.add((scenario, opponent, learner))
                assert game.seat == learner
            assert game.number == batch.lanes["number"][i]
            assert row(batch.games, i) == row(game.rows, 0)
            observe_game(game.rows, game.config.params, 0, learner, ROOM, seen, mask)
            assert batch.observations[i].tobytes() == seen.tobytes()
            if game.is_over:
                assert batch.masks[i].all(), "what is answered to it does not matter"
                continue
            assert batch.masks[i].tobytes() == mask.tobytes()
            padded = slice(INDEX_OFFERS + PRICE_LEVELS * game.packages, INDEX_OFFERS + PRICE_LEVELS * ROOM)
            assert not batch.masks[i, padded].any()
        actions = legal_actions(rng, batch)
        ended += batch.step(actions)
        for i in range(n):
            game = games[i]
            assert game is not None
            if game.is_over:
                games[i] = None
                assert batch.rewards[i].tolist() == [0, 0]
                continue
            game.play_index(without_room(int(actions[i]), game.packages))
            assert batch.rewards[i].tolist() == game.rewards
            assert bool(batch.endings[i]) == game.is_over
            if game.is_over:
                outcome = batch.outcomes[i : i + 1].copy()
                assert outcome["scenario"][0] == batch.games["scenario"][i]
                outcome["scenario"] = 0
                assert content(outcome) == report(game)
    assert ended > 2 * n
    assert len(kinds) > 15


def test_a_package_that_a_scenario_has_not_is_illegal_in_its_lanes() -> None:
    batch = Batch(2, scenario=["uniform", "acquisition_terms"])
    seed = next(s for s in range(50) if batch.reset(s) is None and batch.games["scenario"].tolist() == [0, 1])
    action = offer(20, 4)
    with pytest.raises(
        IllegalMoveError, match=r"lane 0, \w+: action \d+ \(OFFER\) is illegal: the scenario has no such package"
    ):
        batch.step([action, action])
    batch.reset(seed)
    assert batch.step([offer(20), action]) == 0


def test_shares_are_respected_and_roles_are_half_and_half() -> None:
    n = 20_000
    batch = mixed_batch(n)
    batch.reset(7)
    for column, weights in ((batch.games["scenario"], MIX), (batch.lanes["opponent"], FIELD)):
        shares = np.array(list(weights.values())) / sum(weights.values())
        found = np.bincount(column, minlength=len(weights)) / n
        assert found == pytest.approx(shares, abs=0.015)
    assert batch.learners.mean() == pytest.approx(0.5, abs=0.015)
    draws = np.array(drawn(batch), float)
    assert np.abs(np.corrcoef(draws.T) - np.eye(3)).max() < 0.03


def test_a_sequence_has_equal_shares_and_a_share_of_0_is_never_drawn() -> None:
    batch = Batch(9_000, scenario={"uniform": 0, "saas_enterprise": 5}, learner="buyer", opponent=PERSONAS[:3])
    batch.reset(1)
    assert set(batch.games["scenario"].tolist()) == {1}
    assert np.bincount(batch.lanes["opponent"]) / 9_000 == pytest.approx([1 / 3] * 3, abs=0.02)
    last = Batch(20_000, learner="buyer", opponent=dict.fromkeys(PERSONAS, 0.1) | {PERSONAS[-1]: 0})
    last.reset(1)
    assert set(last.lanes["opponent"].tolist()) == set(range(len(PERSONAS) - 1))
    assert set(last.learners.tolist()) == {0}


def test_what_is_drawn_depends_on_seed_and_number_alone() -> None:
    known: dict[tuple[int, int], tuple[int, ...]] = {}
    conflicts = 0
    for first, mode, play in ((0, "next_step", 1), (3, "same_step", 2), (5, "next_step", 3)):
        batch = mixed_batch(8, autoreset=mode)
        batch.reset(first)
        rng = np.random.default_rng(play)
        for _ in range(60):
            for i, draw in enumerate(drawn(batch)):
                key = int(batch.lanes["seed"][i]), int(batch.lanes["number"][i])
                conflicts += known.setdefault(key, draw) != draw
            batch.step(legal_actions(rng, batch))
    assert conflicts == 0
    for seed in range(8):
        assert len({draw for (s, _), draw in known.items() if s == seed}) > 1


def test_one_of_many_draws_like_one_alone() -> None:
    one, many = Batch(4, scenario="uniform"), Batch(4, scenario={"uniform": 2.5})
    one.reset(3)
    many.reset(3)
    assert content(one.games) == content(many.games)


def test_each_game_has_its_own_personas_sensitivity() -> None:
    batch = mixed_batch(300)
    batch.reset(0)
    other = 1 - batch.learners
    own = np.array([player.event_sensitivity for player in batch.personas])[batch.lanes["opponent"]]
    assert np.array_equal(batch.games["sensitivity"][np.arange(300), other], own)


# --------------------------------------------------------------------------------------------------------- buffers

BUFFERS = (
    "games", "lanes", "observations", "masks", "outcomes", "final_observations",
    "seats", "learners", "rewards", "endings", "refusals",
)  # fmt: skip


@every_mode
def test_buffers_stay_the_same_objects_in_the_same_place(mode: str) -> None:
    batch = Batch(16, autoreset=mode, illegal="terminate")
    where = {name: (id(getattr(batch, name)), getattr(batch, name).ctypes.data) for name in BUFFERS}
    rng = np.random.default_rng(0)
    for call in range(60):
        if call % 20 == 0:
            batch.reset(call)
        batch.step(legal_actions(rng, batch))
        assert {name: (id(getattr(batch, name)), getattr(batch, name).ctypes.data) for name in BUFFERS} == where
    assert batch.outcomes.dtype == OUTCOME_DTYPE
    assert (batch.observations.dtype, batch.masks.dtype) == (np.float32, np.int8)
    assert len(batch.final_observations) == (16 if mode == "same_step" else 0)


def prepared(n: int, count: int, seed: int = 0) -> list[Any]:
    """Return arrays of actions: offers, anchors and, rarely, walking away."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(INDEX_ANCHOR, INDEX_OFFERS + PRICE_LEVELS, (count, n))
    return list(np.where(rng.random((count, n)) < 0.02, INDEX_WALK_AWAY, draws))


def stepper(batch: Batch) -> Any:
    """Return a step that allocates nothing itself, and makes an anchor of walking away where that is too early."""
    legal, early = np.empty(batch.num_games, np.int64), np.empty(batch.num_games, bool)

    def step(actions: Any) -> int:
        np.equal(batch.masks[:, INDEX_WALK_AWAY], 0, out=early)
        np.copyto(legal, actions)
        np.maximum(legal, INDEX_ANCHOR, out=legal, where=early)
        return batch.step(legal)

    return step


@compiled_only
@pytest.mark.parametrize("arguments", [{}, {"learner": "mixed", "opponent": ["shark", "nash"]}], ids=["both", "mixed"])
def test_a_step_allocates_nothing_for_its_lanes(arguments: dict[str, Any]) -> None:
    n = 4096
    batch, actions = Batch(n, **arguments), prepared(n, 8)
    step, ended = stepper(batch), 0
    batch.reset(0)
    for each in actions:
        step(each)
    tracemalloc.start()
    try:
        step(actions[0])
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for each in actions * 5:
            ended += step(each)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ended > n // 4
    assert after - before < 1024
    assert peak - before < n  # not one byte for each lane


@compiled_only
@pytest.mark.skipif(not STATM.exists(), reason="needs Linux's account of memory")
@every_mode
def test_memory_stays_flat_over_millions_of_turns(mode: str) -> None:
    batch, actions = (
        Batch(512, learner="mixed", opponent=["shark", "linear"], autoreset=mode, reward="shaped"),
        prepared(512, 50),
    )
    step = stepper(batch)
    batch.reset(0)

    def play(steps: int) -> int:
        ended = 0
        for i in range(steps):
            ended += step(actions[i % 50])
            if mode == "disabled" and i % 50 == 49:
                batch.reset()
        return ended

    play(200)
    before = int(STATM.read_text().split()[1]) * PAGE
    assert play(3_000) > 20_000
    assert int(STATM.read_text().split()[1]) * PAGE - before < 4 * 2**20


@compiled_only
def test_nothing_is_compiled_after_the_first_call_of_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial._trial, "left", 0.0)  # no plain Python

    def use(n: int, **arguments: Any) -> None:
        batch = Batch(n, illegal="raise", **arguments)
        batch.reset(3)
        batch.step([offer(20)] * n)
        batch.reset()
        with pytest.raises(IllegalMoveError):
            batch.step([-1] * n)

    def compiled() -> list[int]:
        names = ("step_lanes", "reset_lanes", "first_illegal")
        return [len(getattr(kernels, name).signatures) for name in names]

    use(2)
    use(2, scenario=MIX)
    before = compiled()
    for mode in MODES:
        use(3, autoreset=mode, learner="mixed", opponent=FIELD, scenario=MIX)
        use(1, autoreset=mode, learner="seller", opponent="nash", reward="payoff", rules="seed", threads=2)
    batch = Batch(4, autoreset="disabled", max_rounds=3, beliefs="none", information="complete", reward="shaped")
    frozen = np.array([True, False, True, False])
    frozen.flags.writeable = False
    batch.reset(np.arange(4), {"opener": "buyer"})
    for chosen in ([True] * 4, frozen, np.zeros(8, bool)[::2], np.ones(4, bool)[::-1]):
        batch.reset(chosen=chosen)
    for actions in (np.full(4, 30, np.int8), np.full(4, 30, np.uint64), np.full(8, 30)[::2], np.full(4, 30, ">i4")):
        batch.step(actions)
    locked = np.full(4, 30)
    locked.flags.writeable = False
    batch.step(locked)
    copied = copy.deepcopy(batch)
    copied.reset(1)
    copied.step(locked)
    assert compiled() == before


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda batch: pickle.loads(pickle.dumps(batch))], ids=["deepcopy", "pickle"]
)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_copy_is_a_batch_of_its_own(threads: int, copied: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parlay_marl.envs.batch.LEAST_PER_THREAD", 2)
    batch = Batch(4, autoreset="same_step", threads=threads, reward="shaped")
    batch.reset(1)
    batch.step([offer(20)] * 4)
    twin = copied(batch)
    batch_before = content(batch.games)
    for each in (batch, twin):
        for action in (offer(25), offer(18), 1):
            each.step([action] * 4)
    assert content(batch.games) == content(twin.games) != batch_before
    assert content(batch.lanes) == content(twin.lanes)
    for name in BUFFERS:
        ours, theirs = getattr(batch, name), getattr(twin, name)
        assert not np.shares_memory(ours, theirs), name
        assert ours.dtype is theirs.dtype, name
        assert (content(ours) if ours.dtype.names else ours.tobytes()) == (
            content(theirs) if theirs.dtype.names else theirs.tobytes()
        ), name


def test_batches_share_nothing() -> None:
    first, second = Batch(3), Batch(3)
    first.reset(1)
    second.reset(1)
    before = content(second.games), content(second.lanes), second.observations.tobytes()
    first.step([offer(20)] * 3)
    first.step([1, 1, 1])
    first.reset(9)
    assert (content(second.games), content(second.lanes), second.observations.tobytes()) == before


def test_a_batch_that_observes_nothing_plays_the_same_games() -> None:
    seen, blind = mixed_batch(16), mixed_batch(16, observe=False)
    rng = np.random.default_rng(0)
    seen.reset(1)
    blind.reset(1)
    for _ in range(40):
        actions = legal_actions(rng, seen)
        assert seen.step(actions) == blind.step(actions)
    assert content(seen.games) == content(blind.games)
    assert content(seen.lanes) == content(blind.lanes)
    twin = copy.deepcopy(blind)
    assert twin.observations.shape == blind.observations.shape
    twin.step(legal_actions(rng, seen))


# ------------------------------------------------------------------------------------------------ opponents that learn


def league(n: int, **arguments: Any) -> Batch:
    """Return a batch against a learned policy, a shark and another learned policy."""
    field = [learned("first"), "shark", learned("second", seed=1, hidden=(16, 4))]
    return Batch(n, **({"opponent": field, "learner": "mixed", "opener": "random", "reward": "shaped"} | arguments))


def turns_of(batch: Batch, steps: int, seed: int = 0) -> Any:
    """Play at random; return the games after every step."""
    rng = np.random.default_rng(seed)
    return [content(batch.games) for _ in range(steps) if batch.step(legal_actions(rng, batch)) >= 0]


def test_who_has_taken_a_place_is_really_played() -> None:
    newcomer = learned("third", "shark", seed=2, hidden=(16, 4))
    changing, fresh = league(40), league(40, opponent=[learned("first"), "shark", newcomer])
    changing.reset(SEED)
    before = turns_of(changing, 30)
    changing.set_opponents([1, 1, 1], {2: newcomer})
    assert [persona.name for persona in changing.personas] == ["first", "shark", "third"]
    changing.reset(SEED)
    fresh.reset(SEED)
    assert turns_of(changing, 30) == turns_of(fresh, 30) != before
    sensitivities = changing.games["sensitivity"][np.arange(40), 1 - changing.learners]
    assert set(sensitivities[changing.lanes["opponent"] == 2].tolist()) == {newcomer.event_sensitivity}


def test_a_game_that_is_going_on_is_played_on_by_whoever_has_taken_the_place() -> None:
    batch = league(200, learner="buyer", opener="buyer", max_rounds=8)
    batch.reset(SEED)
    batch.step([offer(10)] * 200)
    twin = copy.deepcopy(batch)
    batch.set_opponents([1, 1, 1], {2: learned("third", seed=2, hidden=(16, 4))})
    seats = batch.lanes["opponent"].copy()
    assert twin.personas[2].name == "second", "a copy has opponents of its own"
    for each in (batch, twin):
        each.step([offer(12)] * 200)
    differs = np.array([row(batch.games, i) != row(twin.games, i) for i in range(200)])
    assert differs[seats == 2].any()
    assert not differs[seats < 2].any()


def test_new_shares_are_those_of_games_that_begin() -> None:
    batch = league(3_000)
    batch.reset(SEED)
    seats = batch.lanes["opponent"].copy()
    batch.set_opponents([0, 3, 1], {})
    assert (batch.lanes["opponent"] == seats).all()
    batch.reset()
    assert np.bincount(batch.lanes["opponent"], minlength=3) / 3_000 == pytest.approx([0, 0.75, 0.25], abs=0.03)


@pytest.mark.parametrize(
    ("shares", "changed", "message"),
    [
        ([1, 1], {}, "give a share for each of 3, not 2"),
        ([1, 1, 1, 1], {}, "give a share for each of 3, not 4"),
        ([0, 0, 0], {}, "shares of 0 or more that are not all 0"),
        ([1, -1, 1], {}, "shares of 0 or more"),
        ([1, float("nan"), 1], {}, "shares of 0 or more"),
        ([1, 1, 1], {1: learned("pupil")}, "opponent 1: 'shark' is not played by a learned policy"),
        ([1, 1, 1], {0: as_persona("nash")}, "opponent 0: 'nash' is not played by a learned policy"),
        ([1, 1, 1], {2: learned("pupil")}, "opponent 2: 'pupil' has a network of another shape, .* make another batch"),
        ([1, 1, 1], {0: learned("pupil", packages=1)}, "opponent 0: 'pupil' has a network of another shape"),
        ([1, 1, 1], {0: learned("pupil", traits=TRAIT_INPUTS)}, "opponent 0: 'pupil' has a network of another shape"),
        ([1, 1, 1], {3: learned("pupil")}, "there is no number 3; they are 0 to 2"),
        ([1, 1, 1], {-1: learned("pupil")}, "there is no number -1"),
        ([2, 1, 1], {0: learned("pupil"), 1: learned("pupil")}, "opponent 1"),
    ],
    ids=case_name,
)
def test_opponents_that_cannot_change_are_refused_and_nothing_changes(
    shares: list[float], changed: dict[int, PersonaPlayer], message: str
) -> None:
    batch, plain = league(20), league(20)
    with pytest.raises(ConfigurationError, match=message):
        batch.set_opponents(shares, changed)
    for each in (batch, plain):
        each.reset(SEED)
    assert turns_of(batch, 30) == turns_of(plain, 30)


def test_where_both_seats_are_outside_there_are_no_opponents_to_change() -> None:
    with pytest.raises(ConfigurationError, match="give a share for each of 0"):
        Batch(2).set_opponents([1], {})


def test_activation_temperature_and_traits_of_the_persona_may_change_with_the_weights() -> None:
    calm, angry = (learned("x", name, traits=TRAIT_INPUTS, temperature=0.0) for name in ("diplomat", "shark"))
    other = learned("x", "shark", traits=TRAIT_INPUTS, activation="tanh", temperature=2.0)
    games = []
    for player in (calm, angry, other):
        batch = Batch(30, opponent=[calm], learner="buyer", reward="shaped")
        batch.set_opponents([1], {0: player})
        batch.reset(SEED)
        games.append(turns_of(batch, 10))
        plain = Batch(30, opponent=[player], learner="buyer", reward="shaped")
        plain.reset(SEED)
        assert turns_of(plain, 10) == games[-1]
    assert games[0] != games[1] != games[2]


# -------------------------------------------------------------------------------------------------------- refusals


def test_a_step_before_the_first_reset_is_refused() -> None:
    with pytest.raises(NotStartedError, match="call reset"):
        Batch(2).step([1, 1])


@every_mode
def test_an_illegal_action_changes_nothing_in_any_lane(mode: str) -> None:
    batch = Batch(3, opener="buyer", autoreset=mode, reward="shaped")
    batch.reset(3)
    batch.step([offer(10), offer(20), offer(10)])
    batch.step([offer(30), offer(30), 1])
    before = [getattr(batch, name).tobytes() for name in BUFFERS]
    with pytest.raises(
        IllegalMoveError, match=r"lane 1, buyer: action 3 \(CHALLENGE\) is illegal: the other seat has no open claim"
    ):
        batch.step([offer(30), 3, offer(30)])
    assert [getattr(batch, name).tobytes() for name in BUFFERS] == before
    batch.step([offer(30), 0, offer(30)])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_games": 0}, ConfigurationError, "num_games: give a whole number from 1"),
        ({"num_games": 2.0}, ConfigurationError, "num_games: give a whole number"),
        ({"threads": 0}, ConfigurationError, "threads: give a whole number from 1"),
        ({"threads": -2}, ConfigurationError, "threads: give a whole number from 1"),
        ({"opponent": "shark"}, ConfigurationError, "leave the opponent out"),
        ({"learner": "buyer"}, ConfigurationError, "opponent: give"),
        ({"learner": "seler", "opponent": "shark"}, UnknownNameError, "did you mean 'seller'"),
        ({"learner": "buyer", "opponent": Chooser(0)}, ConfigurationError, "'chooser' is no persona.*learner='both'"),
        (
            {"learner": "buyer", "opponent": learned(packages=2), "scenario": "acquisition_terms"},
            ConfigurationError,
            "'learned' is played by a policy with room for 2 packages, but 'acquisition_terms' has 9",
        ),
        ({"autoreset": "next"}, UnknownNameError, "did you mean 'next_step'"),
        ({"illegal": "pass"}, UnknownNameError, "unknown treatment"),
        ({"scenario": {"uniform": float("nan")}}, ConfigurationError, "scenario: give at least one"),
        ({"scenario": {}}, ConfigurationError, "scenario: give at least one"),
        ({"scenario": ["uniform", "saas"]}, UnknownNameError, "did you mean 'saas_enterprise'"),
    ],
    ids=case_name,
)
def test_what_cannot_be_made_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Batch(**({"num_games": 2} | arguments))


def test_numpy_numbers_are_numbers_of_games() -> None:
    batch = Batch(np.int32(3), threads=np.int64(1))
    batch.reset(np.uint8(2))
    assert (batch.num_games, type(batch.num_games)) == (3, int)
