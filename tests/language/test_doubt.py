"""Words: doubt is found where it is meant, and words are passed on only escaped and in a limited length."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl.errors import IllegalMoveError
from parlay_marl.language.doubt import expresses_doubt
from parlay_marl.printable import escaped
from parlay_marl.server.parsing import parse_words
from tests.helpers import examples

DOUBT = (
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
    "I don't believe that for a second.",
    "I don't buy it.",
    "I don't buy that, sorry.",
    "I don't buy your claim.",
    "I don't buy that this is your limit.",
    "I don't believe it.",
    "I don't believe a word of it.",
    "I don't believe your number.",
    "I doubt your walk-away is really that high.",
    "I doubt that's your real limit.",
    "I doubt you can't go lower.",
    "I don't believe you can't do better than that, you can't go further?",
    "I don't believe that you cannot go lower.",
    "You are lying.",
    "You must be bluffing.",
    "Is that a bluff?",
    "Are you bluffing?",
    "I question that claim.",
    "I challenge your claim.",
    "I dispute that.",
    "That's a lie.",
    "That's not true.",
    "That is not your real limit.",
    "That is nonsense.",
    "I find that hard to believe.",
    "I don't trust you.",
    "We don't trust what you say.",
    "Can you prove that?",
    "I am skeptical about your limit.",
    "I do not believe your bottom line is 140,000.",
    "Hmm. I do not buy this.",
    "I don't think that's your real limit.",
    "I do not think you are honest about your limit.",
    "I think you're bluffing.",
    "I think you are lying.",
    "You're just bluffing, aren't you?",
    "I call your bluff.",
    "Stop lying.",
    "You bluff.",
    "Your claim is a bluff.",
    "That can't be: your bottom line sounds implausible.",
    "I don't think you can't go lower.",
    "I do not believe this claim.",
    "We simply do not buy that claim.",
    "Not credible.",
    "Lies!",
    "I honestly doubt this is your limit.",
    "I doubt it.",
)
NO_DOUBT = (
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
    "I don't buy at that price.",
    "I don't buy at this price, sorry.",
    "We can't buy at 150,000.",
    "I won't buy it at that price.",
    "I won't buy it for 150,000.",
    "We cannot buy that software at such a price.",
    "I don't buy that much at once.",
    "I can't buy this without a discount.",
    "We don't buy from vendors without support.",
    "I never buy that way.",
    "I can't believe how far apart we are.",
    "I can't believe we are this close!",
    "I don't believe we can agree at that price.",
    "I don't believe that price works for us.",
    "I don't believe that we can close this month.",
    "I do not believe in haggling.",
    "I don't believe this is fair.",
    "I don't believe that is a fair price.",
    "I don't trust the market right now.",
    "We cannot trust a vendor without references.",
    "I won't trust anybody but you.",
    "I doubt we can go that high.",
    "I doubt that my boss would approve.",
    "I doubt that price will pass the board.",
    "I question whether we can close this quarter.",
    "We question the price, not your honesty.",
    "I dispute the invoice.",
    "My board is sceptical about the price.",
    "I am sceptical that we will find a deal at this price.",
    "Let me prove it to you.",
    "I can prove it.",
    "Our track record will prove that.",
    "I will show you the evidence.",
    "Do you think I am bluffing?",
    "You think I'm bluffing?",
    "I'm bluffing? No.",
    "Don't call my bluff.",
    "The papers lying on the table are yours.",
    "That would be an unbelievable price!",
    "That's an unbelievable offer, thank you.",
    "This is an implausibly good day.",
    "I can't accept that.",
    "We do not accept your offer.",
    "I can't accept that price.",
    "It is not plausible for us to pay more.",
    "Your offer is not credible for my board to approve? I will see.",
    "I cannot buy that story for 10 dollars more? Let us be serious about the price.",
    "I hardly buy anything in cash.",
    "I never believe in first offers.",
    "I never trust verbal promises, let us write it down.",
    "We don't trust lawyers.",
    "That is not true of our offer, which stands.",
    "I doubt it will help to wait.",
    "I doubt that it helps us.",
    "I don't doubt you.",
    "I do not doubt your limit.",
    "I have no doubt that you mean it.",
    "It's no bluff.",
    "This is not a bluff.",
    "That's not a lie, that's my limit.",
    "Nobody is lying here.",
    "You are not lying, I know.",
    "Believe me, I would go higher if I could.",
    "I can hardly believe my luck.",
    "You won't believe it.",
    "You don't believe me.",
    "Is that your limit?",
    "Is this really your best price?",
    "I challenge you to a better offer.",
    "I'll challenge myself to go to 140.",
    "That is really not my limit.",
    "We can't buy that.",
    "We cannot buy it, sorry.",
    "I won't buy that.",
    "I never buy it, whatever the price.",
    "I don't think that, at this price, we have a deal.",
    "I don't think so.",
    "If you are bluffing, we both lose.",
    "Unless you're bluffing, we should close.",
    "I won't call your bluff.",
    "The claim on our warranty is nonsense-proof.",
    "I do not trust it to arrive in time.",
    "I don't believe your offer covers our costs.",
    "I don't buy your product for less.",
    "I doubt your offer will do.",
    "I doubt this will work.",
    "I doubt it would change my mind.",
    "I question your timing.",
    "I believe your number.",
    "You are not bluffing.",
    "That is not my number.",
    "That is not true value for money.",
    "This is nonsense money for a licence.",
)


@pytest.mark.parametrize("words", DOUBT)
def test_doubt_is_heard(words: str) -> None:
    assert expresses_doubt(words)
    assert expresses_doubt(f"Hm. {words.upper()}  ")


@pytest.mark.parametrize("words", NO_DOUBT)
def test_what_is_no_doubt_is_none(words: str) -> None:
    """A wrong challenge costs credibility: doubt about a price, a deal, a third party or oneself is none."""
    assert not expresses_doubt(words)
    assert not expresses_doubt(f"Well, {words.lower()} Thank you.")


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
