"""Mind-reading: what a persona does with its belief about the other, and that it does nothing with it without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue import load_persona
from parlay_marl.catalogue.personas import Persona
from parlay_marl.core.belief import HIGH, LOW, N_FIGURES
from parlay_marl.core.moves import Move
from parlay_marl.core.step import doubt_game
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.mind_reading import best_last_demand
from parlay_marl.players.persona import PersonaPlayer, as_persona, as_player
from parlay_marl.players.scripted import choose_move
from parlay_marl.players.view import look
from parlay_marl.simulation.cells import play_cell
from tests.core.games import UNIFORM
from tests.helpers import PERSONAS
from tests.players.talks import BUYER, SELLER, STILL, Talk, changed, positions, prices_given, rows_of

OPEN: dict[str, Any] = {"information": "complete"}
SHARK, VETERAN = load_persona("shark"), load_persona("veteran")

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


def reading(persona: Persona, depth: float, **tactics: Any) -> Persona:
    """Return a persona with another depth of mind-reading, drifted or not."""
    drift = persona.drift.model_copy(update={"traits": {**persona.drift.traits, "mind_reading": depth}})
    return changed(persona, traits={"mind_reading": depth}, **tactics).model_copy(update={"drift": drift})


# ------------------ without it


@pytest.mark.parametrize("name", sorted(set(PERSONAS) - {"champion"}))  # a learned policy looks at all that it sees
def test_whoever_reads_no_minds_acts_whatever_it_believes(name: str) -> None:
    persona, rng = PersonaPlayer(reading(load_persona(name), 0.0)), np.random.default_rng(0)
    config, choice, seen = make_config(UNIFORM), np.zeros(1, CHOICE_DTYPE), 0
    for seed in range(6):
        for players in ((persona, as_player("shark")), (as_player("diplomat"), persona)):
            for turn in positions(config, players, seed):
                if players[turn.seat] is not persona:
                    continue
                rows = rows_of([turn.row])
                rows["belief"][0, turn.seat] = rng.uniform(0, 1, N_FIGURES)
                rows["posterior"][0, turn.seat] = rng.uniform(0.1, 1, rows["posterior"][0, turn.seat].shape)
                choose_move(rows, config.params, 0, persona.record, persona.weights, 0, choice)
                assert choice[0].item() == turn.chosen[:3]
                seen += 1
    assert seen > 50


# ------------------ the last demand


def last_demand(game: Game, seat: int) -> float:
    """Return the best last demand of a seat, on package 0, in the state that a game is in."""
    return best_last_demand(look(game.rows[0], game.config.params[0], seat, 0))


@pytest.mark.parametrize(
    ("low", "high", "best"),
    [
        (0.5, 0.9, 0.35),  # the limit of a buyer in [0.5, 0.9] to a seller at 0.2: worth 0.3 to 0.7, half is more
        (0.7, 0.9, 0.5),  # 0.5 to 0.7: the sure gain is more than half of the largest
        (0.1, 0.4, 0.1),  # -0.1 to 0.2
        (0.0, 0.1, 0.0),  # nothing to be had
    ],
)
def test_the_best_last_demand_by_hand(low: float, high: float, best: float) -> None:
    game = Talk("nash", SELLER).game
    game.rows[0]["belief"][SELLER][[LOW, HIGH]] = low, high
    assert last_demand(game, SELLER) == pytest.approx(best)
    mirrored = Talk("nash", BUYER).game
    mirrored.rows[0]["belief"][BUYER][[LOW, HIGH]] = 1 - high, 1 - low
    assert last_demand(mirrored, BUYER) == pytest.approx(best)


def test_no_other_demand_wins_more_against_an_even_limit() -> None:
    rng, game = np.random.default_rng(1), Talk("nash", SELLER).game
    for low, high in np.sort(rng.uniform(0, 1, (50, 2))):
        game.rows[0]["belief"][SELLER][[LOW, HIGH]] = low, high
        least, most = low - 0.2, high - 0.2
        asked = np.linspace(0, 1, 20_001)
        won = asked * np.clip((most - asked) / (most - least), 0, 1)
        best = last_demand(game, SELLER)
        assert best * np.clip((most - best) / (most - least), 0, 1) >= won.max() - 1e-6


@both_seats
def test_with_open_cards_the_sharks_ultimatum_gives_no_more_than_it_needs_to(seat: int) -> None:
    """There is 0.6 to share. Without mind-reading it asks for half of its first demand, 0.68; it takes nothing back."""
    for depth, asked in ((0.0, 0.34), (0.2, 0.34 + 0.2 * (0.6 - 0.34)), (1.0, 0.6)):
        form = reading(SHARK, depth, claim_rate=0.0, fairness=0.0)
        given = prices_given(Talk(form, seat, **OPEN), [0.0, *([0.02] * 16)])
        assert given[15] == pytest.approx(max(0.8 - asked, given[14]))
    assert given[15] == given[14]


@both_seats
def test_the_veteran_closes_on_what_its_belief_allows(seat: int) -> None:
    form = reading(VETERAN, 1.0, silence_rate=0.0, claim_rate=0.0, reciprocity=0.0, exploitation=1.0)
    talk, closing = Talk(form, seat), []
    prices_given(talk, [0.0] * 16)
    for _ in range(4):
        before = talk.given
        talk.hears(0.0)
        closing.append((talk.given, max(0.8 - last_demand(talk.game, seat), before)))
    for gives, expected in closing:
        assert gives == pytest.approx(expected, abs=1e-9)


# ------------------ doubts


@pytest.mark.parametrize("depth", [0.2, 0.55, 0.8, 1.0])
def test_it_challenges_what_it_doubts_by_more_than_a_third(depth: float) -> None:
    """It never misses one here: aggression and challenge rate are 1."""
    form = changed(reading(VETERAN, depth, challenge_rate=1.0), traits={"aggression": 1.0})
    config, doubter, answers = make_config("uniform", rules=STILL), PersonaPlayer(form), []
    for seed in range(60):
        for name in ("shark", "diplomat", "random"):
            for players in ((doubter, as_player(name)), (as_player(name), doubter)):
                for turn in positions(config, players, seed):
                    s, other = turn.state, 1 - turn.seat
                    if players[turn.seat] is not doubter or s["last_move"][other] != Move.BATNA_REVEAL:
                        continue
                    if turn.chosen.move in (Move.ACCEPT, Move.WALK_AWAY):
                        continue
                    leaves_nothing = turn.worth(float(s["claim_price"][other]), 0) < 0.0
                    chance = doubt_game(rows_of([turn.row]), config.params, 0, turn.seat)
                    doubt = depth * chance + (1 - depth) * leaves_nothing
                    answers.append((doubt > 1 / 3, turn.chosen.move is Move.CHALLENGE))
    assert all(doubted == called for doubted, called in answers)
    assert len({doubted for doubted, _ in answers}) == 2
    assert len(answers) > 100


def test_deeper_readers_call_fewer_honest_claims_a_bluff() -> None:
    """Of what they challenge, in the scenario where limits are hardest to guess."""
    config, wrong = make_config("uniform"), {}
    for depth in (0.0, 0.5, 1.0):
        form, right = changed(reading(VETERAN, depth, challenge_rate=1.0), traits={"aggression": 1.0}), 0
        missed = 0
        for name in ("shark", "diplomat"):
            outcomes = play_cell(PersonaPlayer(form), as_persona(name), config.params, opener=BUYER, games=2000, seed=0)
            right += outcomes["bluffs_caught"][:, BUYER].sum()
            missed += outcomes["wrong_challenges"][:, BUYER].sum()
        wrong[depth] = missed / (right + missed)
        assert right > 100
    assert wrong[1.0] < wrong[0.5] < wrong[0.0]
    assert wrong[1.0] < 0.2
