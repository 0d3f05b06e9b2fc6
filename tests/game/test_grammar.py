"""What a person or a model may write as its turn, and what it means."""

from __future__ import annotations

import pytest

from parlay_marl.catalogue import load_scenario
from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import BUYER, Move
from parlay_marl.errors import UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.grammar import read

SAAS = load_scenario("saas_enterprise")
BUYOUT = load_scenario("acquisition_term_sheet")
STALL = load_scenario("uniform")
HIRING = load_scenario("hiring_package_terms")

BARE = (Move.ACCEPT, Move.WALK_AWAY, Move.SILENCE, Move.CHALLENGE)


def meant(text: str, scenario: Scenario) -> Action:
    """Return what the buyer means, whose usual package is the second, where there are several."""
    return read(text, scenario, BUYER, min(1, scenario.n_packages - 1), ("help", "quit"))


def offered(scenario: Scenario, price: float, move: Move = Move.OFFER) -> Action:
    """Return an action at an amount of currency."""
    return Action(move, scenario.normalise(price), 0)


MEANINGS = [
    ("140000", Move.OFFER, 140_000),
    ("140,000", Move.OFFER, 140_000),
    ("140 000", Move.OFFER, 140_000),
    ("  $140,000 ", Move.OFFER, 140_000),
    ("USD 140000", Move.OFFER, 140_000),
    ("140000 usd", Move.OFFER, 140_000),
    ("140k", Move.OFFER, 140_000),
    ("140 K", Move.OFFER, 140_000),
    ("$140.5k", Move.OFFER, 140_500),
    ("140000.0", Move.OFFER, 140_000),
    ("140.000", Move.OFFER, 140_000),
    ("140.000,00", Move.OFFER, 140_000),
    ("140,5k", Move.OFFER, 140_500),
    ("140.500k", Move.OFFER, 140_500),
    ("110000", Move.OFFER, 110_000),
    ("180000", Move.OFFER, 180_000),
    ("offer 140k", Move.OFFER, 140_000),
    ("OFFER 140K", Move.OFFER, 140_000),
    ("bid $140k", Move.OFFER, 140_000),
    ("claim 130k", Move.BATNA_REVEAL, 130_000),
    ("anchor", Move.ANCHOR_HIGH, None),
    ("anchor 115k", Move.ANCHOR_HIGH, 115_000),
    ("accept", Move.ACCEPT, None),
    ("deal", Move.ACCEPT, None),
    ("walk", Move.WALK_AWAY, None),
    ("walk away", Move.WALK_AWAY, None),
    ("silence", Move.SILENCE, None),
    ("challenge", Move.CHALLENGE, None),
    ("bluff", Move.CHALLENGE, None),
]


@pytest.mark.parametrize(("text", "move", "price"), MEANINGS, ids=[text for text, _, _ in MEANINGS])
def test_moves(text: str, move: Move, price: float | None) -> None:
    expected = Action(move) if move in BARE else offered(SAAS, SAAS.low if price is None else price, move)
    assert meant(text, SAAS) == expected


@pytest.mark.parametrize(
    ("currency", "text"),
    [("EUR", "€150"), ("EUR", "150 EUR"), ("euros", "€ 150"), ("CAD", "$150"), ("JPY", "¥150"), ("€", "150€")],
)
def test_the_sign_of_the_tables_own_currency_may_be_typed(currency: str, text: str) -> None:
    scenario = STALL.model_copy(update={"currency": currency})
    assert meant(text, scenario) == offered(scenario, 150)


@pytest.mark.parametrize("currency", ["BTC", "credits", "EUR"])
def test_a_sign_of_another_currency_is_asked_back(currency: str) -> None:
    with pytest.raises(UnclearTextError, match=rf"names another currency, \$; prices here are in {currency}"):
        meant("$150", STALL.model_copy(update={"currency": currency}))


@pytest.mark.parametrize("text", ["12.5m", "12,500,000", "12.5 million", "12500k", "$12.5M"])
def test_millions(text: str) -> None:
    assert meant(text, BUYOUT) == offered(BUYOUT, 12_500_000)


def test_cents_where_the_range_is_small() -> None:
    assert meant("150.25", STALL) == offered(STALL, 150.25)


UNCLEAR = [
    ("", "Type a price"),
    ("   ", "Type a price"),
    ("fsdf", "'fsdf' is no move; type `help`."),
    ("acept", "did you mean `accept`?"),
    ("hepl", "did you mean `help`?"),
    ("130", "USD 130 lies outside the public range, USD 110,000 to USD 180,000. Did you mean 130k?"),
    ("0.13", "Did you mean 0.13m?"),
    ("90000", "USD 90,000 lies outside the public range, USD 110,000 to USD 180,000."),
    ("1.4m", "USD 1,400,000 lies outside the public range"),
    ("-140000", "'-140000' is no price"),
    ("140,5", "USD 140.5 lies outside"),
    ("140,5,0", "'140,5,0' is no price; type it like 145000 or 145k."),
    ("14O000", "is no price"),
    ("140000 150000", "is no price"),
    ("offer", "`offer` needs a price, such as `offer 145000`."),
    ("claim", "`claim` needs a price"),
    ("offer nan", "'nan' is no price"),
    ("offer inf", "'inf' is no price"),
    ("offer 1e5", "'1e5' is no price"),
    ("140000.50", "Prices go in steps of USD 1 at this table; '140000.50' is finer."),
    ("accept 140000", "`accept` stands alone: it takes their offer exactly as it stands."),
    ("walk 3", "`walk` stands alone"),
    ("140k with equity", "There are no terms at this table"),
    ("€140k", "'€140k' names another currency, €; prices here are in USD, so type 145000 or 145k."),
    ("offer 140k €", "'140k €' names another currency, €"),
    ("eur 140000", "'eur 140000' names another currency, EUR"),
    ("140000 gbp", "'140000 gbp' names another currency, GBP"),
    ("140.000…1k", "'140.000…1k' names several amounts; type one price, like 145000 or 145k."),
    ("140.000...1k", "names several amounts"),
    ("130k-140k", "names several amounts"),
    ("130k to 140k", "names several amounts"),
]


@pytest.mark.parametrize(("text", "reason"), UNCLEAR, ids=[text for text, _ in UNCLEAR])
def test_what_is_unclear_is_refused_in_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(UnclearTextError) as caught:
        meant(text, SAAS)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


TERMS = [
    ("200k", "equity none, start next month"),
    ("200k with full grant", "equity full grant, start next month"),
    ("200k with full", "equity full grant, start next month"),
    ("200k with equity small, start at once", "equity small grant, start at once"),
    ("200k with small grant and at once", "equity small grant, start at once"),
    ("200k with start: in three months", "equity none, start in three months"),
    ("200k with 1", "equity none, start in three months"),
    ("200k with 9", "equity full grant, start at once"),
    ("claim 200k with 9", "equity full grant, start at once"),
    ("anchor with 9", "equity full grant, start at once"),
]


@pytest.mark.parametrize(("text", "label"), TERMS, ids=[text for text, _ in TERMS])
def test_terms_change_the_usual_package(text: str, label: str) -> None:
    package = meant(text, HIRING).package
    assert package is not None
    assert HIRING.package_label(package) == label


UNCLEAR_TERMS = [
    ("200k with", "Name the terms after `with`"),
    ("200k with ,", "Name the terms after `with`"),
    ("200k with " + 5000 * "1", "That is too long for a move"),
    ("200k with 10", "There are packages 1 to 9"),
    ("200k with 0", "There are packages 1 to 9"),
    ("200k with shares", "'shares' is no option here; there are: equity none | small grant | full grant; start"),
    ("200k with grant", "'grant' fits `equity small grant` and `equity full grant`; say which."),
    ("200k with equity", "'equity' fits `equity none` and `equity small grant` and others; say which."),
    ("200k with small, full", "'equity' is named twice."),
]


@pytest.mark.parametrize(("text", "reason"), UNCLEAR_TERMS, ids=[text for text, _ in UNCLEAR_TERMS])
def test_unclear_terms(text: str, reason: str) -> None:
    with pytest.raises(UnclearTextError) as caught:
        meant(text, HIRING)
    assert reason in str(caught.value)
