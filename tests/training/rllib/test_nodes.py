"""Env runners on a cluster of two nodes: a node dies in the middle of a league's training, and it goes on."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from parlay_marl.tournament.executors.ray_cluster import QUIET, ray_cluster
from parlay_marl.training import rllib
from parlay_marl.training.rllib import LeagueCallback
from parlay_marl.training.rllib.session import session
from tests.training.rllib.play import equal, small, weights

PATIENCE = 60.0
"""Seconds within which a cluster notices that a node is gone, or begins an actor again."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Yield a cluster of two nodes, each with room for one runner; this process is connected to it."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    try:
        with ray_cluster(nodes.address):
            yield nodes
    finally:
        nodes.shutdown()


def where(algorithm: Any) -> list[str]:
    """Return the node of each runner that answers."""
    return sorted(
        algorithm.env_runner_group.foreach_env_runner(
            lambda _: ray.get_runtime_context().get_node_id(), local_env_runner=False
        )
    )


def until(holds: Callable[[], bool]) -> bool:
    """Wait until something holds; return whether it does."""
    deadline = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.2)
    return holds()


def test_training_goes_on_when_a_node_dies_and_the_runner_is_begun_again_elsewhere(cluster: Cluster) -> None:
    config = small(rllib.self_play_league(scenarios=["uniform"]), lanes=32)
    config.callbacks(functools.partial(LeagueCallback, every=2)).env_runners(num_env_runners=2)
    with session(config):
        algorithm = config.build_algo()
        try:
            for _ in range(3):
                algorithm.train()
            before = where(algorithm)
            assert len(set(before)) == 2  # one on each node
            (doomed,) = cluster.worker_nodes
            cluster.remove_node(doomed, allow_graceful=False)

            def trained() -> int:
                result = algorithm.train()
                assert result["env_runners"]["negotiation"]["illegal_moves"] == 0
                return int(result["env_runners"]["num_env_steps_sampled"])

            assert until(lambda: trained() > 0 and algorithm.env_runner_group.num_healthy_remote_workers() == 1)
            assert trained() >= 1024  # the runner that is left plays for both
            assert where(algorithm) == [node for node in before if node != doomed.node_id]
            cluster.add_node(num_cpus=1)
            assert until(lambda: trained() > 0 and algorithm.env_runner_group.num_healthy_remote_workers() == 2)
            trained()
            assert len(set(where(algorithm)) - {doomed.node_id}) == 2
            learner = algorithm.learner_group._learner
            past = algorithm.config.policy_mapping_fn.past
            assert len(past) >= 2
            states = algorithm.env_runner_group.foreach_env_runner(
                lambda runner: (
                    {name: weights(runner.module[name]) for name, _ in runner.module.items()},
                    runner.config.policy_mapping_fn.past,
                ),
                local_env_runner=False,
            )
            assert len(states) == 2
            for modules, known in states:
                assert known == past
                assert set(modules) == {"learner", *past}
                assert all(equal(modules[name], weights(learner.module[name])) for name in modules)
        finally:
            algorithm.stop()
