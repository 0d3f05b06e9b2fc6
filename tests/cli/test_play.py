"""`parlay play`: a person at the table, scripted through standard input."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.cli import seat_view
from parlay_marl.cli import start as starting
from parlay_marl.core.moves import Move
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.text import plain
from parlay_marl.game.view import view_of
from tests.cli.conftest import Parlay, start

SEED = ("--seed", "4", "--opener", "buyer")


@pytest.fixture
def games(monkeypatch: pytest.MonkeyPatch) -> list[Game]:
    """Keep the games that are started, to see what was played in them."""
    kept: list[Game] = []
    original = starting.new_game

    def keep(*args: Any) -> Game:
        kept.append(original(*args))
        return kept[-1]

    monkeypatch.setattr(starting, "new_game", keep)
    return kept


def prompts(output: str) -> list[str]:
    return re.findall(r"^(?:buyer|seller)> (.*)$", output, re.MULTILINE)


def test_the_price_that_is_typed_is_played_and_shown(parlay: Parlay, games: list[Game]) -> None:
    result = parlay("play", *SEED, typed="$123,457\nclaim 131k\nwalk\n")
    assert result.exit_code == 0
    own = games[0].actions[::2]
    assert [played.move for played in own] == [Move.OFFER, Move.BATNA_REVEAL, Move.WALK_AWAY]
    prices = [games[0].scenario.to_currency(played.price) for played in own[:2]]
    assert prices == pytest.approx([123_457, 131_000], abs=1e-6)
    assert re.search(r"buyer +opens at +USD 123,457 ", result.stdout)
    assert re.search(r"buyer +claims a limit of +USD 131,000 ", result.stdout)


def test_accepting_takes_the_offer_on_the_table(parlay: Parlay, games: list[Game]) -> None:
    result = parlay("play", *SEED, "--opponent", "conceder", typed="120k\naccept\n")
    outcome = games[0].outcome()
    assert outcome.is_deal
    assert outcome.price is not None
    assert f"their offer  USD {outcome.price:,.0f}; worth" in result.stdout
    assert f"Deal at USD {outcome.price:,.0f} in round 2." in result.stdout


def test_the_person_may_be_the_seller_and_is_not_always_first(parlay: Parlay) -> None:
    result = parlay("play", "--seed", "4", "--opener", "buyer", "--role", "seller", typed="walk\n")
    first = result.stdout.index("1  buyer ")
    assert first < result.stdout.index("-- round 1 of 20")
    assert "You are the seller. Any price above your limit beats no deal" in result.stdout
    assert prompts(result.stdout) == ["walk"]


def test_own_figures_are_shown_and_nothing_hidden(parlay: Parlay, games: list[Game]) -> None:
    result = parlay("play", *SEED, typed="120k\n125k\nclaim 150k\n130k\nquit\n")
    buyer, seller = (games[0].scenario.to_currency(float(x)) for x in games[0].row["reservation"])
    assert f"your limit   USD {buyer:,.0f}; urgency {games[0].row['urgency'][0]:.2f}, " in result.stdout
    assert f"{seller:,.0f}" not in result.stdout
    assert "ZOPA" not in result.stdout
    assert "Nash" not in result.stdout
    assert "your belief  their limit near USD " in result.stdout
    assert result.stdout.endswith("You leave the table; the game stays unfinished.\n")


@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package_terms"])
@pytest.mark.parametrize("seat", [0, 1])
def test_what_a_seat_is_shown_does_not_depend_on_what_is_hidden_from_it(scenario: str, seat: int) -> None:
    shown = []
    for share in (0.3, 0.7):
        config = make_config(scenario)
        deal, other = config.scenario, ("seller", "buyer")[seat]
        game = Game(config)
        game.begin(
            7,
            0,
            {
                "opener": "buyer",
                "reservation": {other: deal.to_currency(share)},
                "urgency": {other: share},
                "alternative": {other: share > 0.5},
                "event_sensitivity": {other: share},
            },
        )
        text = ""
        for i in range(24):
            view = view_of(game, seat)
            shown_now = (seat_view.introduction(view, 80), seat_view.table(view, view.reservation_price, 80))
            text += plain([line for lines in shown_now for line in lines])
            game.play(Move.OFFER, 0.02 * i if i % 2 == 0 else 1.0 - 0.02 * i, i % game.packages)
        shown.append(text)
    assert shown[0] == shown[1]


def test_public_limits_are_shown(parlay: Parlay, games: list[Game]) -> None:
    result = parlay("play", *SEED, "-s", "complete_information", typed="quit\n")
    limit = games[0].scenario.to_currency(float(games[0].row["reservation"][1]))
    assert f"their limit is USD {limit:,.0f}, which is public" in result.stdout


REFUSALS = [
    ("accept", "There is no offer of theirs to accept yet."),
    ("walk", "They have not had a turn yet; make a first move before you leave."),
    ("challenge", "They have no open claim that could be challenged."),
    ("5", "USD 5 lies outside the public range, USD 110,000 to USD 180,000."),
    ("145", "Did you mean 145k?"),
    ("nonsense", "'nonsense' is no move; type `help`."),
    ("accept 130k", "`accept` stands alone"),
    ("offer nan", "'nan' is no price"),
]


@pytest.mark.parametrize(("typed", "reason"), REFUSALS)
def test_bad_input_is_refused_and_asked_again(parlay: Parlay, games: list[Game], typed: str, reason: str) -> None:
    result = parlay("play", *SEED, typed=f"{typed}\n110k\nwalk\n")
    assert result.exit_code == 0
    assert prompts(result.stdout) == [typed, "110k", "walk"]
    assert reason in " ".join(result.stdout.split())
    assert [played.move for played in games[0].actions[::2]] == [Move.OFFER, Move.WALK_AWAY]


def test_a_loss_is_asked_about_once_at_a_terminal(
    parlay: Parlay, games: list[Game], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parlay_marl.cli.terminal_player.is_person", lambda: True)
    result = parlay("play", *SEED, "-o", "hardliner", typed="120k\naccept\n121k\naccept\naccept\n")
    assert result.exit_code == 0
    assert result.stdout.count("That deal would be a loss: worth USD -") == 2
    assert result.stdout.count("Type it once more if you mean it.") == 2
    moves = [played.move for played in games[0].actions]
    assert (moves[0], moves[2], moves[-1]) == (Move.OFFER, Move.OFFER, Move.ACCEPT)
    assert len(moves) == 5


def test_in_a_pipe_a_loss_is_said_and_played(parlay: Parlay, games: list[Game]) -> None:
    result = parlay("play", *SEED, "-o", "hardliner", typed="179k\naccept\n")
    assert result.exit_code == 0
    assert result.stdout.count("That deal would be a loss: worth USD -") == len(games[0].actions[::2])
    assert "once more" not in result.stdout


def test_a_small_game_takes_its_prices_alone(parlay: Parlay, games: list[Game]) -> None:
    result = parlay("play", *SEED, "--price-levels", "3", typed="140k\n145k\nquit\n")
    told = " ".join(result.stdout.split())
    assert "140,000 is no price of this game; give one of USD 110,000, USD 145,000, USD 180,000" in told
    assert games[0].actions[0].price == 0.5
    assert "Only these may be offered: USD 110,000, USD 145,000, USD 180,000." in " ".join(result.stdout.split())


def test_a_move_that_the_protocol_does_not_give_is_refused_with_those_that_it_gives(parlay: Parlay) -> None:
    result = parlay("play", "--seed", "4", "--protocol", "seller_offers", typed="140k\nquit\n")
    assert "By the protocol seller_offers, the seller names a price in" in " ".join(result.stdout.split())
    assert "By this game's protocol and moves you cannot do that. You may: accept, " in " ".join(result.stdout.split())


def test_claims_need_credibility(parlay: Parlay) -> None:
    result = parlay("play", *SEED, "--opponent", "hardliner", typed="claim 150k\n" * 7 + "walk\n")
    assert "A claim needs more credibility than you have left." in result.stdout


def test_terms_are_listed_with_their_worth_and_played(parlay: Parlay, games: list[Game]) -> None:
    typed = "terms\n190k with small grant, at once\n191k\nwalk\n"
    result = parlay("play", *SEED, "-s", "hiring_package_terms", typed=typed)
    game = games[0]
    labels = [game.scenario.package_label(played.package) for played in game.actions[:3:2]]
    assert labels == ["equity small grant, start at once"] * 2  # terms stay as they were until others are named
    worth = game.row["package_values"][0][8] * 60_000
    assert re.search(rf"9 +USD {worth:,.0f}  equity full grant, start at once", result.stdout)
    assert "your offer   USD 190,000 with equity small grant, start at once; worth" in result.stdout


def test_an_offer_without_terms_starts_from_the_best_package(parlay: Parlay, games: list[Game]) -> None:
    parlay("play", *SEED, "-s", "hiring_package_terms", typed="190k\nwalk\n")
    assert games[0].actions[0].package == games[0].row["package_values"][0][:9].argmax()


def test_headlines_are_read_before_the_move_they_bear_on(parlay: Parlay) -> None:
    typed = "".join(f"{price}k\n" for price in range(111, 119)) + "quit\n"
    result = parlay("play", *SEED, "--opponent", "hardliner", typed=typed)
    told = result.stdout
    assert told.count("*** A competitor of the vendor drops its price by 15%. ***") == 1
    assert told.index("***") < told.index("-- round 9 of 20")


def test_a_moved_limit_says_what_it_was(parlay: Parlay) -> None:
    typed = "".join(f"{price}k\n" for price in range(239, 231, -1)) + "quit\n"
    result = parlay(
        "play", "--seed", "4", "--role", "seller", "-s", "hiring_package", "--opponent", "hardliner", typed=typed
    )
    assert re.search(r"your limit   USD \d{3},\d{3} \(it was USD \d{3},\d{3}\);", result.stdout)


def test_help_and_picture_do_not_take_the_turn(parlay: Parlay, games: list[Game]) -> None:
    result = parlay("play", *SEED, typed="picture\nhelp\n120k\npicture\nterms\nwalk\n")
    assert "No offers yet." in result.stdout
    assert "claim 130k" in result.stdout
    assert "Only the price is open here." in result.stdout
    assert len(games[0].actions) == 3
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_the_end_shows_what_was_hidden(parlay: Parlay) -> None:
    result = parlay("play", *SEED, typed="120k\nwalk\n")
    assert "No deal. The buyer walks away in round 2." in result.stdout
    assert "The ZOPA is USD " in result.stdout


def test_the_last_turn_is_announced(parlay: Parlay) -> None:
    result = parlay("play", *SEED, "--rounds", "2", "--opponent", "hardliner", typed="120k\n121k\n")
    assert result.stdout.count("your last turn") == 1
    assert "No deal. The deadline passes in round 2." in result.stdout


@pytest.mark.parametrize("typed", ["", "120k\n", "120k\nquit\n"])
def test_leaving_is_polite(parlay: Parlay, typed: str) -> None:
    result = parlay("play", *SEED, typed=typed)
    assert result.exit_code == 0
    assert result.stdout.endswith("You leave the table; the game stays unfinished.\n")
    assert "ZOPA" not in result.stdout


def test_the_same_seed_and_the_same_words_give_the_same_game(parlay: Parlay) -> None:
    typed = "120k\n125k\nclaim 140k\nanchor\nsilence\nwalk\n"
    first = parlay("play", *SEED, "--no-words", typed=typed)
    with start("play", *SEED, "--no-words") as process:
        out, _ = process.communicate(typed)
    assert first.stdout == parlay("play", *SEED, "--no-words", typed=typed).stdout == out
    assert '"' not in first.stdout


def test_an_opponent_that_leaves_as_soon_as_it_may_is_told_of(
    parlay: Parlay, games: list[Game], tmp_path: Path
) -> None:
    """Where it opens it may not leave yet, and makes an offer: no game is over before the person is asked."""
    persona = tmp_path / "gone.toml"
    tactics = "ultimatum_round = 0\nultimatum_rounds = 0\n"
    persona.write_text(f'title = "Gone"\nsummary = "Leaves."\n[tactics]\n{tactics}', encoding="utf-8")
    result = parlay("play", *SEED, "--opponent", str(persona), typed="120k\n120k\n")
    assert result.exit_code == 0
    assert prompts(result.stdout) == ["120k"]
    assert "No deal. The seller walks away in round 1." in result.stdout
    result = parlay("play", "--seed", "4", "--opener", "seller", "--opponent", str(persona), typed="quit\n")
    assert prompts(result.stdout) == ["quit"]
    assert [played.move for played in games[1].actions] == [Move.OFFER]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_control_c_leaves_the_table() -> None:
    with start("play", *SEED) as process:
        process.until("credibility")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert out.endswith("You leave the table; the game stays unfinished.\n")
    assert "Traceback" not in err
