#!/usr/bin/env python3
"""Measure the batch engine beside other projects' engines, in one run.

    python benchmarks/peers.py [--rounds 5] [--json FILE]

Sets up `.venv-peers` with this project and its peers (Pgx, OpenSpiel, NegMAS, Axelrod, Gymnasium, PettingZoo) and
runs itself there. Everything is measured in turn, `--rounds` times; the figures are medians, and the ratios are between
medians of the same run, since absolute speeds depend on the machine and its neighbours. Each game is another game: the
table compares how fast engines turn over steps and whole episodes, not the content of their games.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
import random
import subprocess
import sys
import time
import venv
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measuring
from bars import verdict
from measuring import medians

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv-peers"
PEERS = (
    "jax>=0.10",
    "jaxlib",
    "pgx>=2.6",
    "open_spiel>=2.0",
    "negmas>=0.16",
    "axelrod>=4.14",
    "pettingzoo[classic]>=1.27",
)
LARGE, MIDDLE = 65_536, 4_096
PGX_BATCHES = (1_024, 4_096, 16_384, 65_536)
ROUNDS_OF_TALKS = 20
"""Rounds of a NegMAS mechanism and turns of an Axelrod match: the length of our games."""

Measure = Callable[[], float]


def set_up() -> Path:
    """Return the Python of the peers' virtual environment, made anew where its requirements have changed."""
    python = HOME / "bin" / "python"
    wanted = hashlib.sha256("\n".join([*PEERS, (ROOT / "pyproject.toml").read_text("utf-8")]).encode()).hexdigest()
    stamp = HOME / "peers.stamp"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print("Setting up .venv-peers; this takes a few minutes, once.", file=sys.stderr)
    venv.create(HOME, with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, "-e", str(ROOT), *PEERS], check=True)
    stamp.write_text(wanted)
    return python


def timed(work: Callable[[], int]) -> float:
    """Return the units of work per second."""
    started = time.perf_counter()
    units = work()
    return units / (time.perf_counter() - started)


# -------------------------------------------------------------------------------------------------------------- ours


def our_batch(games: int, threads: int, beliefs: str = "bayes") -> Measure:
    """Return a measurement of the two-seat batch: full rules, observations, masks, resets."""
    import numpy as np

    from parlay_marl.envs.batch import Batch

    batch = Batch(games, illegal="terminate", threads=threads, beliefs=beliefs)
    batch.reset(seed=1)
    rng = np.random.default_rng(0)
    # Anchors and offers: always legal, and the games last until their deadline.
    actions = [rng.integers(4, 46, games) for _ in range(40)]
    times = 4 * LARGE // games  # about as long as what Pgx is measured over

    def work() -> int:
        for _ in range(times):
            for chosen in actions:
                batch.step(chosen)
        return times * len(actions) * games

    return functools.partial(timed, work)


def write_floor(games: int, threads: int) -> Measure:
    """Return a measurement of merely writing the bytes of as many observations and masks, with as many threads."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from parlay_marl.core import observation
    from parlay_marl.core.moves import n_actions

    observations = np.zeros((games, observation.width(1)), np.float32)
    masks = np.zeros((games, n_actions(1)), np.int8)
    pool = ThreadPoolExecutor(threads)
    cuts = [games * i // threads for i in range(threads + 1)]

    write = measuring.write_floor()
    write(observations, masks, 0, 1)

    def work() -> int:
        for _ in range(40):
            for future in [pool.submit(write, observations, masks, *span) for span in itertools.pairwise(cuts)]:
                future.result()
        return 40 * games

    return functools.partial(timed, work)


def our_games(threads: int) -> Measure:
    """Return a measurement of whole games of Boulware against Conceder, one price, 20 rounds."""
    from parlay_marl.catalogue import build_params, load_rules, load_scenario
    from parlay_marl.players.persona import as_persona
    from parlay_marl.simulation.cells import play_cell

    boulware, conceder = as_persona("boulware"), as_persona("conceder")
    params = build_params(load_scenario("saas_enterprise"), load_rules("default"), reward="payoff")
    play = functools.partial(play_cell, boulware, conceder, params, opener=0, seed=1, threads=threads)
    return lambda: timed(lambda: len(play(games=200_000)))


# ------------------------------------------------------------------------------------------------------------- peers


def pgx_game(name: str) -> Measure:
    """Return a measurement of Pgx: scan with auto-reset and masked sampling, at the batch size that suits it best."""
    import jax
    import jax.numpy as jnp
    import pgx
    from pgx.experimental import auto_reset

    env = pgx.make(name)
    init, step = jax.vmap(env.init), jax.vmap(auto_reset(env.step, env.init))
    length = 64

    def one(carry: Any, _: Any) -> tuple[Any, None]:
        state, key = carry
        key, for_action, for_reset = jax.random.split(key, 3)
        logits = jnp.where(state.legal_action_mask, 0.0, -jnp.inf)
        action = jax.random.categorical(for_action, logits, axis=1)
        keys = jax.random.split(for_reset, state.current_player.shape[0])
        return (step(state, action, keys), key), None

    roll = jax.jit(lambda state, key: jax.lax.scan(one, (state, key), None, length=length)[0])
    starts = {n: init(jax.random.split(jax.random.PRNGKey(0), n)) for n in PGX_BATCHES}
    key = jax.random.PRNGKey(1)
    for state in starts.values():
        jax.block_until_ready(roll(state, key))

    def speed(n: int) -> float:
        def work() -> int:
            jax.block_until_ready(roll(starts[n], key))
            return n * length

        return timed(work)

    return lambda: max(speed(n) for n in PGX_BATCHES)


def open_spiel_game(name: str, tensors: bool = False, deal_outside: bool = False) -> Measure:
    """Return a measurement of random playouts of an OpenSpiel game, in moves of its players.

    Chance is drawn from the legal actions, as moves are: these games deal evenly, and asking for the probabilities of
    bargaining's 1,000 deals would take most of the time. `deal_outside` draws the deal without asking the engine.
    """
    import pyspiel

    game = pyspiel.load_game(name)
    draw = random.Random(0)
    deals = game.new_initial_state().chance_outcomes()
    if len({weight for _, weight in deals}) != 1:
        raise SystemExit(f"OpenSpiel's {name} does not deal evenly, as this measurement takes for granted")

    def work() -> int:
        moves = 0
        while moves < 40_000:
            state = game.new_initial_state()
            if deal_outside:
                state.apply_action(deals[int(draw.random() * len(deals))][0])
            while not state.is_terminal():
                if state.is_chance_node():
                    legal = state.legal_actions()
                    state.apply_action(legal[int(draw.random() * len(legal))])
                    continue
                if tensors:
                    state.observation_tensor(state.current_player())
                legal = state.legal_actions()
                state.apply_action(legal[int(draw.random() * len(legal))])
                moves += 1
        return moves

    return functools.partial(timed, work)


def negmas_talks() -> Measure:
    """Return a measurement of NegMAS: Boulware against Conceder on one price issue, in whole negotiations."""
    from negmas import (
        BoulwareTBNegotiator,
        ConcederTBNegotiator,
        LinearAdditiveUtilityFunction,
        SAOMechanism,
        make_issue,
    )
    from negmas.preferences.value_fun import AffineFun, IdentityFun

    issues = [make_issue(name="price", values=41)]
    seller = LinearAdditiveUtilityFunction([IdentityFun()], issues=issues).normalize()
    buyer = LinearAdditiveUtilityFunction([AffineFun(slope=-1.0, bias=40.0)], issues=issues).normalize()

    def work() -> int:
        for _ in range(50):
            mechanism = SAOMechanism(issues=issues, n_steps=ROUNDS_OF_TALKS)
            mechanism.add(BoulwareTBNegotiator(), ufun=buyer)
            mechanism.add(ConcederTBNegotiator(), ufun=seller)
            mechanism.run()
        return 50

    return functools.partial(timed, work)


def axelrod_matches() -> Measure:
    """Return a measurement of Axelrod matches as long as our games, in whole matches."""
    import axelrod

    players = (axelrod.TitForTat(), axelrod.Random())

    def work() -> int:
        for seed in range(500):
            axelrod.Match(players, turns=ROUNDS_OF_TALKS, seed=seed).play()
        return 500

    return functools.partial(timed, work)


def cart_poles() -> Measure:
    """Return a measurement of Gymnasium's native vector environment, in steps."""
    from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv

    envs = CartPoleVectorEnv(num_envs=MIDDLE)
    envs.reset(seed=0)
    actions = envs.action_space.sample()

    def work() -> int:
        for _ in range(40):
            envs.step(actions)
        return 40 * MIDDLE

    return functools.partial(timed, work)


def tictactoe() -> Measure:
    """Return a measurement of PettingZoo's tic-tac-toe, unwrapped, in agent steps."""
    game = measuring.classic("tictactoe_v3")
    return lambda: measuring.play_aec(game.raw_env(), 5_000)


CONTESTANTS: dict[str, Callable[[], Measure]] = {
    "ours_batch_65536_2_threads": lambda: our_batch(LARGE, 2),
    "ours_batch_65536_1_thread": lambda: our_batch(LARGE, 1),
    "ours_batch_4096_2_threads": lambda: our_batch(MIDDLE, 2),
    "ours_batch_4096_1_thread": lambda: our_batch(MIDDLE, 1),
    "ours_batch_65536_2_threads_heuristic": lambda: our_batch(LARGE, 2, "heuristic"),
    "ours_batch_4096_2_threads_heuristic": lambda: our_batch(MIDDLE, 2, "heuristic"),
    "write_floor_65536_2_threads": lambda: write_floor(LARGE, 2),
    "pgx_kuhn_poker": lambda: pgx_game("kuhn_poker"),
    "pgx_leduc_holdem": lambda: pgx_game("leduc_holdem"),
    "openspiel_bargaining": lambda: open_spiel_game("bargaining"),
    "openspiel_bargaining_deal_outside": lambda: open_spiel_game("bargaining", deal_outside=True),
    "openspiel_bargaining_tensors": lambda: open_spiel_game("bargaining", tensors=True),
    "openspiel_negotiation": lambda: open_spiel_game("negotiation"),
    "openspiel_negotiation_tensors": lambda: open_spiel_game("negotiation", tensors=True),
    "gymnasium_cartpole_vector": cart_poles,
    "pettingzoo_tictactoe_raw": tictactoe,
    "ours_games_1_thread": lambda: our_games(1),
    "ours_games_2_threads": lambda: our_games(2),
    "negmas_negotiations": negmas_talks,
    "axelrod_matches": axelrod_matches,
}
"""Steps per second, ours with inferred beliefs or with `heuristic` ones; the last four are whole games, negotiations
and matches per second."""

RATIOS = {
    "batch_vs_pgx_kuhn": ("ours_batch_65536_2_threads", "pgx_kuhn_poker"),
    "batch_4096_vs_pgx_kuhn": ("ours_batch_4096_2_threads", "pgx_kuhn_poker"),
    "batch_heuristic_vs_pgx_kuhn": ("ours_batch_65536_2_threads_heuristic", "pgx_kuhn_poker"),
    "batch_4096_heuristic_vs_pgx_kuhn": ("ours_batch_4096_2_threads_heuristic", "pgx_kuhn_poker"),
    "batch_bayes_vs_heuristic": ("ours_batch_65536_2_threads", "ours_batch_65536_2_threads_heuristic"),
    "batch_vs_openspiel_bargaining": ("ours_batch_65536_2_threads", "openspiel_bargaining"),
    "batch_vs_openspiel_bargaining_deal_outside": ("ours_batch_65536_2_threads", "openspiel_bargaining_deal_outside"),
    "games_vs_negmas": ("ours_games_2_threads", "negmas_negotiations"),
    "threads_2_vs_1": ("ours_games_2_threads", "ours_games_1_thread"),
    "batch_threads_2_vs_1": ("ours_batch_65536_2_threads", "ours_batch_65536_1_thread"),
    "batch_vs_write_floor": ("ours_batch_65536_2_threads", "write_floor_65536_2_threads"),
}
"""Ratios by name, of one contestant to another."""


def measure_all(rounds: int) -> dict[str, Any]:
    """Return the medians of interleaved measurements, and their ratios."""
    warnings.simplefilter("ignore")
    measures = {name: make() for name, make in CONTESTANTS.items()}
    found = medians(measures, rounds)
    ratios = {name: found[ours] / found[theirs] for name, (ours, theirs) in RATIOS.items()}
    return {"rounds": rounds, "steps_per_second": found, "ratios": ratios}


def main() -> None:
    """Set up, run there, print the table and, where asked, write it as JSON."""
    parser = argparse.ArgumentParser(description="Measure the batch engine beside other projects' engines.")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    parser.add_argument("--here", action="store_true", help="use this Python, which has the peers already")
    arguments = parser.parse_args()
    if not arguments.here:
        python = set_up()
        sys.exit(subprocess.run([python, __file__, "--here", *sys.argv[1:]], check=False).returncode)
    print(measuring.machine(), flush=True)
    began = measuring.yardstick()
    result = measure_all(arguments.rounds)
    yardstick = measuring.record(result, began, arguments.json)["yardstick"]
    print(f"{'yardstick':44} {yardstick:16,.0f} /s")
    for name, speed in result["steps_per_second"].items():
        print(f"{name:44} {speed:16,.0f} /s")
    for name, ratio in result["ratios"].items():
        print(f"{name:44} {ratio:16,.2f}x{verdict('peers', ('ratios', name), ratio, yardstick)}")


if __name__ == "__main__":
    main()
