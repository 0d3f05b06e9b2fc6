#!/usr/bin/env python3
"""Train a language model as a buyer with TRL's GRPO, against personas that are drawn for each deal.

python examples/train_with_trl.py Qwen/Qwen3-0.6B --steps 100
"""

import argparse

import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from parlay_marl.language.trl import environment_factory, rows

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", help="the name or the folder of a model whose chat template knows tools")
parser.add_argument("--steps", type=int, default=100, help="steps of the trainer")
parser.add_argument("--deals", type=int, default=256, help="deals to train on")


def main() -> None:
    """Train, and print the mean reward of the last steps."""
    options = parser.parse_args()
    trainer = GRPOTrainer(
        options.model,
        args=GRPOConfig(
            output_dir="trained",
            use_cpu=not torch.cuda.is_available(),
            bf16=torch.cuda.is_available(),
            max_steps=options.steps,
            num_generations=4,
            per_device_train_batch_size=8,
            max_completion_length=2048,
            max_tool_calling_iterations=20,
            logging_steps=1,
            report_to="none",
        ),
        train_dataset=Dataset.from_list(rows(range(options.deals))),
        environment_factory=environment_factory(["linear", "diplomat", "conceder"], role="buyer"),
    )
    trainer.train()
    rewards = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
    print(f"mean reward of the last {len(rewards[-10:])} steps: {sum(rewards[-10:]) / len(rewards[-10:]):.3f}")


if __name__ == "__main__":
    main()
