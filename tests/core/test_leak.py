"""No seat sees what it may not (rules, section 10): the other's private figures change, what it sees does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parlay_marl.core import observation
from parlay_marl.core.moves import ClaimStatus, Move
from parlay_marl.core.state import STATE
from tests.core.games import BUYER, SCENARIOS, SELLER, Game, random_move, random_play, sized

Look = Callable[[Game, int], tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]

# Another figure for one seat, made from the one it has drawn; always a different one.
OTHERWISE: dict[str, Callable[[Any], Any]] = {
    "reservation": lambda r: (r + 0.37) % 1.0,
    "urgency": lambda u: (u + 0.41) % 1.0,
    "alternative": lambda a: 1 - a,
    "sensitivity": lambda s: (s + 0.53) % 1.0,
    "package_values": lambda w: w[:6] + np.linspace(-0.3, 0.3, 6),
}


def otherwise(game: Game, hidden: str, watcher: int, change: Callable[[Any], Any]) -> list[Any]:
    """Return a pair of figures to be fixed: that of the seat that is not watching changed, the other left to chance."""
    figure = change(game.row[hidden][1 - watcher])
    pair = [figure, figure]
    pair[watcher] = np.full(6, np.nan) if hidden == "package_values" else -1 if hidden == "alternative" else np.nan
    return pair


def twin_games(setting: str, hidden: str, watcher: int, number: int, rules: Any, **options: str) -> tuple[Game, Game]:
    """Return two games that differ in one private figure of the seat that is not watching."""
    first = Game(SCENARIOS[setting], rules, number=number, options=options)
    figures = {hidden: otherwise(first, hidden, watcher, OTHERWISE[hidden])}
    return first, Game(SCENARIOS[setting], rules, number=number, options=options, **figures)


def leaked(first: Game, second: Game, watcher: int, look: Look = Game.look) -> list[str]:
    """Return the names of what a seat sees differently in two games; `mask` for what it may do."""
    (seen, mask), (other_seen, other_mask) = look(first, watcher), look(second, watcher)
    names = np.array(observation.names(first.packages))
    differing = names[seen.view(np.uint32) != other_seen.view(np.uint32)].tolist()
    return differing + ([] if mask.tobytes() == other_mask.tobytes() else ["mask"])


def play_alike(first: Game, second: Game, rng: np.random.Generator) -> bool:
    """Make the same random move in both games; return whether their public histories can go on as one."""
    move, price, package = random_move(rng, first)
    bluffs = [game.row["claim_is_bluff"][1 - game.on_turn] for game in (first, second)]
    if move == Move.CHALLENGE and bluffs[0] != bluffs[1]:
        move = Move.OFFER  # what a challenge brings to light is public, and rightly differs
    first.play(move, price, package)
    second.play(move, price, package)
    return first.row["ending"] == second.row["ending"] == 0


def leaks(
    setting: str, hidden: str, watcher: int, rules: Any = "default", look: Look = Game.look, **options: str
) -> set[str]:
    """Play pairs of games at random and return everything that ever differed for the watcher."""
    rng = np.random.default_rng(8)
    found: set[str] = set()
    for number in range(sized(40)):
        first, second = twin_games(setting, hidden, watcher, number, rules, **options)
        found |= set(leaked(first, second, watcher, look))
        while play_alike(first, second, rng):
            found |= set(leaked(first, second, watcher, look))
    return found


@pytest.mark.parametrize("watcher", [BUYER, SELLER], ids=["to the buyer", "to the seller"])
@pytest.mark.parametrize(
    ("setting", "hidden"),
    [(setting, hidden) for setting in SCENARIOS for hidden in OTHERWISE if hidden != "package_values"]
    + [("terms", "package_values")],
)
def test_no_private_figure_leaks(setting: str, hidden: str, watcher: int) -> None:
    assert leaks(setting, hidden, watcher) == set()


@pytest.mark.parametrize("hidden", ["reservation", "urgency"])
def test_nothing_leaks_where_the_zopa_erodes_early(hidden: str) -> None:
    assert leaks("stormy", hidden, BUYER, {"erosion": {"hot_tension": 40.0}}) == set()


# --- the figures themselves, at any time ------------------------------------------------------------------------------

PUBLIC = {
    *("round", "seat", "opener", "ending", "hot_streak", "erosion_ticks", "events_fired", "tension"),
    *("credibility", "offer_price", "previous_price", "first_price", "offer_package", "offers_made"),
    *("claim_price", "claim_status", "last_move", "earlier_prices", "given_moved", "turns_moved", "turns_still"),
}
OWN = {"reservation", "urgency", "payoff_left", "alternative", "package_values", "belief"}
NEVER_SHOWN = {field.name for field in STATE} - PUBLIC - OWN


@pytest.mark.parametrize("watcher", [BUYER, SELLER], ids=["to the buyer", "to the seller"])
@pytest.mark.parametrize("setting", SCENARIOS)
def test_no_hidden_field_of_the_state_is_shown_at_any_time(setting: str, watcher: int) -> None:
    rng = np.random.default_rng(9)
    game = Game(SCENARIOS[setting], number=1)
    changed = Game(SCENARIOS[setting], number=1)
    for _ in random_play(rng, game):
        changed.rows[:] = game.rows
        for name in OWN:
            changed.rows[name][0, 1 - watcher] = 0.123 if game.rows[name].dtype.kind == "f" else 1
        for name in NEVER_SHOWN - {"scenario"}:
            changed.rows[name] = 1
        assert leaked(game, changed, watcher) == []


@pytest.mark.parametrize("name", sorted(PUBLIC - {"ending", "offers_made"}))
def test_every_public_field_of_the_state_is_shown(name: str) -> None:
    game, changed = Game(SCENARIOS["terms"], opener=BUYER), Game(SCENARIOS["terms"], opener=BUYER)
    game.play(Move.BATNA_REVEAL, 0.5, 1)
    game.play(Move.BATNA_REVEAL, 0.6, 2)
    changed.rows[:] = game.rows
    counted = ("round", "hot_streak", "offer_package", "claim_status", "last_move", "turns_moved", "turns_still")
    changed.rows[name] = 2 if name in counted else 0.25
    if name in ("seat", "opener", "events_fired", "erosion_ticks"):
        changed.rows[name] = 1 - game.rows[name]
    assert leaked(game, changed, BUYER) != []


# --- beliefs, byte for byte -------------------------------------------------------------------------------------------

HELD = ("belief", "posterior", "frame", "estimate")
TRACKERS = ("bayes", "heuristic", "none", "elicited")
MILD = {"erosion": {"hot_tension": 40.0, "rate": 0.01}}
"""Rules under which the ZOPA erodes often and collapses seldom."""


def stranger_games(setting: str, watcher: int, number: int, rules: Any, **options: str) -> tuple[Game, Game]:
    """Return two games that differ in everything that is hidden of the seat that is not watching."""
    first = Game(SCENARIOS[setting], rules, number=number, options=options)
    changes = {name: change for name, change in OTHERWISE.items() if name != "package_values" or first.packages > 1}
    if number % 2:
        changes["reservation"] = lambda r: r + 0.04  # so close that their claims mostly come to the same
    figures = {name: otherwise(first, name, watcher, change) for name, change in changes.items()}
    return first, Game(SCENARIOS[setting], rules, number=number, options=options, **figures)


def held_differently(first: Game, second: Game, watcher: int) -> list[str]:
    """Return what of a seat's belief is not the same in two games."""
    rows = first.row, second.row
    return [name for name in HELD if rows[0][name][watcher].tobytes() != rows[1][name][watcher].tobytes()]


def happened(game: Game) -> set[str]:
    """Return what of the public record so far bears on beliefs."""
    fates = {ClaimStatus(int(status)).name for status in game.row["claim_status"]}
    return fates | {name for name in ("erosion_ticks", "events_fired") if game.row[name]}


@pytest.mark.parametrize("rules", ["default", MILD, {"preset": "seed", **MILD}], ids=["default", "mild", "seed"])
@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("setting", SCENARIOS)
def test_beliefs_are_the_same_bytes_whatever_is_hidden(setting: str, tracker: str, rules: Any) -> None:
    # Under the seed preset a seat could read the ZOPA off its own erosion; its belief takes in the nominal size alone.
    rng = np.random.default_rng(8)
    for number in range(sized(16)):
        watcher = int(rng.integers(2))
        first, second = stranger_games(setting, watcher, number, rules, beliefs=tracker)
        assert held_differently(first, second, watcher) == []
        while play_alike(first, second, rng):
            assert held_differently(first, second, watcher) == []


def test_the_games_compared_see_claims_verdicts_erosions_and_headlines() -> None:
    rng, seen = np.random.default_rng(8), set()
    for number in range(60):
        first, second = stranger_games("stormy", BUYER, number, MILD)
        while play_alike(first, second, rng):
            assert held_differently(first, second, BUYER) == []
            seen |= happened(first)
    assert seen >= {"OPEN", "VERIFIED", "CAUGHT", "CONTRADICTED", "erosion_ticks", "events_fired"}


@pytest.mark.parametrize("tracker", ["bayes", "heuristic"])
def test_a_verdict_that_differs_is_seen(tracker: str) -> None:
    games = [
        Game(SCENARIOS["uniform"], reservation=(r, 0.2), opener=BUYER, options={"beliefs": tracker}) for r in (0.5, 0.9)
    ]
    for game in games:
        game.play(Move.BATNA_REVEAL, 0.5)
    assert held_differently(games[0], games[1], SELLER) == []
    for game in games:
        game.play(Move.CHALLENGE)
    assert "belief" in held_differently(games[0], games[1], SELLER)


# --- the test would notice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("watcher", [BUYER, SELLER])
def test_complete_information_shows_the_reservation_and_the_leak_test_sees_it(watcher: int) -> None:
    found = leaks("saas", "reservation", watcher, information="complete")
    assert {"other_reservation", "belief_reservation", "belief_low", "belief_high"} == found
    game = Game(SCENARIOS["saas"], options={"information": "complete"})
    assert game.sees(watcher)["known"] == 1
    assert game.sees(watcher)["other_reservation"] == pytest.approx(game.row["reservation"][1 - watcher], abs=1e-6)


@pytest.mark.parametrize("hidden", ["urgency", "alternative", "sensitivity"])
def test_complete_information_opens_nothing_but_the_reservations(hidden: str) -> None:
    found = leaks("saas", hidden, BUYER, information="complete")
    assert found <= {"other_reservation", "belief_reservation", "belief_low", "belief_high"}
    assert leaks("uniform", hidden, BUYER, information="complete") == set()


@pytest.mark.parametrize("hidden", ["reservation", "urgency", "alternative", "sensitivity"])
@pytest.mark.parametrize("share", [1.0, 1e-4])
def test_an_observation_that_leaks_however_little_is_caught(hidden: str, share: float) -> None:
    def leaky(game: Game, seat: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        seen, mask = game.look(seat)
        seen[observation.AT.tension] += share * game.row[hidden][1 - seat]
        return seen, mask

    assert "tension" in leaks("stormy", hidden, BUYER, look=leaky)


def test_a_mask_that_leaks_is_caught() -> None:
    def leaky(game: Game, seat: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        seen, mask = game.look(seat)
        mask[0] &= game.row["reservation"][1 - seat] > 0.5
        return seen, mask

    assert leaks("stormy", "reservation", BUYER, look=leaky) == {"mask"}


def test_a_belief_that_knows_the_truth_is_caught() -> None:
    def leaky(game: Game, seat: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        game.rows["belief"][0, seat, 0] = game.row["reservation"][1 - seat]
        return game.look(seat)

    assert "belief_reservation" in leaks("saas", "reservation", SELLER, look=leaky)


def test_an_erosion_in_units_of_the_true_zopa_is_caught() -> None:
    # which is why the unit is the public width, except under the seed preset
    hot = {"erosion": {"hot_tension": 40.0}}
    assert leaks("saas", "reservation", BUYER, hot) == set()
    assert "reservation" in leaks("saas", "reservation", BUYER, {"preset": "seed", **hot})


def test_random_play_moves_every_field_of_the_observation() -> None:
    rng = np.random.default_rng(10)
    moved = set()
    for setting in ("terms", "stormy"):
        looks = []
        for number in range(max(sized(40), 20)):
            game = Game(SCENARIOS[setting], {"erosion": {"hot_tension": 40.0}}, number=number)
            looks += [game.look(seat)[0] for _ in random_play(rng, game) for seat in (BUYER, SELLER)]
        names = np.array(observation.names(game.packages))
        moved |= {name.split("[")[0] for name in names[np.ptp(looks, axis=0) > 0]}
    fixed = {"known", "other_reservation", "round_length"}  # by the scenario
    assert moved == {field.name for field in observation.FIELDS} - fixed
