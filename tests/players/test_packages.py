"""Which package is offered: the one that is best for both, as far as a seat can know."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue.personas import load_persona
from parlay_marl.core.moves import Move, package_offered
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.packages import best_for_both
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.studies.evaluation import evaluate

SCENARIO = "hiring_package_terms"
CARES = 2001
"""Points of the grid of how much the other may care for a term."""


def game_of(seed: int, scenario: str = SCENARIO) -> Game:
    game = Game(make_config(scenario))
    game.reset(seed)
    return game


def options_of(package: int, options: list[int]) -> list[int]:
    """Return the option of each term; the last term varies fastest."""
    return [int(option) for option in np.unravel_index(package, options)]


def single(package_values: Any, options: list[int], term: int) -> Any:
    """Return the worth of each option of a term, all others at their first option."""
    first = [0] * len(options)
    places = [np.ravel_multi_index([*first[:term], o, *first[term + 1 :]], options) for o in range(options[term])]
    return package_values[places] - package_values[0]


def expected(game: Game, seat: int, offered: int | None) -> list[int]:
    """Return the best options for both by brute force: over a grid of what the other may care, as its offer allows."""
    sc = game.config.params[0]["scenario"]
    options = [int(n) for n in sc["term_options"][: sc["terms"]]]
    found = []
    for term in range(len(options)):
        own = single(game.row["package_values"][seat], options, term)
        ours, theirs = (single(sc["package_values"][side], options, term) for side in (seat, 1 - seat))
        cares = np.linspace(1.0 - sc["value_spread"], 1.0 + sc["value_spread"], CARES)
        if offered is not None:
            wanted = options_of(offered, options)[term]
            totals = cares[:, None] * theirs + ours
            allowed = cares[totals[:, wanted] >= totals.max(axis=1) - 1e-12]
            cares = allowed if len(allowed) else np.ones(1)
        found.append(int(np.argmax(own + cares.mean() * theirs)))
    return found


def best(game: Game, seat: int) -> tuple[list[int], float]:
    sc = game.config.params[0]["scenario"]
    package, worth = best_for_both(game.row, game.config.params[0], seat)
    return options_of(int(package), [int(n) for n in sc["term_options"][: sc["terms"]]]), float(worth)


@pytest.mark.parametrize("seat", [0, 1])
def test_before_an_offer_the_other_is_taken_to_care_as_is_known(seat: int) -> None:
    for seed in range(50):
        game = game_of(seed)
        package, worth = best(game, seat)
        assert package == expected(game, seat, None)
        nominal = game.config.params[0]["scenario"]["package_values"][1 - seat]
        options = [int(n) for n in game.config.params[0]["scenario"]["term_options"][: len(package)]]
        assert worth == pytest.approx(float(nominal[np.ravel_multi_index(package, options)]))


def test_an_offer_tells_how_much_the_other_cares() -> None:
    changed = 0
    for seed in range(60):
        game = game_of(seed)
        seat, rng = game.seat, np.random.default_rng(seed)
        package = int(rng.integers(game.scenario.n_packages))
        before, _ = best(game, 1 - seat)
        game.play(Move.OFFER, float(seat == 1), package)
        if game.is_over:
            continue
        offered = int(package_offered(game.row, seat))
        after, _ = best(game, 1 - seat)
        assert after == expected(game, 1 - seat, offered)
        changed += after != before
    assert changed > 5


def test_nothing_private_of_the_other_counts() -> None:
    game = game_of(3)
    before = best(game, 0), best(game, 1)
    for seat in range(2):
        kept = game.row["package_values"][1 - seat].copy()
        game.row["package_values"][1 - seat] *= -3.0
        assert best(game, seat) == before[seat]
        game.row["package_values"][1 - seat] = kept


def test_where_nominal_worths_are_not_known_it_is_the_own_best_package() -> None:
    for seed in range(20):
        game = Game(make_config(SCENARIO, rules={"belief": {"common_prior": 0.0}}))
        game.reset(seed)
        for seat in range(2):
            package, worth = best_for_both(game.row, game.config.params[0], seat)
            assert (package, worth) == (game.row["own_best"][seat], 0.0)


def player(joint: float) -> PersonaPlayer:
    linear = load_persona("linear")
    return PersonaPlayer(linear.model_copy(update={"tactics": dict(linear.tactics) | {"joint_surplus": joint}}))


@pytest.mark.parametrize(("scenario", "most"), [(SCENARIO, 0.98), ("family:terms", 0.93)])
def test_two_who_look_for_it_find_nearly_all_of_the_surplus(scenario: str, most: float) -> None:
    deals = [make_config(scenario).params]
    found = [
        evaluate(player(joint), [player(joint)], deals, games=100, seed=2).metrics["efficiency"].all_games
        for joint in (0.0, 1.0)
    ]
    assert found[0] < found[1] > most
