"""A seat's view as text for a reader, such as a language model; the text holds nothing beyond the view.

It is made from a `SeatView` and `News`, the events since the reader's last position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from parlay_marl.core.form import USUAL_PROTOCOL
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.game.text import exact_money, money
from parlay_marl.game.turns import Turn
from parlay_marl.game.view import Offer, PublicClaim, SeatView
from parlay_marl.language.forms import JSON, MOVE_ORDER, Form, example_price
from parlay_marl.language.quoting import LONGEST_WORDS, quoted
from parlay_marl.language.scenario_text import ScenarioText

WAITING = 'It is their turn: wait for it, by {"wait": true}.'
HOTTEST = 100.0
"""The largest tension."""
PLAIN_WORDS = {
    Move.ACCEPT: "I accept {price}.",
    Move.WALK_AWAY: "There is no deal in this. I am leaving.",
    Move.OFFER: "I offer {price}.",
    Move.ANCHOR_HIGH: "{price}. That is where I start.",
    Move.BATNA_REVEAL: "{price} is my limit.",
    Move.SILENCE: "(says nothing)",
    Move.CHALLENGE: "I do not believe your claim.",
}
"""The words of an opponent that has none of its own."""


_DONE = {
    Move.ACCEPT: "accepted {price}",
    Move.WALK_AWAY: "walked away",
    Move.OFFER: "offered {price}",
    Move.ANCHOR_HIGH: "anchored at {price}",
    Move.BATNA_REVEAL: "claimed a limit of {price}",
    Move.SILENCE: "kept silent",
    Move.CHALLENGE: "challenged the claim",
}


class News(NamedTuple):
    """The events since the last position that a seat was shown."""

    headlines: tuple[str, ...] = ()
    words: str = ""
    """The words of the other seat's new turn; empty where it has had none, or said nothing."""
    did: str = ""
    """The action of the other seat in that turn, as from `done_in`; empty where its words say it."""
    erosions: int = 0
    """The number of times that the ZOPA has eroded."""
    limit_before: float | None = None
    """The limit in the seat's last position, in currency; None at the beginning."""


def _price_in(turn: Turn, text: ScenarioText) -> str:
    """Return the price of a turn; a sealed price is hidden."""
    if turn.price is None:
        return "a sealed price" if turn.move is Move.OFFER else ""
    return text.exact_money(text.scenario.to_currency(turn.price))


def spoken(turn: Turn, text: ScenarioText) -> str:
    """Return the words of a turn or, where it has none, a plain sentence for its move."""
    if turn.words:
        return turn.words
    price = _price_in(turn, text)
    if turn.package is not None and text.scenario.terms:
        price += f", {text.listed(turn.package)}"
    return PLAIN_WORDS[turn.move].format(price=price)


def done_in(turn: Turn, text: ScenarioText) -> str:
    """Return the action of a turn, as the rest of a sentence with `They` or `You`."""
    price = _price_in(turn, text)
    if turn.package is not None and text.scenario.terms:
        price += f" with {text.listed(turn.package)}"
    result = f", {turn.result}" if turn.result else ""
    return _DONE[turn.move].format(price=price) + result


def introduction(view: SeatView, text: ScenarioText, form: Form = JSON) -> str:
    """Return the story, the aim, the moves and the form of a reply, for the first observation."""
    key = view.seat, view.prices, view.protocol, view.moves, view.states_belief, form.name
    rules, before, after = text.introductions.get(key, (None, "", ""))
    if rules is not view.rules:
        before, after = _story_and_aim(view), "\n".join((*_answer_form(view, form), *_heat(view)))
        text.introductions[key] = view.rules, before, after
    return "\n".join((before, *_packages(view, text, form), after))


def _story_and_aim(view: SeatView) -> str:
    """Return the story and the aim; nothing in them changes from game to game."""
    scenario = view.scenario
    other, better = SEATS[1 - view.seat], ("below", "above")[view.seat]
    story = " ".join(scenario.story.split())
    aim = (
        f"You are the {view.role}, they are the {other}. Any deal {better} your limit beats no deal; limits are "
        f"private. Prices lie between {exact_money(scenario.low, scenario)} and {exact_money(scenario.high, scenario)}."
    )
    if view.prices:
        aim += f" Only these may be offered: {', '.join(exact_money(price, scenario) for price in view.prices)}."
    if view.protocol != USUAL_PROTOCOL:
        meaning = PROTOCOLS[view.protocol].meaning
        aim += f" {meaning[0].upper()}{meaning[1:]}."
    return "\n".join(part for part in (scenario.title + ".", story, aim) if part)


def _answer_form(view: SeatView, form: Form) -> list[str]:
    """Return the form of an answer, and each move with its effect and cost, a line each."""
    price, meanings = example_price(view), _meanings(view, form)
    regain, most = _points(view, "regain"), _points(view, "most")
    closing = f"{form.closing} " if form.closing else ""
    return [
        form.opening(view, price),
        *(f"- {form.heading(move)}: {meanings[move]}" for move in MOVE_ORDER if move in view.moves),
        *([form.belief(view, price)] if view.states_belief else []),
        f"{closing}Credibility comes back by {regain} a turn, up to {most}.",
    ]


def _meanings(view: SeatView, form: Form) -> dict[Move, str]:
    """Return the effect and the cost of each move."""
    caught, wrong, contradicted = (
        _points(view, f"{name}_loss") for name in ("caught", "wrong_challenge", "contradiction")
    )
    meanings = {
        Move.OFFER: f"offer the price {form.amount}; it stands until your next one, and they may accept it",
        Move.ACCEPT: "take their offer exactly as it stands, which ends the talks with a deal",
        Move.ANCHOR_HIGH: f"an offer at your own end of the range, or at {form.amount}",
        Move.BATNA_REVEAL: f"claim that {form.amount} is your limit; a claim is also a binding offer at that price, "
        "which they may accept",
        Move.SILENCE: "offer nothing; offers stay as they are",
        Move.CHALLENGE: "call their open claim a bluff",
        Move.WALK_AWAY: "end the talks without a deal",
    }
    further = {
        Move.OFFER: f" {form.terms(view.scenario)}" if view.scenario.terms else "",
        Move.BATNA_REVEAL: f" A claim that is {_bluff(view)} off is a bluff: challenged, it costs {caught} credibility "
        f"more. An offer or a deal that goes beyond your own claim costs {contradicted}.",
        Move.CHALLENGE: f" If it was honest, you lose {wrong} credibility.",
    }
    return {move: f"{does}{_cost(view, move)}.{further.get(move, '')}" for move, does in meanings.items()}


_POINTS = {Move.BATNA_REVEAL: "claim_cost", Move.SILENCE: "silence_cost"}
_HEATS = {
    Move.ANCHOR_HIGH: "anchor_heat", Move.BATNA_REVEAL: "claim_heat", Move.SILENCE: "silence_heat",
    Move.CHALLENGE: "challenge_heat",
}  # fmt: skip
"""The parameters of the rules that say what a move costs."""


def move_costs(view: SeatView, move: Move) -> tuple[float, float]:
    """Return the credibility that a move costs and the tension that it adds, by the rules; 0 where it is free."""
    credibility = view.rule("credibility", _POINTS[move]) if move in _POINTS else 0.0
    heat = view.rule("tension", _HEATS[move]) if move in _HEATS else 0.0
    return credibility, heat


def _cost(view: SeatView, move: Move) -> str:
    """Return the cost of a move in words; empty where it is free."""
    credibility, heat = move_costs(view, move)
    costs = [f"costs {credibility:g} credibility"] if credibility else []
    costs += [f"adds {heat:g} to the tension"] if heat > 0 else []
    return f"; {' and '.join(costs)}" if costs else ""


def _bluff(view: SeatView) -> str:
    """Return in words how far from the true limit a claim is a bluff."""
    share, scenario = view.rule("credibility", "tolerance"), view.scenario
    if view.rule("credibility", "tolerance_of_truth"):
        return f"more than {share:.0%} of your limit"
    return f"more than {money(share * (scenario.high - scenario.low), scenario)}"


def _points(view: SeatView, name: str) -> str:
    """Return a parameter of the rules of credibility."""
    return f"{view.rule('credibility', name):g}"


def _heat(view: SeatView) -> list[str]:
    """Return the effects of tension in words."""
    turns, hot = view.rule("erosion", "hot_turns"), view.rule("erosion", "hot_tension")
    if not view.rule("erosion", "rate") or hot > HOTTEST:
        return []
    return [
        "Digging in heats the talks, conceding cools them. "
        f"{turns:g} turns in a row at a tension of {hot:g} or more move both limits towards each other: there is less "
        "left to agree on."
    ]


def _packages(view: SeatView, text: ScenarioText, form: Form) -> list[str]:
    """Return the worth of each package to the seat, a line each; empty where the deal has only a price."""
    if not view.scenario.terms:
        return []
    lines = [f"- {text.listed(package)}: {text.number(worth)}" for package, worth in enumerate(view.package_worth)]
    where = "" if form.name == "commands" else " (name them in `terms`)"
    return [f"What terms are worth to you beside the price{where}:", *lines]


def position(
    view: SeatView,
    belief: Mapping[str, float] | None,
    news: News,
    text: ScenarioText,
    form: Form = JSON,
    longest_words: int = LONGEST_WORDS,
) -> str:
    """Return the position before the reader's turn, one fact per line, with news first.

    The other's words are quoted as data, see `quoting`.
    """
    lines = [f"News: {headline}" for headline in news.headlines]
    if news.did:
        lines.append(f"They {news.did}.")
    if news.words:
        lines.append(f"They say: {quoted(news.words, longest_words)}")
    last = ", the last" if view.round == view.rounds - 1 else ""
    alternative = "an alternative" if view.has_alternative else "no alternative"
    before_terms = " before terms" if view.scenario.terms else ""
    lines += [
        *_moved_limit(view, news, text),
        f"Round {view.round + 1} of {view.rounds}{last}. Tension {view.tension:.0f} of 100.",
        f"Your limit: {text.money(view.reservation_price)}{before_terms}; urgency {view.urgency:.2f}, {alternative}.",
        _offer("Your offer", view.offer, text),
        _offer("Their offer", view.counter_offer, text),
        *_claim("Your", view.claim, text),
        *_claim("Their", view.counter_claim, text),
        *_belief(belief, text),
        f"Credibility: you {view.credibility:.0f}, they {view.counter_credibility:.0f}.",
        f"You may: {', '.join(map(form.label, view.legal_moves))}." if view.legal_moves else WAITING,
    ]
    return "\n".join(lines)


def _moved_limit(view: SeatView, news: News, text: ScenarioText) -> list[str]:
    """Return the sentence on a change of the seat's limit, and its cause."""
    before, now = news.limit_before, view.reservation_price
    if before is None or before == now:
        return []
    causes = ["Hot talks have eroded what both can agree on"] if news.erosions else []
    causes += ["the news has changed your position"] if news.headlines or not causes else []
    cause = ", and ".join(causes)
    moved = f"your limit has moved from {text.money(before)} to {text.money(now)}."
    return [f"{cause[0].upper()}{cause[1:]}: {moved}"]


def _offer(whose: str, offer: Offer | None, text: ScenarioText) -> str:
    if offer is None:
        return f"{whose}: none yet."
    terms = f" with {text.listed(offer.package)}" if text.scenario.terms else ""
    return f"{whose}: {text.exact_money(offer.price)}{terms}; worth {text.number(offer.worth)} to you."


def _claim(whose: str, claim: PublicClaim | None, text: ScenarioText) -> list[str]:
    if claim is None:
        return []
    return [f"{whose} claim: a limit of {text.exact_money(claim.price)}; {claim.status}."]


def _belief(belief: Mapping[str, float] | None, text: ScenarioText) -> list[str]:
    """Return the belief of the seat's tracker in words, from the figures of `BeliefView.as_dict`."""
    if belief is None:
        return []
    mean, low, high = text.money(belief["reservation"]), text.money(belief["low"]), text.money(belief["high"])
    return [
        f"Your tracker's estimate of their limit: {mean} (90%: {low} to {high}); "
        f"urgency {belief['urgency']:.2f}, alternative {belief['alternative']:.0%}."
    ]
