#!/usr/bin/env python3
"""Play entrants against strategies of NegMAS that none of them was made for, and write their payoffs by our rules.

python experiments/strangers.py                                # all personas, 12 strategies, 2 scenarios
python experiments/strangers.py --entrant champion --games 50  # one entrant, fewer games
python experiments/strangers.py --json strangers.json          # the figures as JSON as well, after every 25 games
python experiments/strangers.py --entrant champion --json strangers.json --add   # the others' figures in it stay
python experiments/strangers.py --table strangers.json         # print the tables of such a file

Needs NegMAS: pip install "parlay-marl[negmas]". Game `k` of a seed has the same limits, urgencies and opener whoever
plays it, and NegMAS draws its own chance from the number of the game, so that entrants are compared on the same games.
Intervals are of the mean over games of one number, which all partners and both seats share; how far an entrant is
behind the first is the mean difference of games of one number.

NegMAS is here for measuring: no parameter of a persona, a policy or a tracker is chosen by these figures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.catalogue.personas import persona_names
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import PolicyError
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.outcome import make_report
from parlay_marl.players.persona import as_player
from parlay_marl.studies.intervals import student_interval

PARTNERS = (
    "BoulwareTBNegotiator",
    "LinearTBNegotiator",
    "ConcederTBNegotiator",
    "AspirationNegotiator",
    "NiceTitForTatNegotiator",
    "NaiveTitForTatNegotiator",
    "MiCRONegotiator",
    "ToughNegotiator",
    "RandomNegotiator",
    "HybridNegotiator",
    "TopFractionNegotiator",
    "CABNegotiator",
)
SCENARIOS = ("saas_enterprise", "uniform")
PAYOFF, OTHERS, DEAL, ZOPA, FAILED = range(5)
FIGURES = 5

AT_ONCE = 25
"""Games of a task: after as many of every cell, the figures so far are written."""

Task = tuple[str, str, str, int, int, int]
"""Scenario, partner, entrant, the first game's number and the one after the last, seed."""


def play(task: Task) -> Any:
    """Return the figures of an entrant's games in both seats, `(2, games, FIGURES)`."""
    scenario, partner, entrant, start, stop, seed = task
    warnings.simplefilter("ignore")
    found = np.zeros((2, stop - start, FIGURES))
    config = make_config(scenario)
    for seat in range(2):
        players = [as_player(entrant), as_player(f"negmas:{partner}")]
        game = Game(config, players if seat == 0 else players[::-1])
        for number in range(start, stop):
            found[seat, number - start] = _one(game, seat, seed, number)
    return found


def _one(game: Game, seat: int, seed: int, number: int) -> list[float]:
    """Return the figures of one game; a partner that fails leaves the entrant without a deal."""
    failed = False
    try:
        game.start(seed, number)
    except PolicyError:
        failed = True
        game.begin(seed, number)
    report = make_report(game.rows, game.config.params)[0]
    own, other = float(report["payoff"][seat]), float(report["payoff"][1 - seat])
    return [own, other, report["ending"] == Ending.DEAL, report["start_width"] > 0, failed]


def summary(cell: Any) -> dict[str, Any]:
    """Return the means of games `(seats, games, FIGURES)` in words; seats of several partners follow each other."""
    has_zopa = cell[..., ZOPA] > 0
    by_seat = cell[..., PAYOFF].reshape(-1, 2, cell.shape[1]).mean(axis=(0, 2))
    return {
        "payoff": round(float(cell[..., PAYOFF].mean()), 4),
        "by_seat": [round(float(part), 4) for part in by_seat],
        "partners_payoff": round(float(cell[..., OTHERS].mean()), 4),
        "deals": round(float(cell[..., DEAL].mean()), 4),
        "deals_where_zopa": round(float(cell[..., DEAL][has_zopa].mean()), 4) if has_zopa.any() else None,
        "failed_games": int(cell[..., FAILED].sum()),
    }


def overall(cells: Sequence[Any]) -> dict[str, Any]:
    """Return the mean payoff over all partners and both seats, with its 95% interval over game numbers.

    `by_game` are the means of the games of each number.
    """
    payoffs = np.stack([cell[..., PAYOFF] for cell in cells]).mean(axis=(0, 1))
    found = student_interval(payoffs)
    bounds = {"low": round(found.low, 4), "high": round(found.high, 4)}
    return {**summary(np.concatenate(cells)), **bounds, "by_game": [round(float(each), 4) for each in payoffs]}


def compare(entrants: dict[str, Any]) -> None:
    """Give each entrant how far it is behind the first: mean, low and high of the difference on the same games."""
    first = max(entrants, key=lambda name: entrants[name]["overall"]["payoff"])
    best = np.array(entrants[first]["overall"]["by_game"])
    for name, entrant in entrants.items():
        found = student_interval(best - entrant["overall"]["by_game"])
        behind = [round(found.mean, 4), round(found.low, 4), round(found.high, 4)]
        entrant["overall"]["behind_first"] = None if name == first else behind


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Play everything, and write the figures so far again and again; return them by scenario, entrant and partner."""
    names = [(s, p, e) for s in given.scenario for p in given.partner for e in given.entrant]
    cells = {name: np.zeros((2, 0, FIGURES)) for name in names}
    kept = read_kept(given) if given.add else None
    began, result = time.perf_counter(), {}
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        for start in range(0, given.games, AT_ONCE):
            stop = min(start + AT_ONCE, given.games)
            tasks = [(*name, start, stop, given.seed) for name in names]
            for done, (name, found) in enumerate(zip(names, pool.imap(play, tasks), strict=True), 1):
                cells[name] = np.concatenate([cells[name], found], axis=1)
                seconds = time.perf_counter() - began
                print(f"[{seconds:6.0f} s] games {start} to {stop}: {done} of {len(names)}", file=sys.stderr)
            is_last = stop == given.games
            result = figures(cells, given, stop, kept if is_last else None)
            if given.json and (is_last or kept is None):
                Path(given.json).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return result


def read_kept(given: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of the file that others are added to; refuse one of other games."""
    try:
        kept: dict[str, Any] = json.loads(Path(given.json).read_text("utf-8"))
        entrants = [each for played in kept["scenarios"].values() for each in played.values()]
        partners = {partner for each in entrants for partner in each["partners"]}
        theirs = (kept["games_a_seat"], kept["seed"], sorted(kept["scenarios"]), sorted(partners))
        lengths = {len(each["overall"]["by_game"]) for each in entrants}
    except OSError as error:
        raise SystemExit(f"--add: {given.json}: {error}; leave --add out to write a new file") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SystemExit(f"--add: {given.json} is no file of this script as it is now; write another one") from None
    own = (given.games, given.seed, sorted(given.scenario), sorted(given.partner))
    if theirs != own or lengths != {given.games}:
        raise SystemExit(f"--add: {given.json}: games, seed, scenarios and partners are {theirs}, not {own}")
    return kept


def figures(
    cells: dict[tuple[str, str, str], Any], given: argparse.Namespace, games: int, kept: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the figures of all cells by scenario, entrant and partner, beside those of a file that are kept."""
    scenarios = {}
    for scenario in given.scenario:
        entrants = {}
        for entrant in given.entrant:
            own = {partner: cells[scenario, partner, entrant] for partner in given.partner}
            partners = {partner: summary(cell) for partner, cell in own.items()}
            entrants[entrant] = {"overall": overall(list(own.values())), "partners": partners}
        entrants = kept["scenarios"][scenario] | entrants if kept else entrants
        compare(entrants)
        scenarios[scenario] = entrants
    versions = {name: version(name) for name in ("parlay-marl", "negmas", "numpy")}
    return {"games_a_seat": games, "seed": given.seed, "versions": versions, "scenarios": scenarios}


def print_tables(result: dict[str, Any]) -> None:
    """Print the tables as Markdown, as docs/negmas.md has them: means, then payoffs by partner in each scenario."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
    from tables import strangers_by_partner, strangers_table

    print(strangers_table(result))
    for scenario in result["scenarios"]:
        print(f"`{scenario}`: payoff, and deals where there was a ZOPA\n\n{strangers_by_partner(result, scenario)}")


def main() -> None:
    """Play, print the tables and, where asked, write the figures."""
    parser = argparse.ArgumentParser(description="Play entrants against strategies of NegMAS.")
    parser.add_argument("--entrant", action="append", help="persona or policy file; repeat for more (default: all)")
    parser.add_argument("--partner", action="append", help="class of NegMAS; repeat for more (default: the twelve)")
    parser.add_argument("--scenario", action="append", help="repeat for more (default: saas_enterprise and uniform)")
    parser.add_argument("--games", type=int, default=200, help="games a seat against each partner (default 200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    parser.add_argument("--add", action="store_true", help="keep the figures of other entrants in --json")
    parser.add_argument("--table", metavar="FILE", help="print the tables of such a file, and play nothing")
    given = parser.parse_args()
    if given.table:
        print_tables(json.loads(Path(given.table).read_text("utf-8")))
        return
    if given.add and not given.json:
        parser.error("--add: give the file as --json")
    given.entrant = given.entrant or persona_names()
    given.partner, given.scenario = given.partner or list(PARTNERS), given.scenario or list(SCENARIOS)
    print_tables(measure(given))


if __name__ == "__main__":
    main()
