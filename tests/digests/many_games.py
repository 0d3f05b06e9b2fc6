"""Digests of games played by the thousand: lanes, the engine under them, tournaments and evaluations."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tests.digests import adapter
from tests.digests.adapter import CHAMPION, ROLES, RULES, SCENARIOS, SCRIPTED
from tests.digests.digest import Dice, Digest
from tests.digests.single_games import OTHERS, Asked, some_settings

Groups = Iterator[tuple[str, Digest]]

AUTORESET = ("NextStep", "SameStep", "Disabled")
ILLEGAL = 0.01
"""How often an agent in a lane plays illegally, and loses."""
SIGNIFICANT = 9
"""Digits of means over many games that count: sums may be taken in another order."""


def play_lanes(digest: Digest, dice: Dice, env: Any, steps: int, mode: str) -> None:
    """Step random agents in every lane; take in everything that the environment returns."""
    seen, infos = env.reset(seed=11)
    digest.add(seen, infos)
    for _ in range(steps):
        seen, rewards, terminated, truncated, infos = env.step(dice.actions(seen["action_mask"], ILLEGAL))
        digest.add(seen, rewards, terminated, truncated, infos)
        digest.games += int(terminated.sum())
        if mode == "Disabled" and terminated.any():
            seen, infos = env.reset(options={"reset_mask": terminated})
            digest.add(seen, infos)
    digest.add(adapter.outcomes_in_lanes(env))


def vector() -> Groups:
    """Play random agents in lanes over each scenario, and over all at once, against all personas."""
    for number, scenario in enumerate((*SCENARIOS, "all")):
        digest, dice = Digest(), Dice("vector", scenario)
        for index, mode in enumerate(AUTORESET):
            role = ("mixed", *ROLES)[(number + index) % 3]
            deals = list(SCENARIOS) if scenario == "all" else scenario
            env = adapter.vector_env(
                24, scenario=deals, role=role, opponent=list(SCRIPTED), autoreset_mode=mode, **some_settings(dice)
            )
            play_lanes(digest, dice, env, 30, mode)
            env.close()
        yield scenario, digest


def batch() -> Groups:
    """Play both seats of many games in the engine, with each tracker and each kind of rules."""
    for beliefs, rules in product(adapter.TRACKERS, RULES):
        digest, dice = Digest(), Dice("batch", beliefs, rules)
        engine = adapter.batch_engine(
            64,
            scenario=list(SCENARIOS),
            rules=RULES[rules],
            beliefs=beliefs,
            reward=dice.one_of(adapter.REWARD_MODES),
            information=dice.one_of((None, *adapter.INFORMATION)),
            opener=dice.one_of((None, *adapter.SEATS_THAT_OPEN)),
            illegal="terminate",
            autoreset="same_step",
        )
        engine.reset(7)
        for _ in range(30):
            digest.games += engine.step(dice.actions(engine.masks))
            digest.add(adapter.buffers(engine))
        digest.add(adapter.outcome_columns(engine.outcomes))
        engine.close()
        yield f"{beliefs}, {rules}", digest


def digest_of(outcomes: Any) -> Digest:
    """Return a digest of the outcomes of many games."""
    digest = Digest()
    digest.add(adapter.outcome_columns(outcomes))
    digest.games = len(outcomes)
    return digest


def tournaments() -> Groups:
    """Play every pair of personas over every scenario; those of a buyer against some are in a group of its own."""
    for rules, games in (("default", 4), ("seed", 2)):
        buyers, sellers, deals, outcomes = adapter.tournament(SCRIPTED, games=games, seed=5, rules=rules)
        for persona in SCRIPTED:
            own = (buyers == persona) & np.isin(sellers, (persona, *OTHERS))
            yield f"{rules}, {persona}", digest_of(outcomes[own])
        for scenario in SCENARIOS:
            yield f"{rules}, {scenario}", digest_of(outcomes[deals == scenario])
    entrants = ["shark", "linear", Asked()]
    buyers, sellers, _, outcomes = adapter.tournament(entrants, games=3, seed=5, rules=RULES["hot"])
    yield "hot, asked", digest_of(outcomes[(buyers == "asked") | (sellers == "asked")])


def rounded(figures: Any) -> Any:
    """Return plain data with its floats rounded to digits that cannot differ."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [rounded(value) for value in figures]
    return f"{figures:.{SIGNIFICANT}g}" if isinstance(figures, float) else figures


def evaluations() -> Groups:
    """Evaluate personas against others, beside the best reply."""
    opponents, replies, games = ("diplomat", "shark"), ("linear", "nash"), 20
    for policy, scenario in (("veteran", "uniform"), ("tit_for_tat", "hiring_package_terms"), ("micro", "off_centre")):
        digest = Digest()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "figures.json")
            digest.add(rounded(adapter.evaluation(policy, opponents, replies, scenario, games, path)))
        digest.games = len(opponents) * 2 * 2 * games
        yield policy, digest


def champion_in_a_tournament() -> Digest:
    """Return a digest of all games of the champion against three personas."""
    entrants = (CHAMPION, "micro", "nash", "veteran")
    buyers, sellers, _, outcomes = adapter.tournament(entrants, games=10, seed=5, rules="default")
    return digest_of(outcomes[(buyers == CHAMPION) | (sellers == CHAMPION)])


def champion_in_lanes() -> Digest:
    """Return a digest of random agents against the champion in lanes."""
    digest = Digest()
    env = adapter.vector_env(32, scenario=list(SCENARIOS), role="mixed", opponent=CHAMPION, reward="shaped")
    play_lanes(digest, Dice("vector", CHAMPION), env, 30, AUTORESET[0])
    env.close()
    return digest
