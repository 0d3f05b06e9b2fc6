"""A policy with one thing to learn: the price of its only offer. Everything else that it says is a script.

It is a model of transformers, which the trainer samples from and updates like any other. Its hidden state is the place
in the script, and each row of its head says which tokens may come next.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutput

from tests.trainers.tiny_model import PRICES, call

NEVER = -1e4


class ThresholdConfig(PretrainedConfig):
    model_type = "threshold"


class ScriptPlace(torch.nn.Module):
    """Finds the place in the script at each token: one of `places`, 0 where no reply is being written."""

    def __init__(self, begin: list[int], result: int, places: int) -> None:
        super().__init__()
        self._begin, self._result, self.places = begin, result, places

    def forward(self, input_ids: torch.Tensor, **_: Any) -> BaseModelOutput:
        found = torch.zeros(input_ids.shape, dtype=torch.long)
        for row, ids in enumerate(input_ids.tolist()):
            for start in self._starts(ids):
                if self._result in ids[:start]:
                    found[row, start - 1] = self.places - 1
                    continue
                end = min(start + self.places - 3, len(ids))
                found[row, start - 1 : end] = torch.arange(1, end - start + 2)
        return BaseModelOutput(last_hidden_state=torch.nn.functional.one_hot(found, self.places).float())

    def _starts(self, ids: list[int]) -> list[int]:
        """Return the places at which replies begin."""
        size = len(self._begin)
        return [i for i in range(size, len(ids) + 1) if ids[i - size : i] == self._begin]


class ThresholdPolicy(PreTrainedModel, GenerationMixin):
    """Offers a price drawn by chance, all equally likely at first, and ends its reply to the tool's result at once."""

    config_class = ThresholdConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
        super().__init__(
            ThresholdConfig(eos_token_id=end, pad_token_id=pad, use_cache=False, max_position_embeddings=8192)
        )
        offers = [[*tokenizer(call("offer", price=price))["input_ids"], end] for price in PRICES]
        places = len(offers[0]) + 2
        begin, result = (
            tokenizer("<|im_start|>assistant\n")["input_ids"],
            tokenizer.convert_tokens_to_ids("<tool_response>"),
        )
        self.model = ScriptPlace(begin, result, places)
        self.lm_head = torch.nn.Linear(places, len(tokenizer), bias=False)
        with torch.no_grad():
            self.lm_head.weight.fill_(NEVER)
            self.lm_head.weight[pad, 0] = self.lm_head.weight[end, places - 1] = 0.0
            for place, tokens in enumerate(zip(*offers, strict=True), 1):
                self.lm_head.weight[list(tokens), place] = 0.0
        (self._choice,) = [i for i, tokens in enumerate(zip(*offers, strict=True), 1) if len(set(tokens)) > 1]
        self._tokens = [tokens[self._choice - 1] for tokens in offers]

    def get_output_embeddings(self) -> torch.nn.Module:
        return self.lm_head

    def forward(self, input_ids: torch.Tensor, logits_to_keep: int = 0, **_: Any) -> CausalLMOutput:
        """Return the logits of the next tokens, `(rows, tokens, size)`."""
        hidden = self.model(input_ids).last_hidden_state
        return CausalLMOutput(logits=self.lm_head(hidden[:, -logits_to_keep:]))

    def shares(self) -> dict[int, float]:
        """Return how often each price is offered."""
        shares = self.lm_head.weight[self._tokens, self._choice].softmax(0).tolist()
        return dict(zip(PRICES, shares, strict=True))
