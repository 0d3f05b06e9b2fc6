"""The veteran: silence and inches first, concession for concession then, and a close in the last rounds."""

from __future__ import annotations

from itertools import pairwise

import pytest

from parlay_marl.catalogue import load_persona
from parlay_marl.core.moves import Move
from parlay_marl.game.config import make_config
from parlay_marl.players.persona import as_persona, as_player
from parlay_marl.simulation.cells import play_cell
from tests.core.games import PLAIN
from tests.helpers import PERSONAS, SCENARIOS
from tests.players.talks import (
    BUYER,
    CALM,
    SELLER,
    Talk,
    at,
    changed,
    positions,
    prices_given,
    turns_of,
    with_event,
)

VETERAN = load_persona("veteran")
SPEAKING = changed(VETERAN, traits={"mind_reading": 0.0}, silence_rate=0.0, claim_rate=0.0)
"""The veteran without its silences, claims and mind-reading, whose prices can be read off."""

POWER = 8
"""The bit of the tag in the state's `tags_fired`."""

DEMAND = 0.8 * 0.8
"""Its first demand in the plain sale: 80% of the way from its limit to its end."""

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


def by_the_clock(r: int, rounds: int = 20) -> float:
    """Return what its clock gives up in the plain sale: 1 - 0.95 t^(1/0.6) of its first demand is left."""
    return 0.8 - DEMAND * (1 - 0.95 * (r / (rounds - 1)) ** (1 / 0.6))


# ------------------ silence and inches


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_in_the_first_6_rounds_it_is_silent_or_moves_by_inches(scenario: str) -> None:
    """Against everyone, in both seats, before power shifts: at most 0.01 of worth a turn, and no claims."""
    config, veteran, silences, inches = make_config(scenario), as_player("veteran"), 0, 0
    deal = config.scenario
    most = 0.01 + 1.001 * deal.price_unit / (deal.high - deal.low)  # it names whole units
    for seed, name in enumerate(PERSONAS):
        for players in ((veteran, as_player(name)), (as_player(name), veteran)):
            for turn in positions(config, players, seed):
                early = turn.state["round"] < 6 and not turn.state["tags_fired"] & POWER
                if players[turn.seat] is veteran and early:
                    assert turn.gives <= most
                    assert turn.chosen.move is not Move.BATNA_REVEAL
                    silences += turn.chosen.move is Move.SILENCE
                    inches += turn.chosen.move is Move.OFFER
    assert silences > 20
    assert inches > 20


@both_seats
def test_every_second_turn_of_them_is_silent(seat: int) -> None:
    silent = turns = 0
    for seed in range(200):
        said = [turn.move for turn in turns_of(Talk("veteran", seat, seed=seed), [0.0] * 6)]
        assert said[0] is Move.OFFER, "its opening"
        assert set(said) <= {Move.OFFER, Move.SILENCE}
        silent, turns = silent + said.count(Move.SILENCE), turns + 5
    assert silent / turns == pytest.approx(0.95 * 0.55, abs=0.05)


@both_seats
def test_its_opening_and_its_inches(seat: int) -> None:
    given = prices_given(Talk(SPEAKING, seat, rules=CALM), [0.0] * 6)
    inches = [by_the_clock(0), by_the_clock(1)]
    while len(inches) < 6:
        inches.append(min(inches[-1] + 0.01, by_the_clock(len(inches))))
    assert given == pytest.approx(inches)
    assert given[0] == pytest.approx(0.2 * 0.8)


def test_in_short_and_long_talks_its_silence_takes_as_large_a_part() -> None:
    for rounds in (10, 40):
        last = set()
        for seed in range(60):
            said = turns_of(Talk("veteran", seed=seed, max_rounds=rounds), [0.0] * (rounds * 3 // 4))
            last |= {r for r, turn in enumerate(said) if turn.move is Move.SILENCE}
        assert max(last) == rounds * 6 // 20 - 1


# ------------------ concession for concession


@both_seats
def test_after_round_6_it_gives_what_it_is_given(seat: int) -> None:
    told = [0.0] * 6 + [0.03, 0.03, 0.05, 0.05, 0.05, 0.06, 0.04, 0.05]
    given = prices_given(Talk(SPEAKING, seat), told)
    steps = [after - before for before, after in pairwise(given[5:])]
    assert steps == pytest.approx([0.03, 0.0, 0.02, 0.0, 0.0, 0.01, 0.0, 0.01], abs=1e-9)


@both_seats
def test_it_gives_nothing_for_nothing_until_it_closes(seat: int) -> None:
    given = prices_given(Talk(SPEAKING, seat), [0.0] * 20)
    assert given[6:16] == pytest.approx([given[6]] * 10)
    assert given[16:] == pytest.approx([by_the_clock(r) for r in range(16, 20)])


@both_seats
def test_it_gives_no_more_than_its_clock_allows(seat: int) -> None:
    given = prices_given(Talk(SPEAKING, seat), [0.0] * 6 + [0.4])
    assert given[6] == pytest.approx(by_the_clock(6))


@both_seats
def test_silence_is_not_a_concession(seat: int) -> None:
    talk = Talk(SPEAKING, seat)
    prices_given(talk, [0.0] * 6 + [0.05])
    before = talk.given
    talk.hears_of(Move.SILENCE)
    assert talk.given == pytest.approx(before)


# ------------------ the close


@pytest.mark.parametrize("r", [16, 17])
@both_seats
def test_it_closes_in_the_last_4_rounds_within_8_percent_of_its_target(seat: int, r: int) -> None:
    target = 100 + 100 * at(seat, by_the_clock(r))  # in currency
    tolerance = 0.08 * target * (-1 if seat == SELLER else 1)
    for share, answer in ((1.01, Move.OFFER), (0.99, Move.ACCEPT)):
        talk = Talk(SPEAKING, seat)
        turns_of(talk, [0.0] * r)
        assert talk.hears_of(Move.OFFER, (target + share * tolerance - 100) / 100).move is answer


@both_seats
def test_it_closes_on_nothing_beyond_its_limit(seat: int) -> None:
    """In round 18 its target lies nearer to its limit than 8%."""
    for beyond, answer in ((0.001, Move.OFFER), (-0.001, Move.ACCEPT)):
        talk = Talk(SPEAKING, seat)
        turns_of(talk, [0.0] * 18)
        assert talk.hears(1.0 - (0.8 + beyond)).move is answer


@both_seats
def test_until_then_only_what_it_would_ask_itself_will_do(seat: int) -> None:
    for r in (6, 10, 15):
        for near, answer in ((-0.001, Move.OFFER), (0.001, Move.ACCEPT)):
            talk = Talk(changed(SPEAKING, reciprocity=1e-9), seat)
            turns_of(talk, [0.0] * r)
            assert talk.hears(1.0 - talk.given + near).move is answer


@both_seats
def test_in_its_last_turn_a_little_is_enough(seat: int) -> None:
    little = 0.05 * DEMAND
    for worth, answer in ((0.9 * little, Move.OFFER), (1.1 * little, Move.ACCEPT)):
        talk = Talk(changed(SPEAKING, closing_tolerance=0.0, concession=0.5), seat)
        turns_of(talk, [0.0] * 19)
        assert talk.hears(1.0 - (0.8 - worth)).move is answer


# ------------------ its word


@both_seats
def test_it_bluffs_at_about_its_rate(seat: int) -> None:
    players = [as_persona(VETERAN), as_persona(VETERAN)]
    players[1 - seat] = as_persona("linear")
    outcomes = play_cell(*players, make_config(PLAIN).params, opener=BUYER, games=3000, seed=4)
    claims, bluffs = outcomes["claims_made"][:, seat].sum(), outcomes["bluffs_made"][:, seat].sum()
    assert claims > 700
    assert bluffs / claims == pytest.approx(0.45, abs=0.05)


@both_seats
def test_it_doubts_fewer_claims_than_the_shark_and_more_than_the_diplomat(seat: int) -> None:
    doubts = {}
    for name in ("shark", "veteran", "diplomat"):
        talks = [Talk(name, seat, opens=True, seed=seed) for seed in range(200)]
        doubts[name] = sum(talk.hears(0.0, Move.BATNA_REVEAL).move is Move.CHALLENGE for talk in talks) / 200
    assert doubts == pytest.approx({"shark": 0.88 * 0.8, "veteran": 0.5 * 0.8, "diplomat": 0.2 * 0.25}, abs=0.07)


# ------------------ its drift


@both_seats
def test_a_shift_of_power_ends_the_waiting(seat: int) -> None:
    """No silence and no inches any more, though the talks are young: it goes by its clock."""
    for seed in range(20):
        talk = Talk("veteran", seat, with_event("power", round=2), seed=seed, rules=CALM)
        said = turns_of(talk, [0.0] * 10)
        assert all(turn.move is Move.OFFER for turn in said[2:])
        assert talk.given == pytest.approx(by_the_clock(9))


@both_seats
def test_it_then_closes_from_half_time_on(seat: int) -> None:
    target = 100 + 100 * at(seat, by_the_clock(10))
    within = target + 0.07 * target * (-1 if seat == SELLER else 1)
    for deal, answer in ((PLAIN, Move.OFFER), (with_event("power"), Move.ACCEPT)):
        talk = Talk(SPEAKING, seat, deal)
        turns_of(talk, [0.0] * 10)
        assert talk.hears_of(Move.OFFER, (within - 100) / 100).move is answer


@pytest.mark.parametrize("tag", ["competition", "deadline", "information"])
def test_other_news_leaves_it_cold(tag: str) -> None:
    calm, told = prices_given(Talk("veteran"), [0.0] * 20), with_event(tag)
    assert prices_given(Talk("veteran", SELLER, told), [0.0] * 20) == calm
