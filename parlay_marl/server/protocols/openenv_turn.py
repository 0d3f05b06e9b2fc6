"""A client's turn in its game: an action by fields, a whole reply as text, or a tool call."""

from __future__ import annotations

from typing import NamedTuple

from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError, ParlayError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.language.json_reply import read_calls
from parlay_marl.language.parts import Parts, action_of
from parlay_marl.language.reply import Reply, read_reply
from parlay_marl.language.tools import Call
from parlay_marl.language.vocabulary import BELIEF_TOOL
from parlay_marl.server.error_text import client_text
from parlay_marl.server.parsing import parse_words
from parlay_marl.server.places import Place
from parlay_marl.server.protocols.openenv_action import action_of as action_of_fields
from parlay_marl.server.protocols.openenv_action import does_only, has_command, moves_by_fields
from parlay_marl.server.protocols.openenv_messages import NegotiationAction

TRIES = 2
"""Messages in a row that may mean no legal move; the last of them is played as silence."""
BELIEF_NOTED = "Your belief is noted. It goes with your next move; now make one."
ONCE_MORE = "Your reply was not played: {why}\nReply once more: a second reply that cannot be played counts as silence."
TOO_OFTEN = "Your reply was not played: {why}\nIt was the second in a row: {penalty}."
SILENT, FORFEITED = "the turn was played as silence", "you cannot afford silence, so you have forfeited the game"


class Note(NamedTuple):
    """What a client is told about a turn that was not played as it may have meant it."""

    text: str
    is_played: bool = False
    """Is the turn over all the same?"""
    error: str | None = None
    """What was wrong, where something was."""


def play(place: Place, action: NegotiationAction | Call, longest_words: int) -> Note | None:
    """Play a client's turn and a persona's answer; return a note where it was another turn than the client's, or none.

    A client that only waits plays nothing. Raises `ParlayError` where the turn is refused, which changes nothing.
    """
    if isinstance(action, NegotiationAction) and action.wait:
        _check_waits(action, place)
        place.steps += 1
        return None
    place.session.check_turn(place.seat)
    view, note = place.session.view(place.seat), None
    if isinstance(action, Call):
        if action.name == BELIEF_TOOL:
            place.belief = _stated(action, view)
            return Note(BELIEF_NOTED)
        turn = _with_words(read_reply(Reply(calls=(action,)), view), longest_words)
    elif action.message and does_only(action, "message"):
        found = _of_message(place, action.message, view, longest_words)
        turn, note = (None, found) if isinstance(found, Note) else (found, None)
    else:
        turn = _of_fields(action, view, longest_words)
    if note is None or note.is_played:
        _take(place, turn, view)
    return note


def _take(place: Place, turn: Action | None, view: SeatView) -> None:
    """Play a turn, or what stands for one that was not understood; a belief that was stated before goes with it."""
    session = place.session
    if turn is None and Move.SILENCE not in view.legal_moves:
        session.leave(place.seat)
    else:
        played = turn or view.silence()
        session.play(place.seat, played if played.belief is not None else played._replace(belief=place.belief))
    place.unread, place.belief = 0, None
    if place.match is not None:
        place.match.turn_begins()
    place.steps += 1


def _of_message(place: Place, message: str, view: SeatView, longest_words: int) -> Action | Note:
    """Return the action that a whole reply means, or what its client is told where it means none."""
    try:
        return _with_words(read_reply(message, view), longest_words)
    except ParlayError as error:
        why = client_text(error)
    place.unread += 1
    if place.unread < TRIES:
        return Note(ONCE_MORE.format(why=why), error=why)
    penalty = SILENT if Move.SILENCE in view.legal_moves else FORFEITED
    return Note(TOO_OFTEN.format(why=why, penalty=penalty), is_played=True, error=why)


def _of_fields(action: NegotiationAction, view: SeatView, longest_words: int) -> Action:
    """Return the action of the fields; beside a move, a message is what the seat says."""
    if action.message and action.utterance:
        raise IllegalMoveError("message and utterance are both words; give one")
    if action.message and moves_by_fields(action) and has_command(action.message):
        raise IllegalMoveError("message: it has a command, and another field names a move; give one of them")
    said = action.utterance or action.message
    turn = action_of_fields(action, view, parse_words(said, longest_words))
    return turn if action.belief is None else turn._replace(belief=_normal(action.belief, view))


def _stated(call: Call, view: SeatView) -> tuple[float, float]:
    """Return the belief of a call of the tool for it, normalised; no move goes with it."""
    belief = read_calls((call, Call("accept")), view).belief
    assert belief is not None
    return _normal(belief, view)


def _normal(belief: tuple[float, float], view: SeatView) -> tuple[float, float]:
    """Return a belief in currency as the rules take it."""
    if not view.states_belief:
        raise UnclearTextError("belief: this game takes no stated belief; leave it out, or reset with beliefs=elicited")
    normal = action_of(Parts(Move.SILENCE, belief=belief), view).belief
    assert normal is not None
    return normal


def _with_words(turn: Action, longest: int) -> Action:
    """Return an action with its words as they may be passed on."""
    return turn._replace(words=parse_words(turn.words, longest)) if turn.words else turn


def _check_waits(action: NegotiationAction, place: Place) -> None:
    """Refuse a client that waits where it is on turn, or where it would also move."""
    if place.match is None:
        raise IllegalMoveError("wait: only a game of two clients has turns to wait for; make a move")
    if not does_only(action, "wait"):
        raise IllegalMoveError("wait: nothing goes with it; make a move, or wait")
    if place.is_on_turn:
        raise IllegalMoveError("wait: it is your turn; make a move")
