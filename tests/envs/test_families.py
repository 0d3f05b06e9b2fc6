"""Games of families: every interface plays the same deals, bit for bit, and tells a seat nothing hidden."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test

from parlay_marl import negotiation_v0
from parlay_marl.catalogue import family_names
from parlay_marl.envs.batch import Batch
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.envs.vector import NegotiationVectorEnv
from parlay_marl.errors import ConfigurationError, IllegalMoveError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game, replay
from parlay_marl.game.record import GameRecord
from parlay_marl.players.persona import as_persona
from parlay_marl.simulation.cells import play_cell
from tests.envs import family_digest
from tests.processes import run

FAMILIES = family_names()
SEED = 11


def chosen(mask: Any, rng: np.random.Generator) -> int:
    """Return a legal action, seldom one that ends the game."""
    legal = np.flatnonzero(mask)
    rest = legal[legal > 1]
    return int(rng.choice(rest if len(rest) and rng.random() < 0.97 else legal))


@pytest.mark.parametrize("name", FAMILIES)
def test_batch_plays_what_single_games_play(name: str) -> None:
    lanes, rng = 6, np.random.default_rng(0)
    batch = Batch(lanes, name, autoreset="same_step")
    batch.reset(SEED)
    games = [Game(make_config(name)) for _ in range(lanes)]
    for i, game in enumerate(games):
        game.reset(SEED + i)
    for _ in range(250):
        actions = np.zeros(lanes, np.int64)
        for i, game in enumerate(games):
            assert game.observation.tobytes() == batch.observations[i].tobytes()
            assert game.mask.tobytes() == batch.masks[i].tobytes()
            actions[i] = chosen(game.mask, rng)
            game.play_index(int(actions[i]))
        batch.step(actions)
        for i, game in enumerate(games):
            assert game.rewards == batch.rewards[i].tolist()
            if game.is_over:
                assert game.outcome().payoff == tuple(batch.outcomes[i]["payoff"].tolist())
                assert batch.outcomes[i]["scenario"] == 0
                game.reset()
            assert batch.config_of(i).scenario == game.scenario
    assert any(game.number > 0 for game in games)


def played(batch: Batch, turns: int) -> bytes:
    """Return everything that lanes 0 to 5 saw and were paid, by random play of their own."""
    generators, seen = [np.random.default_rng(i) for i in range(6)], []
    batch.reset(SEED)
    for _ in range(turns):
        actions = np.array([chosen(batch.masks[i], generators[i % 6]) if i < 6 else np.flatnonzero(batch.masks[i])[-1]
                            for i in range(batch.num_games)])  # fmt: skip
        batch.step(actions)
        seen.append(batch.observations[:6].tobytes() + batch.rewards[:6].tobytes())
    return b"".join(seen)


def test_neither_the_size_of_a_batch_nor_its_threads_count() -> None:
    alone = played(Batch(6, "family:unseen"), 60)
    assert played(Batch(40, "family:unseen"), 60) == alone
    many = Batch(2048 + 6, "family:unseen", threads=2)
    assert played(many, 12) == played(Batch(6, "family:unseen"), 12)
    many.close()


def test_families_mix_with_scenarios_and_each_other() -> None:
    batch = Batch(64, ["uniform", "family:wide", "family:terms"], autoreset="same_step")
    batch.reset(SEED)
    rng = np.random.default_rng(0)
    for _ in range(60):
        batch.step(np.array([chosen(mask, rng) for mask in batch.masks]))
    names = {batch.config_of(i).scenario.name for i in range(64)}
    assert names == {"uniform", "family:wide", "family:terms"}
    assert set(batch.outcomes["scenario"].tolist()) <= {0, 1, 2}


@pytest.mark.parametrize("name", FAMILIES)
def test_cells_play_what_single_games_play(name: str) -> None:
    pair, config = (as_persona("shark"), as_persona("diplomat")), make_config(name)
    cell = play_cell(*pair, config.params, opener=0, games=200, seed=SEED)
    assert cell.tobytes() == play_cell(*pair, config.params, opener=0, games=200, seed=SEED, threads=2).tobytes()
    game = Game(config, pair)
    for number in range(0, 200, 20):
        game.start(SEED, number, {"opener": "buyer"})
        outcome = game.outcome()
        assert outcome.payoff == tuple(cell[number]["payoff"].tolist())
        assert outcome.round < game.deal.max_rounds


@pytest.mark.parametrize("name", FAMILIES)
def test_a_record_replays_from_seed_and_number_alone(name: str) -> None:
    game = Game(make_config(name), (as_persona("veteran"), as_persona("micro")))
    game.start(SEED, 3)
    record = GameRecord.from_dict(json.loads(json.dumps(game.record().to_dict())))
    assert record.replay().row.tobytes() == game.row.tobytes()
    assert record.transcript() == game.record().transcript()
    again = replay(game.config, SEED, game.actions, game.options, 3)
    assert again.scenario == game.scenario


def test_vector_and_single_environments_agree() -> None:
    vector = NegotiationVectorEnv(3, opponent="shark", scenario="family:storms", autoreset_mode="Disabled")
    seen, _ = vector.reset(seed=SEED)
    singles = [NegotiationEnv(opponent="shark", scenario="family:storms") for _ in range(3)]
    firsts = [env.reset(seed=SEED + i)[0] for i, env in enumerate(singles)]
    for i, first in enumerate(firsts):
        assert first["observation"].tobytes() == seen["observation"][i].tobytes()
    actions = np.array([20, 25, 30])
    seen, rewards, *_ = vector.step(actions)
    for i, env in enumerate(singles):
        one, reward, *_ = env.step(int(actions[i]))
        assert one["observation"].tobytes() == seen["observation"][i].tobytes()
        assert reward == rewards[i]
        assert vector.get_attr("config")[i].scenario == env.game.scenario
    vector.close()


def test_aec_and_parallel_play_the_same_deal() -> None:
    aec, parallel = negotiation_v0.env("family:terms"), negotiation_v0.parallel_env("family:terms")
    aec.reset(seed=SEED)
    seen, _ = parallel.reset(seed=SEED)
    for agent in aec.agents:
        assert aec.observe(agent)["observation"].tobytes() == seen[agent]["observation"].tobytes()
    assert aec.game.scenario == parallel.game.scenario


@pytest.mark.filterwarnings("ignore:Observation")  # with a mask it is a dictionary, as in PettingZoo's own board games
def test_a_family_with_terms_conforms() -> None:
    api_test(negotiation_v0.env("family:unseen"), num_cycles=60)
    parallel_api_test(negotiation_v0.parallel_env("family:unseen"), num_cycles=60)


def test_a_package_that_a_deal_does_not_have_is_refused_by_name() -> None:
    env = negotiation_v0.env("family:terms", actions="mixed")
    config = make_config("family:terms")
    env.reset(seed=next(seed for seed in range(100) if config.deal(seed).played.n_packages < config.room))
    with pytest.raises(IllegalMoveError, match="the scenario has no such package"):
        env.step({"move": 2, "price": np.array([0.5], np.float32), "package": 15})


@pytest.mark.compiled_only
def test_compiled_games_of_families_are_those_of_plain_python() -> None:
    pure = run([sys.executable, "-m", "tests.envs.family_digest"], env=os.environ | {"NUMBA_DISABLE_JIT": "1"})
    assert pure.returncode == 0, pure.stderr
    assert family_digest.digests() == pure.stdout.split()


def test_a_snapshot_returns_to_its_deal() -> None:
    game = Game(make_config("family:unseen"))
    game.reset(SEED)
    kept, scenario = game.snapshot(), game.scenario
    game.reset()
    assert game.scenario != scenario
    game.restore(kept)
    assert game.scenario == scenario
    assert game.row.tobytes() == kept.row


def test_a_refused_reset_keeps_the_deal() -> None:
    game = Game(make_config("family:wide"), (as_persona("shark"), None))
    game.reset(SEED)
    before, scenario = game.params.tobytes(), game.scenario
    with pytest.raises(ConfigurationError):
        game.reset(SEED + 1, options={"reservation": {"buyer": 1e12}})
    assert game.params.tobytes() == before
    assert game.scenario == scenario


def test_reset_options_are_of_the_deal_that_is_drawn() -> None:
    game = Game(make_config("family:wide"))
    deal = make_config("family:wide").deal(SEED).played
    game.reset(SEED, options={"reservation": {"buyer": deal.high}})
    assert game.row["reservation"][0] == 1.0
    with pytest.raises(ConfigurationError, match="but this batch has several"):
        Batch(2, "family:wide").reset(SEED, {"reservation": {"buyer": deal.high}})


@pytest.mark.parametrize("name", FAMILIES)
def test_a_seat_sees_nothing_of_the_others_figures(name: str) -> None:
    """Twins: the seller's private figures change under one public history; the buyer sees the same."""
    for number in range(4):
        config, rng = make_config(name), np.random.default_rng(number)
        deal = config.deal(SEED, number).played
        other = {"reservation": {"seller": deal.low}, "urgency": {"seller": 0.9}, "alternative": {"seller": True}}
        twins = [Game(config), Game(config)]
        twins[0].begin(SEED, number, {"opener": "buyer"})
        twins[1].begin(SEED, number, {"opener": "buyer", **other, "event_sensitivity": {"seller": 0.6}})
        for _ in range(2 * deal.rounds - 2):
            seen = [twin.observe(0)["observation"].tobytes() for twin in twins]
            assert seen[0] == seen[1]
            assert twins[0].scenario == twins[1].scenario
            assert str(SEED) not in twins[0].scenario.name
            action = int(rng.choice(np.flatnonzero(twins[0].mask[: 5 + 41])[2:]))
            if not twins[1].mask[action]:
                break
            for twin in twins:
                twin.play_index(action)
            if twins[0].is_over or twins[1].is_over:
                break
            assert twins[0].rewards == twins[1].rewards
