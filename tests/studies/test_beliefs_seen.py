"""Beliefs of one seat about players of any kind: what is counted, and that bands hold about strangers, too."""

from __future__ import annotations

import random

import numpy as np
import pytest

from parlay_marl.core.belief import HIGH, LOW, RESERVATION
from parlay_marl.core.moves import Move
from parlay_marl.errors import ConfigurationError
from parlay_marl.game.action import Action
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.view import SeatView
from parlay_marl.players.persona import as_player
from parlay_marl.players.player import Player
from parlay_marl.studies.beliefs import assess_seen
from tests.core.games import sized

GAMES = sized(60)


class Claimer(Player):
    """Claims a limit in its first turn, then holds still."""

    name = "claimer"

    def act(self, view: SeatView) -> Action:
        if Move.BATNA_REVEAL in view.legal_moves and view.offer is None:
            return view.make_claim(0.5 * (view.scenario.low + view.scenario.high))
        return view.make_offer(view.offer.price if view.offer else view.scenario.high)


def test_figures_by_hand() -> None:
    report = assess_seen(["boulware"], ["uniform"], games=1, seed=5)
    found = []
    for seat in (0, 1):
        players = [as_player("boulware"), as_player("linear")]
        game = Game(make_config("uniform"), players if seat == 0 else players[::-1])
        game.start(5, 0)
        moments = list(_beliefs(game, 1 - seat))
        ends = [-(-(len(moments) - 1) * q // 4) for q in (1, 2, 3, 4)]
        prior = moments[0][0]
        found.append([(low <= truth <= high, abs(mean - truth), abs(prior - truth), high - low)
                      for mean, low, high, truth in (moments[end] for end in ends)])  # fmt: skip
    quality, means = report.about["uniform"]["boulware"], np.mean(found, axis=0).T
    assert quality.games == 2
    for figures, expected in zip(
        (quality.coverage90, quality.mae, quality.prior_mae, quality.width90), means, strict=True
    ):
        assert figures == pytest.approx(expected)
    assert report.pooled["uniform"] == quality


def _beliefs(game: Game, viewer: int):
    for moment in game.record().moments():
        belief, truth = moment.row["belief"][viewer], float(moment.row["reservation"][1 - viewer])
        yield float(belief[RESERVATION]), float(belief[LOW]), float(belief[HIGH]), truth


@pytest.mark.parametrize(
    "name", ["tit_for_tat", "absolute_tit_for_tat", "averaged_tit_for_tat", "combi", "family:broad"]
)
def test_the_band_holds_also_about_those_who_follow_no_plan(name: str) -> None:
    quality = assess_seen([name], ["uniform"], games=GAMES, seed=3).about["uniform"][name]
    assert min(quality.coverage90) > 0.78
    assert quality.mae[-1] < quality.prior_mae[-1]


def test_any_player_can_be_looked_at_and_its_claims_are_judged() -> None:
    state = random.getstate()
    report = assess_seen([Claimer()], ["uniform", "saas_enterprise"], games=30)
    assert random.getstate() == state
    for deal in ("uniform", "saas_enterprise"):
        quality = report.about[deal]["claimer"]
        assert quality.games == quality.claims == 60
        assert 0 < quality.bluffs <= 60
    assert report.about["uniform"]["claimer"].bluff_auc is not None
    assert report.as_dict()["players"] == ("claimer",)


def test_the_same_seed_gives_the_same_report_and_progress_is_told() -> None:
    cells: list[tuple[int, int]] = []
    first = assess_seen(["linear", "family:hard"], games=4, on_cell=lambda *at: cells.append(at))
    assert cells == [(done, 4) for done in range(5)]
    assert assess_seen(["linear", "family:hard"], games=4) == first
    assert set(first.pooled) == {"saas_enterprise", "uniform"}


def test_what_cannot_be_looked_at_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="both limits are public"):
        assess_seen(["linear"], ["complete_information"])
    with pytest.raises(ConfigurationError, match="linear"):
        assess_seen(["linear", "linear"])
    with pytest.raises(ConfigurationError, match="games"):
        assess_seen(["linear"], games=0)
