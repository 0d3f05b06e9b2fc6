"""A game as a picture of fixed size: the offers, the tension, the last moves and words, and the ending.

It needs Pillow, the extra `render`: small, quick, and with a font of its own, so that frames look alike everywhere. The
colours are those of a tournament's report. Only the public record is drawn while a game goes on; the limits and the
ZOPA come with its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import SEATS, ClaimStatus, Move
from parlay_marl.game.text import money, number, plain, price_text
from parlay_marl.game.transcript import move_text, seat_name, verdict
from parlay_marl.game.turns import Turn
from parlay_marl.render.canvas import Canvas

if TYPE_CHECKING:
    from parlay_marl.game.outcome import Outcome
    from parlay_marl.game.record import RecordedGame

WIDTH, HEIGHT = 640, 480
"""Size of a frame in pixels: multiples of 16, as encoders of videos want them."""
Frame = NDArray[np.uint8]

GROUND, PANEL, INK, DIM, LINE = "#faf9f6", "#ffffff", "#1c222b", "#5a6470", "#e2dfd8"
COLOURS = ("#0b6aae", "#b84a00")
"""Colours of the buyer and of the seller."""
ZOPA, ROOM, DEAL, WARM, HOT, GREY = "#087a56", "#d9ece4", "#0f9b72", "#e3ad28", "#c9540f", "#a3a9b1"
LEFT, RIGHT = 92, 620
TOP, BOTTOM = 68, 284
"""Top and bottom of the chart of prices, in pixels."""
CALM_TOP, CALM_BOTTOM = 296, 338
"""Top and bottom of the chart of tension, in pixels."""
MARGIN = 12
"""Margin of the chart of prices above and below the public range."""
CARD_TOP, CARD_BOTTOM = 360, 445
MOST_DOTS = 160
"""Most turns with a dot for each offer; longer games have lines alone."""


class Headline(NamedTuple):
    """A public headline, and the round at whose start it came."""

    round: int
    text: str


def draw(game: RecordedGame) -> Frame:
    """Return the frame of a game now, `(HEIGHT, WIDTH, 3)` uint8; the same game gives the same bytes."""
    canvas = Canvas(WIDTH, HEIGHT, GROUND)
    turns, headlines = game.turns, _headlines(game)
    outcome = game.outcome() if game.is_over else None
    _draw_head(canvas, game)
    _draw_prices(canvas, game, turns, headlines, outcome)
    _draw_tension(canvas, game, turns)
    for seat in range(2):
        _draw_card(canvas, game, turns, seat, outcome)
    _draw_foot(canvas, game, headlines, outcome)
    return canvas.pixels()


def _headlines(game: RecordedGame) -> list[Headline]:
    """Return the headlines so far, each with its round."""
    told = [Headline(turn.round, text) for turn in game.turns for text in turn.headlines]
    return told + [Headline(int(game.row["round"]), text) for text in game.news()]


def _across(game: RecordedGame, rounds: float) -> float:
    """Return the x coordinate of a moment, in rounds since the start."""
    return LEFT + (RIGHT - LEFT) * rounds / game.deal.max_rounds


def _moment(game: RecordedGame, count: int) -> float:
    """Return the x coordinate of a turn, by the number of turns before it."""
    return _across(game, count / 2 + 0.25)


def _height(x: float) -> float:
    """Return the y coordinate of a normalised price; one beyond the public range is at the edge."""
    inside = min(max(x, -0.04), 1.04)
    return BOTTOM - MARGIN - (BOTTOM - TOP - 2 * MARGIN) * inside


def _draw_head(canvas: Canvas, game: RecordedGame) -> None:
    """Draw the deal, the players and the round."""
    now = f"round {min(int(game.row['round']) + 1, game.deal.max_rounds)} of {game.deal.max_rounds}"
    canvas.text(20, 13, game.scenario.title, 17, INK, room=470)
    canvas.text(RIGHT, 16, now, 14, DIM, anchor="ra")
    x = 20.0
    for seat, word in ((0, " buys from "), (1, "")):
        name = seat_name(game, seat)
        x = canvas.text(x, 39, name if name != SEATS[seat] else f"the {name}", 13, COLOURS[seat], room=220)
        x = canvas.text(x, 39, word, 13, DIM)
    canvas.text(RIGHT, 39, f"prices in {game.scenario.currency}", 12, DIM, anchor="ra", room=180)


def _draw_prices(
    canvas: Canvas, game: RecordedGame, turns: list[Turn], headlines: list[Headline], outcome: Outcome | None
) -> None:
    """Draw the offers of both seats over the rounds and, after the end, the ZOPA."""
    canvas.box(LEFT, TOP, RIGHT, BOTTOM, PANEL, LINE)
    if outcome is not None:
        _draw_room(canvas, game, outcome)
    for x in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.line([(LEFT, _height(x)), (RIGHT, _height(x))], LINE, 1)
        amount = number(game.scenario.to_currency(x), game.scenario)
        canvas.text(LEFT - 8, _height(x), amount, 11, DIM, anchor="rm", room=LEFT - 20)
    for count, headline in enumerate(headlines, 1):
        x = _across(game, headline.round)
        canvas.dashes((x, TOP), (x, BOTTOM), GREY)
        canvas.text(x + 4, TOP + 3, str(count), 11, DIM)
    for seat in range(2):
        _draw_offers(canvas, game, turns, seat)
    if turns and turns[-1].move is Move.ACCEPT and turns[-1].price is not None:
        x, y = _moment(game, len(turns) - 1), _height(turns[-1].price)
        canvas.dashes((LEFT, y), (x, y), DEAL)
        canvas.diamond(x, y, 7, DEAL)


def _draw_offers(canvas: Canvas, game: RecordedGame, turns: list[Turn], seat: int) -> None:
    """Draw the offers of a seat: dots, triangles for claims, and the price of the standing offer."""
    colour = COLOURS[seat]
    made = [
        (_moment(game, count), _height(turn.price), turn)
        for count, turn in enumerate(turns)
        if turn.seat == seat and turn.price is not None and turn.move is not Move.ACCEPT
    ]
    if not made:
        return
    canvas.line([(x, y) for x, y, _ in made], colour, 2)
    x, y, last = made[-1]
    canvas.line([(x, y), (_moment(game, len(turns) - 1), y)], colour, 1)
    for across, height, turn in made if len(turns) <= MOST_DOTS else made[-1:]:
        if turn.move is Move.BATNA_REVEAL:
            canvas.triangle(across, height, 6, PANEL, colour)
        else:
            canvas.dot(across, height, 3.2, colour)
    amount = number(game.scenario.to_currency(last.price or 0.0), game.scenario)
    half = canvas.length(amount, 11) / 2 + 3
    shift, anchor = ((9, "ma"), (-8, "md"))[seat]
    middle = min(max(x, LEFT + half), RIGHT - half)
    canvas.text(middle, min(max(y + shift, TOP + 2), BOTTOM - 2), amount, 11, colour, anchor=anchor)


def _draw_room(canvas: Canvas, game: RecordedGame, outcome: Outcome) -> None:
    """Draw the hidden figures of a finished game: the ZOPA and both limits."""
    scenario = game.scenario
    if outcome.zopa is not None:
        low, high = (_height(scenario.normalise(price)) for price in outcome.zopa)
        canvas.box(LEFT + 1, high, RIGHT - 1, low, ROOM)
        canvas.text(LEFT + 6, (low + high) / 2, "ZOPA", 11, ZOPA, anchor="lm")
    for seat, limit in enumerate(outcome.reservation):
        y = _height(scenario.normalise(limit))
        canvas.dashes((LEFT, y), (RIGHT, y), COLOURS[seat])
        canvas.text(
            RIGHT - 6, y + (-2, 3)[seat], f"{SEATS[seat]}'s limit", 11, COLOURS[seat], anchor=("rd", "ra")[seat]
        )


def _draw_tension(canvas: Canvas, game: RecordedGame, turns: list[Turn]) -> None:
    """Draw the tension after each turn, in another colour for hot turns."""
    hot = float(game.config.params[0]["erosion"]["hot_tension"])
    canvas.box(LEFT, CALM_TOP, RIGHT, CALM_BOTTOM, PANEL, LINE)
    canvas.text(LEFT - 8, (CALM_TOP + CALM_BOTTOM) / 2 - 7, "tension", 11, DIM, anchor="rm")
    if turns:
        now = turns[-1].tension
        canvas.text(LEFT - 8, (CALM_TOP + CALM_BOTTOM) / 2 + 8, f"{now:.0f}", 13, _warmth(now, hot), anchor="rm")
    for count, turn in enumerate(turns):
        left, right = _across(game, count / 2), _across(game, count / 2 + 0.5)
        top = CALM_BOTTOM - (CALM_BOTTOM - CALM_TOP) * turn.tension / 100.0
        canvas.box(left, min(top, CALM_BOTTOM - 1), right, CALM_BOTTOM, _warmth(turn.tension, hot))
        if turn.eroded:
            canvas.triangle((left + right) / 2, CALM_TOP + 5, 4, INK, INK)
    y = CALM_BOTTOM - (CALM_BOTTOM - CALM_TOP) * hot / 100.0
    canvas.dashes((LEFT, y), (RIGHT, y), HOT)
    rounds = game.deal.max_rounds
    step = max(1, round(rounds / 4))
    for index in sorted({0, *range(step - 1, rounds, step)}):
        canvas.text(_across(game, index + 0.5), CALM_BOTTOM + 4, str(index + 1), 11, DIM, anchor="ma")


def _warmth(tension: float, hot: float) -> str:
    """Return the colour of a tension."""
    return HOT if tension >= hot else WARM if tension >= hot * 2 / 3 else GREY


def _draw_card(canvas: Canvas, game: RecordedGame, turns: list[Turn], seat: int, outcome: Outcome | None) -> None:
    """Draw the last move and words of a seat, its credibility, and its gain at the end."""
    left = (20, 325)[seat]
    right = left + 295
    canvas.box(left, CARD_TOP, right, CARD_BOTTOM, PANEL, LINE)
    canvas.box(left, CARD_TOP, left + 4, CARD_BOTTOM, COLOURS[seat])
    canvas.text(left + 14, CARD_TOP + 8, SEATS[seat], 13, COLOURS[seat])
    _draw_credibility(canvas, game, seat, right)
    own = [turn for turn in turns if turn.seat == seat]
    if not own:
        return
    y, room, last = CARD_TOP + 26.0, right - left - 26, own[-1]
    did = move_text(last, game.scenario)
    price = "" if last.price is None else f" {price_text(last.price, game.scenario)}"
    canvas.text(left + 14, y, did + price, 12, INK, room=room)
    if last.package is not None and game.scenario.terms:
        y += 15
        canvas.text(left + 14, y, f"with {game.scenario.package_label(last.package)}", 11, INK, room=room)
    if outcome is not None and outcome.is_deal:
        canvas.text(left + 14, y + 17, _gain(game, outcome, seat), 12, ZOPA, room=room)
    else:
        lines = 2 if y < CARD_TOP + 40 else 1
        canvas.paragraph(left + 14, y + 17, last.words, 11, DIM, room=room, lines=lines)


def _draw_credibility(canvas: Canvas, game: RecordedGame, seat: int, right: float) -> None:
    """Draw a seat's credibility as a bar, and its last claim with its status."""
    row = game.row
    points, status = float(row["credibility"][seat]), ClaimStatus(int(row["claim_status"][seat]))
    canvas.text(right - 82, CARD_TOP + 10, f"credibility {points:.0f}", 11, DIM, anchor="ra")
    if status is not ClaimStatus.NONE:
        claim = number(game.scenario.to_currency(float(row["claim_price"][seat])), game.scenario)
        told = f"claim of {claim}: {status.name.lower()}"
        canvas.text(right - 12, CARD_BOTTOM - 5, told, 11, INK, anchor="rd", room=270)
    canvas.box(right - 74, CARD_TOP + 12, right - 12, CARD_TOP + 19, LINE)
    canvas.box(right - 74, CARD_TOP + 12, right - 74 + 62 * points / 100.0, CARD_TOP + 19, COLOURS[seat])


def _gain(game: RecordedGame, outcome: Outcome, seat: int) -> str:
    """Return the worth of a deal to a seat, in words."""
    worth = outcome.worth[seat] * (game.scenario.high - game.scenario.low)
    gain = f"{'gains' if worth >= 0 else 'loses'} {money(abs(worth), game.scenario)}"
    return gain if outcome.zopa is None else f"{gain}, {outcome.shares[seat]:.0%} of the ZOPA"


def _draw_foot(canvas: Canvas, game: RecordedGame, headlines: list[Headline], outcome: Outcome | None) -> None:
    """Draw the ending or, while the game goes on, the latest headline."""
    if outcome is not None:
        text = plain(verdict(outcome, game.scenario, 1000)).splitlines()[0]
        canvas.text(20, 453, text, 14, DEAL if outcome.is_deal else HOT, room=RIGHT - 20)
    elif headlines:
        canvas.text(20, 454, f"{len(headlines)}: {headlines[-1].text}", 12, DIM, room=RIGHT - 20)
