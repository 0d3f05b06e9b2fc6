"""A game as text for a reader: every turn with its price in currency, and a picture of the offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import SEATS, Move
from parlay_marl.game.form_settings import form_in_words, form_of
from parlay_marl.game.picture import picture
from parlay_marl.game.text import WIDTH, Line, Piece, exact_money, money, number, plain, price_text, wrapped
from parlay_marl.game.turns import Turn

if TYPE_CHECKING:
    from parlay_marl.game.outcome import Outcome
    from parlay_marl.game.record import RecordedGame

LONGEST_NAME = 14

_MOVE_TEXTS = {
    Move.ACCEPT: "accepts",
    Move.WALK_AWAY: "walks away",
    Move.OFFER: "opens at",
    Move.ANCHOR_HIGH: "anchors at",
    Move.BATNA_REVEAL: "claims a limit of",
    Move.SILENCE: "says nothing",
    Move.CHALLENGE: "calls the claim a bluff,",
}


def shortened(name: str) -> str:
    """Return a player's name, shortened to the width of a column."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 2] + ".."


def seat_name(game: RecordedGame, seat: int) -> str:
    """Return the name of a seat's player."""
    return game.names[seat]


def heading(game: RecordedGame, width: int = WIDTH) -> list[Line]:
    """Return the title of a game: the deal, the range, the players."""
    scenario, rounds = game.scenario, game.deal.max_rounds
    span = f"{exact_money(scenario.low, scenario)} to {exact_money(scenario.high, scenario)}"
    talks = f"{rounds} round{'s' if rounds > 1 else ''}, the {SEATS[int(game.row['opener'])]} opens"
    form = form_in_words(form_of(game.config))
    facts = f"{span}, {talks}; {form + '; ' if form else ''}seed {game.seed}, game {game.number}"
    lines = [[Piece(scenario.title, "title")], *wrapped(facts, "dim", width=width)]
    named = [i for i in range(2) if seat_name(game, i) != SEATS[i]]
    if named:
        sides = [Piece(f"{seat_name(game, i)} ({SEATS[i]})", SEATS[i]) for i in named]
        lines.append(sides if len(sides) == 1 else [sides[0], Piece(" against "), sides[1]])
    return lines


def column_heads(names: int) -> Line:
    """Return the headings of a transcript's columns; `names` is the width of the players' names."""
    return [Piece(f"{'':<13}{'':<{names + 2}}{'':<18}{'price':>16}{'gives':>11}{'tension':>9}", "dim")]


def name_width(game: RecordedGame) -> int:
    """Return the width of the players' names; 0 where neither has a name besides that of its seat."""
    names = [seat_name(game, i) for i in range(2)]
    return max(0 if name in SEATS else len(shortened(name)) for name in names)


def move_text(turn: Turn, scenario: Scenario) -> str:
    """Return the move of a turn in words, without its price."""
    if turn.move is Move.OFFER and turn.change is not None:
        given = round(turn.change * (scenario.high - scenario.low), scenario.exact_decimals)
        if given == 0:
            return "holds at"
        return ("comes up to", "comes down to")[turn.seat] if given > 0 else "goes back to"
    if turn.move is Move.CHALLENGE:
        return f"{_MOVE_TEXTS[turn.move]} {turn.result}"
    return _MOVE_TEXTS[turn.move]


def _given(turn: Turn, scenario: Scenario) -> str:
    """Return the concession of an offer against the seat's previous one, as text; empty where it is 0."""
    if turn.change is None:
        return ""
    amount = number(turn.change * (scenario.high - scenario.low), scenario)
    return "" if float(amount.replace(",", "")) == 0.0 else amount


def warmth(tension: float) -> str:
    """Return the style of a tension: hot where turns count as hot under the default rules."""
    return "hot" if tension >= 75.0 else "warm" if tension >= 50.0 else "calm"


def turn_lines(
    turn: Turn, scenario: Scenario, names: int = 0, *, words: bool = True, width: int = WIDTH, told: bool = False
) -> list[Line]:
    """Return a turn as lines of text: its headlines, move, terms and words.

    `names` is the width of the players' names; `told` leaves out the number of the round.
    """
    lines: list[Line] = []
    for headline in turn.headlines:
        lines += headline_lines(headline, width)
    lines.append(_move_line(turn, scenario, names, told))
    indent = 13 + (names + 2 if names else 0)
    if scenario.terms and turn.package is not None and turn.changes_terms:
        lines += wrapped(f"with {scenario.package_label(turn.package)}", SEATS[turn.seat], indent=indent, width=width)
    if turn.result and turn.move is not Move.CHALLENGE:
        lines += wrapped(turn.result, "warm", indent=indent, width=width)
    if words and turn.words:
        is_gesture = turn.words.startswith("(") and turn.words.endswith(")")
        lines += wrapped(turn.words if is_gesture else f'"{turn.words}"', "words", indent=indent, width=width)
    if turn.eroded:
        text = "... patience wears thin on both sides: the room for a deal shrinks."
        lines += wrapped(text, "hot", indent=5, width=width)
    return lines


def headline_lines(headline: str, width: int = WIDTH) -> list[Line]:
    """Return a public headline as lines of text, with empty lines before and after."""
    return [[], *wrapped(f"*** {headline} ***", "headline", indent=5, width=width), []]


def _move_line(turn: Turn, scenario: Scenario, names: int, told: bool) -> Line:
    """Return the line of a turn's move: round, seat, name, move, price, concession, tension."""
    seat, does = SEATS[turn.seat], move_text(turn, scenario)
    name = "" if turn.name == seat else shortened(turn.name)
    price = "" if turn.price is None else price_text(turn.price, scenario)
    figures = f"{does:<18}{price:>16}" if price else f"{does:<34}"
    style = {Move.ACCEPT: "deal", Move.WALK_AWAY: "no_deal"}.get(turn.move, seat)
    return [
        Piece(f"{'' if told else turn.round + 1:>3}  ", "dim"),
        Piece(f"{seat:<8}", seat),
        Piece(f"{name:<{names + 2}}" if names else "", seat),
        Piece(figures, style),
        Piece(f"{_given(turn, scenario) if len(figures) <= 34 else '':>{45 - len(figures)}}", "dim"),
        Piece(f"{turn.tension:>9.0f}", warmth(turn.tension)),
    ]


def verdict(outcome: Outcome, scenario: Scenario, width: int = WIDTH) -> list[Line]:
    """Return the end of a game in words."""
    if outcome.ending == "forfeit":
        text = f"Forfeit by the {outcome.closed_by} in round {outcome.round + 1}, for an illegal move or none at all."
        return wrapped(text, "no_deal", width=width)
    if outcome.price is None:
        how = {
            "walk_away": f"The {outcome.closed_by} walks away",
            "collapsed": "The ZOPA has eroded away",
            "deadline": "The deadline passes",
        }[outcome.ending]
        lines = wrapped(f"No deal. {how} in round {outcome.round + 1}.", "no_deal", width=width)
    else:
        terms = f" with {outcome.package}" if outcome.package else ""
        text = f"Deal at {exact_money(outcome.price, scenario)}{terms} in round {outcome.round + 1}."
        lines = [*wrapped(text, "deal", width=width), *_gain_lines(outcome, scenario)]
    return lines + _room_lines(outcome, scenario, width) + _claim_lines(outcome, width)


def _claim_lines(outcome: Outcome, width: int) -> list[Line]:
    """Return the numbers of claims and of bluffs, where there was a claim."""
    told = []
    for i, seat in enumerate(SEATS):
        made, bluffs, caught = outcome.claims_made[i], outcome.bluffs_made[i], outcome.bluffs_caught[1 - i]
        counted = "no bluff" if bluffs == 0 else f"{bluffs} bluff{'s' if bluffs > 1 else ''}, {caught} caught"
        told += [f"{seat} {made} ({counted})"] if made else []
    return wrapped(f"Claims: {', '.join(told)}.", width=width) if told else []


def ledger_lines(game: RecordedGame, outcome: Outcome, width: int = WIDTH) -> list[Line]:
    """Return the claims of a finished game, with the true limit of each and how it was settled."""
    lines: list[Line] = []
    for claim in outcome.claims:
        seat = SEATS.index(claim.seat)
        price, truth = exact_money(claim.price, game.scenario), money(claim.truth, game.scenario)
        kind = "a bluff" if claim.is_bluff else "honest"
        became = claim.status if claim.settled is None else f"{claim.status} in round {claim.settled + 1}"
        text = f"round {claim.round + 1}, {seat_name(game, seat)} claimed {price}, truth {truth}: {kind}, {became}"
        lines += wrapped(text, claim.seat, indent=2, width=width)
    return lines


def _gain_lines(outcome: Outcome, scenario: Scenario) -> list[Line]:
    """Return the worth of a deal to each seat, a line each."""
    lines: list[Line] = []
    for i, seat in enumerate(SEATS):
        worth = outcome.worth[i] * (scenario.high - scenario.low)
        gain = f"{'gains' if worth >= 0 else 'loses'} {money(abs(worth), scenario)}"
        share = f", {outcome.shares[i]:.0%} of the room for a deal" if outcome.zopa is not None else ""
        lines.append([Piece(f"  the {seat:<6} ", seat), Piece(gain + share)])
    return lines


def _room_lines(outcome: Outcome, scenario: Scenario, width: int) -> list[Line]:
    """Return the ZOPA and the Nash point, or both limits where there is no ZOPA."""
    if outcome.zopa is None or outcome.nash_price is None:
        buyer, seller = (money(limit, scenario) for limit in outcome.reservation)
        return wrapped(f"There is no ZOPA: the buyer's limit is {buyer}, the seller's {seller}.", width=width)
    low, high = (money(price, scenario) for price in outcome.zopa)
    best = f" with {outcome.nash_package}" if outcome.nash_package else ""
    nash = f"the Nash point is {money(outcome.nash_price, scenario)}{best}"
    return wrapped(f"The ZOPA is {low} to {high}; {nash}.", width=width)


def ending_lines(game: RecordedGame, turns: list[Turn], width: int = WIDTH) -> list[Line]:
    """Return the end of a transcript: the verdict and the picture, or for an unfinished game the picture so far."""
    outcome = game.outcome() if game.is_over else None
    told = [*verdict(outcome, game.scenario, width), *ledger_lines(game, outcome, width)] if outcome else []
    if not turns:
        return told
    return [*([[], *told] if told else []), [], *picture(turns, game.scenario, outcome)]


def told_lines(
    turns: list[Turn], game: RecordedGame, *, after: int = -1, words: bool = True, width: int = WIDTH
) -> list[Line]:
    """Return turns as lines of text, with each round's number once; `after` is the round of the previous line."""
    lines: list[Line] = []
    names = name_width(game)
    for turn in turns:
        lines += turn_lines(turn, game.scenario, names, words=words, width=width, told=turn.round == after)
        after = turn.round
    return lines


def transcript(game: RecordedGame) -> str:
    """Return a game so far as text; hidden figures appear only after its end."""
    turns = game.turns
    lines = [*heading(game), [], *([column_heads(name_width(game))] if turns else []), *told_lines(turns, game)]
    return plain(lines + ending_lines(game, turns)) + "\n"
