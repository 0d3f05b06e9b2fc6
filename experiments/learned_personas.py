"""Compare learned personas with their scripted twins. One network plays the shark, the diplomat and the veteran.

    parlay train runs/traits --persona-rewards --frames 12000000 --threads 2
    python experiments/learned_personas.py runs/traits/traits.safetensors

Each persona of the catalogue plays once by its script and once by the policy file, which is given the persona's traits;
both play every scripted persona in both seats. A trait is learned where learned and scripted twins are in the same
order; `opening` is the first demand, from 0 (the other's end of the range) to 1 (the own end).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.catalogue import build_params, load_persona, load_rules, load_scenario
from parlay_marl.core.moves import BUYER, SELLER
from parlay_marl.core.outcome import DEAL
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.policies.policy import read_policy
from parlay_marl.studies.evaluation import games_of
from parlay_marl.training.config import price_scenarios, scripted_personas

FIGURES = ("opening", "concession", "deal rate", "bluffs", "payoff")


def conduct(player: PersonaPlayer, field: Sequence[PersonaPlayer], deals: Sequence[Any], games: int) -> np.ndarray:
    """Return the figures of a player against a field, as means over all games and both seats."""
    rows = []
    for seat in (BUYER, SELLER):
        for opponent in field:
            played = games_of(player, opponent, deals, seat, games=games, seed=2**62 + 7).ravel()
            first, offers = played["first_price"][:, seat], played["offers_made"][:, seat]
            opening = 1.0 - first if seat == BUYER else first
            given = np.where(offers > 1, played["given_up"][:, seat] / np.maximum(offers - 1, 1), np.nan)
            rows.append(
                [
                    np.nanmean(opening),
                    np.nanmean(given),
                    (played["ending"] == DEAL).mean(),
                    played["bluffs_made"][:, seat].mean(),
                    played["payoff"][:, seat].mean(),
                ]
            )
    return np.nanmean(rows, axis=0)


def main() -> None:
    """Print the figures of scripted and learned twins, and compare their order."""
    parser = argparse.ArgumentParser(description="Scripted personas beside learned ones.")
    parser.add_argument("policy", type=Path, help="a policy file that was trained with --persona-rewards")
    parser.add_argument("--persona", action="append", help="a persona; default: shark, diplomat, veteran")
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    names = options.persona or ["shark", "diplomat", "veteran"]
    if not read_policy(options.policy).traits:
        parser.error(f"{options.policy}: the policy is given no traits; train one with --persona-rewards")
    field = [PersonaPlayer(load_persona(name)) for name in scripted_personas()]
    rules = load_rules("default")
    deals = [build_params(load_scenario(name), rules, reward="payoff") for name in price_scenarios()]
    results: dict[str, dict[str, list[float]]] = {}
    print(f"{'persona':<10} {'played by':<9} " + " ".join(f"{figure:>10}" for figure in FIGURES))
    for name in names:
        persona = load_persona(name)
        learned = persona.model_copy(update={"policy": str(options.policy.resolve())})
        for how, each in (("script", persona), ("policy", learned)):
            figures = conduct(PersonaPlayer(each), field, deals, options.games)
            results.setdefault(how, {})[name] = figures.tolist()
            print(f"{name:<10} {how:<9} " + " ".join(f"{figure:>10.3f}" for figure in figures))
    for i, figure in enumerate(FIGURES[:4]):
        orders = [sorted(names, key=lambda name, how=how: results[how][name][i]) for how in ("script", "policy")]
        verdict = "the same" if orders[0] == orders[1] else "another"
        print(f"{figure}: {verdict} order; scripted {' < '.join(orders[0])}, learned {' < '.join(orders[1])}")
    if options.json:
        options.json.write_text(json.dumps({"figures": FIGURES, **results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
