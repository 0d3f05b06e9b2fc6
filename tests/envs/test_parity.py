"""One game through every interface: the same seed and moves give the same observations, rewards and endings."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import decode
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.core.style import CHOICE_DTYPE, TRAIT_INPUTS
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.game.forms import MOVES
from parlay_marl.game.game import Game
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.players.scripted import choose_move
from tests.helpers import AGENTS, BUYER, HOT, PERSONAS, SCENARIOS, SELLER, content, examples, info_at, pick, same
from tests.policies.networks import learned

RULES = {"default": "default", "seed": "seed", "hot": HOT}


class Setup(NamedTuple):
    """Everything that fixes a game but its moves."""

    arguments: dict[str, Any]
    seed: int
    skipped: int
    moves: int

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.moves)


def consistent(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments that go with their protocol."""
    protocol, chosen = arguments.get("protocol"), dict(arguments)
    if protocol in ("seller_offers", "buyer_offers"):
        chosen.pop("opener", None)
    if protocol == "take_it_or_leave_it":
        chosen.pop("max_rounds", None)
    if protocol is not None and "moves" in chosen:
        chosen["moves"] = [*chosen["moves"], "silence"]
    return chosen


setups = st.builds(
    Setup,
    st.fixed_dictionaries(
        {
            "scenario": st.sampled_from(SCENARIOS),
            "rules": st.sampled_from(list(RULES)).map(RULES.__getitem__),
            "reward": st.sampled_from(["shaped", "payoff"]),
            "beliefs": st.sampled_from(["heuristic", "none"]),
        },
        optional={
            "information": st.sampled_from(["incomplete", "complete"]),
            "opener": st.sampled_from(["buyer", "seller", "random"]),
            "max_rounds": st.integers(1, 30),
            "price_levels": st.integers(2, 41),
            "moves": st.sets(st.sampled_from(MOVES)).map(lambda some: ["accept", "offer", *some]),
            "events": st.booleans(),
            "protocol": st.sampled_from([name for name in PROTOCOLS if name != "sealed_bid"]),
        },
    ).map(consistent),
    seed=st.integers(0, 2**64 - 1),
    skipped=st.integers(0, 3),
    moves=st.integers(0, 2**32),
)


class Moment(NamedTuple):
    """A game between two moves."""

    seat: int
    seen: tuple[dict[str, Any], dict[str, Any]]
    rewards: tuple[float, float]
    over: bool
    row: bytes
    infos: dict[str, Any]


def infos(game: Game) -> dict[str, Any]:
    """Return what both agents are told beside their observations, which have the mask."""
    told = {agent: info_at(game, seat) for seat, agent in enumerate(AGENTS)}
    return {
        agent: {name: value for name, value in info.items() if name != "action_mask"} for agent, info in told.items()
    }


def moment(game: Game) -> Moment:
    seen = (game.observe(BUYER), game.observe(SELLER))
    return Moment(game.seat, seen, (game.rewards[0], game.rewards[1]), game.is_over, content(game.rows), infos(game))


def play_at_random(setup: Setup) -> tuple[list[int], list[Moment], Game]:
    """Play a game through the bare `Game`; return its actions, its moments from reset to the end, and the game."""
    game, rng = Game(negotiation_v0.make_config(**setup.arguments)), setup.rng()
    game.reset(setup.seed)
    for _ in range(setup.skipped):
        game.reset()
    actions, moments = [], [moment(game)]
    while not game.is_over:
        actions.append(pick(rng, game.mask, game.packages))
        game.play_index(actions[-1])
        moments.append(moment(game))
    return actions, moments, game


def started(env: Any, setup: Setup) -> Any:
    """Return an environment in the game of a setup."""
    env.reset(seed=setup.seed)
    for _ in range(setup.skipped):
        env.reset()
    return env


def check_aec(env: Any, at: Moment, owed: dict[str, float]) -> None:
    """Check that an AEC environment of two agents is where a game is."""
    assert env.agent_selection == AGENTS[at.seat] or at.over
    assert content(env.game.rows) == at.row
    assert env.rewards == dict(zip(AGENTS, at.rewards, strict=True))
    assert env.terminations == dict.fromkeys(AGENTS, at.over)
    assert env.truncations == dict.fromkeys(AGENTS, False)
    for agent, seen in zip(AGENTS, at.seen, strict=True):
        assert same(env.observe(agent), seen)
    assert env.last()[1] == owed[env.agent_selection]
    assert same(env.last()[0], at.seen[AGENTS.index(env.agent_selection)])
    assert same(env.last()[4], at.infos[env.agent_selection])
    assert same(env.infos, at.infos)


@examples(60)
@given(setups)
def test_aec_is_the_game(setup: Setup) -> None:
    actions, moments, game = play_at_random(setup)
    env = started(negotiation_v0.env(**setup.arguments), setup)
    owed = dict.fromkeys(AGENTS, 0.0)
    check_aec(env, moments[0], owed)
    for action, after in zip(actions, moments[1:], strict=True):
        owed[env.agent_selection] = 0.0
        env.step(action)
        owed = {agent: owed[agent] + after.rewards[seat] for seat, agent in enumerate(AGENTS)}
        check_aec(env, after, owed)
    assert same(env.infos, infos(game))
    assert env.outcome() == game.outcome()
    assert [env.belief(agent) for agent in AGENTS] == [game.belief(seat) for seat in (BUYER, SELLER)]


@examples(60)
@given(setups)
def test_parallel_is_the_game(setup: Setup) -> None:
    actions, moments, game = play_at_random(setup)
    env = negotiation_v0.parallel_env(**setup.arguments)
    observations, told = env.reset(seed=setup.seed)
    for _ in range(setup.skipped):
        observations, told = env.reset()
    passing = game.n_actions
    check_parallel(observations, moments[0], told)
    for action, before, after in zip(actions, moments, moments[1:], strict=False):
        assert env.agents == list(AGENTS)
        check_parallel(observations, before, told)
        chosen = dict.fromkeys(AGENTS, passing) | {AGENTS[before.seat]: action}
        observations, rewards, terminations, truncations, told = env.step(chosen)
        assert content(env.game.rows) == after.row
        assert rewards == dict(zip(AGENTS, after.rewards, strict=True))
        assert terminations == dict.fromkeys(AGENTS, after.over)
        assert truncations == dict.fromkeys(AGENTS, False)
    check_parallel(observations, moments[-1], told)
    assert env.outcome() == game.outcome()
    assert env.agents == []


def check_parallel(observations: dict[str, Any], at: Moment, told: dict[str, Any]) -> None:
    """Check what both agents of a parallel environment see and are told: the seat not on turn may only pass."""
    for seat, agent in enumerate(AGENTS):
        mask = observations[agent]["action_mask"]
        assert same(observations[agent]["observation"], at.seen[seat]["observation"])
        assert same(mask[:-1], at.seen[seat]["action_mask"])
        assert mask[-1] == (seat != at.seat and not at.over)
        assert same(told[agent], at.infos[agent])


def as_mixed(action: int, seat: int, packages: int) -> dict[str, Any]:
    """Return the mixed action of a discrete one."""
    move, price, package = decode(action, seat, packages)
    return {"move": move, "price": np.array([price]), "package": package}


@examples(60)
@given(setups)
def test_mixed_actions_at_grid_prices_are_the_discrete_ones(setup: Setup) -> None:
    actions, moments, game = play_at_random(setup)
    aec = started(negotiation_v0.env(actions="mixed", **setup.arguments), setup)
    parallel = started(negotiation_v0.parallel_env(actions="mixed", **setup.arguments), setup)
    for action, before, after in zip(actions, moments, moments[1:], strict=False):
        seen = aec.last()[0]
        assert same(seen["observation"], before.seen[before.seat]["observation"])
        assert same(seen["action_mask"], aec.game.move_mask(before.seat))
        chosen = as_mixed(action, before.seat, game.packages)
        aec.step(chosen)
        _, rewards, _, _, _ = parallel.step({AGENTS[before.seat]: chosen})
        assert content(aec.game.rows) == content(parallel.game.rows) == after.row
        assert aec.rewards == rewards == dict(zip(AGENTS, after.rewards, strict=True))
    assert aec.game.actions == parallel.game.actions == game.actions
    assert aec.outcome() == game.outcome()


# --- an opponent in one of the seats ----------------------------------------------------------------------------------

LEARNED = [learned("learned"), learned("learned-shark", "shark", traits=TRAIT_INPUTS, seed=1, hidden=(16, 8))]
"""Random weights; the second are given the shark's traits, which drift."""
Opposite = str | PersonaPlayer
solo_setups = st.tuples(setups, st.sampled_from([*PERSONAS, *LEARNED * 2]), st.sampled_from([BUYER, SELLER]))


class Step(NamedTuple):
    """What the agent of a one-agent environment saw, did, and got for it; at the end it only sees."""

    seen: dict[str, Any]
    action: int
    reward: float


def play_alone(env: NegotiationEnv, setup: Setup) -> list[Step]:
    """Play a game of a one-agent environment at random; return the agent's turns."""
    rng, steps, terminated = setup.rng(), [], False
    seen, info = env.reset(seed=setup.seed)
    while not terminated:
        assert same(info, info_at(env.game, env.game.seat))
        assert env.belief() == env.game.belief(env.game.seat)
        action = pick(rng, seen["action_mask"], env.game.packages)
        after, reward, terminated, truncated, info = env.step(action)
        assert not truncated
        steps.append(Step(seen, action, reward))
        seen = after
    assert same(info, info_at(env.game, env._seat, np.ones_like(seen["action_mask"])))
    assert env.outcome() == env.game.outcome()
    return [*steps, Step(seen, -1, 0.0)]


def alone(setup: Setup, persona: Opposite, seat: int) -> NegotiationEnv:
    """Return the one-agent environment whose other seat a persona has."""
    return NegotiationEnv(role=("buyer", "seller")[seat], opponent=persona, illegal="raise", **setup.arguments)


@examples(80)
@given(solo_setups)
def test_one_agent_sees_and_gets_what_it_would_in_the_two_agent_game(drawn: tuple[Setup, Opposite, int]) -> None:
    setup, persona, seat = drawn
    env, agent = alone(setup, persona, seat), AGENTS[seat]
    steps = play_alone(env, setup)
    both = negotiation_v0.env(actions="mixed", **setup.arguments)
    both.reset(seed=setup.seed, options=env.game.options)
    while both.game.number < env.game.number:
        both.reset(options=env.game.options)
    turn, paid = -1, 0.0
    for move, price, package, *_ in env.game.actions:
        if both.agent_selection == agent:
            # What the seat was paid since its last turn came with that turn's action; before its first one, with that.
            if turn >= 0:
                assert paid == steps[turn].reward
                paid = 0.0
            turn += 1
            assert same(both.game.observe(seat), steps[turn].seen)
        both.step({"move": move, "price": price, "package": package})
        paid += both.rewards[agent]
    assert paid == steps[turn].reward
    assert turn == len(steps) - 2
    assert same(both.game.observe(seat)["observation"], steps[-1].seen["observation"])
    assert content(both.game.rows) == content(env.game.rows)
    assert both.outcome() == env.outcome()


@examples(60)
@given(solo_setups)
def test_one_agent_is_the_same_through_every_interface(drawn: tuple[Setup, Opposite, int]) -> None:
    setup, persona, seat = drawn
    env, agent = alone(setup, persona, seat), AGENTS[seat]
    steps = play_alone(env, setup)
    given_seat = {("seller", "buyer")[seat]: persona}
    aec = negotiation_v0.env(**given_seat, **setup.arguments, action_mask="both")
    parallel = negotiation_v0.parallel_env(**given_seat, **setup.arguments)
    aec.reset(seed=setup.seed)
    observations, _ = parallel.reset(seed=setup.seed)
    assert aec.agents == parallel.agents == [agent]
    owed = 0.0
    for step in steps[:-1]:
        seen, reward, terminated, truncated, info = aec.last()
        assert (reward, terminated, truncated) == (owed, False, False)
        assert same(info, info_at(aec.game, seat))
        assert same(seen, step.seen)
        assert same(observations[agent]["observation"], step.seen["observation"])
        assert same(observations[agent]["action_mask"], np.append(step.seen["action_mask"], np.int8(0)))
        aec.step(step.action)
        observations, rewards, _, _, _ = parallel.step({agent: step.action})
        owed = step.reward
        assert aec.rewards == rewards == {agent: owed}
    seen, *signals, info = aec.last()
    assert same(seen["observation"], steps[-1].seen["observation"])
    assert signals == [owed, True, False]
    assert same(info, info_at(env.game, seat))
    assert content(aec.game.rows) == content(parallel.game.rows) == content(env.game.rows)


@examples(60)
@given(solo_setups)
def test_a_seat_given_to_a_persona_plays_as_the_persona_would_among_two_agents(
    drawn: tuple[Setup, Opposite, int],
) -> None:
    setup, persona, seat = drawn
    env = alone(setup, persona, seat)
    steps = play_alone(env, setup)
    both = negotiation_v0.env(actions="mixed", **setup.arguments)
    sensitivity = {("seller", "buyer")[seat]: as_persona(persona).event_sensitivity}
    both.reset(seed=setup.seed, options={"event_sensitivity": sensitivity})
    while both.game.number < env.game.number:
        both.reset(options={"event_sensitivity": sensitivity})
    actions = iter(step.action for step in steps)
    choice, player = np.zeros(1, CHOICE_DTYPE), as_persona(persona)
    while not both.game.is_over:
        if both.agent_selection == AGENTS[seat]:
            both.step(as_mixed(next(actions), seat, both.game.packages))
        else:
            choose_move(both.game.rows, both.config.params, 0, player.record, player.weights, 0, choice)
            both.step(dict(zip(("move", "price", "package"), choice[0].item(), strict=True)))
    assert content(both.game.rows) == content(env.game.rows)
    assert both.game.actions == env.game.actions


def test_what_an_opponents_opening_move_pays_comes_with_the_first_action() -> None:
    for seed in range(10):
        env = negotiation_v0.env(seller="shark", opener="seller", actions="mixed", reward="shaped")
        env.reset(seed=seed)
        assert env.rewards == {"buyer_0": 0.0}
        assert env.last()[1] == 0.0
        both = negotiation_v0.env(opener="seller", actions="mixed", reward="shaped")
        both.reset(seed=seed, options=env.game.options)
        both.step(env.game.actions[0].to_mapping())
        opening = both.rewards["buyer_0"]
        assert opening != 0.0
        for each in (env, both):
            each.step({"move": 1})
        assert env.rewards["buyer_0"] == opening + both.rewards["buyer_0"]
