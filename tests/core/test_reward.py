"""Rewards, one term at a time (rules, section 8). In the plain sale both seats have 0.3 to gain at 0.5, of W = 0.6."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.core import bargain, reward, tracking
from parlay_marl.core.moves import Move
from parlay_marl.core.outcome import Ending
from tests.core.games import (
    BUYER,
    PLAIN,
    SCENARIOS,
    SELLER,
    UNIFORM,
    VARIANTS,
    Game,
    examples,
    params_of,
    random_play,
    scenario,
    sized,
)

P = params_of(PLAIN)[0]["reward"]
PER_TURN = ("offer_gain", "belief_gain", "concession_cost", "noise_cost", "bluff_gain", "event_gain")
AT_THE_END = ("share_gain", "speed_gain", "answered_gain", "capitulation_cost")


def only(*terms: str, **other_rules: object) -> dict[str, object]:
    """Return rules under which nothing but the named terms is paid."""
    return {"reward": {term: 0.0 for term in PER_TURN + AT_THE_END if term not in terms}} | other_rules


# --- per turn ---------------------------------------------------------------------------------------------------------


def test_offers_credit_their_receiver_with_the_rise_in_worth() -> None:
    game = Game(rules=only("offer_gain"))
    assert game.offer(0.4).tolist() == pytest.approx([0, 2 * 0.2 / 0.6])  # a first offer rises from nothing
    assert game.offer(0.7).tolist() == pytest.approx([2 * 0.1 / 0.6, 0])
    assert game.offer(0.5).tolist() == pytest.approx([0, 2 * 0.1 / 0.6])
    assert game.offer(0.9).tolist() == pytest.approx([-2 * 0.2 / 0.6, 0])  # taken back
    assert game.play(Move.SILENCE).tolist() == [0, 0]
    assert game.play(Move.BATNA_REVEAL, 0.6).tolist() == pytest.approx([2 * 0.3 / 0.6, 0])  # stands as an offer


def test_packages_count_in_the_worth_of_an_offer() -> None:
    terms = [{"name": "equity", "options": [{"name": "none"}, {"name": "some", "buyer": -8, "seller": 14}]}]
    game = Game(scenario(terms=terms), only("offer_gain", "concession_cost"))
    width = 0.6 + 0.06
    game.offer(0.4, 0.9)
    assert game.play(Move.OFFER, 0.4, 1).tolist() == pytest.approx([-3 * 0.08 / width, 2 * 0.14 / width])


@pytest.mark.parametrize(
    ("second", "buyer"), [(0.5, -3 * 0.1 / 0.6), (0.4, 0), (0.3, 0), (1.0, -3 * 0.6 / 0.6)], ids=lambda x: f"{x:.2f}"
)
def test_conceding_costs_its_maker_and_taking_back_pays_nothing(second: float, buyer: float) -> None:
    game = Game(rules=only("concession_cost"))
    assert game.offer(0.4).tolist() == [0, 0], "a first offer gives nothing up"
    game.offer(0.9)
    assert game.offer(second).tolist() == pytest.approx([buyer, 0])


@pytest.mark.parametrize(("price", "cost"), [(0.8, 0), (0.81, 10), (1.0, 10), (0.3, 0)])
@pytest.mark.parametrize("move", [Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL])
def test_offering_a_loss_is_noise(move: Move, price: float, cost: float) -> None:
    assert Game(rules=only("noise_cost")).play(move, price).tolist() == [-cost, 0]


@pytest.mark.parametrize(("claim", "rewards"), [(0.5, [-12, 12]), (0.7, [0, -6])], ids=["bluff", "honest"])
def test_challenges_pay_the_bluff_reward(claim: float, rewards: list[float]) -> None:
    game = Game(rules=only("bluff_gain"))
    game.play(Move.BATNA_REVEAL, claim)
    assert game.play(Move.CHALLENGE).tolist() == rewards
    assert game.offer(0.1).tolist() == [0, 0]


@pytest.mark.parametrize("tracker", ["heuristic", "bayes"])
def test_a_better_belief_is_credited_with_the_ending(tracker: str) -> None:
    beliefs = {"beliefs": tracker}
    game = Game(UNIFORM, only("belief_gain"), options=beliefs, reservation=(0.8, 0.2), opener=BUYER)
    assert game.play(Move.BATNA_REVEAL, 0.75).tolist() == [0, 0]
    rewards = game.play(Move.WALK_AWAY)
    rises = [tracking.accuracy(game.row, game.p, seat) - game.row["start_accuracy"][seat] for seat in (BUYER, SELLER)]
    assert rewards.tolist() == pytest.approx([5 * rise for rise in rises])
    assert rewards[SELLER] > 0
    assert rewards[BUYER] == 0


def test_a_worse_belief_is_charged() -> None:
    # The prior's mean happens to be right, and the limit is taken to lie well beyond an offer.
    game = Game(UNIFORM, only("belief_gain"), reservation=(0.5, 0.2), opener=BUYER)
    assert game.offer(0.45).tolist() == [0, 0]
    assert game.play(Move.WALK_AWAY)[SELLER] < 0


ANSWERED = {"buyer": {"value_shift": 0.5}, "seller": {"value_shift": -0.5}}


@pytest.mark.parametrize(
    ("offer", "paid", "answered", "missed"),
    [
        (0.3, 8, 1, 0),
        (0.39, 8, 1, 0),
        (0.3901, 0, 0, 1),
        (0.4 - 2e-9, 0, 0, 1),
        (0.5, 0, 0, 1),
        (0.4, 0, 0, 1),
    ],
    ids=["tougher", "just tougher", "not quite tougher", "by next to nothing", "softer", "the same"],
)
def test_the_first_offer_after_an_event_answers_it_by_moving_the_same_way(offer, paid, answered, missed) -> None:
    game = Game(scenario(events=[{"round": 1, "headline": "news", **ANSWERED}]), only("event_gain"))
    game.offer(0.4, 0.9)
    assert game.offer(offer).tolist() == [paid, 0]
    assert (game.row["events_answered"][BUYER], game.row["events_missed"][BUYER]) == (answered, missed)
    assert game.offer(0.85).tolist() == [0, 8], "the seller was weakened: it answers by conceding"
    assert game.offer(0.2).tolist() == [0, 0], "once per event"


def test_a_concession_of_less_than_a_hundredth_of_the_range_does_not_answer_an_event() -> None:
    weaker = scenario(events=[{"round": 1, "headline": "news", "buyer": {"value_shift": -0.5}}])
    for price, paid in ((0.41, 8), (0.4099, 0)):
        game = Game(weaker, only("event_gain"))
        game.offer(0.4, 0.9)
        assert game.offer(price).tolist() == [paid, 0]


def test_silence_does_not_answer_an_event_yet() -> None:
    game = Game(scenario(events=[{"round": 1, "headline": "news", **ANSWERED}]), only("event_gain"))
    game.offer(0.4, 0.9)
    game.play(Move.SILENCE)
    game.play(Move.SILENCE)
    assert game.offer(0.3).tolist() == [8, 0]


def test_a_seats_very_first_offer_settles_an_event_without_pay_or_blame() -> None:
    game = Game(scenario(events=[{"round": 0, "headline": "news", **ANSWERED}]), only("event_gain", "answered_gain"))
    assert game.offer(0.4).tolist() == [0, 0]
    assert (game.row["events_answered"][BUYER], game.row["events_missed"][BUYER]) == (0, 0)
    assert game.play(Move.ACCEPT).tolist() == [15, 0], "the seller has not answered"


def test_two_events_are_answered_by_one_offer_each_by_its_own_direction() -> None:
    events = [
        {"round": 1, "headline": "good", "buyer": {"value_shift": 0.5}},
        {"round": 1, "headline": "better", "buyer": {"urgency": -0.3}},
        {"round": 1, "headline": "bad", "buyer": {"value_shift": -0.1}},
    ]
    game = Game(scenario(events=events), only("event_gain"))
    game.offer(0.4, 0.9)
    assert game.offer(0.3).tolist() == [16, 0]
    assert (game.row["events_answered"][BUYER], game.row["events_missed"][BUYER]) == (2, 1)


# --- at the end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("r", "price", "expected"),
    [
        (0, 0.5, [50 + 20 + 15, 50 + 20 + 15]),
        (0, 0.35, [75 + 35, 25 + 35]),
        (0, 0.8, [35, 100 + 35]),  # all of the ZOPA to the seller; no loss to the buyer
        (0, 0.9, [-200, 100 + 35]),  # the buyer capitulates, the seller's share stops at all of it
        (0, 0.1, [100 + 35, -200]),
        (10, 0.5, [50 + 10 + 15, 50 + 10 + 15]),
        (19, 0.5, [50 + 1 + 15, 50 + 1 + 15]),
    ],
)
def test_a_deal_pays_share_speed_and_answers_and_capitulation_costs_200(r, price, expected) -> None:
    game = Game(rules=only(*AT_THE_END, erosion={"rate": 0.0}))
    for _ in range(2 * r):
        game.play(Move.SILENCE)
    game.offer(price)
    assert game.play(Move.ACCEPT).tolist() == pytest.approx(expected)


def test_what_has_eroded_is_lost_to_the_share() -> None:
    game = Game(rules=only("share_gain", tension={"base": 80.0}))
    for _ in range(4):
        game.play(Move.SILENCE)
    game.offer(0.75)
    assert game.width == pytest.approx(0.6 - 0.024)
    assert game.play(Move.ACCEPT)[BUYER] == pytest.approx(100 * (0.788 - 0.75) / 0.6)
    assert game.report()["share"].tolist() == pytest.approx([0.038 / 0.6, 0.538 / 0.6])


def test_the_share_is_that_of_the_zopa_now_where_an_event_has_widened_it() -> None:
    wider = scenario(events=[{"round": 1, "headline": "news", "buyer": {"value_shift": -0.5}}])
    game = Game(wider, only("share_gain"), sensitivity=(0.5, 0.5))
    game.offer(0.4, 0.9, 0.5)
    width = 0.6 + 0.5 * 0.5 * 0.6
    assert game.width == pytest.approx(width)
    assert game.play(Move.ACCEPT).tolist() == pytest.approx([100 * 0.45 / width, 100 * 0.3 / width])


@pytest.mark.parametrize("price", [0.3, 0.5, 0.7])
def test_waiting_in_the_heat_never_pays(price: float) -> None:
    earned = []
    for rounds_waited in range(8):
        game = Game(rules=only(*AT_THE_END, tension={"base": 80.0}))
        for _ in range(2 * rounds_waited):
            game.play(Move.SILENCE)
        game.offer(price)
        earned.append(game.play(Move.ACCEPT).tolist())
    for seat in (BUYER, SELLER):
        assert [rewards[seat] for rewards in earned] == sorted((rewards[seat] for rewards in earned), reverse=True)


def test_the_share_is_that_of_the_best_packages_zopa() -> None:
    terms = [{"name": "equity", "options": [{"name": "none"}, {"name": "some", "buyer": -8, "seller": 14}]}]
    game = Game(scenario(terms=terms), only("share_gain"))
    game.offer(0.5)
    assert game.play(Move.ACCEPT).tolist() == pytest.approx([100 * 0.3 / 0.66] * 2), "0.06 was left on the table"


@pytest.mark.parametrize("answer", [0.5, 0.7], ids=["missed", "pending"])
def test_a_deal_with_an_event_left_unanswered_forgoes_15(answer: float) -> None:
    game = Game(
        scenario(events=[{"round": 1, "headline": "news", "buyer": {"value_shift": 0.1}}]), only("answered_gain")
    )
    game.offer(0.4, 0.5)
    if answer == 0.5:
        game.offer(answer, 0.5)
    assert game.play(Move.ACCEPT).tolist() == [0, 15]


ZOPA, NO_ZOPA = (0.8, 0.2), (0.4, 0.6)


@pytest.mark.parametrize(("limits", "expected"), [(ZOPA, [-100, 0]), (NO_ZOPA, [0, 0])], ids=["zopa", "no zopa"])
def test_walking_away_from_a_zopa_costs_the_walker_100(limits, expected) -> None:
    game = Game(rules=only(*AT_THE_END), reservation=limits, opener=SELLER)
    game.offer(0.5)
    assert game.play(Move.WALK_AWAY).tolist() == expected
    assert game.row["ending"] == Ending.WALK_AWAY


@pytest.mark.parametrize(("limits", "expected"), [(ZOPA, [-100, -100]), (NO_ZOPA, [0, 0])], ids=["zopa", "no zopa"])
def test_a_deadline_in_a_zopa_costs_both_100(limits, expected) -> None:
    game = Game(scenario(rounds=2), only(*AT_THE_END), reservation=limits)
    for _ in range(3):
        assert game.play(Move.SILENCE).tolist() == [0, 0]
    assert game.play(Move.SILENCE).tolist() == expected
    assert game.row["ending"] == Ending.DEADLINE


def test_a_collapse_costs_both_100() -> None:
    game = Game(rules=only(*AT_THE_END, tension={"base": 80.0}), reservation=(0.51, 0.49))
    game.play(Move.SILENCE)
    game.play(Move.SILENCE)
    assert game.play(Move.SILENCE).tolist() == [-100, -100]
    assert game.row["ending"] == Ending.COLLAPSED


def test_nobody_is_punished_for_a_zopa_that_an_event_has_closed() -> None:
    shock = scenario(events=[{"round": 1, "headline": "a shock", "buyer": {"value_shift": 2.0}}])
    game = Game(shock, only(*AT_THE_END), sensitivity=(0.6, 0.6))
    game.offer(0.4, 0.9)
    assert game.play(Move.WALK_AWAY).tolist() == [0, 0]


def test_without_a_zopa_a_gain_is_still_a_gain_and_a_loss_a_capitulation() -> None:
    game = Game(rules=only(*AT_THE_END), reservation=NO_ZOPA)
    game.offer(0.3)
    assert game.play(Move.ACCEPT).tolist() == [100 + 35, -200]


# --- the pure game ----------------------------------------------------------------------------------------------------


def deal_in_round(r: int, setting=PLAIN, urgency=(0.5, 0.0)) -> Game:
    game = Game(setting, {"erosion": {"rate": 0.0}}, options={"reward": "payoff"}, urgency=urgency)
    for _ in range(2 * r):
        assert game.play(Move.SILENCE).tolist() == [0, 0]
    game.offer(0.5)
    game.play(Move.ACCEPT)
    return game


@pytest.mark.parametrize("r", [0, 1, 10, 19])
def test_payoffs_are_discounted_by_urgency(r: int) -> None:
    game = deal_in_round(r)
    assert game.row["reward"].tolist() == pytest.approx([0.975**r * 0.5, 0.5])
    assert game.report()["payoff"].tolist() == game.row["reward"].tolist()


@pytest.mark.parametrize(("r", "left"), [(3, 0.975**3), (4, 0.975**3 * 0.96), (6, 0.975**3 * 0.96**3)])
def test_an_events_urgency_changes_what_later_rounds_cost_and_never_what_earlier_ones_did(r: int, left: float) -> None:
    pressed = scenario(events=[{"round": 3, "headline": "hurry", "buyer": {"urgency": 0.3}}])
    game = deal_in_round(r, pressed)
    assert game.row["reward"].tolist() == pytest.approx([left * 0.5, 0.5])
    assert game.row["payoff_left"].tolist() == pytest.approx([left, 1.0])


def test_a_seat_that_an_event_calms_is_not_paid_for_having_waited() -> None:
    calmed = scenario(events=[{"round": 10, "headline": "no hurry", "buyer": {"urgency": -0.5}}])
    payoffs = [float(deal_in_round(r, calmed).row["reward"][BUYER]) for r in range(16)]
    assert payoffs == sorted(payoffs, reverse=True)


def test_fixed_discount_factors_replace_those_of_urgency() -> None:
    fixed = scenario(discount_factor={"buyer": 0.9, "seller": 0.8})
    assert deal_in_round(10, fixed).row["reward"].tolist() == pytest.approx([0.9**10 * 0.5, 0.8**10 * 0.5])


def test_a_capitulation_pays_what_it_is_worth() -> None:
    game = Game(options={"reward": "payoff"})
    game.offer(0.9)
    assert game.play(Move.ACCEPT).tolist() == pytest.approx([-0.1 / 0.6, 0.7 / 0.6])


@pytest.mark.parametrize("setting", SCENARIOS)
def test_the_pure_game_pays_nothing_but_deals(setting: str) -> None:
    rng = np.random.default_rng(3)
    for number in range(sized(16)):
        game = Game(SCENARIOS[setting], VARIANTS["hot"].rules, number=number, options={"reward": "payoff"})
        for _ in random_play(rng, game):
            if game.row["ending"] != Ending.DEAL:
                assert game.row["reward"].tolist() == [0, 0]
        assert game.report()["payoff"].tolist() == game.row["reward"].tolist()


# --- properties -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SCENARIOS)
def test_the_belief_term_is_paid_with_the_ending_and_is_its_rise_over_the_game(setting: str) -> None:
    rng = np.random.default_rng(4)
    for number in range(sized(16)):
        game = Game(SCENARIOS[setting], only("belief_gain", **VARIANTS["hot"].rules), number=number)
        quiet = Game(SCENARIOS[setting].model_copy(update={"events": ()}), number=number)
        start = np.array([tracking.accuracy(quiet.row, quiet.p, seat) for seat in (BUYER, SELLER)])
        paid = [game.row["reward"].copy() for _ in random_play(rng, game)]
        assert not np.any(paid[:-1])
        end = np.array([tracking.accuracy(game.row, game.p, seat) for seat in (BUYER, SELLER)])
        np.testing.assert_allclose(paid[-1], 5 * (end - start), atol=1e-9)


@pytest.mark.parametrize("setting", SCENARIOS)
def test_the_offer_term_telescopes_to_the_worth_of_the_last_offer(setting: str) -> None:
    rng = np.random.default_rng(5)
    quiet = SCENARIOS[setting].model_copy(update={"events": ()})
    for number in range(sized(16)):
        game = Game(quiet, only("offer_gain", erosion={"rate": 0.0}), number=number)
        total = sum(game.row["reward"].copy() for _ in random_play(rng, game))
        row = game.row
        for seat, maker in ((BUYER, SELLER), (SELLER, BUYER)):
            value = row["package_values"][seat][row["offer_package"][maker]]
            worth = bargain.worth(seat, row["offer_price"][maker], value, row["reservation"][seat])
            expected = 2 * worth / quiet.nominal_width if row["offers_made"][maker] else 0.0
            assert total[seat] == pytest.approx(expected, abs=1e-9)


@examples(200)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.01, 1), st.integers(0, 19), st.booleans())
def test_a_better_deal_never_pays_less(a: float, b: float, width: float, r: int, unanswered: bool) -> None:
    worse, better = (reward.deal_bonus(own, width, r, 20.0, unanswered, P) for own in (min(a, b), max(a, b)))
    assert -200 <= worse <= better <= 135


@examples(200)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(0, 19))
def test_more_urgency_never_makes_a_gain_worth_more(gain: float, a: float, b: float, r: int) -> None:
    patient, urgent = (reward.discount_factor(urgency, np.nan, P) for urgency in (min(a, b), max(a, b)))
    assert reward.discounted_payoff(gain, 0.6, urgent**r) <= reward.discounted_payoff(gain, 0.6, patient**r)


@examples(200)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_an_offer_never_pays_its_maker(own: float, a: float, b: float) -> None:
    less, more = (reward.offer_cost(own, given_up / 0.6, P) for given_up in (min(a, b), max(a, b)))
    assert 0 <= less <= more
