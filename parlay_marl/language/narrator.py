"""The text of one seat's views in one game: the rules once, then the position before each of its turns."""

from __future__ import annotations

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.game.outcome import Outcome
from parlay_marl.game.view import SeatView
from parlay_marl.language.forms import FORMS, FormName
from parlay_marl.language.quoting import LONGEST_WORDS
from parlay_marl.language.scenario_text import ScenarioText
from parlay_marl.language.view_text import News, done_in, introduction, position

_ENDINGS = {
    "walk_away": "the {closed_by} walked away",
    "collapsed": "hot talks have left nothing to agree on",
    "deadline": "the last round is over",
    "forfeit": "the {closed_by} forfeited the game",
}


class Narrator:
    """Writes the views of one seat of one game for a reader.

    `form` is the form of reply that the text explains: `commands`, `json` or `tools`. The text holds nothing beyond
    the view. The other seat's words are quoted as data, cut after `longest_words` characters. `shows_belief` includes
    the estimate of the seat's own tracker in games where the seat states no belief.
    """

    def __init__(
        self, form: FormName = "commands", *, longest_words: int = LONGEST_WORDS, shows_belief: bool = True
    ) -> None:
        self.form = FORMS[form]
        self._longest_words, self._shows_belief = longest_words, shows_belief
        self._text: ScenarioText | None = None
        self._turns_told = 0
        self._limit_told: float | None = None

    def rules_text(self, view: SeatView) -> str:
        """Return the text of a first message: story, aim, moves with their costs, form of a reply."""
        return introduction(view, self._text_of(view), self.form)

    def tell(self, view: SeatView) -> str:
        """Return the current position, with the events since the last call first.

        It ends with the moves that the seat may make.
        """
        text, turns = self._text_of(view), view.turns[self._turns_told :]
        others = [turn for turn in turns if turn.seat != view.seat]
        news = News(
            headlines=tuple(headline for turn in turns for headline in turn.headlines) + view.news,
            words=others[-1].words if others else "",
            did=done_in(others[-1], text) if others else "",
            erosions=sum(turn.eroded for turn in turns),
            limit_before=self._limit_told,
        )
        self._turns_told, self._limit_told = len(view.turns), view.reservation_price
        return self._position(view, news)

    def tell_whole(self, view: SeatView) -> str:
        """Return all turns so far and the current position, for a reader who has not seen earlier turns."""
        text = self._text_of(view)
        lines = []
        for turn in view.turns:
            lines += [f"News: {headline}" for headline in turn.headlines]
            lines.append(
                f"Round {turn.round + 1}: {'you' if turn.seat == view.seat else 'they'} {done_in(turn, text)}."
            )
        self._turns_told, self._limit_told = 0, None
        return "\n".join(["The talks so far:", *lines, "", self.tell(view)]) if lines else self.tell(view)

    def ending(self, outcome: Outcome, seat: int, scenario: Scenario) -> str:
        """Return the ending of the game for a seat: its own worth, and nothing that was hidden from it."""
        if outcome.price is None:
            how = _ENDINGS[outcome.ending].format(closed_by=outcome.closed_by)
            return f"The talks have ended without a deal: {how}."
        text = self._text_for(scenario)
        terms = f" with {outcome.package}" if outcome.package else ""
        worth = f"worth {text.number(outcome.worth[seat] * (scenario.high - scenario.low))} to you"
        return f"The talks have ended with a deal at {text.exact_money(outcome.price)}{terms}, {worth}."

    def _position(self, view: SeatView, news: News) -> str:
        shown = self._shows_belief and not view.states_belief
        belief = view.belief.as_dict() if shown else None
        return position(view, belief, news, self._text_of(view), self.form, self._longest_words)

    def _text_of(self, view: SeatView) -> ScenarioText:
        return self._text_for(view.scenario)

    def _text_for(self, scenario: Scenario) -> ScenarioText:
        """Return the text writer of a scenario's amounts, the same for the whole game."""
        if self._text is None or self._text.scenario is not scenario:
            self._text = ScenarioText(scenario)
        return self._text
