"""The figures that the pages of benchmarks show: where they stand in a record, what they are called, how they look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bars import shown

Keys = tuple[str, ...]
"""Where a figure stands in nested mappings."""


def speed(figure: float, yardstick: float) -> str:
    """Return a speed, and in brackets how many times the yardstick it is."""
    return f"{shown(figure)} ({shown(figure / yardstick)})"


def ratio(figure: float, _yardstick: float) -> str:
    """Return a ratio."""
    return shown(figure, "x")


def seconds(figure: float, _yardstick: float) -> str:
    """Return a time."""
    return shown(figure, " s")


def microseconds(figure: float, _yardstick: float) -> str:
    """Return a short time in millionths of a second."""
    return shown(figure, " us")


def nanoseconds(figure: float, _yardstick: float) -> str:
    """Return a short time, to the nanosecond."""
    return f"{figure:,.0f} ns"


def whole(figure: float, _yardstick: float) -> str:
    """Return a count as it is."""
    return f"{figure:,.0f}"


def size(figure: float, _yardstick: float) -> str:
    """Return a size."""
    return shown(figure, " MB")


def megabytes(figure: float, _yardstick: float) -> str:
    """Return a change of memory."""
    return f"{figure:+.1f} MB"


class Row(NamedTuple):
    """A row of a table: what it shows, where the figure stands in a part's record, and how it is written."""

    title: str
    part: str
    path: Keys
    form: Callable[[float, float], str]


def rows_of(part: str, titles: Mapping[str, str], parent: Keys, form: Callable[[float, float], str]) -> list[Row]:
    """Return rows for figures that stand side by side."""
    return [Row(title, part, (*parent, key), form) for key, title in titles.items()]


INTERFACES = {
    "env": "`env()`",
    "tictactoe_env": "PettingZoo's tic-tac-toe, `env()`",
    "rps_env": "PettingZoo's rock-paper-scissors, `env()`",
    "raw_env": "`raw_env()`",
    "tictactoe_raw_env": "PettingZoo's tic-tac-toe, `raw_env()`",
    "rps_raw_env": "PettingZoo's rock-paper-scissors, `raw_env()`",
    "async": "`AsyncVectorEnv` of Gymnasium, 8 environments",
    "async_cartpole": "`AsyncVectorEnv` of CartPole, 8 environments",
    "batch": "the bare kernel, 4,096 games, one thread",
}
INTERFACE_RATIOS = {
    "env_vs_tictactoe": "`env()` against tic-tac-toe's",
    "env_vs_rps": "`env()` against rock-paper-scissors'",
    "raw_env_vs_tictactoe": "`raw_env()` against tic-tac-toe's",
    "raw_env_vs_rps": "`raw_env()` against rock-paper-scissors'",
    "async_vs_cartpole": "`AsyncVectorEnv` against that of CartPole",
}
BATCHES = {
    "1 games, 1 threads": "1 game, one thread",
    "16 games, 1 threads": "16 games, one thread",
    "256 games, 1 threads": "256 games, one thread",
    "4096 games, 1 threads": "4,096 games, one thread",
    "4096 games, 2 threads": "4,096 games, two threads",
    "65536 games, 1 threads": "65,536 games, one thread",
    "65536 games, 2 threads": "65,536 games, two threads",
    "4096 games, no observations": "4,096 games, one thread, nothing observed",
}
BELIEFS = {"none": "beliefs `none`", "heuristic": "beliefs `heuristic`", "bayes": "beliefs `bayes`"}
BELIEF_RATIOS = {"heuristic_vs_none": "`heuristic` against `none`", "bayes_vs_none": "`bayes` against `none`"}
STEP_ENGINES = {
    "ours_batch_65536_2_threads": "this batch, 65,536 games, 2 threads",
    "ours_batch_65536_1_thread": "this batch, 65,536 games, 1 thread",
    "ours_batch_4096_2_threads": "this batch, 4,096 games, 2 threads",
    "ours_batch_4096_1_thread": "this batch, 4,096 games, 1 thread",
    "ours_batch_65536_2_threads_heuristic": "this batch, `heuristic` beliefs, 65,536 games, 2 threads",
    "ours_batch_4096_2_threads_heuristic": "this batch, `heuristic` beliefs, 4,096 games, 2 threads",
    "write_floor_65536_2_threads": "merely writing as many observations and masks",
    "pgx_kuhn_poker": "Pgx kuhn_poker, its best batch size",
    "pgx_leduc_holdem": "Pgx leduc_holdem, its best batch size",
    "gymnasium_cartpole_vector": "Gymnasium CartPoleVectorEnv, 4,096 (no opponent, no mask)",
    "openspiel_bargaining": "OpenSpiel bargaining, random playouts",
    "openspiel_bargaining_deal_outside": "OpenSpiel bargaining, the deal drawn outside",
    "openspiel_bargaining_tensors": "OpenSpiel bargaining, observation tensors",
    "openspiel_negotiation": "OpenSpiel negotiation, random playouts",
    "openspiel_negotiation_tensors": "OpenSpiel negotiation, observation tensors",
    "pettingzoo_tictactoe_raw": "PettingZoo tic-tac-toe, raw",
}
GAME_ENGINES = {
    "ours_games_2_threads": "this kernel, Boulware against Conceder, 2 threads, whole games",
    "ours_games_1_thread": "this kernel, Boulware against Conceder, 1 thread, whole games",
    "negmas_negotiations": "NegMAS SAOMechanism, Boulware against Conceder, 20 steps, negotiations",
    "axelrod_matches": "Axelrod, matches of 20 turns",
}
PEER_RATIOS = {
    "batch_vs_pgx_kuhn": "batch, 65,536 games, against Pgx kuhn_poker",
    "batch_4096_vs_pgx_kuhn": "batch, 4,096 games, against Pgx kuhn_poker",
    "batch_heuristic_vs_pgx_kuhn": "batch, `heuristic`, 65,536 games, against Pgx kuhn_poker",
    "batch_4096_heuristic_vs_pgx_kuhn": "batch, `heuristic`, 4,096 games, against Pgx kuhn_poker",
    "batch_bayes_vs_heuristic": "batch, 65,536 games, `bayes` against `heuristic`",
    "batch_vs_openspiel_bargaining": "batch against OpenSpiel bargaining",
    "batch_vs_openspiel_bargaining_deal_outside": "batch against OpenSpiel bargaining, the deal drawn outside",
    "batch_vs_write_floor": "batch against merely writing as many observations and masks",
    "batch_threads_2_vs_1": "batch, 2 threads against 1",
    "games_vs_negmas": "whole games against NegMAS",
    "threads_2_vs_1": "whole games, 2 threads against 1",
}
LEARNERS = {"learner": "this learner", "MaskablePPO": "sb3-contrib's MaskablePPO"}
SHARES = {
    "cpu_microseconds_per_frame": "CPU a frame, of all threads",
    "environment_microseconds_per_frame": "environment",
    "forward_microseconds_per_frame": "forward pass of a rollout",
    "update_microseconds_per_frame": "update",
}
LEARNER_RATIOS = {
    "frames_per_second": "frames a second, times MaskablePPO's",
    "cpu_per_frame": "MaskablePPO's CPU a frame, times this learner's",
}
COMPILED = {"compiled_game": "a compiled game", "compiled_batch": "a compiled batch, after that game"}
STARTS = {"first_game": "a first game", "first_batch": "a first batch", **COMPILED}
BYTES = {key: key for key in ("state", "lane", "observation", "mask", "outcome", "total")}
GROWTH = {"batch": "growth over the games, in a batch", "whole_games": "growth over the games, whole in the kernel"}

LEARNER_ROWS = [
    *(
        Row(f"{v}, frames a second", "learner", ("learners", k, "frames_per_second"), speed)
        for k, v in LEARNERS.items()
    ),
    *rows_of("learner", LEARNER_RATIOS, ("ratios",), ratio),
    *(
        Row(f"{v}, {share}", "learner", ("learners", k, key), microseconds)
        for key, share in SHARES.items()
        for k, v in LEARNERS.items()
    ),
]
START_ROWS = [
    *rows_of("compile", {k: f"{v}, from an empty cache, CPU" for k, v in STARTS.items()}, ("cpu",), seconds),
    *rows_of("compile", {k: f"{v}, everything kept" for k, v in COMPILED.items()}, ("cached_seconds",), seconds),
    Row("import of the package", "compile", ("import_seconds", "package"), seconds),
]
TOURNAMENT_ROWS = [
    Row("games", "tournament", ("games",), whole),
    Row("CPU", "tournament", ("cpu_seconds",), seconds),
    Row("most memory", "tournament", ("peak_megabytes",), size),
    Row("file of games", "tournament", ("file_megabytes",), size),
]
MEMORY_ROWS = [
    *rows_of("memory", {k: f"bytes a game, {v}" for k, v in BYTES.items()}, ("bytes_per_game",), whole),
    Row("games", "memory", ("games",), whole),
    *rows_of("memory", GROWTH, ("grown_megabytes",), megabytes),
]

SHORT_ROWS = [
    *rows_of("speed", {k: INTERFACES[k] for k in ("env", "raw_env")}, ("steps_per_second",), speed),
    *rows_of("speed", INTERFACE_RATIOS, ("ratios",), ratio),
    *rows_of("speed", {"async": INTERFACES["async"]}, ("steps_per_second",), speed),
    *rows_of(
        "speed",
        {k: f"batch, {BATCHES[k]}" for k in ("1 games, 1 threads", "4096 games, 1 threads")},
        ("batch_steps_per_second",),
        speed,
    ),
    *rows_of("speed", {k: f"batch, 4,096 games, {v}" for k, v in BELIEF_RATIOS.items()}, ("belief_cost",), ratio),
    *rows_of(
        "peers",
        {k: STEP_ENGINES[k] for k in ("ours_batch_65536_2_threads", "pgx_kuhn_poker", "openspiel_bargaining")},
        ("steps_per_second",),
        speed,
    ),
    *rows_of(
        "peers",
        {k: PEER_RATIOS[k] for k in ("batch_vs_pgx_kuhn", "batch_vs_openspiel_bargaining", "games_vs_negmas")},
        ("ratios",),
        ratio,
    ),
    *LEARNER_ROWS[:3],
    *START_ROWS,
    *[row._replace(title=f"a tournament of all personas, {row.title}") for row in TOURNAMENT_ROWS],
    Row("bytes a game", "memory", ("bytes_per_game", "total"), whole),
    *MEMORY_ROWS[-3:],
]
