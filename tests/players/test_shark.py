"""The shark: a far opening, no first concession, a late deadline of its own, bluffs, and fear of competitors."""

from __future__ import annotations

import numpy as np
import pytest

from parlay_marl.catalogue import load_persona, load_scenario
from parlay_marl.core.moves import Move
from parlay_marl.game.config import make_config
from parlay_marl.players.persona import as_persona, as_player
from parlay_marl.simulation.cells import play_cell
from tests.core.games import PLAIN
from tests.helpers import PERSONAS, SCENARIOS, offer
from tests.players.talks import (
    BUYER,
    CALM,
    SELLER,
    Talk,
    at,
    changed,
    listening,
    positions,
    prices_given,
    turns_of,
    with_event,
)

SHARK = load_persona("shark")
SPEAKING = changed(SHARK, traits={"mind_reading": 0.0}, claim_rate=0.0)
"""The shark without its claims and its mind-reading, whose prices can be read off."""

COMPETITION = 1
"""The bit of the tag in the state's `tags_fired`."""

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


# ------------------ its opening


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("opens", [True, False])
@both_seats
def test_it_opens_at_least_30_percent_beyond_its_limit_or_at_the_ranges_end(
    seat: int, opens: bool, scenario: str
) -> None:
    deal = load_scenario(scenario)
    for seed in range(60):
        talk = Talk("shark", seat, deal, opens=opens, seed=seed)
        if not opens and talk.hears(0.0).move is Move.ACCEPT:
            continue  # a stranger's first price may be better than its best hope
        price, limit = (deal.to_currency(float(talk.row[name][seat])) for name in ("offer_price", "reservation"))
        far_enough = min(1.3 * limit, deal.high) if seat == SELLER else max(0.7 * limit, deal.low)
        assert talk.said.move in (Move.OFFER, Move.ANCHOR_HIGH)
        assert (price - far_enough) * (1 if seat == SELLER else -1) >= -1e-6


@both_seats
def test_three_times_out_of_four_it_opens_with_an_anchor(seat: int) -> None:
    openings = [Talk("shark", seat, opens=True, seed=seed).said for seed in range(400)]
    anchors = [said for said in openings if said.move is Move.ANCHOR_HIGH]
    assert len(anchors) / 400 == pytest.approx(0.88 * 0.85, abs=0.06)
    assert {said.price for said in anchors} == {at(seat, 0.0)}


# ------------------ who moves first


@both_seats
def test_it_never_concedes_before_the_other_has(seat: int) -> None:
    for seed in range(10):
        given = prices_given(Talk("shark", seat, seed=seed), [0.0] * 20)
        assert len(given) >= 19, "it may leave in round 18, where its own deadline runs out"
        assert given == [given[0]] * len(given)


@both_seats
def test_rounding_is_no_concession(seat: int) -> None:
    """A persona that stands still may offer 0.9999999999999999 after 1.0."""
    stands = {SELLER: 0.1, BUYER: 1.0}[seat]
    nearer = np.nextafter(stands, 0.5)
    talk = Talk("shark", seat)
    own = [talk.hears_of(Move.OFFER, price).price for price in (stands, nearer, stands, nearer)]
    assert own == [own[0]] * 4


@both_seats
def test_once_the_other_has_moved_it_moves_by_its_clock(seat: int) -> None:
    """85% of the way to its limit at first, and 1 - 0.85 t^(1/0.4) of that later."""
    honest = changed(SHARK, claim_rate=0.0)
    given = prices_given(Talk(honest, seat), [0.0, 0.0, 0.0, *([0.02] * 12)])
    assert len(set(given[:3])) == 1
    for r in range(3, 15):
        assert given[r] == pytest.approx(0.8 - 0.8 * 0.85 * (1 - 0.85 * (r / 19) ** 2.5))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nobody_makes_it_concede_first(scenario: str) -> None:
    """Against everyone, in both seats, until a competitor shows up: what its offers are worth to it never falls."""
    config, shark, checked = make_config(scenario), as_player("shark"), 0
    for seed, name in enumerate(PERSONAS):
        for players in ((shark, as_player(name)), (as_player(name), shark)):
            for turn in positions(config, players, seed):
                if players[turn.seat] is not shark or turn.state["tags_fired"] & COMPETITION:
                    continue
                if not turn.other_has_conceded:
                    checked += 1
                    assert turn.gives <= 1e-9
                    assert turn.chosen.move is not Move.BATNA_REVEAL, "a claim may come nearer, so it waits as well"
    assert checked > 50


# ------------------ its own deadline


@both_seats
def test_its_ultimatum_comes_late_and_asks_for_half(seat: int) -> None:
    given = prices_given(Talk(SPEAKING, seat), [0.0, *([0.02] * 17)])
    steps = np.diff(given)
    assert steps[1:14].max() < 0.06, "small steps until round 14"
    assert steps[14] == steps[1:].max(), "the last step in round 15"
    assert given[15:] == pytest.approx([0.8 - 0.5 * 0.8 * 0.85] * 3), "and it stands there"


def test_in_short_and_long_talks_its_deadline_comes_as_late() -> None:
    for rounds in (8, 40, 60):
        given = prices_given(Talk(SPEAKING, max_rounds=rounds), [0.0, *([0.02] * (rounds - 1))])
        final = pytest.approx(0.8 - 0.5 * 0.8 * 0.85)
        assert next(r for r, g in enumerate(given) if g == final) == 3 * rounds // 4


@both_seats
def test_its_deadline_is_rather_often_empty(seat: int) -> None:
    """It walks in 28 games of 100, and in round 18: 0.18 x 14 rounds after its final offer."""
    left = {True: 0, False: 0}
    for seed in range(300):
        talk = Talk("shark", seat, seed=seed)
        turns_of(talk, [0.0, *([0.01] * 19)])
        ending = talk.game.outcome()
        left[ending.ending == "walk_away"] += 1
        assert (ending.ending, ending.round) in {("walk_away", 18), ("deadline", 19)}
    assert left[True] / 300 == pytest.approx(1 - 0.72, abs=0.06)


@pytest.mark.parametrize("opens", [True, False])
@both_seats
def test_an_ultimatum_that_ends_at_once_is_kept_as_soon_as_it_may_be(seat: int, opens: bool) -> None:
    """Nobody may leave before the other has spoken: an opener leaves in its second turn."""
    hasty = changed(SHARK, traits={"bluff_rate": 0.0, "patience": 0.0}, ultimatum_round=0.0)
    talk = Talk(hasty, seat, opens=opens)
    talk.hears(0.0)
    assert talk.game.outcome().ending == "walk_away"
    assert len(talk.game.actions) == (3 if opens else 2)


# ------------------ its word


@both_seats
def test_it_bluffs_at_about_its_rate(seat: int) -> None:
    players = [as_persona(SHARK), as_persona(SHARK)]
    players[1 - seat] = as_persona("linear")
    outcomes = play_cell(*players, make_config(PLAIN).params, opener=BUYER, games=2000, seed=2)
    claims, bluffs = outcomes["claims_made"][:, seat].sum(), outcomes["bluffs_made"][:, seat].sum()
    assert claims > 1000
    assert bluffs / claims == pytest.approx(0.72, abs=0.03)


@both_seats
def test_its_bluffs_exaggerate_and_its_honest_claims_do_not(seat: int) -> None:
    distances = set()
    for seed in range(60):
        talk = Talk("shark", seat, seed=seed)
        for said in turns_of(talk, [0.0, *([0.02] * 8)]):
            if said.move is Move.BATNA_REVEAL:
                distance = 0.8 - talk.given
                assert bool(talk.row["claim_is_bluff"][seat]) is (distance > 0.15)
                distances.add(round(distance, 6))
    assert min(distances) == 0.145
    assert min(distance for distance in distances if distance > 0.15) >= 0.3


@both_seats
def test_it_stands_by_its_claim_until_its_deadline(seat: int) -> None:
    seen = 0
    for seed in range(20):
        talk = Talk("shark", seat, seed=seed)
        given = prices_given(talk, [0.0, *([0.02] * 13)])
        claims = [i for i, turn in enumerate(talk.game.actions[1::2]) if turn.move is Move.BATNA_REVEAL]
        seen += len(claims)
        assert len(claims) <= 1
        for claim in claims:
            assert given[claim:] == [given[claim]] * len(given[claim:])
    assert seen > 10


@both_seats
def test_it_calls_seven_implausible_claims_of_ten_a_bluff(seat: int) -> None:
    called = 0
    for seed in range(300):
        talk = Talk("shark", seat, opens=True, seed=seed)
        called += talk.hears(0.0, Move.BATNA_REVEAL).move is Move.CHALLENGE
    assert called / 300 == pytest.approx(0.88 * 0.8, abs=0.06)


# ------------------ its drift


@both_seats
def test_a_competitor_ends_the_waiting_game(seat: int) -> None:
    """Against someone who never moves: nothing until round 8, and then by a straight clock."""
    given = prices_given(Talk(SPEAKING, seat, with_event("competition")), [0.0] * 20)
    assert given[:8] == [given[0]] * 8
    for r in range(8, 12):
        assert given[r] == pytest.approx(0.8 - 0.8 * 0.85 * (1 - 0.85 * r / 19))
    assert given[12:] == pytest.approx([0.8 - 0.5 * 0.8 * 0.85] * 8), "the earlier deadline of its new form"


@both_seats
def test_it_concedes_faster_after_a_competitor_has_come(seat: int) -> None:
    honest = changed(SHARK, claim_rate=0.0)
    told = [0.02 * r for r in range(15)]
    calm = prices_given(Talk(honest, seat, rules=CALM), told)
    pressed = prices_given(Talk(honest, seat, with_event("competition"), rules=CALM), told)
    assert pressed[:8] == calm[:8]
    assert all(more > less for more, less in zip(pressed[8:], calm[8:], strict=True))


@pytest.mark.parametrize("tag", ["deadline", "information", "power"])
def test_other_news_leaves_it_cold(tag: str) -> None:
    given = prices_given(Talk("shark", SELLER, with_event(tag)), [0.0] * 20)
    assert given == [given[0]] * 20


def test_no_claim_follows_its_drift() -> None:
    early = with_event("competition", round=1)
    claims = 0
    for seed in range(40):
        for deal in (PLAIN, early):
            turns = listening("shark", [offer(0), offer(1)], deal, seed=seed)
            bold = [turn for turn in turns if turn.chosen.move is Move.BATNA_REVEAL]
            assert deal is PLAIN or not bold
            claims += len(bold)
    assert claims > 20
