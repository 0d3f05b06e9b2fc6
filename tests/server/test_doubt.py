"""Words: scepticism is heard where it is meant, control characters only show, and figures are those of the offer."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.catalogue import load_persona, persona_names
from parlay_marl.errors import IllegalMoveError
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.server.words import checked, escaped, is_sceptical, spoken
from tests.helpers import examples


@pytest.mark.parametrize(
    "words",
    [
        "I don't believe that is your limit.",
        "I do not believe you.",
        "You're bluffing.",
        "I\N{RIGHT SINGLE QUOTATION MARK}m calling your bluff!",
        "That is a bluff.",
        "Prove it.",
        "Show me the evidence.",
        "I doubt that.",
        "We very much doubt your figure.",
        "That is hardly credible.",
        "That's not credible at all",
        "Is that really your walk-away price?",
        "Nonsense, you can go higher.",
        "We cannot accept that claim at face value.",
        "I'm sceptical.",
    ],
)
def test_doubt_is_heard(words: str) -> None:
    assert is_sceptical(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "I am not bluffing: 130,000 is my limit.",
        "I believe you.",
        "No doubt you have other options.",
        "We can offer 140,000.",
        "Without a doubt this is fair.",
        "I trust that you will agree.",
        "I do not think you are lying.",
        "The house on the bluff overlooks the sea.",
        "Is that really your best offer?",
        "I do not like that price.",
        "Let us not call it a day yet.",
    ],
)
def test_what_is_no_doubt_is_none(words: str) -> None:
    assert not is_sceptical(words)


@given(st.text())
@examples(300)
def test_what_is_passed_on_has_nothing_that_could_act(words: str) -> None:
    passed = escaped(words)
    assert not {unicodedata.category(each) for each in passed} & {"Cc", "Cs", "Zl", "Zp"}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\ufeff]", passed)
    assert escaped(passed) == passed
    passed.encode("utf-8")


def test_control_characters_are_escaped_and_other_scripts_stay() -> None:
    assert escaped("a\x1b[31m\x00\n\u202eb") == "a\\x1b[31m\\x00\\n\\u202eb"
    kept = "Größe, 取引, 👩\N{ZERO WIDTH JOINER}🔧"
    assert escaped(kept) == kept


def test_words_longer_than_the_limit_are_refused_without_being_repeated() -> None:
    assert checked("x" * 20, 20) == "x" * 20
    with pytest.raises(IllegalMoveError, match=r"utterance: 21 characters; give at most 20$"):
        checked("x" * 21, 20)


@pytest.mark.parametrize("name", [*persona_names(), None])
def test_the_figures_in_what_a_persona_says_are_those_of_its_offer(name: str | None) -> None:
    """One that has no words of its own is given plain ones."""
    from parlay_marl.server.negotiation import Deed, Negotiation, Setup
    from tests.server.table import lobby

    persona = PersonaPlayer(load_persona("linear" if name is None else name))
    if name is None:
        mute = persona.persona.model_copy(update={"voice": type(persona.persona.voice)()})
        persona = PersonaPlayer(mute)
    checked_words = 0
    for seed, scenario in enumerate(["saas_enterprise", "acquisition_terms", "uniform", "hiring_package"]):
        negotiation = Negotiation(Setup(scenario=scenario).config(lobby().scenarios), (None, persona))
        negotiation.begin(seed)
        price = negotiation.scenario.low
        while not negotiation.is_over:
            negotiation.act(0, Deed(offer_amount=price, utterance="Well?"))
            price = min(price + (negotiation.scenario.high - price) / 30, negotiation.scenario.high)
        for turn in negotiation.turns:
            if turn.seat == 0:
                continue
            words = spoken(turn, negotiation.scenario)
            assert words
            figures = [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\d(?:\.\d+)?", words)]
            amounts = [each for each in figures if each >= negotiation.scenario.low]
            if amounts:
                assert turn.price is not None
                assert set(amounts) == {negotiation.scenario.to_currency(turn.price)}
                checked_words += 1
    assert checked_words > 5 or name == "random"
