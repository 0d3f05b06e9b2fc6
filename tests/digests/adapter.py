"""All that the digests touch of the package. What is moved or renamed inside of it is mended here, and nowhere else.

Environments are made through `negotiation_v0` and Gymnasium, games through `play_game`, and the server and the command
line are spoken to as their users do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import parlay_marl  # noqa: F401 - registers the environment
from parlay_marl import negotiation_v0
from parlay_marl.catalogue import RULE_PRESETS, load_persona, load_scenario, persona_names, scenario_names
from parlay_marl.envs.batch import Batch
from parlay_marl.game.config import BELIEFS, OPENERS, REWARDS
from parlay_marl.tournament import run_tournament

CHAMPION = "champion"
"""The persona that a learned policy plays: it changes whenever it is trained anew, so its digests are apart."""
SCRIPTED = tuple(name for name in persona_names() if name != CHAMPION)
SCENARIOS = tuple(scenario_names())
ROLES = ("buyer", "seller")
AGENTS = ("buyer_0", "seller_0")
TRACKERS, REWARD_MODES, SEATS_THAT_OPEN = tuple(BELIEFS), tuple(REWARDS), tuple(OPENERS)
INFORMATION = ("incomplete", "complete")
HOT = {"erosion": {"hot_tension": 40.0, "rate": 0.1}}
"""Rules under which the ZOPA erodes early and far, so that talks collapse."""
RULES: dict[str, Any] = {name: name for name in RULE_PRESETS} | {"hot": HOT}

Move = negotiation_v0.Move
aec_env, parallel_env = negotiation_v0.env, negotiation_v0.parallel_env
play_game, infer_limit = negotiation_v0.play_game, negotiation_v0.infer_limit

FIGURES = (
    *("ending", "closed_by", "opener", "round", "price", "package", "zopa", "nash_price", "nash_package"),
    *("nash_distance", "efficiency", "kalai_smorodinsky_worth", "egalitarian_worth", "is_pareto_efficient"),
    *("best_worth", "worth", "shares", "payoff", "reservation", "offers_made", "first_price", "given_up"),
    *("belief_error", "erosion_ticks", "tension_peak", "claims_made", "bluffs_made", "bluffs_caught"),
    *("wrong_challenges", "events_answered", "events_missed"),
)
"""Of an outcome."""
COLUMNS = (
    *("ending", "opener", "closed_by", "package", "round", "erosion_ticks", "price", "zopa_low", "zopa_high"),
    *("start_width", "nash_price", "nash_package", "nash_distance", "efficiency", "tension_peak", "worth", "share"),
    *("payoff", "reservation", "claims_made", "bluffs_made", "bluffs_caught", "wrong_challenges"),
    *("events_answered", "events_missed", "offers_made", "pareto", "first_price", "given_up", "belief_error"),
    *("best_worth", "ks_worth", "egalitarian_worth"),
)
"""Of the outcomes of many games, normalised."""
CLAIM = ("seat", "round", "price", "truth", "is_bluff", "status", "settled")
BELIEF = ("reservation", "sd", "low", "high", "urgency", "alternative", "confidence", "bluff_probability")
READING = ("reservation", "sd", "low", "high")


def outcome_figures(outcome: Any) -> list[Any]:
    """Return all figures of the report of a game."""
    return [getattr(outcome, name) for name in FIGURES] + claim_figures(outcome.claims)


def claim_figures(claims: Any) -> list[Any]:
    """Return the claims of a ledger as plain values."""
    return [getattr(claim, name) for claim in claims for name in CLAIM]


def belief_figures(belief: Any) -> list[Any]:
    """Return what a seat believes, in currency."""
    return [getattr(belief, name) for name in BELIEF]


def moves(record: Any) -> list[tuple[Any, ...]]:
    """Return the moves of a game or of its record as plain values."""
    return [(int(move), price, package, belief) for move, price, package, belief, _ in record.actions]


def elicits(env: Any) -> bool:
    """Return whether agents of an environment state beliefs."""
    return bool(env.game.config.beliefs == "elicited")


def n_packages(env: Any) -> int:
    """Return how many packages of terms there are in an environment's scenario."""
    return int(env.game.packages)


def ledger_of(env: Any) -> list[Any]:
    """Return the claims of an environment's game, as those who run the game see them."""
    return claim_figures(env.game.ledger())


def position(game: Any) -> list[Any]:
    """Return all that both seats of a game see and believe, what they were paid, and the ledger."""
    seats = [(game.observe(seat), belief_figures(game.belief(seat))) for seat in (0, 1)]
    return [seats, game.rewards, game.is_over, claim_figures(game.ledger())]


def replayed(record: Any) -> Any:
    """Return the game of a record, played again from its parts."""
    return negotiation_v0.replay(record.config, record.seed, record.actions, record.options, record.number)


def outcomes_in_lanes(env: Any) -> list[Any]:
    """Return the outcomes of the last finished games of a vector environment."""
    return outcome_columns(env.batch.outcomes)


def buffers(engine: Any) -> list[Any]:
    """Return what the engine has written for its callers."""
    seen = [engine.observations, engine.masks, engine.final_observations]
    return seen + [wide(column) for column in (engine.rewards, engine.endings, engine.seats)]


def outcome_columns(outcomes: Any) -> list[Any]:
    """Return the columns of the outcomes of many games, whole numbers and floats of 64 bits."""
    return [wide(outcomes[name]) for name in COLUMNS]


def wide(column: Any) -> Any:
    """Return a column in 64 bits, however small the table keeps it."""
    return column.astype(np.float64 if column.dtype.kind == "f" else np.int64)


def single_env(**arguments: Any) -> Any:
    """Return Gymnasium's environment of one agent."""
    return gymnasium.make("parlay/Negotiation-v0", disable_env_checker=True, **arguments)


def vector_env(lanes: int, **arguments: Any) -> Any:
    """Return the native vector environment."""
    return gymnasium.make_vec("parlay/Negotiation-v0", num_envs=lanes, **arguments)


def batch_engine(lanes: int, **arguments: Any) -> Any:
    """Return the engine underneath the vector environment, for one seat or both."""
    return Batch(lanes, **arguments)


def tournament(entrants: Any, **arguments: Any) -> tuple[Any, Any, Any, Any]:
    """Return buyers, sellers and scenarios of the games of a tournament by name, and their outcomes."""
    games = run_tournament(entrants, workers=0, **arguments)
    names = np.array([entrant.name for entrant in games.entrants])
    deals = np.array([scenario.name for scenario in games.scenarios])
    rows = games.rows
    return names[rows["buyer"]], names[rows["seller"]], deals[rows["scenario"]], rows["outcome"]


def learned_player(name: str, persona: str | None, weights: Any, biases: Any, packages: int) -> Any:
    """Return a player with given weights and, where a persona is named, with its traits as further inputs."""
    from parlay_marl.catalogue.personas import Persona
    from parlay_marl.core.style import TRAIT_INPUTS
    from parlay_marl.players.persona import PersonaPlayer
    from parlay_marl.policies.policy import Policy

    about: dict[str, Any] = {"title": "A pupil", "summary": "Made-up weights."}
    if persona is not None:
        about = load_persona(persona).model_dump()
    traits = () if persona is None else TRAIT_INPUTS
    policy = Policy(name=name, weights=tuple(weights), biases=tuple(biases), packages=packages, traits=traits)
    return PersonaPlayer(Persona.model_validate(about | {"name": name}), policy)


def n_traits() -> int:
    """Return how many traits a learned policy may be given."""
    from parlay_marl.core.style import TRAIT_INPUTS

    return len(TRAIT_INPUTS)


def parlay(*args: str) -> str:
    """Return what a command prints, into a pipe."""
    from typer.testing import CliRunner

    from parlay_marl.cli import app

    surroundings = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "GITHUB_ACTIONS")
    result = CliRunner(env=dict.fromkeys(surroundings)).invoke(app, list(args), prog_name="parlay")
    assert result.exit_code == 0, result.output
    return result.stdout


def evaluation(policy: str, opponents: Any, replies: Any, scenario: str, games: int, path: Path) -> Any:
    """Return what `parlay evaluate` writes."""
    named = [("-o", name) for name in opponents] + [("--reply", name) for name in replies]
    given = [part for pair in named for part in pair]
    parlay("evaluate", policy, *given, "-s", scenario, "-n", str(games), "--seed", "3", "--json", str(path), "--quiet")
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def server() -> Iterator[Any]:
    """Yield a test client of a whole server, which refuses no number of messages."""
    from fastapi.testclient import TestClient

    from parlay_marl.server import ServerSettings, create_app

    with TestClient(create_app(ServerSettings(rate=0.0)), base_url="http://127.0.0.1:8001") as client:
        yield client


def price_range(scenario: str) -> tuple[float, float]:
    """Return the public range of prices of a scenario, in currency."""
    loaded = load_scenario(scenario)
    return loaded.low, loaded.high


def sizes(packages: int) -> tuple[int, int]:
    """Return how many figures an observation has, and how many discrete actions there are, for some packages."""
    from parlay_marl.core.moves import n_actions
    from parlay_marl.core.observation import width

    return width(packages), n_actions(packages)
