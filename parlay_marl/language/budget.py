"""The cost of requests to models, and a limit that is never exceeded."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from parlay_marl.errors import BudgetError, ConfigurationError
from parlay_marl.form_fields import real_number

TOKENS = 1_000_000
"""The number of tokens that a price is for."""
TOKENS_OF_A_MESSAGE, TOKENS_OF_A_REQUEST = 32, 1_000
"""Upper bounds of the tokens that chat templates add to a message, and to a request with its tools."""
_ROUNDING = 1e-12


class Prices(NamedTuple):
    """Prices of a million tokens in any currency: of sent tokens, and of generated ones."""

    prompt: float
    completion: float

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return the cost of tokens."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / TOKENS

    def bound(self, body: Mapping[str, Any], most_tokens: int) -> float:
        """Return an upper bound of a request's cost: each sent token takes at least one byte."""
        sent = {name: body[name] for name in ("messages", "tools") if name in body}
        size = len(json.dumps(sent, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        tokens = size + TOKENS_OF_A_MESSAGE * len(body["messages"]) + TOKENS_OF_A_REQUEST
        return self.cost(tokens, most_tokens)


class Budget:
    """Money for requests, shared by any number of players and threads of one process.

    A request reserves its largest possible cost before it is sent, and settles its real cost afterwards. While other
    requests are running, one that does not fit waits for their settlement; then it is refused. The limit is never
    exceeded, as long as the endpoint keeps to `max_tokens`.
    """

    def __init__(self, limit: float, spent: float = 0.0) -> None:
        """Set a limit, and the amount spent before."""
        for name, amount in (("limit", limit), ("spent", spent)):
            if not 0.0 <= real_number(amount) < math.inf:
                raise ConfigurationError(f"budget: {name} must be an amount of 0 or more, not {amount}")
        self.limit, self.spent = float(limit), float(spent)
        self._reserved, self._on_their_way = 0.0, 0
        self._settled = threading.Condition()

    def reserve(self, bound: float) -> None:
        """Reserve the largest possible cost of a request; raise `BudgetError` where it could exceed the limit."""
        with self._settled:
            while self._on_their_way and not self._fits(bound):
                self._settled.wait()
            if not self._fits(bound):
                raise BudgetError(
                    f"the budget of {self.limit:g} does not reach: {self.spent:.6g} is spent, and the next request may "
                    f"cost {bound:.6g}; give a larger budget, or a smaller max_tokens"
                )
            self._reserved += bound
            self._on_their_way += 1

    def settle(self, bound: float, cost: float) -> None:
        """Replace the reserved amount of a request by its cost."""
        with self._settled:
            self._on_their_way -= 1
            self._reserved = self._reserved - bound if self._on_their_way else 0.0
            self.spent += cost
            self._settled.notify_all()

    def _fits(self, bound: float) -> bool:
        return self.spent + self._reserved + bound <= self.limit * (1.0 + _ROUNDING)

    def __deepcopy__(self, memo: dict[int, Any]) -> Budget:
        """Return the budget itself: copies of a player share it."""
        return self

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("a budget is not shared among processes; play in this one, with workers=0")
