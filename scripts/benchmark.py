#!/usr/bin/env python3
"""Make what the standard benchmark is fixed by, and the results that are kept.

python scripts/benchmark.py digests        # write the digests of scenarios and partners into the standard suite
python scripts/benchmark.py best-replies   # choose and measure the best replies known, in every task
python scripts/benchmark.py results        # play the standard benchmark with the players of the leaderboard
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
from parlay_marl.studies.benchmark.best_replies import KEPT, BestReplies, Reply
from parlay_marl.studies.benchmark.result import SCHEMA, schema
from parlay_marl.studies.benchmark.suite import STANDARD, load_suite, persona_digest, scenario_digest
from parlay_marl.tournament.benchmark import run_benchmark
from parlay_marl.tournament.focal import load_partner
from parlay_marl.training.config import TrainingConfig
from parlay_marl.training.selfplay import train

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "benchmark"
"""The folder of the results that the leaderboard is made from."""
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


def write_best_replies(candidates: Sequence[str], threads: int) -> None:
    """Choose the best reply in each task and seat on games of the next seed, and measure it on those of the seed."""
    suite = load_suite()
    fixed = suite.model_copy(update={"partners": tuple(part for part in suite.partners if part.set != "extra")})
    chosen = {name: run_benchmark(name, fixed, seed=suite.seed + 1, threads=threads) for name in candidates}
    measured = {name: run_benchmark(name, fixed, threads=threads) for name in candidates}
    by_task = {name: {f"{t.scenario}/{t.partner}": t for t in result.tasks} for name, result in measured.items()}
    replies = {}
    for i, task in enumerate(next(iter(chosen.values())).tasks):
        key = f"{task.scenario}/{task.partner}"
        pair = []
        for seat in (BUYER, SELLER):
            paid = {name: _paid(result.tasks[i], seat) for name, result in chosen.items()}
            best = max(paid, key=lambda name: paid[name])
            pair.append(Reply(name=best, payoff=_paid(by_task[best][key], seat)))
        replies[key] = tuple(pair)
    digests = fixed.digests()
    kept = BestReplies(seed=suite.seed, games=suite.games, candidates=tuple(candidates), digests=digests, tasks=replies)
    KEPT.write_text(_in_lines(kept), "utf-8")


def _paid(task: object, seat: int) -> float:
    """Return the payoff of a task in a seat."""
    return float(getattr(task, "as_buyer" if seat == BUYER else "as_seller"))


def _in_lines(kept: BestReplies) -> str:
    """Return best replies as JSON with a line for each task."""
    data = kept.model_dump(mode="json")
    tasks = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in data.pop("tasks").items())
    return json.dumps(data, indent=1)[:-2] + ',\n "tasks": {\n' + tasks + "\n }\n}\n"


def write_results(players: Sequence[str], threads: int) -> None:
    """Play the standard benchmark with players, and keep the results."""
    RESULTS.mkdir(exist_ok=True)
    for player in players:
        result = run_benchmark(player, threads=threads)
        (RESULTS / f"{result.player.name}.json").write_bytes(result.as_json())
        print(result.player.name, {name: each.total.payoff.mean for name, each in result.sets.items()}, flush=True)


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
        write_best_replies(players, options.threads)
    elif options.what == "results":
        write_results(players, options.threads)
    elif options.what == "learners":
        write_learners(options.threads)
    else:
        SCHEMA.write_text(json.dumps(schema(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
