"""Words: doubt is found where it is meant, and words are passed on only escaped and in a limited length."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.errors import IllegalMoveError
from parlay_marl.printable import escaped
from parlay_marl.server.doubt import expresses_doubt
from parlay_marl.server.parsing import parse_words
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
    assert expresses_doubt(words)


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
    assert not expresses_doubt(words)


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
    assert parse_words("x" * 20, 20) == "x" * 20
    with pytest.raises(IllegalMoveError, match=r"utterance: 21 characters; give at most 20$"):
        parse_words("x" * 21, 20)
