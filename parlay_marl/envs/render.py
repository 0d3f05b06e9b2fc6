"""A game as text that a person reads: every turn with its price in currency, and a picture of the offers closing in.

Text is made of lines of pieces, each with a style's name that says what it is, not how it looks: `plain` drops the
styles, the command line turns them into colours.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.drift import price_given_up
from parlay_marl.core.moves import SEATS, ClaimStatus, Move, makes_offer
from parlay_marl.opponents.seat import ScriptedOpponent
from parlay_marl.opponents.voice import drifted_now, line, occasion

if TYPE_CHECKING:
    from parlay_marl.envs.game import Game, PlayedMove
    from parlay_marl.envs.outcome import Outcome

USUAL_ROUNDS = 20.0
WIDTH = 80
"""Columns of a transcript where nobody says how many there are."""
TRACK = 61
"""Characters of the picture's price axis: three for two steps of the discrete grid."""
MOST_ROWS = 24
"""Lines of the picture; longer games leave rounds out."""
LONGEST_NAME = 14

STYLES = (
    "title", "dim", "buyer", "seller", "words", "headline", "calm", "warm", "hot", "deal", "no_deal", "zopa", "nash",
)  # fmt: skip
"""What a piece of text can be, beside plain text."""

_BEFORE_NUMBER = re.compile(r" (?=[+-]?\d)")

_DEEDS = {
    Move.ACCEPT: "accepts",
    Move.WALK_AWAY: "walks away",
    Move.OFFER: "opens at",
    Move.ANCHOR_HIGH: "anchors at",
    Move.BATNA_REVEAL: "claims a limit of",
    Move.SILENCE: "says nothing",
    Move.CHALLENGE: "calls the claim a bluff,",
}


class Piece(NamedTuple):
    """Some text of one style; the empty style is plain text."""

    text: str
    style: str = ""


Line = list[Piece]


@dataclass(frozen=True)
class Turn:
    """One turn as a spectator sees it.

    Prices are normalised; `change` is the price given up, None at a first offer. `changes_terms`: the package is not
    that of the seat's last offer.
    """

    round: int
    seat: int
    name: str
    headlines: tuple[str, ...]
    move: Move
    price: float | None
    package: int | None
    change: float | None
    changes_terms: bool
    result: str
    tension: float
    eroded: bool
    words: str


def digits(scenario: Scenario) -> int:
    """Return the decimals of a scenario's prices: none where its range is wide."""
    return 0 if scenario.high - scenario.low >= 1000 else 2


def number(amount: float, scenario: Scenario) -> str:
    """Return an amount of currency as text without the currency's name."""
    return f"{round(amount, digits(scenario)) + 0.0:,.{digits(scenario)}f}"


def money(amount: float, scenario: Scenario) -> str:
    """Return an amount of currency as text, with as many digits as the scenario's range needs."""
    return f"{scenario.currency} {number(amount, scenario)}"


def price_text(x: float, scenario: Scenario) -> str:
    """Return a normalised price as text in currency."""
    return money(scenario.to_currency(x), scenario)


def seat_name(game: Game, seat: int) -> str:
    """Return the name of who plays a seat."""
    player = game.players[seat]
    return SEATS[seat] if player is None else player.name


class Narrator:
    """Tells a game turn by turn, by playing its moves again."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self._again = type(game)(game.config)
        self._told_events = 0
        self._changed: set[int] = set()
        self.key: tuple[Any, ...] = ()
        self.turns: list[Turn] = []

    def catch_up(self) -> list[Turn]:
        """Return the turns played since the last call; a new game is told from its start."""
        game = self.game
        key = (game.seed, game.number, id(game.options))
        moves = game.moves
        if key != self.key or len(moves) < len(self.turns):
            self.key, self.turns, self._told_events, self._changed = key, [], 0, set()
            self._again.begin(game.seed or 0, game.number, game.options)
        new = [self._tell(played, count) for count, played in enumerate(moves) if count >= len(self.turns)]
        self.turns += new
        return new

    def _tell(self, played: PlayedMove, count: int) -> Turn:
        """Play one move again and tell of it."""
        again, seat = self._again, self._again.seat
        headlines, words = self._headlines(), self._words(played, count)
        before = again.row.copy()
        again.play(*played)
        after = again.row
        maker = 1 - seat if played.move is Move.ACCEPT else seat
        is_priced = makes_offer(played.move) or played.move is Move.ACCEPT
        return Turn(
            round=int(before["round"]),
            seat=seat,
            name=seat_name(self.game, seat),
            headlines=headlines,
            move=played.move,
            price=float(after["offer_price"][maker]) if is_priced else None,
            package=int(after["offer_package"][maker]) if is_priced else None,
            change=_change(before, played, seat),
            changes_terms=before["offers_made"][seat] == 0
            or before["offer_package"][seat] != after["offer_package"][maker],
            result=_result(before, after, played.move, seat),
            tension=float(after["tension"]),
            eroded=bool(after["erosion_ticks"] > before["erosion_ticks"]),
            words=words,
        )

    def news(self) -> tuple[str, ...]:
        """Return the headlines that no turn has told yet, once, after the turns have been told."""
        return self._headlines()

    def _headlines(self) -> tuple[str, ...]:
        """Return the headlines that have come since they were last told."""
        fired = int(self._again.row["events_fired"])
        new = fired & ~self._told_events
        self._told_events = fired
        return tuple(event.headline for i, event in enumerate(self.game.scenario.events) if new & (1 << i))

    def _words(self, played: PlayedMove, count: int) -> str:
        """Return what a persona says with a move; other players say nothing."""
        again, seat = self._again, self._again.seat
        player = self.game.players[seat]
        if not isinstance(player, ScriptedOpponent):
            return ""
        drifted = drifted_now(again.rows, player.record, 0, seat)
        style = player.record[0]["drifted" if drifted else "base"]
        late = again.row["round"] >= style["ultimatum_round"] * again.config.max_rounds / USUAL_ROUNDS
        change = _change(again.row, played, seat)
        whens = [occasion(played.move, change is None, change is not None and change > 1e-9, bool(late))]
        if drifted and seat not in self._changed:
            self._changed.add(seat)
            whens.insert(0, "drift")
        maker = 1 - seat if played.move is Move.ACCEPT else seat
        price = again.row["offer_price"][maker] if played.move is Move.ACCEPT else played.price
        package = again.row["offer_package"][maker] if played.move is Move.ACCEPT else played.package
        scenario, choice = self.game.scenario, int(again.row["key"]) // 7 + count // 2
        facts = {
            "price": price_text(float(price), scenario),
            "terms": scenario.package_label(int(package)),
            "other": SEATS[1 - seat],
        }
        return " ".join(filter(None, (line(player.persona, when, choice, **facts) for when in whens)))


def _change(before: Any, played: PlayedMove, seat: int) -> float | None:
    """Return the price that an offer gives up against the seat's last one; None where there is none to compare."""
    if not makes_offer(played.move) or before["offers_made"][seat] == 0:
        return None
    return price_given_up(seat, float(before["offer_price"][seat]), played.price)


def _result(before: Any, after: Any, move: Move, seat: int) -> str:
    """Return what came to light in a turn about a claim, in words."""
    if move is Move.CHALLENGE:
        return "and it was" if after["claim_status"][1 - seat] == ClaimStatus.CAUGHT else "but it was honest"
    was_open = before["claim_status"][seat] == ClaimStatus.OPEN
    if was_open and after["claim_status"][seat] == ClaimStatus.CONTRADICTED:
        return "against its own claim"
    return ""


# ---------------------------------------------------------------------------------------------------- lines of text


def plain(lines: Iterable[Line]) -> str:
    """Return lines as text without styles."""
    return "\n".join("".join(piece.text for piece in parts).rstrip() for parts in lines)


def wrapped(text: str, style: str = "", *, indent: int = 0, width: int = WIDTH, first: str = "") -> list[Line]:
    """Return text broken into lines of a width, all indented, and no number torn off the word before it.

    `first` stands in the first line's indent.
    """
    kept = _BEFORE_NUMBER.sub("\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(kept, max(width - indent, 20), break_long_words=False, break_on_hyphens=False) or [""]
    return [
        [Piece((first if i == 0 else "").ljust(indent), "dim"), Piece(part.replace("\N{NO-BREAK SPACE}", " "), style)]
        for i, part in enumerate(lines)
    ]


def shortened(name: str) -> str:
    """Return a player's name, cut where it is too long for a column."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 2] + ".."


def heading(game: Game, width: int = WIDTH) -> list[Line]:
    """Return the title of a game: the deal, the range, who sits where."""
    scenario, rounds = game.scenario, game.config.max_rounds
    span = f"{money(scenario.low, scenario)} to {money(scenario.high, scenario)}"
    talks = f"{rounds} round{'s' if rounds > 1 else ''}, the {SEATS[int(game.row['opener'])]} opens"
    facts = f"{span}, {talks}; seed {game.seed}, game {game.number}"
    lines = [[Piece(scenario.title, "title")], *wrapped(facts, "dim", width=width)]
    if any(player is not None for player in game.players):
        sides = [Piece(f"{seat_name(game, i)} ({SEATS[i]})", SEATS[i]) for i in range(2) if game.players[i] is not None]
        lines.append(sides if len(sides) == 1 else [sides[0], Piece(" against "), sides[1]])
    return lines


def column_heads(names: int) -> Line:
    """Return the heads of a transcript's columns, for names of so many characters."""
    return [Piece(f"{'':<13}{'':<{names + 2}}{'':<18}{'price':>16}{'gives':>11}{'tension':>9}", "dim")]


def name_width(game: Game) -> int:
    """Return how many characters the players' names need; none where the seats' names say it all."""
    names = [seat_name(game, i) for i in range(2)]
    return max(0 if name in SEATS else len(shortened(name)) for name in names)


def deed(turn: Turn, scenario: Scenario) -> str:
    """Return what a turn did, in words, without its price."""
    if turn.move is Move.OFFER and turn.change is not None:
        given = round(turn.change * (scenario.high - scenario.low), digits(scenario))
        if given == 0:
            return "holds at"
        return ("comes up to", "comes down to")[turn.seat] if given > 0 else "goes back to"
    if turn.move is Move.CHALLENGE:
        return f"{_DEEDS[turn.move]} {turn.result}"
    return _DEEDS[turn.move]


def _given(turn: Turn, scenario: Scenario) -> str:
    """Return the amount that an offer gives up against the one before, where it is one that moves."""
    if turn.change is None:
        return ""
    amount = number(turn.change * (scenario.high - scenario.low), scenario)
    return "" if float(amount.replace(",", "")) == 0.0 else amount


def warmth(tension: float) -> str:
    """Return the style of a tension: hot from where turns count as hot by the default rules."""
    return "hot" if tension >= 75.0 else "warm" if tension >= 50.0 else "calm"


def turn_lines(
    turn: Turn, scenario: Scenario, names: int = 0, *, words: bool = True, width: int = WIDTH, told: bool = False
) -> list[Line]:
    """Return a turn as lines of text: headlines, the move, its terms, the words that go with it.

    `names` is the width of the players' names. `told` leaves the round's number out: an earlier turn has shown it.
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
    """Return a public headline as lines of text, with air around it."""
    return [[], *wrapped(f"*** {headline} ***", "headline", indent=5, width=width), []]


def _move_line(turn: Turn, scenario: Scenario, names: int, told: bool) -> Line:
    """Return the line of a turn's move: round, seat, name, deed, price, what it gives, tension."""
    seat, does = SEATS[turn.seat], deed(turn, scenario)
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


# ------------------------------------------------------------------------------------------------------ the picture


def picture(turns: list[Turn], scenario: Scenario, outcome: Outcome | None) -> list[Line]:
    """Return the offers closing in: a line a round, `b` the buyer's price, `s` the seller's, `X` the deal.

    Each trails what it has given up since its first offer. After the end a last line marks the ZOPA with `=` and the
    Nash point with `N`.
    """
    low, high = money(scenario.low, scenario), money(scenario.high, scenario)
    lines: list[Line] = [[Piece(f"     {low}{high:>{TRACK + 2 - len(low)}}", "dim")]]
    rows = _rows(turns)
    step = math.ceil(len(rows) / MOST_ROWS)
    last = max(rows)
    for index, track in rows.items():
        if (last - index) % step == 0:
            lines.append([Piece(f"{index + 1:>3}  |", "dim"), *_joined(track), Piece("|", "dim")])
    if outcome is not None and outcome.zopa is not None and outcome.nash_price is not None:
        lines.append(_zopa_row(outcome, scenario))
    return [*lines, _legend(outcome)]


def axis(turns: list[Turn], mark: str = "", x: float = 0.0) -> Line:
    """Return the price axis as it is now, with one more mark at a normalised price where no offer stands there."""
    rows = list(_rows(turns).values())
    cells = rows[-1] if rows else [Piece(" ")] * TRACK
    if mark and 0.0 <= x <= 1.0 and cells[_cell(x)].text in " -":
        cells[_cell(x)] = Piece(mark, "nash")
    return [Piece("|", "dim"), *_joined(cells), Piece("|", "dim")]


def _legend(outcome: Outcome | None) -> Line:
    """Return what the marks of the picture mean, those that it may hold."""
    marks = [Piece("b buyer", "buyer"), Piece("s seller", "seller")]
    if outcome is not None and outcome.price is not None:
        marks.append(Piece("X deal", "deal"))
    if outcome is not None and outcome.zopa is not None:
        marks += [Piece("= ZOPA", "zopa"), Piece("N Nash point", "nash")]
    return [Piece("      "), *(piece for mark in marks for piece in (mark, Piece("   ")))]


def _rows(turns: list[Turn]) -> dict[int, Line]:
    """Return the characters of the price axis after each round."""
    first: list[float | None] = [None, None]
    standing: list[float | None] = [None, None]
    rows: dict[int, Line] = {}
    for turn in turns:
        deal = turn.price if turn.move is Move.ACCEPT else None
        if turn.price is not None and deal is None:
            standing[turn.seat] = turn.price
            first[turn.seat] = turn.price if first[turn.seat] is None else first[turn.seat]
        rows[turn.round] = _track(first, standing, deal)
    return rows


def _cell(x: float) -> int:
    """Return the character of the price axis that a normalised price falls on."""
    return round(min(max(x, 0.0), 1.0) * (TRACK - 1))


def _track(first: list[float | None], standing: list[float | None], deal: float | None) -> Line:
    """Return the characters of the price axis: both sides' first and standing offers, and the deal on top."""
    cells = [Piece(" ")] * TRACK
    for seat, (start, now) in enumerate(zip(first, standing, strict=True)):
        if start is None or now is None:
            continue
        for i in range(min(_cell(start), _cell(now)), max(_cell(start), _cell(now)) + 1):
            cells[i] = Piece("-", SEATS[seat])
    for seat, now in enumerate(standing):
        if now is not None:
            cells[_cell(now)] = Piece(SEATS[seat][0], SEATS[seat])
    if deal is not None:
        cells[_cell(deal)] = Piece("X", "deal")
    return cells


def _zopa_row(outcome: Outcome, scenario: Scenario) -> Line:
    """Return the price axis with the ZOPA and the Nash point."""
    assert outcome.zopa is not None
    assert outcome.nash_price is not None
    low, high = (_cell(scenario.normalise(price)) for price in outcome.zopa)
    cells = [Piece("=", "zopa") if low <= i <= high else Piece(" ") for i in range(TRACK)]
    cells[_cell(scenario.normalise(outcome.nash_price))] = Piece("N", "nash")
    return [Piece("     |", "dim"), *_joined(cells), Piece("|", "dim")]


def _joined(cells: list[Piece]) -> Line:
    """Return pieces with neighbours of one style made into one."""
    pieces: Line = []
    for cell in cells:
        if pieces and pieces[-1].style == cell.style:
            pieces[-1] = Piece(pieces[-1].text + cell.text, cell.style)
        else:
            pieces.append(cell)
    return pieces


# ------------------------------------------------------------------------------------------------------- the ending


def verdict(outcome: Outcome, scenario: Scenario, width: int = WIDTH) -> list[Line]:
    """Return how a game ended, in words."""
    if outcome.ending == "forfeit":
        text = f"Forfeit by the {outcome.closed_by} in round {outcome.round + 1}, for an illegal move."
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
        text = f"Deal at {money(outcome.price, scenario)}{terms} in round {outcome.round + 1}."
        lines = [*wrapped(text, "deal", width=width), *_gain_lines(outcome, scenario)]
    return lines + _room_lines(outcome, scenario, width) + _claim_lines(outcome, width)


def _claim_lines(outcome: Outcome, width: int) -> list[Line]:
    """Return how many claims there were and how many of them were bluffs, where there was any."""
    told = []
    for i, seat in enumerate(SEATS):
        made, bluffs, caught = outcome.claims_made[i], outcome.bluffs_made[i], outcome.bluffs_caught[1 - i]
        counted = "no bluff" if bluffs == 0 else f"{bluffs} bluff{'s' if bluffs > 1 else ''}, {caught} caught"
        told += [f"{seat} {made} ({counted})"] if made else []
    return wrapped(f"Claims: {', '.join(told)}.", width=width) if told else []


def _gain_lines(outcome: Outcome, scenario: Scenario) -> list[Line]:
    """Return what a deal is worth to each seat, a line each."""
    lines: list[Line] = []
    for i, seat in enumerate(SEATS):
        worth = outcome.worth[i] * (scenario.high - scenario.low)
        gain = f"{'gains' if worth >= 0 else 'loses'} {money(abs(worth), scenario)}"
        share = f", {outcome.shares[i]:.0%} of the room for a deal" if outcome.zopa is not None else ""
        lines.append([Piece(f"  the {seat:<6} ", seat), Piece(gain + share)])
    return lines


def _room_lines(outcome: Outcome, scenario: Scenario, width: int) -> list[Line]:
    """Return where the room for a deal was: the ZOPA and the Nash point, or the limits that leave none."""
    if outcome.zopa is None or outcome.nash_price is None:
        buyer, seller = (money(limit, scenario) for limit in outcome.reservation)
        return wrapped(f"There is no ZOPA: the buyer's limit is {buyer}, the seller's {seller}.", width=width)
    low, high = (money(price, scenario) for price in outcome.zopa)
    best = f" with {outcome.nash_package}" if outcome.nash_package else ""
    nash = f"the Nash point is {money(outcome.nash_price, scenario)}{best}"
    return wrapped(f"The ZOPA is {low} to {high}; {nash}.", width=width)


def ending_lines(game: Game, turns: list[Turn], width: int = WIDTH) -> list[Line]:
    """Return the end of a transcript: the verdict and the picture; of a game that goes on, the picture so far."""
    if not turns:
        return []
    outcome = game.outcome() if game.is_over else None
    told: list[Line] = [[], *verdict(outcome, game.scenario, width)] if outcome else []
    return [*told, [], *picture(turns, game.scenario, outcome)]


def told_lines(turns: list[Turn], game: Game, *, after: int = -1, words: bool = True, width: int = WIDTH) -> list[Line]:
    """Return turns as lines of text, each round's number once; `after` is the round that the last line told of."""
    lines: list[Line] = []
    names = name_width(game)
    for turn in turns:
        lines += turn_lines(turn, game.scenario, names, words=words, width=width, told=turn.round == after)
        after = turn.round
    return lines


def transcript(game: Game) -> str:
    """Return a game so far as text; hidden figures appear only after its end."""
    turns = Narrator(game).catch_up()
    lines = [*heading(game), [], *([column_heads(name_width(game))] if turns else []), *told_lines(turns, game)]
    return plain(lines + ending_lines(game, turns)) + "\n"


class LivePrinter:
    """Prints a game as it goes: what is new at each call, the verdict and the picture at its end."""

    def __init__(self) -> None:
        self._narrator: Narrator | None = None
        self._has_ended = False
        self._told = -1

    def show(self, game: Game) -> None:
        """Print what is new of a game."""
        if self._narrator is None:
            self._narrator = Narrator(game)
        before = self._narrator.key
        new = self._narrator.catch_up()
        lines: list[Line] = []
        if self._narrator.key != before:
            self._has_ended, self._told = False, -1
            lines += [*heading(game), [], column_heads(name_width(game))]
        lines += told_lines(new, game, after=self._told)
        self._told = new[-1].round if new else self._told
        if game.is_over and not self._has_ended:
            self._has_ended = True
            lines += ending_lines(game, self._narrator.turns)
        if lines:
            print(plain(lines), flush=True)
