"""A tokenizer trained on the game's own text, and a model of random weights that learns what a tool call looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import trl
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from parlay_marl.language.text_env import TextEnv
from parlay_marl.language.tools import tool_schemas
from parlay_marl.language.trl import PROMPT

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")
"""Tokens that Qwen's chat template is made of."""
CHAT_TEMPLATE = Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja"
WINDOW = 24
"""Tokens that a layer sees."""
PRICES = tuple(range(112_000, 178_000, 6_000))


def call(name: str, **arguments: Any) -> str:
    """Return a tool call as Qwen's models write it."""
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


CALLS = [call("offer", price=price) for price in PRICES] + [call(name) for name in ("accept", "keep_silent")]


def game_texts(games: int = 4) -> list[str]:
    """Return what a seat is told in some games."""
    env, texts = TextEnv("mixed", "linear", form="tools"), []
    for seed in range(games):
        texts.append(env.reset(seed)[0])
        done = False
        while not done:
            text, _, done, _, _ = env.step("/accept" if len(texts) % 7 == 0 else "/offer 150000")
            texts.append(text)
    return texts


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of bytes that merges what the game's text and tool calls repeat."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    corpus = [*game_texts(), *CALLS * 20, json.dumps(tool_schemas()), PROMPT]
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_tokens(list(MARKS))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = CHAT_TEMPLATE.read_text(encoding="utf-8")
    return fast


def tiny_model(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """Return a model of random weights. Its layers see the last tokens only, so that it learns from short texts."""
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=24, max_position_embeddings=8192, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=None, tie_word_embeddings=True,
        use_sliding_window=True, sliding_window=WINDOW, layer_types=["sliding_attention"] * 2,
    )  # fmt: skip
    return Qwen3ForCausalLM(config)


def warm_start(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: int = 80) -> None:
    """Teach the model what a tool call looks like: which one, is drawn by chance whatever the position is."""
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    beginnings = [_beginning(tokenizer, text) for text in game_texts()]
    for _ in range(steps):
        chosen = [CALLS[i] for i in torch.randint(len(CALLS), (16,)).tolist()]
        answers = [tokenizer(text + "<|im_end|>")["input_ids"] for text in chosen]
        starts = [beginnings[i] for i in torch.randint(len(beginnings), (16,)).tolist()]
        longest = max(map(len, answers))
        padded = [answer + [tokenizer.pad_token_id] * (longest - len(answer)) for answer in answers]
        ids = torch.tensor([start + answer for start, answer in zip(starts, padded, strict=True)])
        labels = ids.masked_fill(ids == tokenizer.pad_token_id, -100)
        labels[:, : 2 * WINDOW] = -100
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def _beginning(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """Return the last tokens of a conversation before a reply: after a user's message or a tool's result."""
    is_first = "You are the" in text
    end = "<|im_end|>\n<|im_start|>assistant\n" if is_first else "\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
    ids: list[int] = tokenizer(f"{' ' * WINDOW * 2}{text}{end}")["input_ids"]
    return ids[-2 * WINDOW :]
