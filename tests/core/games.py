"""Scenarios built in code, and `Game`: one negotiation that a test starts, plays and looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numba
import numpy as np
from hypothesis import settings

from parlay_marl.catalogue.rules import load_rules
from parlay_marl.catalogue.scenarios import Scenario, build_params
from parlay_marl.core import moves, observation, step, views
from parlay_marl.core.belief import Belief
from parlay_marl.core.chance import nothing_fixed
from parlay_marl.core.form import USUAL_FORM, Form, levels_of
from parlay_marl.core.moves import Move, Refusal
from parlay_marl.core.outcome import OUTCOME_DTYPE
from parlay_marl.core.state import STATE_DTYPE

PURE = bool(numba.config.DISABLE_JIT)
"""Whether the rules run as plain Python here."""

BUYER, SELLER = 0, 1
BLANK = np.zeros(1, STATE_DTYPE)
WITH_TERMS = 2
"""A number of packages for which rows are of `STATE_DTYPE`, as those of these tests are."""


def sized(n: int) -> int:
    """Return how much of a test to run: all of it, or a quarter where the rules are a hundred times slower."""
    return max(n // 4, 1) if PURE else n


def examples(n: int) -> Callable[..., Any]:
    """Run a property on n examples, the same ones each time."""
    return settings(max_examples=max(sized(n), 25), deadline=None, derandomize=True, database=None)


def scenario(**changes: Any) -> Scenario:
    """Return a plain sale from 100 to 200 without chance: limits 180 and 120 (0.8 and 0.2), W_nominal 0.6."""
    plain: dict[str, Any] = {
        "name": "plain",
        "title": "A plain sale",
        "low": 100,
        "high": 200,
        "opener": "buyer",
        "reservation": {"buyer": 180, "seller": 120, "spread": 0},
        "urgency": {"buyer": 0.5, "seller": 0.5, "spread": 0},
        "alternative": {"buyer": 0, "seller": 0},
    }
    return Scenario.model_validate(plain | changes)


PLAIN = scenario()

SAAS = scenario(
    name="saas",
    low=110_000,
    high=180_000,
    opener="random",
    reservation={"buyer": 165_000, "seller": 125_000},
    urgency={"buyer": 0.55, "seller": 0.55},
    alternative={"buyer": 1, "seller": 0.3},
    events=[
        {"round": 8, "headline": "price cut", "tags": ["competition"], "buyer": {"urgency": -0.3, "alternative": True}},
        {
            "round": 14,
            "headline": "quarter end",
            "tags": ["deadline"],
            "seller": {"urgency": 0.4, "alternative": False},
        },
    ],
)
"""The seed's first scenario."""

STORMY = scenario(
    name="stormy",
    opener="random",
    reservation={"buyer": 180, "seller": 120, "spread": 0.05},
    urgency={"buyer": 0.9, "seller": 0.05},
    alternative={"buyer": 0.5, "seller": 0.5},
    events=[
        {"round": 0, "headline": "a start", "tags": ["power"], "buyer": {"urgency": 0.3, "value_shift": 0.2}},
        {
            "round": 4,
            "jitter": 3,
            "headline": "both sides",
            "tags": ["information", "power"],
            "buyer": {"urgency": -0.2, "alternative": False},
            "seller": {"urgency": 0.2, "alternative": True, "value_shift": -0.3},
        },
        {"round": 6, "jitter": 6, "headline": "a rumour", "seller": {"urgency": -0.4, "value_shift": 0.1}},
        {"round": 12, "jitter": 20, "headline": "late or never", "buyer": {"alternative": True, "value_shift": -0.5}},
    ],
)
"""Everything that events can do, at moving times."""

TERMS = scenario(
    name="terms",
    opener="seller",
    reservation={"buyer": 150, "seller": 140, "spread": 0.05},
    value_spread=0.25,
    terms=[
        {"name": "equity", "options": [{"name": "none"}, {"name": "some", "buyer": -8, "seller": 14}]},
        {
            "name": "start",
            "options": [{"name": "now"}, {"name": "soon", "buyer": -2, "seller": 9}, {"name": "late", "buyer": 12}],
        },
    ],
    events=[{"round": 5, "jitter": 2, "headline": "news", "buyer": {"value_shift": 0.4}, "seller": {"urgency": 0.3}}],
)
"""Six packages whose values differ between the seats; a narrow ZOPA."""

UNIFORM = scenario(name="uniform", opener="random", reservation={"distribution": "uniform"})
"""Limits from the whole range: often without a ZOPA."""

TYPES = scenario(
    name="types",
    opener="random",
    reservation={"distribution": "types"},
    types={
        "buyer": [{"reservation": 130}, {"reservation": 160}, {"reservation": 190, "urgency": 0.9}],
        "seller": [
            {"probability": 0.25, "reservation": 110, "alternative": True},
            {"probability": 0.75, "reservation": 150, "urgency": 0.2},
        ],
    },
    events=[{"round": 3, "headline": "a rival", "seller": {"alternative": True}, "buyer": {"urgency": -0.2}}],
)
"""Few types of each seat, some without a ZOPA between them."""

SCENARIOS = {"saas": SAAS, "stormy": STORMY, "terms": TERMS, "uniform": UNIFORM, "types": TYPES}

HOT = {"erosion": {"hot_tension": 40.0, "rate": 0.1}}
"""Rules under which the ZOPA erodes early and far, so that random play sees collapses."""


class Variant(NamedTuple):
    """A way to play a scenario: its rules as `load_rules` takes them, and options of `build_params`."""

    rules: Any = "default"
    options: Mapping[str, Any] = {}


VARIANTS = {
    "default": Variant(),
    "seed": Variant("seed"),
    "payoff": Variant("default", {"reward": "payoff"}),
    "seed_complete": Variant("seed", {"information": "complete"}),
    "hot": Variant(HOT),
    "hot_complete_payoff": Variant(HOT, {"reward": "payoff", "information": "complete"}),
    "no_beliefs": Variant("default", {"beliefs": "none"}),
    "heuristic": Variant(HOT, {"beliefs": "heuristic"}),
    "elicited": Variant(HOT, {"beliefs": "elicited"}),
    "range_prior": Variant({"belief": {"common_prior": 0.0}}),
    "small": Variant(HOT, {"form": Form(1 << Move.ACCEPT | 1 << Move.OFFER, 5)}),
    "few_prices": Variant("default", {"form": Form(price_levels=8)}),
    "few_moves": Variant(HOT, {"form": Form(127 - (1 << Move.BATNA_REVEAL | 1 << Move.ANCHOR_HIGH))}),
    "seller_offers": Variant(HOT, {"form": Form(protocol="seller_offers")}),
    "buyer_offers": Variant("default", {"form": Form(price_levels=6, protocol="buyer_offers")}),
    "take_it_or_leave_it": Variant("default", {"form": Form(protocol="take_it_or_leave_it")}),
    "sealed_bid": Variant("default", {"form": Form(protocol="sealed_bid", price_share=0.3)}),
    "small_sealed_bid": Variant("default", {"form": Form(127, 9, "sealed_bid"), "beliefs": "elicited"}),
}


def fixed(**figures: Any) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return the record that fixes some quantities of a reset; what stays NaN or negative is drawn."""
    record = nothing_fixed()
    for name, value in figures.items():
        figure = np.asarray(value)
        record[name][(0, *(slice(length) for length in figure.shape))] = figure
    return record


def params_of(setting: Scenario, rules: Any = "default", **options: Any) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return the record of a scenario under rules given as `load_rules` takes them."""
    return build_params(setting, load_rules(rules), **{"reward": "shaped", **options})


def batch_params(*records: np.ndarray[Any, np.dtype[np.void]]) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return several records as one read-only array, as the kernels are compiled for."""
    joined = np.concatenate(records)
    joined.flags.writeable = False
    return joined


def new_games(
    params: Any, numbers: Any, *, seed: int = 0, scenarios: Any = None, given: Any = None
) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return freshly reset rows, one for each game number."""
    rows = np.zeros(len(numbers), STATE_DTYPE)
    chosen = np.zeros(len(numbers), np.int64) if scenarios is None else np.asarray(scenarios, np.int64)
    record = nothing_fixed() if given is None else given
    step.reset_games(rows, params, BLANK, record, seed, np.asarray(numbers, np.int64), chosen)
    return rows


def content(rows: Any) -> bytes:
    """Return every byte of the fields of rows, without the padding between them, which copies may leave undefined."""
    return b"".join(np.ascontiguousarray(rows[name]).tobytes() for name in rows.dtype.names)


def buffers(packages: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return an observation and an action mask to write into."""
    return np.zeros(observation.width(packages), np.float32), np.zeros(moves.n_actions(packages), np.int8)


def views_of(rows: Any, params: Any, packages: int) -> Iterator[views.View]:
    """Return views of the game of a row (an array of one), to play it in and to look at afterwards."""
    return views.make_views(rows, params, nothing_fixed(), packages)


def play_index(view: views.View, action: int) -> Refusal:
    """Play a discrete action in the game of a view if it is legal; return why not otherwise."""
    return Refusal(views.play_kernel(WITH_TERMS)(view[0], action) & views.REFUSED)


def play_move(view: views.View, move: int, price: float, package: int) -> Refusal:
    """Play a move in the game of a view if it is legal; return why not otherwise."""
    arguments = (int(move), float(price), int(package), False, 0.0, 0.0)
    return Refusal(views.move_kernel(WITH_TERMS)(view[0], *arguments) & views.REFUSED)


class Game:
    """One negotiation: `row` is its state, `play` makes a move and fails the test where that is illegal."""

    def __init__(
        self,
        setting: Scenario = PLAIN,
        rules: Mapping[str, Any] | str = "default",
        *,
        seed: int = 0,
        number: int = 0,
        options: Mapping[str, Any] | None = None,
        **figures: Any,
    ) -> None:
        self.setting, self.rules, self.options = setting, load_rules(rules), dict(options or {})
        self.params = params_of(setting, rules, **self.options)
        self.packages = setting.n_packages
        self.rows = new_games(self.params, [number], seed=seed, given=fixed(**figures))
        self._views = views_of(self.rows, self.params, self.packages)

    @property
    def grid(self) -> list[float]:
        """The prices of a small game; none where any price may be offered."""
        levels = self.options.get("form", USUAL_FORM).price_levels
        return [] if levels == moves.PRICE_LEVELS else [level / 40 for level in levels_of(levels)]

    @property
    def row(self) -> np.void:
        """The state, a view."""
        return self.rows[0]

    @property
    def p(self) -> np.void:
        """The parameters."""
        return self.params[0]

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return bool(self.rows["ending"][0] != 0)

    @property
    def on_turn(self) -> int:
        """The seat on turn."""
        return int(self.rows["seat"][0])

    @property
    def width(self) -> float:
        """The joint surplus of the best package now; negative without a ZOPA."""
        values = self.row["package_values"][:, : self.packages].sum(axis=0).max()
        return float(self.row["reservation"][BUYER] - self.row["reservation"][SELLER] + values)

    def attempt(self, move: int, price: float = 0.0, package: int = 0) -> Refusal:
        """Try a move and return why it was refused, if it was."""
        return play_move(next(self._views), move, price, package)

    def play(self, move: int, price: float = 0.0, package: int = 0) -> np.ndarray[Any, Any]:
        """Make a legal move and return the rewards of the turn."""
        assert self.attempt(move, price, package) == Refusal.LEGAL
        return self.row["reward"].copy()

    def offer(self, *prices: float) -> np.ndarray[Any, Any]:
        """Make plain offers in turn and return the rewards of the last."""
        return [self.play(Move.OFFER, price) for price in prices][-1]

    def doubt(self, seat: int) -> float:
        """Return the probability, to a seat, that the other's latest claim is a bluff."""
        return float(step.doubt_game(self.rows, self.params, 0, seat))

    def belief(self, seat: int) -> dict[str, float]:
        """Return what a seat believes of the other, by the names of the figures."""
        return {figure.name.lower(): float(self.row["belief"][seat][figure]) for figure in Belief}

    def look(self, seat: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return what a seat sees and may do."""
        seen, mask = buffers(self.packages)
        step.observe_game(self.rows, self.params, 0, seat, self.packages, seen, mask)
        return seen, mask

    def sees(self, seat: int) -> dict[str, float]:
        """Return what a seat sees, by the names of the observation."""
        return dict(zip(observation.names(self.packages), self.look(seat)[0].tolist(), strict=True))

    def report(self) -> np.void:
        """Return the outcome."""
        outcomes = np.zeros(1, OUTCOME_DTYPE)
        step.report_games(self.rows, self.params, outcomes)
        return outcomes[0]

    def legal_moves(self) -> list[Move]:
        """Return the moves that the seat on turn may make."""
        legal = moves.legal_moves(self.row, self.params[self.row["scenario"]])
        return [move for move in Move if moves.may(legal, move)]


WEIGHTS = {
    Move.ACCEPT: 0.02,
    Move.WALK_AWAY: 0.01,
    Move.OFFER: 0.45,
    Move.ANCHOR_HIGH: 0.1,
    Move.BATNA_REVEAL: 0.15,
    Move.SILENCE: 0.12,
    Move.CHALLENGE: 0.3,
}
"""How often random play makes each move, among those that are legal: games last and see everything."""


def random_move(rng: np.random.Generator, game: Game) -> tuple[Move, float, int]:
    """Return a legal move: prices anywhere, on the grid, at the ends, and at the seat's own limit."""
    legal = game.legal_moves()
    weights = np.array([WEIGHTS[move] for move in legal])
    move = legal[rng.choice(len(legal), p=weights / weights.sum())]
    own, last = float(game.row["reservation"][game.on_turn]), float(game.row["offer_price"][game.on_turn])
    prices = (rng.random(), rng.integers(41) / 40, float(rng.integers(2)), own, own + rng.normal(0, 0.1), last)
    price = min(max(prices[rng.integers(len(prices))], 0.0), 1.0)
    if game.grid:
        price = game.grid[rng.integers(len(game.grid))]
    return move, price, int(rng.integers(game.packages))


def random_play(rng: np.random.Generator, game: Game) -> Iterator[tuple[int, tuple[Move, float, int]]]:
    """Play a game to its end at random; yield the seat and its move after each turn."""
    while not game.over:
        seat, chosen = game.on_turn, random_move(rng, game)
        game.play(*chosen)
        yield seat, chosen
