"""The diplomat: fair splits, candour once the other has moved, a cool head, and two ways to lose it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue import load_persona
from parlay_marl.catalogue.personas import Drift
from parlay_marl.core.moves import INDEX_ANCHOR, ClaimStatus, Move
from parlay_marl.game.config import make_config
from parlay_marl.players.persona import as_persona, as_player
from parlay_marl.simulation.cells import play_cell
from tests.core.games import scenario
from tests.helpers import PERSONAS, SCENARIOS, offer
from tests.players.talks import BUYER, CALM, SELLER, STILL, Talk, changed, listening, positions, prices_given

DIPLOMAT = load_persona("diplomat")
NEVER_HURT = DIPLOMAT.model_copy(update={"drift": Drift()})
"""The diplomat without its drift."""

HOT: dict[str, Any] = {**STILL, "tension": {"dig_in_heat": 15.0, "coldest_offer": 0.0, "cooling": 0.0}}
"""Rules under which every plain offer heats the talks, whatever it gives."""

both_seats = pytest.mark.parametrize("seat", [BUYER, SELLER])


# ------------------ fairness


@both_seats
def test_with_open_cards_it_stops_at_half_until_the_last_round(seat: int) -> None:
    """Its clock alone would go on: 0.8 x the 0.8 of the way to its limit."""
    deal = scenario(reservation={"buyer": 170, "seller": 130, "spread": 0})
    calm = changed(DIPLOMAT, claim_rate=0.0)
    given = prices_given(Talk(calm, seat, deal, rules=CALM, information="complete"), [0.0] * 20)
    half = 0.5 - 0.2 * (1 - DIPLOMAT.traits.mind_reading)
    assert given[0] == pytest.approx(0.7 * 0.25)
    assert max(given[:19]) == pytest.approx(half + 2 * (0.5 - half)), "the weight of its fairness is its mind-reading"
    assert given[19] == pytest.approx(0.7)


def test_its_deals_are_closer_to_fair_than_the_sharks() -> None:
    config, far = make_config("saas_enterprise"), {}
    for name in ("diplomat", "shark"):
        persona, linear = as_persona(name), as_persona("linear")
        deals = [
            play_cell(*pair, config.params, opener=opener, games=300, seed=0)
            for pair in ((persona, linear), (linear, persona), (persona, persona))
            for opener in (BUYER, SELLER)
        ]
        outcomes = np.concatenate(deals)
        far[name] = np.abs(outcomes["share"][outcomes["ending"] == 1] - 0.5).mean()
    assert far["diplomat"] < 0.09
    assert far["shark"] > 1.3 * far["diplomat"]


@pytest.mark.parametrize("name", ["hiring_package_terms", "acquisition_terms"])
def test_with_itself_it_finds_nearly_all_joint_gain(name: str) -> None:
    config, diplomat = make_config(name), as_persona(DIPLOMAT)
    outcomes = play_cell(diplomat, diplomat, config.params, opener=BUYER, games=2000, seed=0)
    assert (outcomes["ending"] == 1).mean() > 0.99
    assert np.nanmean(outcomes["efficiency"]) > 0.85


# ------------------ candour


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_claims_only_after_the_other_has_conceded(name: str) -> None:
    config, diplomat, claims = make_config(name), as_player("diplomat"), 0
    for seed, other in enumerate([*PERSONAS, *PERSONAS]):
        for players in ((diplomat, as_player(other)), (as_player(other), diplomat)):
            for turn in positions(config, players, seed):
                if players[turn.seat] is diplomat and turn.chosen.move is Move.BATNA_REVEAL:
                    assert turn.other_has_conceded
                    claims += 1
    assert claims > 0


@both_seats
def test_its_claims_are_honest_but_for_its_bluff_rate(seat: int) -> None:
    players = [as_persona(DIPLOMAT), as_persona(DIPLOMAT)]
    players[1 - seat] = as_persona("boulware")
    outcomes = play_cell(*players, make_config("uniform").params, opener=BUYER, games=1000, seed=0)
    claims, bluffs = outcomes["claims_made"][:, seat].sum(), outcomes["bluffs_made"][:, seat].sum()
    assert claims > 1000
    assert bluffs / claims == pytest.approx(0.15, abs=0.03)


@both_seats
def test_an_honest_claim_is_within_the_tolerance_and_on_its_own_side(seat: int) -> None:
    honest = changed(DIPLOMAT, traits={"bluff_rate": 0.0})
    claims = 0
    for seed in range(30):
        talk = Talk(honest, seat, seed=seed)
        for r in range(19):
            if not talk.game.is_over and talk.hears(0.01 * r).move is Move.BATNA_REVEAL:
                claims += 1
                assert 0.0 <= 0.8 - talk.given <= 0.14 + 1e-12
                assert not talk.row["claim_is_bluff"][seat]
    assert claims > 20


# ------------------ cool head


@pytest.mark.parametrize("form", [DIPLOMAT, NEVER_HURT], ids=["as it is", "without its drift"])
def test_it_concedes_to_cool_the_talks_once_tension_has_passed_60(form: Any) -> None:
    """At least 0.03 a turn, where its clock alone would give less than that."""
    calm, cooling = [], []
    for turn in listening(form, [offer(0)], rules=HOT):
        if turn.state["offers_made"][turn.seat] and turn.state["tension_peak"] <= 90:
            (cooling if turn.state["tension"] > 60 else calm).append(turn.gives)
    assert len(calm) >= 1
    assert max(calm) < 0.029
    assert len(cooling) >= 3
    assert cooling == pytest.approx([0.03] * len(cooling), abs=0.004)
    assert min(cooling) >= 0.03 - 1e-9


@both_seats
def test_below_60_its_clock_alone_moves_it(seat: int) -> None:
    mindless = changed(DIPLOMAT, traits={"mind_reading": 0.0}, claim_rate=0.0)
    given = prices_given(Talk(mindless, seat, rules=CALM), [0.0] * 15)
    for r in range(15):
        assert given[r] == pytest.approx(0.8 - 0.75 * 0.8 * (1 - (r / 19) ** 1.25))


# ------------------ drift


def after_a_doubted_claim(form: Any, seat: int, doubted: bool) -> tuple[list[float], Talk]:
    """Let it claim, doubt that or say nothing, and stand still; return what it gives from its claim on."""
    for seed in range(40):
        talk = Talk(form, seat, seed=seed)
        for r in range(16):
            if talk.hears(0.01 * r).move is Move.BATNA_REVEAL and not talk.row["claim_is_bluff"][seat]:
                talk.hears_of(Move.CHALLENGE if doubted else Move.SILENCE)
                rest = 20 - talk.row["round"]
                return [talk.given, *prices_given(talk, [0.01 * r] * rest)], talk
    raise AssertionError("it never made an honest claim")


@both_seats
def test_a_doubted_word_ends_its_warmth(seat: int) -> None:
    """Hurt, it keeps to 1 - 0.9 t^5 of its first demand, which leaves it where it is until the last round."""
    given, talk = after_a_doubted_claim(DIPLOMAT, seat, doubted=True)
    assert talk.row["claim_status"][seat] == ClaimStatus.VERIFIED
    assert given[:-1] == pytest.approx([given[0]] * (len(given) - 1))
    assert given[-1] == pytest.approx(0.8 - 0.1 * 0.75 * 0.8)
    assert talk.game.is_over


@both_seats
def test_without_its_drift_it_would_go_on_giving(seat: int) -> None:
    given, _ = after_a_doubted_claim(NEVER_HURT, seat, doubted=True)
    assert np.diff(given[:4]) == pytest.approx([0.03] * 3), "to cool the talks"
    assert given[-1] == pytest.approx(0.8)


def test_a_caught_bluff_is_no_doubted_word() -> None:
    """Challenged rightly it does not change: only its honesty must not be called a bluff."""
    liar = changed(DIPLOMAT, traits={"bluff_rate": 1.0})
    talk = Talk(liar, SELLER, seed=1)
    while talk.hears(0.01 * talk.row["round"]).move is not Move.BATNA_REVEAL:
        assert not talk.game.is_over
    assert talk.row["claim_is_bluff"][SELLER]
    before = talk.given
    talk.hears_of(Move.CHALLENGE)
    assert talk.row["bluffs_caught"][BUYER] == 1
    talk.hears_of(Move.SILENCE)
    assert talk.given > before + 0.05, "the hurt one would stand still"


def test_talks_that_boil_over_end_its_warmth() -> None:
    """Past 90 it gives nothing more until the curve of its new form has come down to where it stands."""
    before, after = [], []
    for turn in listening(DIPLOMAT, [offer(0)], rules=HOT):
        if turn.state["offers_made"][turn.seat]:
            (after if turn.state["tension_peak"] > 90 else before).append(turn.gives)
    assert min(before) > 0
    assert len(after) > 8
    assert after[:8] == pytest.approx([0.0] * 8, abs=1e-9)
    assert sum(after) > 0.2, "in the last rounds it wants a deal all the same"


def test_it_stays_hurt_when_the_talks_cool_down_again() -> None:
    stormy, told = {"tension": {"anchor_heat": 40.0}}, [INDEX_ANCHOR] * 4 + [offer(level) for level in range(1, 20)]
    hurt, unhurt = (list(listening(form, told, rules=stormy))[5:11] for form in (DIPLOMAT, NEVER_HURT))
    assert hurt[0].state["tension_peak"] > 90
    assert hurt[-1].state["tension"] < 65
    assert [turn.gives for turn in hurt] == pytest.approx([0.0] * 6, abs=1e-9)
    assert sum(turn.gives for turn in unhurt) > 0.1
