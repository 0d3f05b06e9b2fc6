"""The reader of a model's reply: what binds, what is said, what is refused and how the error teaches."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlay_marl.catalogue.scenarios import load_scenario
from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView, view_of
from parlay_marl.language.reply import Reply, read_reply
from parlay_marl.language.tools import Call
from tests.language.views import game_at, view_after

OFFERED = view_after("offer 120000")
"""The seller's view in `saas_enterprise`, USD 110,000 to 180,000: the buyer has offered."""
CLAIMED = view_after("claim 140000")
OPENING = view_after()
TIED = [
    *(
        "as long as you add a warranty",
        "once you sign",
        "assuming a warranty",
        "subject to approval",
        "plus a warranty",
    ),
    *("later", "never", "nothing", "maybe", "no", "half", "my offer", "?", "\u00bd", "false", "wenn Sie zahlen"),
]
"""Words that take a command back or tie it to something."""
CHANGED = [
    "EUR",
    "%",
    "percent",
    "each",
    "per month",
    "plus tax",
    "one hundred more",
    "less ten percent",
    "x",
    "\u4e07",
]
"""Words that change a price."""
TERMS = view_after(scenario="hiring_package_terms")
"""The buyer's first view; terms: equity none, small grant, full grant; start in three months, next month, at once."""


def price(amount: float, view: SeatView = OFFERED) -> float:
    return view.normalised(amount)


OFFER = Action(Move.OFFER, price(150_000), 0)
READ: list[tuple[str, Action]] = [
    ("/offer 150000", OFFER),
    ("/offer 150,000", OFFER),
    ("/offer USD 150,000", OFFER),
    ("/offer 150000USD", OFFER),
    ("/offer 150,000usd, please", OFFER._replace(words="please")),
    ("/offer $150,000", OFFER),
    ("/offer 150k", OFFER),
    ("/offer 150 000", OFFER),
    ("/offer 150'000", OFFER),
    ("/offer 150.000,00", OFFER),
    ("/offer 150000.00", OFFER),
    ("/OFFER 150000", OFFER),
    ("  /offer   150000  ", OFFER),
    ("`/offer 150000`", OFFER),
    ("**/offer 150000**", OFFER),
    ("```\n/offer 150000\n```", OFFER),
    ("```text\n/offer 150000\n```", OFFER),
    ("/offer \uff11\uff15\uff10\uff10\uff10\uff10", OFFER),
    ("/offer \u0661\u0665\u0660\u066c\u0660\u0660\u0660", OFFER),
    ("/offer 150\u00a0000", OFFER),
    ("/offer 150000.", OFFER),
    ("/offer 150000\n/offer 150000", OFFER),
    ("/offer 150000.5", Action(Move.OFFER, price(150_000.5), 0)),
    ("I could do 120000, even 130000.\n/offer 150000", OFFER._replace(words="I could do 120000, even 130000.")),
    ("/offer 150000\nTake it or leave it.", OFFER._replace(words="Take it or leave it.")),
    ("/offer 150000 - take it, please", OFFER._replace(words="take it, please")),
    ("<think>My limit is 140000: /accept?</think>\n/offer 150000", OFFER),
    ("My limit is 140000.\n</think>\n/offer 150000", OFFER),
    ("/accept", Action(Move.ACCEPT)),
    ("Fine.\n/accept", Action(Move.ACCEPT, words="Fine.")),
    ("/accept!", Action(Move.ACCEPT)),
    ("/accept thank you", Action(Move.ACCEPT, words="thank you")),
    ("/walk", Action(Move.WALK_AWAY)),
    ("/walk_away", Action(Move.WALK_AWAY)),
    ("/silence", Action(Move.SILENCE)),
    ("/keep_silent", Action(Move.SILENCE)),
    ("/claim 160000", Action(Move.BATNA_REVEAL, price(160_000), 0)),
    ("/anchor", Action(Move.ANCHOR_HIGH, 1.0, 0)),
    ("/anchor 179000", Action(Move.ANCHOR_HIGH, price(179_000), 0)),
    ("/offer 150000\n/believe 140000 7000", OFFER._replace(belief=(price(140_000), 0.1))),
    ("/believe 140,000 7,000\n/offer 150000", OFFER._replace(belief=(price(140_000), 0.1))),
    ("/believe 140k \u00b1 7k\n/offer 150000", OFFER._replace(belief=(price(140_000), 0.1))),
    ('{"move": "offer", "price": 150000}', OFFER),
    ('{"price": 150000}', OFFER),
    ('{"move": "OFFER", "price": "150,000"}', OFFER),
    ('```json\n{"move": "offer", "price": 150000, "words": "Well?"}\n```', OFFER._replace(words="Well?")),
    ('Here you are:\n{"move": "offer", "price": 150000}\nThanks.', OFFER),
    ('{"tactical_move": "OFFER", "offer_amount": 150000, "utterance": "Well?"}', OFFER._replace(words="Well?")),
    ('{"name": "offer", "arguments": {"price": 150000}}', OFFER),
    ('{"move": "keep silent"}', Action(Move.SILENCE)),
    ('{"accept": true}', Action(Move.ACCEPT)),
    ('{"move": "accept", "accept": true}', Action(Move.ACCEPT)),
    ('{"walk_away": true, "words": "Goodbye."}', Action(Move.WALK_AWAY, words="Goodbye.")),
    ('{"words": "Let me think."}', Action(Move.SILENCE, words="Let me think.")),
    ('{"move": "offer", "price": 150000, "belief": [140000, 7000]}', OFFER._replace(belief=(price(140_000), 0.1))),
    ('{"move": "offer", "price": 150000, "belief": {"mean": 140000, "spread": 7000}}',
     OFFER._replace(belief=(price(140_000), 0.1))),
]  # fmt: skip
REFUSED: list[tuple[str, str]] = [
    ("", "No move was found"),
    ("I offer 150000.", "No move was found"),
    ("Deal!", "No move was found"),
    ("Let us say /offer 150000", "No move was found"),
    ("> /offer 150000", "No move was found"),
    ("<think>/accept", "No move was found"),
    ("/offer", "needs a price, such as `/offer 145000`"),
    ("/offer lots", "'lots'|needs a price"),
    ("/offer 5.000", "lies outside|may be"),
    ("/offer 99", "lies outside the public range"),
    ("/offer 150000 or 140000", "not clear"),
    ("/offer 150000abc", "'150000abc' is no price"),
    ("/offer 1.5e5", "'1.5e5' is no price"),
    ("/offer 150%", "'150%' is no price"),
    ("/offer 150000 %", "'150000 %' is no price"),
    ("/offer price=150000", "without `price=`, such as `/offer 145000`"),
    ("/claim offer_amount = 150000", "without `offer_amount=`, such as `/claim 145000`"),
    ("/offer 150000-160000", "not clear"),
    ("/offer 150000 if you sign today", "not clear"),
    ("/accept if you add a warranty", "not clear"),
    ("/accept 150000", "not clear"),
    ("/offer EUR 150000", "another currency|EUR"),
    ("/offer 150000 warranty=one year", "no term `warranty`; there are none"),
    ("/offer 150000\n/offer 160000", "two moves"),
    ("/offer 150000\n/accept", "two moves"),
    ("/offer 150000 /believe 140000 7000", "on a line of its own"),
    ("/believe 140000 7000", "is no move"),
    ("/believe 140000\n/offer 150000", "needs two amounts"),
    ("/believe 140000 -5\n/offer 150000", "5"),
    ("/believe 9999999 7000\n/offer 150000", "out of these bounds"),
    ("/ofer 150000", "did you mean `/offer`"),
    ("/help", "There is no command `/help`"),
    ('{"move": "offer"}', "needs a price"),
    ('{"move": "offer", "price": true}', "no price"),
    ('{"move": "offer", "price": NaN}', "no amount"),
    ('{"move": "offer", "price": 1, "price": 2}', "twice"),
    ('{"move": "offer", "price": 150000, "offer_amount": 160000}', "given twice"),
    ('{"move": "offer", "price": 150000, "discount": 3}', "`discount` means nothing here"),
    ('{"move": "accept", "price": 150000}', "stands alone"),
    ('{"move": "accept", "walk_away": true}', "two moves"),
    ('{"move": "accept", "accept": false}', "The move is ACCEPT, and `accept` is false"),
    ('{"tactical_move": "ACCEPT", "accept": false, "walk_away": false}', "`accept` is false"),
    ('{"move": "walk", "walk_away": false}', "The move is WALK_AWAY, and `walk_away` is false"),
    ("/offer 130", "USD 130 lies outside the public range, .* Did you mean 130k?"),
    ('{"move": "offer", "price": 130}', "did you mean 130,000?"),
    ('{"move": "offer", "price": "130"}', "Did you mean 130k?"),
    ('{"move": "offer", "price": 150000}\n{"move": "accept"}', "several JSON objects"),
    ('{"move": "offer", "price": 150000}\n/accept', "a JSON object and a command"),
    ('{"move": "haggle"}', "is no move"),
    ('{"words": ""}', "Nothing was done"),
    ('{"move": "offer", "price": [150000]}', "no price"),
]


@pytest.mark.parametrize(("reply", "action"), READ)
def test_a_reply_is_read(reply: str, action: Action) -> None:
    assert read_reply(reply, OFFERED) == action


@pytest.mark.parametrize(("reply", "reason"), REFUSED)
def test_a_reply_is_refused_and_the_error_teaches(reply: str, reason: str) -> None:
    with pytest.raises((UnclearTextError, IllegalMoveError), match=reason) as error:
        read_reply(reply, OFFERED)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("line", [f"/accept {words}" for words in TIED] + [f"/offer 150000 {each}" for each in CHANGED])
def test_words_that_may_change_a_command_are_refused_behind_it(line: str) -> None:
    with pytest.raises(UnclearTextError, match=r"not clear|is no price"):
        read_reply(line, OFFERED)


def test_a_line_may_end_as_any_system_ends_it() -> None:
    for end in ("\r\n", "\r", "\n"):
        assert read_reply(f"Well.{end}/offer 150000 USD{end}Thanks.", OFFERED) == OFFER._replace(words="Well.\nThanks.")


@pytest.mark.parametrize(
    "reply",
    [
        '{"move": "offer", "price": 150000, "options": {"accept": true},}',
        '{"words": "Hm.", "plan": {"accept": true}, "move": "off',
        '{move: "offer", otherwise: {"accept": true}}',
        '{"move": "offer", "price": 150000,}\n/accept',
        "{'move': 'offer', 'price': 150000}",
        '{"name": "accept", "move": "offer", "price": 150000}',
        '{"name": "offer", "arguments": {"price": 150000}, "parameters": {"price": 160000}}',
    ],
)
def test_no_move_is_read_out_of_a_part_of_an_object(reply: str) -> None:
    """A reply that was cut off, or is no JSON, may hold a plan that is whole."""
    with pytest.raises(UnclearTextError, match=r"object is not whole|nothing else"):
        read_reply(reply, OFFERED)


@pytest.mark.parametrize(
    ("reply", "package"),
    [
        ("/offer 200000", 2),
        ("/offer 200000 equity=full grant", 8),
        ("/offer 200000, equity=full grant, start=next month", 7),
        ("/offer 200000 with equity=Full Grant; start=at once", 8),
        ("/offer 200000 start = in three months", 0),
        ('{"price": 200000, "terms": {"equity": "small grant", "start": "at once"}}', 5),
        ('{"price": 200000, "terms": {"Equity": "small_grant"}}', 5),
        ('{"price": 200000, "terms": {}}', 2),
    ],
)
def test_terms_are_named_and_others_stay(reply: str, package: int) -> None:
    """Before its first offer, terms stay as in the package that is worth most to the seat: no equity, at once."""
    assert read_reply(reply, TERMS) == Action(Move.OFFER, TERMS.normalised(200_000), package)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("/offer 200000 equity=much", "has no option `much`; there are `none`, `small grant`, `full grant`"),
        ("/offer 200000 pension=none", "no term `pension`; there are `equity`, `start`"),
        ("/offer 200000 equity=none equity=full grant", "named twice"),
        ("/offer 200000 full grant, please", "not clear"),
        ("/offer 200000 no equity=full grant", "not clear"),
        ("/offer 200000 equity=none or start=at once", "no option `none or`"),
        ('{"price": 200000, "terms": {"equity": null}}', "leave out a term that stays"),
        ('{"price": 200000, "terms": {"equity": ["none"]}}', "is text"),
        ('{"price": 200000, "terms": ["full grant"]}', "an object of options"),
        ('{"price": 200000, "terms": {"equity": "none", "EQUITY": "full grant"}}', "named twice"),
    ],
)
def test_unclear_terms_are_refused(reply: str, reason: str) -> None:
    with pytest.raises(UnclearTextError, match=reason):
        read_reply(reply, TERMS)


@pytest.mark.parametrize(
    ("term", "option"),
    [
        ("2nd bonus", "120"),
        ("late start", "x=y"),
        ("pay/day", "10%, yes"),
        ("l\u2019\u00e9quit\u00e9", "z"),
        ("a=b", "c"),
    ],
)
def test_terms_of_any_name_can_be_named(term: str, option: str) -> None:
    """A scenario's author may call them what they like: with digits, as a part of another one's name, in any script."""
    scenario = load_scenario("hiring_package_terms")
    equity, start = scenario.terms
    options = (*equity.options[:2], equity.options[2].model_copy(update={"name": option}))
    odd = equity.model_copy(update={"name": term, "options": options})
    game = game_at(scenario.model_copy(update={"terms": (start, odd)}))
    view = view_of(game, game.seat)
    action = view.make_offer(200_000, {"start": "next month", term: option})
    for text in (
        f"/offer 200000 {term}={option}, start=next month",
        f"/offer 200000 start=next month {term} = {option}",
    ):
        assert read_reply(text, view) == action


def test_what_is_not_legal_now_is_refused_with_what_is() -> None:
    with pytest.raises(
        IllegalMoveError, match=r"/accept is not legal now: no offer of the other seat stands. You may: /"
    ):
        read_reply("/accept", OPENING)
    with pytest.raises(IllegalMoveError, match="CHALLENGE is not legal now: the other seat has no open claim"):
        read_reply('{"move": "challenge"}', OFFERED)
    with pytest.raises(IllegalMoveError, match="walk_away is not legal now"):
        read_reply(Reply(calls=(Call("walk_away"),)), OPENING)


def test_words_alone_in_json_challenge_a_claim_that_they_doubt() -> None:
    assert read_reply('{"words": "You are bluffing."}', CLAIMED).move is Move.CHALLENGE
    assert read_reply('{"words": "Interesting."}', CLAIMED).move is Move.SILENCE
    assert read_reply("/challenge", CLAIMED) == Action(Move.CHALLENGE)


def test_beliefs_are_refused_where_the_game_takes_none() -> None:
    view = view_after("offer 120000", beliefs="bayes")
    with pytest.raises(UnclearTextError, match="takes no stated belief"):
        read_reply("/offer 150000\n/believe 140000 7000", view)


TOOL_REPLIES = [
    ([("offer", {"price": 150_000})], OFFER),
    ([("offer", '{"price": 150000, "words": "Well?"}')], OFFER._replace(words="Well?")),
    ([("offer", {"price": "150,000"})], OFFER),
    ([("accept", "")], Action(Move.ACCEPT)),
    ([("keep_silent", "{}")], Action(Move.SILENCE)),
    ([("state_belief", {"mean": 140_000, "spread": 7_000}), ("accept", {})],
     Action(Move.ACCEPT, belief=(price(140_000), 0.1))),
    ([("accept", {}), ("accept", {})], Action(Move.ACCEPT)),
]  # fmt: skip


@pytest.mark.parametrize(("calls", "action"), TOOL_REPLIES)
def test_tool_calls_are_read_and_text_beside_them_is_not(calls: list[tuple[str, object]], action: Action) -> None:
    made = tuple(Call(name, arguments) for name, arguments in calls)  # type: ignore[arg-type]
    assert read_reply(Reply("My limit is 140000.\n/walk", made), OFFERED) == action


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([("offer", "{price: 1")], "no JSON"),
        ([("offer", "[1]")], "an object"),
        ([("offer", {})], "needs a price"),
        ([("offer", {"price": 150_000}), ("accept", {})], "Two moves"),
        ([("haggle", {})], "no tool `haggle`"),
        ([("state_belief", {"mean": 140_000, "spread": 7_000})], "is no move"),
        ([("offer", {"price": 150_000, "limit": 1})], "`limit` means nothing"),
    ],
)
def test_unclear_calls_are_refused(calls: list[tuple[str, object]], reason: str) -> None:
    made = tuple(Call(name, arguments) for name, arguments in calls)  # type: ignore[arg-type]
    with pytest.raises(UnclearTextError, match=reason):
        read_reply(Reply("", made), OFFERED)


@pytest.mark.parametrize("price", ["1" + "0" * 400, "-1" + "0" * 4_000, "1e999", "-1e999"])
def test_a_number_that_is_too_large_for_any_is_no_price(price: str) -> None:
    for text in (f'{{"move": "offer", "price": {price}}}', f'{{"accept": true, "belief": [{price}, 1]}}'):
        with pytest.raises(UnclearTextError, match="is no price"):
            read_reply(text, OFFERED)


LONG = 60_000
SLOW_TO_READ = [
    *(
        "a" * LONG,
        "hello\n" * (LONG // 6),
        "/offer 1\n" * (LONG // 9),
        "`" * LONG + "/offer 1",
        "\t " * (LONG // 2) + "x",
    ),
    *("{" * LONG, '{"a":' * (LONG // 5), '{"' * (LONG // 2), ('{"a":' * 400 + "1" + "}" * 400) * 20),
    *("<think>" * (LONG // 7), "</think" * (LONG // 7), "<think>a" * (LONG // 8) + "</think>"),
    *("/offer " + " " * LONG + "x", "/offer " + "1," * (LONG // 2), "/offer 1 " + "a b " * (LONG // 4) + "=x"),
    *("/accept " + " /" * (LONG // 2), "/believe " + "1 " * (LONG // 2), "/" + "a" * LONG),
]
"""Long replies that a reader with a careless expression looks at for minutes."""
SECONDS_FOR_ALL = 30.0
"""Of CPU: a hundred times what they need, a tenth of what they took."""


def test_no_reply_takes_long_to_read() -> None:
    """A server reads them in its loop, where everybody else waits."""
    began = time.process_time()
    for text in SLOW_TO_READ:
        with pytest.raises((UnclearTextError, IllegalMoveError)):
            read_reply(text, TERMS)
    assert time.process_time() - began < SECONDS_FOR_ALL


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        action = read_reply(text, OFFERED)
    except (UnclearTextError, IllegalMoveError):
        return
    assert action.move in OFFERED.legal_moves


PIECES = st.sampled_from([
    "/offer ", "/accept", "/walk", "\n", "150000", "\uff11",
    "150,000 ", '{"move": ', '"offer"', ', "price": ', "}", "```", "=", " equity",
    "<think>", "</think>", "if ", "- ", "/believe ", "7000 ", "*", "`",
])  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from([OFFERED, OPENING, TERMS, CLAIMED]))
def test_pieces_of_replies_are_read_or_refused(text: str, view: SeatView) -> None:
    try:
        action = read_reply(text, view)
    except (UnclearTextError, IllegalMoveError):
        return
    assert action.move in view.legal_moves
    assert "think" not in action.words


@settings(deadline=None)
@given(st.floats(110_000, 180_000).map(lambda amount: round(amount, 2)))
def test_all_forms_of_one_reply_are_one_action(amount: float) -> None:
    replies = (
        f"/offer {amount}", f"/offer {amount:,.2f}", f'{{"move": "offer", "price": {amount}}}',
        json.dumps({"offer_amount": f"{amount:,.2f}"}), Reply("", (Call("offer", {"price": amount}),)),
    )  # fmt: skip
    assert {read_reply(reply, OFFERED) for reply in replies} == {OFFERED.make_offer(amount)}
