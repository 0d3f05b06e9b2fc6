#!/usr/bin/env python3
"""Make what the standard benchmark is fixed by, and the results that are kept.

python scripts/benchmark.py digests        # write the digests of scenarios and partners into the standard suite
python scripts/benchmark.py best-replies   # choose the best replies known, and play with the players of the leaderboard
python scripts/benchmark.py results NAME   # play with one more player of the leaderboard
python scripts/benchmark.py learners       # train the small policies that are partners
python scripts/benchmark.py schema         # write the JSON schema of a result
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from parlay_marl.catalogue.families import load_any_scenario
from parlay_marl.catalogue.personas import persona_names
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.policies.policy import write_policy
from parlay_marl.studies.benchmark.best_replies import KEPT, BestReplies, Reply, read_best_replies
from parlay_marl.studies.benchmark.result import SCHEMA, BenchmarkResult, TaskResult, schema
from parlay_marl.studies.benchmark.suite import STANDARD, Suite, load_suite, persona_digest, scenario_digest
from parlay_marl.tournament.benchmark import run_benchmark
from parlay_marl.tournament.focal import load_partner
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.selfplay import train

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "benchmark"
"""The folder of the results that the leaderboard is made from."""
CHOOSING_GAMES = 50
"""Games of a seat and an opener in a task, on which best replies are chosen."""
COMMON = {"frames": 1_500_000, "hidden": (32, 32), "snapshot_every": 250_000, "evaluate_every": 10**12}
ALONE = {"opponents": {}, "opponent_share": 0.0, "self_share": 0.5, "past_share": 0.5, "activation": "tanh"}
LEARNERS = {
    "learned_1": {"seed": 1, "exit_bonus": 0.1},
    "learned_2": {"seed": 2, "exit_bonus": 0.1},
    "selfplay_1": {"seed": 3, **ALONE},
    "selfplay_2": {"seed": 4, **ALONE},
}
"""The small policies: two have learned against the catalogue, two have never met anyone but themselves."""
PART = re.compile(r"^\[\[(scenarios|partners)\]\]\n(?:(?!\[\[).*\n?)*", re.MULTILINE)


def write_digests() -> None:
    """Write the digest of each scenario and persona into the standard suite."""
    suite, text = load_suite(), STANDARD.read_text("utf-8")
    found = {part.name: scenario_digest(load_any_scenario(part.name)) for part in suite.scenarios}
    for part in suite.partners:
        player = load_partner(part.loads, part.name).player if part.set != "extra" else None
        if player is not None:
            found[part.name] = persona_digest(player)
    STANDARD.write_text(PART.sub(lambda block: _with_digest(block[0], found), text), "utf-8")


def _with_digest(block: str, found: dict[str, str]) -> str:
    """Return the table of a part with its digest written anew."""
    name = re.search(r'^name = "(.*)"$', block, re.MULTILINE)
    kept = re.sub(r"^sha256 = .*\n", "", block, flags=re.MULTILINE)
    if name is None or name[1] not in found:
        return kept
    return kept.replace(name[0], f'{name[0]}\nsha256 = "{found[name[1]]}"', 1)


def write_results(players: Sequence[str], threads: int, *, chooses: bool) -> None:
    """Play the standard benchmark with players, and keep the results; first choose the best replies, where asked.

    The best reply in each task and seat is chosen on games of the next seed, and measured on those of the seed.
    """
    suite = load_suite().without_extra()
    with tempfile.TemporaryDirectory() as folder:
        measured = {name: _played(name, suite, Path(folder), threads) for name in players}
        if chooses:
            chosen = {name: _chosen_on(name, suite, threads) for name in players}
            KEPT.write_text(_in_lines(_best_replies(suite, chosen, measured)), "utf-8")
            read_best_replies.cache_clear()
            measured = {name: _played(name, suite, Path(folder), threads) for name in players}
    RESULTS.mkdir(exist_ok=True)
    for result in measured.values():
        (RESULTS / f"{result.player.name}.json").write_bytes(result.as_json())


def _played(name: str, suite: Suite, folder: Path, threads: int) -> BenchmarkResult:
    """Return the result of a player; its tasks are kept in a folder, so that a second call plays nothing."""
    result = run_benchmark(name, suite, threads=threads, out=folder / name, resume=True)
    print(name, {which: each.total.payoff.mean for which, each in result.sets.items()}, flush=True)
    return result


def _chosen_on(name: str, suite: Suite, threads: int) -> BenchmarkResult:
    """Return the result of a player on the games that best replies are chosen on."""
    print(name, flush=True)
    return run_benchmark(name, suite, games=CHOOSING_GAMES, seed=suite.seed + 1, threads=threads)


def _best_replies(
    suite: Suite, chosen: dict[str, BenchmarkResult], measured: dict[str, BenchmarkResult]
) -> BestReplies:
    """Return the best reply in each task and seat, by one set of games, with its payoff in another."""
    replies = {}
    for i, task in enumerate(suite.tasks()):
        paid = [{name: _paid(result.tasks[i], seat) for name, result in chosen.items()} for seat in (BUYER, SELLER)]
        best = [max(each, key=lambda name: each[name]) for each in paid]
        pair = (Reply(name=name, payoff=_paid(measured[name].tasks[i], seat)) for seat, name in enumerate(best))
        replies[task.key] = tuple(pair)
    return BestReplies(
        seed=suite.seed, games=suite.games, candidates=tuple(chosen), digests=suite.digests(), tasks=replies
    )


def _paid(task: TaskResult, seat: int) -> float:
    """Return the payoff of a task in a seat."""
    return task.as_buyer if seat == BUYER else task.as_seller


def _in_lines(kept: BestReplies) -> str:
    """Return best replies as JSON with a line for each task."""
    data = kept.model_dump(mode="json")
    tasks = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in data.pop("tasks").items())
    return json.dumps(data, indent=1)[:-2] + ',\n "tasks": {\n' + tasks + "\n }\n}\n"


def write_learners(threads: int) -> None:
    """Train the small policies, and keep their files beside the suite."""
    for name, settings in LEARNERS.items():
        with tempfile.TemporaryDirectory() as folder:
            config = {"name": name, "threads": threads, **COMMON, **settings}
            policy = train(TrainingConfig.model_validate(config), Path(folder) / name)
        write_policy(STANDARD.parent / "partners" / f"{name}.safetensors", policy)
        print(f"{name}: {policy.training['frames']:,} frames", flush=True)


def main() -> None:
    """Make one of the files."""
    parser = argparse.ArgumentParser(description="Make what the standard benchmark is fixed by, and kept results.")
    parser.add_argument("what", choices=("digests", "best-replies", "results", "learners", "schema"))
    parser.add_argument("players", nargs="*", help="players; default: the catalogue's personas")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    players = options.players or persona_names()
    if options.what == "digests":
        write_digests()
    elif options.what == "best-replies":
        write_results(players, options.threads, chooses=True)
    elif options.what == "results":
        write_results(players, options.threads, chooses=False)
    elif options.what == "learners":
        write_learners(options.threads)
    else:
        SCHEMA.write_text(json.dumps(schema(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
