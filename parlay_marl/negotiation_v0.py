"""The negotiation environment: a buyer and a seller alternate turns over a deal.

    from parlay_marl import negotiation_v0

    env = negotiation_v0.env(scenario="saas_enterprise", seller="shark")

| | |
|---|---|
| agents | `buyer_0`, `seller_0`; a seat with a player has no agent |
| actions | `Discrete(n)` with a mask, or `Dict(move, price, package)` with `actions="mixed"`; see `beliefs` |
| observations | `{"observation": float32 vector, "action_mask": int8 vector}` |
| infos | numbers, the same keys at every step: `belief`, `payoff`, `deal`... (`envs.infos`) |
| state | `env.state()`: both seats' views and the hidden figures, for central critics |

Arguments of `env`, `raw_env` and `parallel_env`, all but `scenario` by keyword:

- `scenario`: a name of the catalogue, the path of a .toml file, or a `Scenario`; default `saas_enterprise`. With
  `family:NAME` or `family:FILE.toml` every game has a deal of its own.
- `rules`: `"default"`, `"seed"`, or a mapping of changed numbers such as `{"tension": {"memory": 0.5}}`.
- `reward`: `"payoff"` (the pure game, paid at its end) or `"shaped"` (terms for single turns, too).
- `information`: `"incomplete"` or `"complete"`; default: as the scenario says.
- `opener`: `"buyer"`, `"seller"` or `"random"`; default: as the scenario says.
- `max_rounds`: the deadline; default: as the scenario says.
- `price_levels` (2 to 41), `moves` (names), `events` (False: none) make small games; `protocol` is `"seller_offers"`,
  `"buyer_offers"`, `"take_it_or_leave_it"` or `"sealed_bid"` (with `price_share`, k) instead of alternating offers.
- `actions`: `"discrete"` or `"mixed"`.
- `illegal`: `"raise"`, or `"terminate"`, PettingZoo's convention: the offender loses, the game ends. The default is
  `"raise"` in turns, and `"terminate"` in parallel, where tools sample actions without masks. A value that is no action
  at all, such as `5.0`, `True` or a one-hot vector, is always an `ActionTypeError`, which is a `TypeError`.
- `off_turn`, of `parallel_env` only: `"ignore"` the action of the seat not on turn, or `"strict"`: it has to pass.
- `action_mask`: the place of the mask of legal actions: `"observation"`, `"info"` (the observation is then the vector
  alone, as AgileRL needs it) or `"both"`, which TorchRL cannot read.
- `beliefs`: `"bayes"` (inferred), `"heuristic"` (fixed nudges), `"none"` (the prior) or `"elicited"` (stated by the
  seats themselves, and paid by a proper score).
- `buyer`, `seller`: the player of the seat: None for an agent, a persona's name or file, a `Player`, or a
  `BatchedPlayer`.
- `render_mode`: `"ansi"` returns a transcript, `"human"` prints it as the game goes, `"rgb_array"` draws a frame.

A discrete action is, in this order: accept, walk away, silence, challenge, anchor, 41 offers for each package, 41
claims, on an even price grid (`parlay_marl.core.moves.decode`). `env.belief(agent)` is an agent's belief about the
other seat (`BeliefView`), `env.outcome()` the report of a finished game with the ledger of claims (`Outcome`),
`env.refusal()` the reason why an illegal action has ended it. Games are keyed by (seed, game number): `reset(seed=7)`
starts game 0 of seed 7, each further `reset()` the next; `reset(options={...})` fixes draws of chance, or switches
events off (`parlay_marl.game.options.ResetOptions`).

A mixed action is `{"move": ..., "price": ..., "package": ...}`. An offer and a claim need a price, and an offer a
package where the scenario has terms; an anchor without a price is at the seat's own end of the range.

With `beliefs="elicited"` an action is `{"action": ..., "belief": [mean, spread]}`, and a mixed one has `belief` too:
the agent's belief about the other's reservation price, in normalised price, the mean from -1 to 2 and the spread from 0
to 1. Without one, the last stated belief stands, at first the public prior. The score is strictly proper: honest
reports have the highest expectation. A player without a belief of its own states the inferred one.

`play_game("shark", "diplomat", seed=7)` lets two players play, and returns the `GameRecord`: pure data with
`outcome`, `transcript()`, `replay()` and `to_dict()`, which JSON can hold; `env.game.record()` is that of a live game.

Any game can be stored and repeated: `env.snapshot()`, `env.restore(...)`, and `replay(config, seed, actions)`.
`infer_limit([178_000, 176_500], maker="seller")` infers a limit from offers, without an environment.
"""

from __future__ import annotations

from parlay_marl.core.moves import Move
from parlay_marl.envs.aec import EnvSnapshot, env, raw_env
from parlay_marl.envs.inference import Reading, infer_limit
from parlay_marl.envs.parallel import parallel_env
from parlay_marl.game.action import Action
from parlay_marl.game.belief import BeliefView
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.game import Game, replay
from parlay_marl.game.ledger import Claim
from parlay_marl.game.options import ResetOptions
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.play import play_game
from parlay_marl.game.record import GameRecord
from parlay_marl.game.view import SeatView
from parlay_marl.players.player import Player

__all__ = [
    "Action",
    "BeliefView",
    "Claim",
    "EnvSnapshot",
    "Game",
    "GameConfig",
    "GameRecord",
    "Move",
    "Outcome",
    "Player",
    "Reading",
    "ResetOptions",
    "SeatView",
    "env",
    "infer_limit",
    "make_config",
    "parallel_env",
    "play_game",
    "raw_env",
    "replay",
]
