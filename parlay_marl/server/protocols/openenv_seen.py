"""What a client of OpenEnv's protocol sees: the view of its seat as fields, and as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from parlay_marl.game.view import SeatView
from parlay_marl.language.forms import JSON, Form
from parlay_marl.language.quoting import quoted
from parlay_marl.language.view_text import News, introduction, position
from parlay_marl.server.places import Place
from parlay_marl.server.protocols.openenv_figures import figures
from parlay_marl.server.protocols.openenv_messages import NegotiationObservation
from parlay_marl.server.protocols.openenv_turn import Note


class Seen(NamedTuple):
    """What a client sees: the fields of a `NegotiationObservation`, and the two that OpenEnv sends beside it."""

    fields: dict[str, Any]
    reward: float | None
    done: bool

    def model(self) -> NegotiationObservation:
        """Return the same fields as OpenEnv's observation."""
        return NegotiationObservation.model_validate({**self.fields, "reward": self.reward, "done": self.done})


class Reader(NamedTuple):
    """How a client wants its observation: with or without a text, and the form of reply that the text explains."""

    has_text: bool = True
    form: Form = JSON


def look(place: Place, reader: Reader, is_first: bool = False) -> Seen:
    """Return what the client sees, without rewards; `is_first` adds the introduction."""
    session, seat = place.session, place.seat
    view, belief, news = session.view(seat), session.belief(seat), session.news(seat)
    believed = None if belief is None else belief.as_dict()
    answered = session.last_turn_of(1 - seat)
    fields = {
        "metadata": _metadata(place, is_first),
        "episode_id": place.episode,
        **figures(view, session.text, session.conditions, session.is_on_turn(seat)),
        "belief": believed,
        "headlines": list(news.headlines),
        "counter_move": None if answered is None else answered.move.name,
        "utterance": news.words,
        "text": _text(place, view, believed, news, reader.form, is_first) if reader.has_text else "",
    }
    return Seen(fields, None, session.is_over)


def noted(seen: Seen, note: Note) -> Seen:
    """Return what a client sees with a note about its turn.

    The note begins the text; an error is in the metadata as well.
    """
    fields = seen.fields
    if fields["text"] or not note.is_played:
        fields["text"] = f"{note.text}\n\n{fields['text']}".strip()
    if note.error is not None:
        fields["metadata"]["error"] = note.error
    return seen


def _text(
    place: Place, view: SeatView, belief: Mapping[str, float] | None, news: News, form: Form, is_first: bool
) -> str:
    """Return an observation as text for a reader."""
    session = place.session
    if session.is_over:
        said = f"They say: {quoted(news.words)}" if news.words else ""
        text = f"{said}\n{session.verdict()}".strip()
    else:
        text = position(view, None if view.states_belief else belief, news, session.text, form)
    return f"{_introduction(place, view, form)}\n\n{text}" if is_first else text


def _introduction(place: Place, view: SeatView, form: Form) -> str:
    """Return the text before the first position; in a match it includes the unusual conditions of the game."""
    unusual = place.session.conditions.text() if place.match is not None else ""
    return "\n".join(part for part in (introduction(view, place.session.text, form), unusual) if part)


def _metadata(place: Place, is_first: bool) -> dict[str, Any]:
    """Return the metadata of an observation: token of a reset, outcome, whether the other client is away."""
    told: dict[str, Any] = {}
    if is_first and place.token is not None:
        told["resume_token"] = place.token
    if place.match is not None and not place.session.is_over and place.match.is_away[1 - place.seat]:
        told["other_is_away"] = True
    return told | ({"outcome": place.session.outcome()} if place.session.is_over else {})
