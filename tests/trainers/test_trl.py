"""TRL's trainer on the game, on a CPU, with models that are made on the spot."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="trl: not in this environment")

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM
from trl import GRPOConfig, GRPOTrainer

from parlay_marl.language.reply_player import ReplyPlayer
from parlay_marl.language.tools import TOOL_NAMES
from parlay_marl.language.trl import environment_factory, frozen_replies, rows
from tests.processes import ROOT, run
from tests.trainers import page
from tests.trainers.threshold_policy import ThresholdPolicy
from tests.trainers.tiny_model import tiny_model, tiny_tokenizer, warm_start


@pytest.fixture(autouse=True)
def experimental(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """TRL calls environments experimental, and warns of it."""
    torch.set_num_threads(1)
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def warmed(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    torch.set_num_threads(1)
    model = tiny_model(tokenizer)
    warm_start(model, tokenizer)
    return model


@pytest.fixture
def model(warmed: Qwen3ForCausalLM) -> Qwen3ForCausalLM:
    """A copy that a test may train."""
    return copy.deepcopy(warmed)


def trained(model: Any, tokenizer: Any, factory: Any, seeds: range = range(8), **settings: Any) -> GRPOTrainer:
    """Train a model on the game, and return the trainer."""
    usual = {
        "output_dir": "out", "use_cpu": True, "bf16": False, "report_to": "none", "save_strategy": "no",
        "disable_tqdm": True, "logging_steps": 1, "num_generations": 4, "per_device_train_batch_size": 8,
        "max_completion_length": 1000, "max_tool_calling_iterations": 4, "max_steps": 2, "seed": 1,
        "gradient_checkpointing": False,
    }  # fmt: skip
    trainer = GRPOTrainer(
        model, args=GRPOConfig(**usual | settings), train_dataset=Dataset.from_list(rows(seeds)),
        environment_factory=factory, processing_class=tokenizer,
    )  # fmt: skip
    trainer.train()
    return trainer


def logged(trainer: GRPOTrainer, name: str) -> list[float]:
    """Return a figure of every step."""
    return [entry[name] for entry in trainer.state.log_history if name in entry]


def test_two_steps_of_grpo_with_tool_calls(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    before = copy.deepcopy(model.state_dict())
    factory = environment_factory(["linear", "diplomat"], opener="buyer", max_rounds=3)
    trainer = trained(model, tokenizer, factory)
    assert len(logged(trainer, "reward")) == 2
    assert all(calls > 0.5 for calls in logged(trainer, "tools/call_frequency"))
    assert all(deviation > 0.0 for deviation in logged(trainer, "reward_std"))
    rewards = trainer._logs["rewards"]["PriceEnvironment"]
    assert len(set(rewards)) > 2
    assert any(reward not in (0.0, -1.0) for reward in rewards)
    assert all(norm > 0.0 for norm in logged(trainer, "grad_norm"))
    assert any(not torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_rewards_are_those_of_the_games(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    trainer = trained(model, tokenizer, environment_factory("linear", opener="buyer", max_rounds=2), max_steps=1)
    rewards = list(trainer._logs["rewards"]["PriceEnvironment"])
    games = [environment._env for environment in trainer.environments]
    assert rewards == pytest.approx([game.outcome().payoff[0] for game in games])
    assert all(game.game.is_over for game in games)
    told = [turn["content"] for talk in trainer._logs["completion"] for turn in talk if turn["role"] == "tool"]
    assert any("Round 2 of 2" in text for text in told)
    seeds = [game.game.seed for game in games]
    assert seeds[:4] == [seeds[0]] * 4, "completions of one group play the same deal"


def test_all_tools_are_offered(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    for scenario, beliefs in (("saas_enterprise", "elicited"), ("acquisition_terms", "bayes")):
        factory = environment_factory("linear", scenario=scenario, beliefs=beliefs)
        trainer = trained(model, tokenizer, factory, max_steps=1, per_device_train_batch_size=4)
        prompt = trainer._logs["prompt"][0]
        offered = str(prompt) + str([tool.__name__ for tool in trainer.tools])
        wanted = set(TOOL_NAMES) - (set() if beliefs == "elicited" else {"state_belief"})
        assert {name for name in TOOL_NAMES if f"'{name}'" in offered} == wanted


def test_self_play_against_a_frozen_copy(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    frozen = copy.deepcopy(model).eval()
    answer = frozen_replies(frozen, tokenizer, max_new_tokens=40, do_sample=False)
    players = []

    def opponent() -> ReplyPlayer:
        players.append(ReplyPlayer(answer, "frozen", form="tools"))
        return players[-1]

    before = copy.deepcopy(frozen.state_dict())
    factory = environment_factory(opponent, opener="buyer", max_rounds=2)
    trainer = trained(model, tokenizer, factory, max_steps=1, per_device_train_batch_size=4)
    assert set(logged(trainer, "reward")) != {0.0}
    asked = [player for player in players if player.messages]
    assert asked
    assert all(player.messages[1]["role"] == "assistant" for player in asked)
    assert any(message.get("tool_calls") for player in asked for message in player.messages)
    assert all(torch.equal(weight, before[name]) for name, weight in frozen.state_dict().items())


def test_a_scripted_policy_learns_the_price_that_pays_best(tokenizer: PreTrainedTokenizerFast) -> None:
    """The one thing that it learns is where the other's limit lies: below it an offer pays nothing, above it less."""
    policy = ThresholdPolicy(tokenizer)
    factory = environment_factory("linear", opener="buyer", max_rounds=1)
    paid = dict.fromkeys(policy.shares(), 0.0)
    for price in paid:
        for seed in range(8):
            environment = factory()
            environment.reset(seed)
            environment.offer(price)
            paid[price] += environment.get_reward() / 8
    trainer = trained(
        policy, tokenizer, factory, max_steps=16, num_generations=8, per_device_train_batch_size=16, learning_rate=0.3,
        lr_scheduler_type="constant", max_completion_length=400, generation_kwargs={"use_cache": False},
    )  # fmt: skip
    rewards = logged(trainer, "reward")
    assert sum(rewards[-4:]) / 4 > sum(rewards[:4]) / 4 + 0.2
    shares = policy.shares()
    expected = sum(shares[price] * paid[price] for price in paid)
    assert expected > 0.85 * max(paid.values())
    assert sum(paid.values()) / len(paid) < 0.5 * max(paid.values()), "most prices pay less"


def test_the_page_runs(
    model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, capsys: pytest.CaptureFixture[str]
) -> None:
    model.save_pretrained("model")
    tokenizer.save_pretrained("model")
    for program in page.programs("trl.md"):
        variables = page.run("trl.md", program)
        assert variables["trainer"].state.global_step >= 1


def test_the_example_runs(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    model.save_pretrained("model")
    tokenizer.save_pretrained("model")
    done = run([sys.executable, ROOT / "examples" / "train_with_trl.py", "model", "--steps", "1"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "reward" in done.stdout


def test_the_page_names_the_versions_that_are_tried() -> None:
    page.check_versions("trl.md", "trl", "transformers", "torch")
