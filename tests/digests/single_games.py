"""Digests of games played one at a time: by agents in each interface, and between personas."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product
from typing import Any

import numpy as np

from tests.digests import adapter
from tests.digests.adapter import AGENTS, CHAMPION, INFORMATION, ROLES, RULES, SCENARIOS, SCRIPTED, Move
from tests.digests.digest import Dice, Digest

Groups = Iterator[tuple[str, Digest]]

SEED = 2**63 + 11
OFFERS_TO_READ = 8
OTHERS = ("boulware", "random", "shark")
"""Whom each persona plays beside itself: few, so that a change of one persona is in few groups."""
ROOM = 9
"""Packages of the largest scenario."""
MANY_CLAIMS = (0.02, 0.01, 0.25, 0.12, 0.3, 0.1, 0.2)
"""How often a mixed agent makes each move, in the order of `Move`."""


def some_settings(dice: Dice) -> dict[str, Any]:
    """Return settings of a game, each drawn from all that there are."""
    return {
        "rules": RULES[dice.one_of(sorted(RULES))],
        "reward": dice.one_of(adapter.REWARD_MODES),
        "beliefs": dice.one_of(adapter.TRACKERS),
        "information": dice.one_of((None, *INFORMATION)),
        "opener": dice.one_of((None, *adapter.SEATS_THAT_OPEN)),
        "max_rounds": dice.one_of((None, None, 6, 30)),
    }


def stated(dice: Dice, env: Any, action: Any) -> Any:
    """Return a discrete action as an environment takes it: with a belief where beliefs are elicited, half the time."""
    if not adapter.elicits(env):
        return action
    belief = [3.0 * dice.share() - 1.0, dice.share()]
    return {"action": action, "belief": belief} if dice.share() < 0.5 else {"action": action}


def play_in_turns(digest: Digest, dice: Dice, env: Any, seed: int | None) -> None:
    """Play a game of two agents through the AEC interface; take in all that they and a central critic see."""
    env.reset(seed=seed)
    for agent in env.agent_iter():
        seen, reward, terminated, truncated, info = env.last()
        digest.add(agent, seen, reward, terminated, truncated, info, env.state())
        digest.add(adapter.belief_figures(env.belief(agent)))
        env.step(None if terminated else stated(dice, env, dice.action(seen["action_mask"])))
    digest.add(adapter.outcome_figures(env.outcome()))
    digest.games += 1


def aec() -> Groups:
    """Play random agents over each scenario in the AEC environment."""
    for scenario in SCENARIOS:
        digest, dice = Digest(), Dice("aec", scenario)
        for game in range(6):
            env = adapter.aec_env(scenario=scenario, **some_settings(dice))
            play_in_turns(digest, dice, env, SEED + game)
            play_in_turns(digest, dice, env, None)
        yield scenario, digest


def settings() -> Groups:
    """Play random agents with every combination of settings; each game is in a group of either kind."""
    names = product(adapter.TRACKERS, adapter.REWARD_MODES, INFORMATION), product(adapter.SEATS_THAT_OPEN, RULES)
    by_beliefs, by_rules = ({key: Digest() for key in keys} for keys in names)
    number = count()
    for beliefs, opened in product(by_beliefs, by_rules):
        index = next(number)
        arguments = dict(zip(("beliefs", "reward", "information"), beliefs, strict=True))
        scenario = SCENARIOS[index % len(SCENARIOS)]
        env = adapter.aec_env(scenario=scenario, opener=opened[0], rules=RULES[opened[1]], **arguments)
        own = Digest()
        play_in_turns(own, Dice("settings", index), env, index)
        for digest in (by_beliefs[beliefs], by_rules[opened]):
            digest.add(str(own))
            digest.games += own.games
    for key, digest in (by_beliefs | by_rules).items():
        yield ", ".join(key), digest


def mixed() -> Groups:
    """Play agents that name exact prices, and claim a lot; take in the ledger of claims, too."""
    for scenario in SCENARIOS:
        digest, dice = Digest(), Dice("mixed", scenario)
        for game in range(6):
            env = adapter.aec_env(scenario=scenario, actions="mixed", **some_settings(dice))
            env.reset(seed=game)
            for _ in env.agent_iter():
                seen, reward, terminated, _, info = env.last()
                digest.add(seen, reward, terminated, info)
                env.step(None if terminated else mixed_action(dice, env, seen["action_mask"]))
            digest.add(adapter.ledger_of(env), adapter.outcome_figures(env.outcome()))
            digest.games += 1
        yield scenario, digest


def mixed_action(dice: Dice, env: Any, mask: Any) -> dict[str, Any]:
    """Return a legal move with an exact price."""
    move = Move(dice.weighted([weight * legal for weight, legal in zip(MANY_CLAIMS, mask.tolist(), strict=True)]))
    action = {"move": int(move), "price": np.array([dice.share()])}
    action["package"] = dice.below(adapter.n_packages(env)) if move is Move.OFFER else 0
    return action


def parallel() -> Groups:
    """Play random agents in the parallel environment, some draws of chance being fixed; read what it renders."""
    for scenario in SCENARIOS:
        digest, dice = Digest(), Dice("parallel", scenario)
        for game in range(6):
            env = adapter.parallel_env(scenario=scenario, render_mode="ansi", **some_settings(dice))
            fixed = {"urgency": {"buyer": dice.share()}, "alternative": {"seller": True}} if game % 2 else None
            observations, infos = env.reset(seed=SEED - game, options=fixed)
            digest.add(observations, infos)
            while env.agents:
                masks = {agent: observations[agent]["action_mask"] for agent in env.agents}
                on_turn = next(agent for agent in AGENTS if not masks[agent][-1])
                action = stated(dice, env, dice.action(masks[on_turn][:-1]))
                observations, *rest = env.step({on_turn: action})
                digest.add(observations, *rest)
            digest.add(env.render(), adapter.outcome_figures(env.outcome()))
            digest.games += 1
        yield scenario, digest


def alone(digest: Digest, persona: Any, games: int = 1) -> None:
    """Play a random agent against a persona over every scenario in both roles."""
    dice = Dice("single", getattr(persona, "name", persona))
    for number, (scenario, role) in enumerate(product(SCENARIOS, ROLES)):
        env = adapter.single_env(scenario=scenario, role=role, opponent=persona, **some_settings(dice))
        for game in range(games):
            seen, info = env.reset(seed=SEED + number if game == 0 else None)
            digest.add(seen, info)
            terminated = False
            while not terminated:
                seen, *rest, info = env.step(stated(dice, env.unwrapped, dice.action(seen["action_mask"])))
                terminated = rest[1]
                digest.add(seen, *rest, info, env.unwrapped.state())
            digest.add(adapter.outcome_figures(env.unwrapped.outcome()))
            digest.games += 1


def single() -> Groups:
    """Play a random agent against each persona in Gymnasium's environment."""
    for persona in SCRIPTED:
        digest = Digest()
        alone(digest, persona)
        yield persona, digest


def between_personas(digest: Digest, persona: Any) -> None:
    """Play a persona over every scenario in both seats, twice; take in moves and outcomes."""
    dice = Dice("play_game", getattr(persona, "name", persona))
    for number, (scenario, role, _) in enumerate(product(SCENARIOS, ROLES, range(2))):
        other = dice.one_of((persona, *OTHERS))
        pair = (persona, other) if role == "buyer" else (other, persona)
        record = adapter.play_game(*pair, scenario, seed=number, number=number % 3, **some_settings(dice))
        digest.add(adapter.moves(record), record.rewards, adapter.outcome_figures(record.outcome))
        digest.games += 1


def play_game() -> Groups:
    """Play each persona against itself and some others."""
    for persona in SCRIPTED:
        digest = Digest()
        between_personas(digest, persona)
        yield persona, digest


def records() -> Groups:
    """Read transcripts of games between personas, and play the games again, whole and in part."""
    for scenario in SCENARIOS:
        digest, dice = Digest(), Dice("records", scenario)
        for seed in range(6):
            pair = dice.one_of(SCRIPTED), dice.one_of(SCRIPTED)
            record = adapter.play_game(*pair, scenario, seed=seed, **some_settings(dice))
            digest.add(record.transcript())
            for game in (record.replay(), adapter.replayed(record), record.replay(5)):
                digest.add(adapter.moves(game), adapter.position(game))
            digest.games += 1
        yield scenario, digest


def inference() -> Groups:
    """Read limits from sequences of offers, without an environment."""
    digest, dice = Digest(), Dice("inference")
    for maker, scenario in product(ROLES, ("saas_enterprise", "uniform", "off_centre")):
        low, high = adapter.price_range(scenario)
        shares = sorted((dice.share() for _ in range(OFFERS_TO_READ)), reverse=maker == "seller")
        offers = [low + (high - low) * share for share in shares]
        reading = adapter.infer_limit([*offers[:3], None, *offers[3:]], maker, scenario)
        for estimate in (reading, reading.prior, *reading.history):
            digest.add([getattr(estimate, name) for name in adapter.READING])
        digest.games += 1
    yield "offers", digest


class Asked:
    """A policy that is asked for its actions: dice with a name."""

    def __init__(self, name: str = "asked") -> None:
        self.name = name
        self.dice = Dice(name)

    def act(self, observations: Any, masks: Any) -> Any:
        """Return an action for each row."""
        return self.dice.actions(masks)


def policies() -> Groups:
    """Play policies with made-up weights, and one that is asked, against personas."""
    players = {"plain": made_up(None, 1), "with terms": made_up(None, ROOM), "with traits": made_up("shark", ROOM)}
    for name, player in players.items():
        digest = Digest()
        alone(digest, player)
        between_personas(digest, player)
        yield name, digest
    digest = Digest()
    between_personas(digest, Asked())
    yield "asked", digest


def made_up(persona: str | None, packages: int) -> Any:
    """Return a player with made-up weights."""
    dice, hidden = Dice("weights", persona, packages), 16
    inputs, actions = adapter.sizes(packages)
    inputs += adapter.n_traits() if persona else 0
    weights = [dice.weights(hidden, inputs), dice.weights(actions, hidden)]
    biases = [dice.weights(hidden), dice.weights(actions)]
    return adapter.learned_player("pupil", persona, weights, biases, packages)


def champion_alone() -> Digest:
    """Return a digest of a random agent against the champion."""
    digest = Digest()
    alone(digest, CHAMPION)
    return digest


def champion_between_personas() -> Digest:
    """Return a digest of the champion against others."""
    digest = Digest()
    between_personas(digest, CHAMPION)
    return digest
