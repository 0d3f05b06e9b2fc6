"""A client's turn in its game: an action by fields, a whole reply as text, or a tool call."""

from __future__ import annotations

from typing import NamedTuple

from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.language.json_reply import object_in, read_calls
from parlay_marl.language.parts import normalised_belief
from parlay_marl.language.reply import Reply, read_reply
from parlay_marl.language.tools import Call
from parlay_marl.language.vocabulary import BELIEF_TOOL
from parlay_marl.players.passing import without_new_offer
from parlay_marl.server.error_text import client_text
from parlay_marl.server.parsing import parse_words
from parlay_marl.server.places import Place
from parlay_marl.server.protocols.openenv_action import action_of, does_only, has_command
from parlay_marl.server.protocols.openenv_messages import NegotiationAction

TRIES = 2
"""Messages in a row that may mean no legal move; the last of them is played without a new offer."""
BELIEF_NOTED = "Your belief is noted. It goes with your next move; now make one."
ONCE_MORE = "Your reply was not played: {why}\nReply once more: a second reply that cannot be played counts as silence."
TOO_OFTEN = "Your reply was not played: {why}\nIt was the second in a row: {penalty}."
SILENT, PASSED = "the turn was played as silence", "you may not be silent now, so the turn was played as {move}"


class Note(NamedTuple):
    """A note to a client about a turn that was not played as the client may have meant it."""

    text: str
    is_played: bool = False
    """True where the turn is over all the same."""
    error: str | None = None
    """What was wrong, if anything."""


def play(place: Place, action: NegotiationAction | Call, longest_words: int) -> Note | None:
    """Play a client's turn and a persona's answer; return a note where the turn was not played as sent.

    A client that only waits plays nothing. Raises `ParlayError` where the turn is refused, which changes nothing.
    """
    if isinstance(action, Call):
        return _play_call(place, action, longest_words)
    words = parse_words(action.utterance, longest_words)
    if action.wait:
        _check_waits(action, place)
        place.steps += 1
        return None
    session = place.session
    session.check_turn(place.seat)
    view = session.view(place.seat)
    if "message" in action.model_fields_set and does_only(action, "message", "belief"):
        return _play_message(place, action, view, longest_words)
    said = _words_of_message(action, longest_words) if action.message else words
    _take(place, _with_belief(action_of(action, view, said), action, view))
    return None


def _play_call(place: Place, call: Call, longest_words: int) -> Note | None:
    """Play a tool call; a stated belief is kept for the next move."""
    place.session.check_turn(place.seat)
    view = place.session.view(place.seat)
    if call.name == BELIEF_TOOL:
        belief = read_calls((call, Call("accept")), view).belief
        assert belief is not None
        place.belief = _normal(belief, view)
        place.steps += 1
        return Note(BELIEF_NOTED)
    _take(place, _with_words(read_reply(Reply(calls=(call,)), view), longest_words))
    return None


def _play_message(place: Place, action: NegotiationAction, view: SeatView, longest_words: int) -> Note | None:
    """Play a whole reply; one without a legal move is answered, and the second in a row costs the turn."""
    try:
        turn = _with_words(read_reply(action.message, view), longest_words)
        _take(place, _with_belief(turn, action, view))
    except (IllegalMoveError, UnclearTextError) as error:
        return misread(place, client_text(error))
    return None


def misread(place: Place, why: str) -> Note:
    """Return the note about a turn that could not be played; the second in a row passes without a new offer."""
    view = place.session.view(place.seat)
    if place.unread + 1 < TRIES:
        place.unread += 1
        place.steps += 1
        return Note(ONCE_MORE.format(why=why), error=why)
    turn = without_new_offer(view)
    penalty = SILENT if turn.move is Move.SILENCE else PASSED.format(move=turn.move.name)
    _take(place, turn)
    return Note(TOO_OFTEN.format(why=why, penalty=penalty), is_played=True, error=why)


def _take(place: Place, turn: Action) -> None:
    """Play a turn, with a belief that was stated before it."""
    has_belief = place.belief is None or turn.belief is not None
    place.session.play(place.seat, turn if has_belief else turn._replace(belief=place.belief))
    place.unread, place.belief = 0, None
    if place.match is not None:
        place.match.turn_begins()
    place.steps += 1


def _words_of_message(action: NegotiationAction, longest_words: int) -> str:
    """Return a message that comes with a move in other fields: it is the seat's words."""
    if action.utterance:
        raise IllegalMoveError("message and utterance are both words; give one")
    if has_command(action.message):
        raise IllegalMoveError("message: it has a command, and another field names a move; give one of them")
    if object_in(action.message) is not None:
        raise IllegalMoveError("message: it has a move as JSON, and another field names a move; give one of them")
    return parse_words(action.message, longest_words)


def _with_belief(turn: Action, action: NegotiationAction, view: SeatView) -> Action:
    """Return a turn with the belief that the client sent with it."""
    return turn if action.belief is None else turn._replace(belief=_normal(action.belief, view))


def _normal(belief: tuple[float, float], view: SeatView) -> tuple[float, float]:
    """Return a belief in currency as a normalised one."""
    if not view.states_belief:
        raise UnclearTextError("belief: this game takes no stated belief; leave it out, or reset with beliefs=elicited")
    return normalised_belief(belief, view)


def _with_words(turn: Action, longest: int) -> Action:
    """Return an action with its words checked and escaped."""
    return turn._replace(words=parse_words(turn.words, longest)) if turn.words else turn


def _check_waits(action: NegotiationAction, place: Place) -> None:
    """Refuse a client that waits although it is its turn, or that also moves."""
    if place.match is None:
        raise IllegalMoveError("wait: only a game of two clients has turns to wait for; make a move")
    if not does_only(action, "wait"):
        raise IllegalMoveError("wait: nothing goes with it; make a move, or wait")
    if place.is_on_turn:
        raise IllegalMoveError("wait: it is your turn; make a move")
