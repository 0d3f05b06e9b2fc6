"""Training runs, for real and in small: they learn, repeat, survive being killed, and say what is wrong."""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parlay_marl.catalogue import load_persona
from parlay_marl.core.observation import width
from parlay_marl.core.outcome import DEAL
from parlay_marl.errors import CatalogueError, ConfigurationError, MissingExtraError, ParlayError
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.policies.policy import Policy, read_policy
from parlay_marl.studies.evaluation import evaluate, games_of
from parlay_marl.training.config import TrainingConfig, price_scenarios, scripted_personas
from parlay_marl.training.folder import Folder
from parlay_marl.training.league import league_player
from parlay_marl.training.progress import Progress
from parlay_marl.training.selfplay import Run, scenario_params, train
from tests.processes import run

SMALL: dict[str, Any] = {
    "scenarios": ("saas_enterprise", "uniform"), "opponents": {"linear": 1.0, "shark": 1.0}, "frames": 40_000,
    "lanes": 128, "steps": 32, "batch_size": 1024, "epochs": 2, "hidden": (16, 16), "snapshot_every": 10_000,
    "evaluate_every": 16_000, "evaluation_games": 4, "snapshots": 3,
}  # fmt: skip


def config(**changes: Any) -> TrainingConfig:
    return TrainingConfig(**(SMALL | changes))


def same_weights(first: Policy, second: Policy) -> bool:
    pairs = zip((*first.weights, *first.biases), (*second.weights, *second.biases), strict=True)
    return all(a.tobytes() == b.tobytes() for a, b in pairs)


@functools.cache
def straight() -> Policy:
    """Return the policy of the small config, trained without an interruption."""
    return train(config())


def test_the_same_seed_gives_the_same_weights_and_another_one_others() -> None:
    first, again, other = straight(), train(config()), train(config(seed=1))
    assert same_weights(first, again)
    assert not same_weights(first, other)
    assert first.training["frames"] >= SMALL["frames"]


def test_a_learner_is_paid_more_than_by_chance() -> None:
    quick = config(
        scenarios=("saas_enterprise",), opponents={"conceder": 1.0}, self_share=0.0, past_share=0.0, frames=100_000,
        evaluate_every=10**9,
    )  # fmt: skip
    learned = league_player("learner", train(quick))
    conceder, other = PersonaPlayer(load_persona("conceder")), PersonaPlayer(load_persona("random"))
    games = {"games": 50, "seed": 5}
    paid, by_chance = (evaluate(each, [conceder], scenario_params(quick), **games).payoff for each in (learned, other))
    assert paid.low > by_chance.high


OPEN_CARDS = """
title = "Open cards"
low = 0
high = 100
information = "complete"
reservation = { buyer = 99, seller = 1, spread = 0.0 }
urgency = { buyer = 0.5, seller = 0.5, spread = 0.0 }
alternative = { buyer = 0.0, seller = 0.0 }
"""


def test_with_one_round_self_play_finds_the_ultimatum(tmp_path: Path) -> None:
    """The opener asks for nearly all, and the other takes what is left (Stahl 1972)."""
    scenario = tmp_path / "open_cards.toml"
    scenario.write_text(OPEN_CARDS)
    alone = config(
        scenarios=(str(scenario),), opponents={}, self_share=0.0, past_share=0.0, explorer_share=1.0,
        opponent_share=0.0, max_rounds=1, exit_bonus=0.0, frames=600_000, lanes=512, steps=16, batch_size=2048,
        epochs=4, hidden=(32, 32), entropy=0.1, final_entropy=0.003,
    )  # fmt: skip
    learned = league_player("learner", train(alone))
    outcomes = games_of(learned, learned, scenario_params(alone), 0, games=20, seed=1)[0]
    assert (outcomes["ending"] == DEAL).all()
    for opener in (0, 1):
        assert outcomes["share"][opener, :, opener].mean() > 0.9


@pytest.mark.parametrize("fall", ["linear", "geometric"])
def test_the_weight_of_the_entropy_falls_by_equal_amounts_or_by_equal_shares(fall: str) -> None:
    weights = []
    whole = config(
        entropy=0.16, final_entropy=0.01, entropy_fall=fall, opponent_share=0.0, past_share=0.0, frames=4 * 128 * 32
    )
    learning = Run(whole)
    update = learning.learner.update

    def noted(rate: float, weight: float) -> dict[str, float]:
        weights.append(weight)
        return update(rate, weight)

    learning.learner.update = noted  # type: ignore[method-assign]
    learning.learn()
    learning.close()
    expected = [0.16, 0.1225, 0.085, 0.0475] if fall == "linear" else [0.16, 0.08, 0.04, 0.02]
    assert weights == pytest.approx(expected)


@pytest.mark.parametrize("weights", [{"entropy": 0.0, "final_entropy": 0.0}, {"entropy": 0.1, "final_entropy": 0.0}])
def test_a_geometric_fall_needs_weights_above_0(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="give `entropy` and `final_entropy` above 0"):
        config(entropy_fall="geometric", **weights)


def test_a_run_plays_by_the_rules_of_its_config() -> None:
    """Games to learn from and games to evaluate by have the changed numbers."""
    calm = config(rules={"erosion": {"rate": 0.0}, "tension": {"memory": 0.5}})
    learning = Run(calm)
    records = [*(each.params for each in learning.batch.configs), *scenario_params(calm)]
    learning.close()
    assert len(records) == 2 * len(SMALL["scenarios"])
    assert {(each["erosion"]["rate"].item(), each["tension"]["memory"].item()) for each in records} == {(0.0, 0.5)}


def test_a_run_keeps_its_config_its_policy_and_its_evaluations(tmp_path: Path) -> None:
    told: list[Progress] = []
    seen: list[int] = []
    policy = train(
        config(name="ada"), tmp_path / "run", on_progress=told.append, on_evaluation=lambda n, _: seen.append(n)
    )
    whole_updates = 10 * 128 * 32
    assert [progress.total for progress in told] == [whole_updates] * len(told)
    assert told[-1].frames == policy.training["frames"] == whole_updates
    assert 0.0 < told[-1].environment_share < 1.0
    kept = read_policy(tmp_path / "run" / "ada.safetensors")
    assert same_weights(kept, policy)
    assert (kept.name, kept.scenarios, kept.temperature) == ("ada", ("saas_enterprise", "uniform"), 0.0)
    evaluations = json.loads((tmp_path / "run" / "evaluations.json").read_text())
    assert [each["frames"] for each in evaluations] == seen
    assert {score["opponent"] for score in evaluations[-1]["scores"]} == {"linear", "shark"}
    assert len(list((tmp_path / "run" / "snapshots").iterdir())) == len(seen)
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert TrainingConfig.model_validate(about["config"]) == config(name="ada")
    assert {"python", "torch", "numpy"} <= set(about["versions"])


KILLED = """
import os, signal, sys
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.selfplay import train

def kill(progress):
    if progress.frames > 20_000:
        os.kill(os.getpid(), signal.SIGKILL)

train(TrainingConfig.model_validate_json(sys.argv[1]), sys.argv[2], on_progress=kill)
"""


@pytest.mark.parametrize("persona_rewards", [False, True])
def test_a_killed_run_ends_with_the_weights_that_it_would_have_had(tmp_path: Path, persona_rewards: bool) -> None:
    whole = config(checkpoint_seconds=1e-3, persona_rewards=persona_rewards)
    arguments = [sys.executable, "-c", KILLED, whole.model_dump_json(), str(tmp_path / "killed")]
    killed = run(arguments)
    assert killed.returncode == -9, killed.stderr
    assert (tmp_path / "killed" / "checkpoint.pt").exists()
    begun: list[int] = []
    resumed = train(None, tmp_path / "killed", resume=True, on_progress=lambda p: begun.append(p.frames))
    assert begun[0] > 0
    straight = train(whole, tmp_path / "straight")
    assert same_weights(resumed, straight)
    for name in ("evaluations.json", "learner.safetensors"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_a_finished_run_that_is_resumed_stays_as_it_is(tmp_path: Path) -> None:
    first = train(config(), tmp_path / "run")
    evaluations = (tmp_path / "run" / "evaluations.json").read_bytes()
    assert same_weights(train(None, tmp_path / "run", resume=True), first)
    assert (tmp_path / "run" / "evaluations.json").read_bytes() == evaluations


def test_a_run_killed_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    Folder(tmp_path / "run").begin(config())
    assert same_weights(train(None, tmp_path / "run", resume=True), straight())


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "sprung"),)

    folder = Folder(tmp_path / "run")
    folder.begin(config())
    torch.save({"config": Trap()}, folder.checkpoint)
    with pytest.raises(ConfigurationError, match=r"checkpoint.pt: this checkpoint cannot be read"):
        train(None, tmp_path / "run", resume=True)
    assert not (tmp_path / "sprung").exists()


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    train(config(frames=4096), tmp_path / "run")
    path = Folder(tmp_path / "run").checkpoint
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ConfigurationError, match=r"checkpoint.pt: this checkpoint cannot be read"):
        train(None, tmp_path / "run", resume=True)


def test_a_run_from_before_a_setting_existed_goes_on_by_its_default(tmp_path: Path) -> None:
    first, folder = train(config(frames=4096), tmp_path / "run"), Folder(tmp_path / "run")
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    del about["config"]["rarity_power"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(about))
    state = torch.load(folder.checkpoint, weights_only=True)
    state["config"] = json.dumps({k: v for k, v in json.loads(state["config"]).items() if k != "rarity_power"})
    torch.save(state, folder.checkpoint)
    assert same_weights(train(None, tmp_path / "run", resume=True), first)


@pytest.mark.parametrize("content", [{}, {"config": "{"}, {"config": 3}, []])
def test_a_checkpoint_without_settings_is_refused(tmp_path: Path, content: Any) -> None:
    folder = Folder(tmp_path / "run")
    folder.begin(config())
    torch.save(content, folder.checkpoint)
    with pytest.raises(ConfigurationError, match=r"other settings than run\.json"):
        train(None, tmp_path / "run", resume=True)


def test_a_checkpoint_of_another_config_is_refused(tmp_path: Path) -> None:
    train(config(frames=4096), tmp_path / "run")
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    about["config"]["frames"] = 8192
    (tmp_path / "run" / "run.json").write_text(json.dumps(about))
    with pytest.raises(ConfigurationError, match=r"other settings than run\.json"):
        train(None, tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": None}, "give the settings of the run"),
        ({"config": None, "resume": True}, "give the folder of the run"),
        ({"config": config(), "resume": True, "out": "somewhere"}, "no config: the folder has one"),
        ({"config": None, "resume": True, "out": "nowhere"}, "holds no run to resume"),
        ({"config": config(scenarios=("nowhere",))}, "unknown scenario 'nowhere'"),
        ({"config": config(opponents={"sharc": 1.0})}, "did you mean 'shark'"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParlayError, match=message):
        train(**arguments)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not empty; give a new one"):
        train(config(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 0}, "frames"),
        ({"self_share": 0.0, "past_share": 0.0, "opponent_share": 0.0}, "all 0"),
        ({"opponents": {}}, "names nobody"),
        ({"opponents": {"shark": -1.0}}, "weights must be 0 or more"),
        ({"persona_rewards": True, "reward": "shaped"}, "leave `reward` at 'payoff'"),
        ({"turn_discount": 0.9, "reward": "shaped"}, "leave `reward` at 'payoff'"),
        ({"batch_size": 10_000}, "is more than `lanes`"),
        ({"hidden": (0,)}, "1 to 1024"),
        ({"hidden": (8, 8, 8, 8)}, "hidden"),
        ({"name": "a b"}, "name"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_an_inconsistent_config_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**changes)


def test_defaults_are_the_price_scenarios_and_the_scripted_personas() -> None:
    assert set(price_scenarios()) == {
        *("saas_enterprise", "hiring_package", "acquisition_term_sheet", "uniform", "off_centre"),
        "complete_information",
    }
    assert "champion" not in scripted_personas()
    assert len(scripted_personas()) == 11


def test_a_policy_for_terms_has_room_for_their_packages() -> None:
    run = Run(config(scenarios=("saas_enterprise", "hiring_package_terms"), frames=4096))
    policy = run.learn()
    run.close()
    assert policy.packages == 9
    played = evaluate(league_player("a", policy), run.others, scenario_params(run.config), games=2)
    assert np.isfinite(played.payoff.mean)


def test_an_unknown_device_or_file_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no such policy file"):
        train(config(opponents={str(tmp_path / "gone.safetensors"): 1.0}))


def test_a_policy_file_can_be_the_opponent(tmp_path: Path) -> None:
    train(config(frames=4096, name="first"), tmp_path / "first")
    second = train(config(frames=4096, opponents={str(tmp_path / "first" / "first.safetensors"): 1.0}))
    assert second.training["frames"] >= 4096


def test_a_run_can_begin_as_a_policy_of_its_shape(tmp_path: Path) -> None:
    first = train(config(frames=4096, name="first"), tmp_path / "first")
    run = Run(config(start=str(tmp_path / "first" / "first.safetensors")))
    assert same_weights(run.policy, first)
    assert not same_weights(run.learn(), first)
    run.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "champion"}, r"'champion' has another network: hidden \(128, 128\), not \(16, 16\) as configured"),
        ({"start": "champion", "hidden": (128, 128), "activation": "tanh"}, "activation relu, not tanh"),
        (
            {"start": "champion", "hidden": (128, 128), "persona_rewards": True},
            f"inputs {width(1)}, not {width(1) + 4}",
        ),
        ({"start": "gone.safetensors"}, "no such policy file"),
        ({"start": "nice_tit_for_tat"}, "nice_tit_for_tat: held out, for evaluation only"),
        ({"start": "family:broad"}, "start: 'family:broad' is a family, another player in every game"),
    ],
)
def test_who_a_run_cannot_begin_as(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParlayError, match=message):
        Run(config(**changes))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "parlay_marl.training.ppo", None)
    monkeypatch.delattr("parlay_marl.training.ppo", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "parlay-marl\[train\]"'):
        train(config(), tmp_path / "run")
    assert not (tmp_path / "run").exists()
