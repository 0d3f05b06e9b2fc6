"""What every persona promises, whatever its numbers: a new file in `personas/` is tested here without any code.

So are learned policies with random weights: one for all, and one that is given its persona's traits and drifts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue import load_persona
from parlay_marl.catalogue.personas import OCCASIONS
from parlay_marl.core.moves import MAX_PACKAGES, SEATS, Move, makes_offer
from parlay_marl.core.state import STATE
from parlay_marl.core.style import CHOICE_DTYPE, TRAIT_INPUTS
from parlay_marl.game.action import Action
from parlay_marl.game.config import GameConfig, make_config
from parlay_marl.game.game import Game, replay
from parlay_marl.game.text import price_text
from parlay_marl.players.persona import PersonaPlayer, PersonaTables, as_persona, as_player, persona_tables
from parlay_marl.players.persona_numbers import PERSONA_DTYPE
from parlay_marl.players.scripted import choose_move
from tests.helpers import HOT, PARTNERS, PERSONAS, SCENARIOS, Chooser, content, pick, without_price
from tests.players.talks import BUYER, SELLER, Position, positions, rows_of
from tests.policies.networks import learned

USUAL = [make_config(scenario) for scenario in SCENARIOS]
"""Every scenario as it comes: played against everybody."""

UNUSUAL = [
    *(
        make_config(scenario, max_rounds=rounds)
        for scenario in ("saas_enterprise", "hiring_package_terms", "uniform")
        for rounds in (1, 3, 60)
    ),
    make_config("acquisition_terms", rules="seed"),
    make_config("acquisition_terms", rules=HOT),
    make_config("saas_enterprise", information="complete", beliefs="none"),
]
"""Short and long talks, and other rules: played against some who differ in how they end."""

SOME = ("conceder", "random", "shark")

LEARNED = ("learned", "learned shark", "learned prices")
"""With random weights: the second is given the shark's traits, which drift, the third knows of prices only."""

WITHOUT_REASON = ("champion", "champion_1", "random", *LEARNED)
"""Dice, and policies, whose weights know no worth: nothing keeps them from a bad deal."""

WITH_REASON = [name for name in [*PERSONAS, *PARTNERS] if name not in WITHOUT_REASON]
"""All others make and take no deal that is worth less than nothing to them."""

PUBLIC = {
    "scenario", "round", "seat", "opener", "ending", "closed_by", "hot_streak", "erosion_ticks", "events_fired",
    "tags_fired", "tension", "carry", "tension_peak", "credibility", "offer_price", "previous_price", "first_price",
    "earlier_prices", "earlier_packages", "first_package", "moved", "given_moved", "turns_moved", "turns_still",
    "claim_price", "offers_made", "distinct_offers", "offer_package", "claim_package", "claim_status", "last_move",
    "claims_made", "bluffs_caught", "wrong_challenges", "offers_seen",
}  # fmt: skip
"""Fields of the state that both seats may know whole."""

OWN = {
    "reservation", "urgency", "belief", "alternative", "claim_is_bluff", "pending_stronger", "pending_weaker",
    "events_answered", "events_missed", "bluffs_made", "sensitivity", "package_values", "own_best", "posterior",
    "frame", "estimate", "payoff_left",
}  # fmt: skip
"""Fields of which a seat knows its own half."""

CHANCE = {"key"}
"""What a persona draws from, and nothing else."""


def seat_taker(name: str) -> PersonaPlayer:
    """Return a persona of the catalogue, or one that is played by a policy with random weights."""
    if name not in LEARNED:
        return as_persona(name)
    if name == "learned prices":
        return learned("learned-prices", "nash", packages=1, hidden=(8, 8), seed=1)
    return learned("learned", seed=2) if name == "learned" else learned("learned-shark", "shark", traits=TRAIT_INPUTS)


@dataclass
class Played:
    """The turns of one persona at one table and in one seat: rows and what it did in them."""

    config: GameConfig
    seat: int
    rows: Any
    choices: list[Action]


@dataclass
class Career:
    """All games of one persona."""

    player: PersonaPlayer
    games: int = 0
    played: list[Played] = field(default_factory=list)


def games_of(config: GameConfig, seat: int, persona: PersonaPlayer) -> Iterator[list[Position]]:
    """Play a persona in a seat against others and against random moves, with either opener."""
    others = [as_player(other) for other in (PERSONAS if any(config is usual for usual in USUAL) else SOME)]
    for seed, opponent in enumerate([*others, Chooser(0, config.scenario.n_packages)], 1):
        players = (persona, opponent) if seat == BUYER else (opponent, persona)
        for opener in SEATS:
            turns = positions(config, players, seed, {"opener": opener})
            yield [turn for turn in turns if turn.seat == seat]


@pytest.fixture(scope="module", params=[*WITH_REASON, *WITHOUT_REASON])
def career(request: pytest.FixtureRequest) -> Career:
    career = Career(seat_taker(request.param))
    for config in [*USUAL, *UNUSUAL]:
        for seat in (BUYER, SELLER):
            games = list(games_of(config, seat, career.player))
            assert all(games), "a game without a turn of its own"
            career.games += len(games)
            turns = [turn for game in games for turn in game]
            rows = rows_of(turn.row for turn in turns)
            career.played.append(Played(config, seat, rows, [turn.chosen for turn in turns]))
    return career


def choices(rows: Any, params: Any, tables: PersonaTables, index: int = 0) -> list[Action]:
    """Return what a persona does in every row."""
    choice, made = np.zeros(1, CHOICE_DTYPE), []
    for i in range(len(rows)):
        choose_move(rows, params, i, *tables, index, choice)
        move, price, package = choice[0].item()
        made.append(Action(Move(move), price, package))
    return made


def worths(rows: Any, seat: int, prices: Any, packages: Any) -> Any:
    """Return what deals are worth to a seat: R + w - x for the buyer, x + w - R for the seller."""
    toll = rows["reservation"][:, seat] - prices
    return rows["package_values"][np.arange(len(rows)), seat, packages] + (toll if seat == BUYER else -toll)


# ------------------ its moves


def test_it_makes_legal_moves_only_over_whole_games(career: Career) -> None:
    """`positions` plays every move, and a game refuses what is illegal: here is their form."""
    assert career.games == 2 * 2 * (len(USUAL) * (len(PERSONAS) + 1) + len(UNUSUAL) * (len(SOME) + 1))
    for played in career.played:
        for move, price, package, *_ in played.choices:
            assert 0.0 <= price <= 1.0
            assert 0 <= package < played.config.scenario.n_packages
            assert makes_offer(move) or (price, package) == (0.0, 0)


def test_it_does_the_same_in_the_same_position_wherever_game_and_record_are_kept(career: Career) -> None:
    tables = persona_tables([learned("first"), career.player, as_persona("random"), learned("another", seed=3)])
    for played in career.played:
        backwards = rows_of(row.tobytes() for row in played.rows[::-1])
        assert choices(backwards, played.config.params, tables, 1)[::-1] == played.choices
        assert content(backwards[::-1]) == content(played.rows), "a persona must not touch the game"


@pytest.mark.parametrize("career", WITH_REASON, indirect=True)
def test_it_never_makes_or_takes_a_deal_worth_less_than_nothing(career: Career) -> None:
    offered = accepted = 0
    for played in career.played:
        rows, seat, other = played.rows, played.seat, 1 - played.seat
        columns = zip(*(choice[:3] for choice in played.choices), strict=True)
        moves, prices, packages = (np.array(column) for column in columns)
        offers, takes = np.isin(moves, [move for move in Move if makes_offer(move)]), moves == Move.ACCEPT
        made = worths(rows, seat, prices, packages)
        taken = worths(rows, seat, rows["offer_price"][:, other], rows["offer_package"][:, other])
        assert (made[offers] >= -1e-9).all(), (played.config.scenario.name, made[offers].min())
        assert (taken[takes] >= -1e-9).all(), (played.config.scenario.name, taken[takes].min())
        offered, accepted = offered + int(offers.sum()), accepted + int(takes.sum())
    assert offered > 1000
    assert accepted > 10


def test_only_dice_and_policies_are_free_to_make_bad_deals() -> None:
    players = {name: seat_taker(name) for name in [*PERSONAS, *PARTNERS, *LEARNED]}
    learned_ones = {name for name, player in players.items() if player.policy is not None}
    dice = {name for name, player in players.items() if player.persona.tactics.strategy == "random"}
    assert learned_ones | dice == set(WITHOUT_REASON)


def test_it_makes_an_offer_and_not_only_threats(career: Career) -> None:
    moves = {chosen.move for played in career.played for chosen in played.choices}
    assert moves >= {Move.OFFER, Move.ACCEPT}


# ------------------ what it must not know


def test_every_field_of_the_state_is_public_or_own_or_hidden() -> None:
    names = {declared.name for declared in STATE}
    hidden = {
        "reward", "start_accuracy", "stated_score", "start_width", "event_round", "best_package", "belief_stale",
        "sealed_price",
    }  # fmt: skip
    assert names == PUBLIC | OWN | CHANCE | hidden
    assert len(names) == len(PUBLIC) + len(OWN) + len(CHANCE) + len(hidden)


def hidden_changed(rows: Any, seat: int, rng: np.random.Generator) -> Any:
    """Return rows with everything that a seat must not know drawn anew, within what it can be."""
    rows, other, n = np.frombuffer(bytearray(rows.tobytes()), rows.dtype), 1 - seat, len(rows)
    packages = rows["package_values"].shape[-1]

    def small() -> Any:
        return rng.integers(0, 4, n)

    rows["reservation"][:, other] = rng.uniform(-0.5, 1.5, n)
    rows["urgency"][:, other] = rng.uniform(0, 1, n)
    rows["sensitivity"][:, other] = rng.uniform(0, 1, n)
    rows["package_values"][:, other] = rng.normal(0, 0.3, (n, packages))
    rows["alternative"][:, other] = 1 - rows["alternative"][:, other]
    rows["claim_is_bluff"][:, other] = 1 - rows["claim_is_bluff"][:, other]
    for name in ("pending_stronger", "pending_weaker", "events_answered", "events_missed", "bluffs_made"):
        rows[name][:, other] = small()
    for name in ("belief", "posterior", "frame", "estimate"):
        rows[name][:, other] = rng.uniform(0, 1, rows[name][:, other].shape)
    rows["payoff_left"][:, other] = rng.uniform(0, 1, n)
    rows["start_accuracy"], rows["stated_score"] = rng.uniform(0, 1, (2, n, 2))
    rows["reward"] = rng.normal(0, 50, (n, 2))
    rows["start_width"] = rng.uniform(0, 1, n)
    rows["sealed_price"] = rng.uniform(0, 1, n)
    rows["own_best"][:, other] = rng.integers(0, packages, n)
    rows["belief_stale"] = rng.integers(0, 2, (n, 2))
    rows["best_package"] = rng.integers(0, packages, n)
    rows["event_round"] = rng.integers(-1, 20, rows["event_round"].shape)
    return rows


def nominal_changed(config: GameConfig, seat: int, rng: np.random.Generator, reckons: bool) -> Any:
    """Return the parameters of a table with what they say of the other seat drawn anew.

    Who reckons with what packages are worth to the other begins from the nominal worths, which are common knowledge.
    """
    params, other = config.params.copy(), 1 - seat
    sc = params[0]["scenario"]
    for name in ("reservation", "urgency", "alternative", "discount_factor"):
        sc[name][other] = rng.uniform(0, 1) * (sc["high"] if name == "reservation" else 1.0)
    sc["package_sd"][other] = rng.uniform(0, 0.3, MAX_PACKAGES)
    sc["reservation_spread"], sc["urgency_spread"] = rng.uniform(0, 0.5, 2)
    if not reckons:
        sc["package_values"][other] = rng.normal(0, 0.3, MAX_PACKAGES)
        sc["value_spread"] = rng.uniform(0, 0.5)
    for name in ("event_urgency", "event_value_shift"):
        sc[name][:, other] = rng.uniform(-1, 1, len(sc[name]))
    params.flags.writeable = False
    return params


def test_it_never_uses_what_its_seat_must_not_know(career: Career) -> None:
    tables, rng = PersonaTables(career.player.record, career.player.weights), np.random.default_rng(5)
    for played in career.played:
        rows = hidden_changed(played.rows, played.seat, rng)
        if career.player.policy is not None and played.config.information == "complete":
            rows["reservation"] = played.rows["reservation"]  # its observation shows open cards; others believe them
        assert content(rows) != content(played.rows)
        reckons = career.player.record[0]["base"]["joint_surplus"] > 0.0
        assert choices(rows, nominal_changed(played.config, played.seat, rng, reckons), tables) == played.choices


# ------------------ keeping and repeating


@pytest.mark.parametrize("seat", [BUYER, SELLER])
@pytest.mark.parametrize("name", [*PERSONAS, *LEARNED])
def test_it_goes_on_the_same_after_a_snapshot(name: str, seat: int) -> None:
    config, went_on = make_config("hiring_package_terms"), 0
    for seed in range(8):
        game = seated(config, name, seat)
        game.reset(seed)
        rng = np.random.default_rng(seed)
        actions = []
        while not game.is_over and len(actions) < 1 + seed % 6:
            actions.append(pick(rng, game.mask, game.packages))
            game.play_index(actions[-1])
        kept = game.snapshot()
        later = []
        while not game.is_over:
            later.append(pick(rng, game.mask, game.packages))
            game.play_index(later[-1])
        again = seated(config, name, seat)
        again.restore(kept)
        for action in later:
            again.play_index(action)
        went_on += len(later) > 0
        assert again.actions == game.actions
        assert again.is_over
        assert content(again.rows) == content(game.rows)
        assert content(replay(config, seed, game.actions, game.options, game.number).rows) == content(game.rows)
    assert went_on > 0, "every game was over before it was kept"


def seated(config: GameConfig, name: str, seat: int) -> Game:
    """Return a game with a persona in one seat."""
    player = seat_taker(name)
    return Game(config, (player, None) if seat == BUYER else (None, player))


# ------------------ its words


@pytest.mark.parametrize("name", PERSONAS)
def test_it_has_something_to_say_on_every_occasion(name: str) -> None:
    persona = load_persona(name)
    for occasion in OCCASIONS:
        lines = getattr(persona.voice, occasion)
        assert lines, f"{name} has nothing to say at {OCCASIONS[occasion]} ({occasion})"
        assert len(set(lines)) == len(lines)
        assert all(line.strip() == line for line in lines)


@pytest.mark.parametrize("name", PERSONAS)
@pytest.mark.parametrize("occasion", ["silence", "challenge", "walk_away", "drift"])
def test_its_words_name_no_price_where_the_move_has_none(occasion: str, name: str) -> None:
    lines = getattr(load_persona(name).voice, occasion)
    assert without_price(lines) == list(lines)
    assert not any("{terms}" in line for line in lines)


@pytest.mark.parametrize("name", PERSONAS)
@pytest.mark.parametrize("occasion", ["open", "offer", "hold", "anchor", "claim", "ultimatum"])
def test_its_words_name_the_price_where_the_move_has_one(occasion: str, name: str) -> None:
    assert without_price(getattr(load_persona(name).voice, occasion)) == []


@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms", "uniform"])
@pytest.mark.parametrize("name", PERSONAS)
def test_the_figures_in_its_words_are_those_of_its_move(name: str, scenario: str) -> None:
    config, checked = make_config(scenario), 0
    for seed, other in enumerate(PERSONAS):
        game = Game(config, (as_player(name), as_player(other)))
        game.reset(seed)
        for turn in game.turns:
            figures = re.findall(rf"{config.scenario.currency} [\d,.]*\d", turn.words)
            if turn.move in (Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL):
                assert figures, (turn.name, turn.words)
            if figures:
                assert turn.price is not None
                assert set(figures) == {price_text(turn.price, config.scenario)}
                checked += 1
            assert turn.words, turn
            assert "{" not in turn.words
    assert checked > len(PERSONAS)


# ------------------ its numbers


@pytest.mark.parametrize("name", [*PERSONAS, *LEARNED])
def test_its_record_cannot_be_changed(name: str) -> None:
    record = seat_taker(name).record
    assert record.shape == (1,)
    assert record.dtype == PERSONA_DTYPE
    assert not record.flags.writeable
