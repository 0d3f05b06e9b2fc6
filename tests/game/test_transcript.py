"""Rendering: `ansi` returns the whole transcript, `human` prints each thing once, and both tell the same."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.envs.single import NegotiationEnv
from parlay_marl.game.transcript import transcript
from tests.helpers import PERSONAS, SCENARIOS, claim, offer, pick


def play(env: Any, rng: np.random.Generator) -> None:
    """Play a game to its end at random."""
    while not env.game.is_over:
        seen = env.game.observe(env.game.seat)
        action = pick(rng, seen["action_mask"], env.game.packages)
        if isinstance(env, negotiation_v0.parallel_env):
            env.step({env.possible_agents[env.game.seat if len(env.possible_agents) == 2 else 0]: action})
        else:
            env.step(action)


MAKERS = {
    "aec": negotiation_v0.env,
    "parallel": negotiation_v0.parallel_env,
    "aec, one agent": lambda **arguments: negotiation_v0.env(seller="shark", **arguments),
    "parallel, one agent": lambda **arguments: negotiation_v0.parallel_env(seller="diplomat", **arguments),
    "gymnasium": lambda **arguments: NegotiationEnv(opponent="veteran", **arguments),
}
every_interface = pytest.mark.parametrize("interface", MAKERS)


@every_interface
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_printed_live_is_the_transcript(interface: str, scenario: str, capsys: Any) -> None:
    for seed in range(3):
        live = MAKERS[interface](scenario=scenario, render_mode="human")
        live.reset(seed=seed)
        play(live, np.random.default_rng(seed))
        printed = capsys.readouterr().out
        assert printed == transcript(live.game)
        assert live.render() is None
        assert capsys.readouterr().out == "", "nothing is printed twice"
        quiet = MAKERS[interface](scenario=scenario, render_mode="ansi")
        quiet.reset(seed=seed)
        play(quiet, np.random.default_rng(seed))
        assert quiet.render() == printed
        assert capsys.readouterr().out == ""


@every_interface
def test_every_game_of_an_environment_is_told_from_its_start(interface: str, capsys: Any) -> None:
    env = MAKERS[interface](render_mode="human")
    for options in ({"opener": "buyer"}, {"opener": "seller"}, {"reservation": {"buyer": 150_000}}, None):
        for seed in (5, 5, None):
            env.reset(seed=seed, options=options)
            play(env, np.random.default_rng(1))
            assert capsys.readouterr().out == transcript(env.game)


def test_a_copy_goes_on_telling_and_a_restored_game_is_told_again(capsys: Any) -> None:
    env = negotiation_v0.env(render_mode="human", opener="buyer")
    for _ in range(2):
        env.reset(seed=5)
        env.step(offer(5))
    kept = env.snapshot()
    told = capsys.readouterr().out
    other = copy.deepcopy(env)
    other.step(1)
    assert capsys.readouterr().out + "" == transcript(other.game)[len(told) // 2 :]
    env.step(offer(30))
    capsys.readouterr()
    env.restore(kept)
    env.step(1)
    assert capsys.readouterr().out == transcript(env.game)


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_transcript_can_be_read_in_a_terminal(persona: str) -> None:
    for scenario in SCENARIOS:
        env = negotiation_v0.env(scenario=scenario, buyer=persona, render_mode="ansi")
        for seed in range(3):
            env.reset(seed=seed)
            play(env, np.random.default_rng(seed))
            lines = env.render().splitlines()
            assert max(map(len, lines)) <= 80
            assert all(line == line.rstrip() and line.isprintable() for line in lines)


def test_it_tells_prices_in_currency_terms_headlines_and_the_ending() -> None:
    env = negotiation_v0.env(scenario="hiring_package_terms", opener="seller", render_mode="ansi", actions="mixed")
    env.reset(seed=0, options={"event_rounds": [2], "reservation": {"buyer": 231_000, "seller": 194_000}})
    env.step({"move": 2, "price": 0.75, "package": 8})
    env.step({"move": 4, "price": 0.25, "package": 0})
    env.step({"move": 6})
    middle = env.render()
    assert "USD 225,000" in middle
    assert "equity full grant, start at once" in middle
    assert "USD 195,000" in middle
    assert "and it was" in middle, "a claim 36,000 off is a bluff"
    assert "Nash" not in middle
    assert "231,000" not in middle
    env.step({"move": 3, "price": 0.0, "package": 0})
    headline = env.game.scenario.events[0].headline
    env.step({"move": 2, "price": 0.7, "package": 8})
    env.step({"move": 0})
    text = env.render()
    assert headline in text
    assert text.index(headline) < text.index("USD 222,000")
    assert "Deal at USD 222,000 with equity full grant, start at once in round 3" in re.sub(r"\s+", " ", text)
    assert "the Nash point is" in text


@pytest.mark.parametrize(
    ("actions", "arguments", "words"),
    [
        ([2, 1], {}, "No deal. The seller walks away in round 1."),
        ([2, 2, 1], {}, "No deal. The buyer walks away in round 2."),
        ([2] * 2, {"max_rounds": 1}, "No deal. The deadline passes in round 1."),
        ([2] * 6, {"rules": {"erosion": {"hot_tension": 0.0, "rate": 0.5}}}, "The ZOPA has eroded away"),
        ([0], {"illegal": "terminate"}, "Forfeit by the buyer in round 1, for an illegal move or none at all."),
        ([offer(20), 0], {}, "Deal at USD 145,000"),
    ],
)
def test_every_ending_has_its_words(actions: list[int], arguments: dict[str, Any], words: str) -> None:
    env = negotiation_v0.env(opener="buyer", render_mode="ansi", **arguments)
    env.reset(seed=0)
    for action in actions:
        env.step(action)
    assert words in env.render()


def test_a_game_without_a_zopa_says_so_at_its_end() -> None:
    env = negotiation_v0.env(opener="buyer", render_mode="ansi")
    env.reset(seed=0, options={"reservation": {"buyer": 120_000, "seller": 150_000}})
    env.step(claim(20))
    assert "ZOPA" not in env.render()
    env.step(1)
    assert "There is no ZOPA: the buyer's limit is USD 120,000, the seller's USD 150,000." in env.render()


def test_before_the_first_move_there_is_only_the_heading() -> None:
    env = negotiation_v0.env(render_mode="ansi", opener="buyer")
    env.reset(seed=7)
    assert len(env.render().splitlines()) <= 4
    assert "seed 7, game 0" in env.render()


@pytest.mark.parametrize("rounds", [1, 60, 200])
def test_long_games_leave_rows_out_of_the_picture_and_no_turn(rounds: int) -> None:
    env = negotiation_v0.env(render_mode="ansi", max_rounds=rounds, opener="buyer", rules={"erosion": {"rate": 0.0}})
    env.reset(seed=0)
    while not env.game.is_over:
        env.step(2)
    text = env.render()
    assert text.count("says nothing") == 2 * rounds
    assert len(re.findall(r"^ *\d+  \|", text, re.MULTILINE)) <= 24
