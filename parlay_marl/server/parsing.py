"""Messages of clients, parsed into actions. Words never bind, and no number is read out of them as an offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.printable import escaped
from parlay_marl.server.doubt import expresses_doubt


def parse_words(utterance: str, longest: int) -> str:
    """Return words, escaped as they may be passed on; refuse too long ones."""
    if len(utterance) > longest:
        raise IllegalMoveError(f"utterance: {len(utterance):,} characters; give at most {longest:,}")
    return escaped(utterance)


def parse_action(
    view: SeatView,
    words: str,
    *,
    amount: float | None = None,
    tactic: Move | None = None,
    accept: bool = False,
    walk_away: bool = False,
    terms: Mapping[str, str] | None = None,
) -> Action:
    """Return the action that the fields of a message mean for a seat, or refuse what is unclear.

    `amount` is in currency. Terms that are not named stay as in the seat's last offer, at first its own best.
    """
    chosen = {"accept": accept, "walk_away": walk_away, "tactical_move": tactic is not None}
    named = [name for name, is_chosen in chosen.items() if is_chosen]
    if len(named) > 1:
        raise IllegalMoveError(f"{' and '.join(named)} are two moves; give one")
    alone = _maker(view, accept, walk_away, tactic)
    if alone is not None:
        if amount is not None or terms:
            raise IllegalMoveError(f"{named[0]}: no offer goes with it; leave out offer_amount and terms")
        return alone(words)
    if tactic is None and amount is None:
        return _words_alone(view, words, terms)
    return _offer(view, tactic, amount, terms, words)


def _maker(view: SeatView, accept: bool, walk_away: bool, tactic: Move | None) -> Callable[[str], Action] | None:
    """Return the maker of a move that no offer goes with, None for other moves."""
    if accept:
        return view.accept
    if walk_away:
        return view.walk_away
    return {Move.SILENCE: view.silence, Move.CHALLENGE: view.challenge}.get(tactic or Move.OFFER)


def _words_alone(view: SeatView, words: str, terms: Mapping[str, str] | None) -> Action:
    """Return the action of a turn without a move: words that doubt an open claim challenge it, others are silence.

    See RULES section 9.
    """
    if terms:
        raise IllegalMoveError("terms: they need a price beside them; give offer_amount")
    if not words:
        raise IllegalMoveError(
            "nothing was done; give offer_amount, tactical_move, accept or walk_away, or say something"
        )
    claim = view.counter_claim
    is_challenge = claim is not None and claim.status == "open" and expresses_doubt(words)
    return view.challenge(words) if is_challenge else view.silence(words)


def _offer(
    view: SeatView, tactic: Move | None, amount: float | None, terms: Mapping[str, str] | None, words: str
) -> Action:
    """Return an offer, an anchor or a claim; an anchor without an amount is at the seat's own end of the range."""
    try:
        if tactic is Move.ANCHOR_HIGH:
            return view.anchor(amount, terms, words)
        if amount is None:
            raise IllegalMoveError(f"{Move.BATNA_REVEAL.name} needs an amount; give one")
        make = view.make_claim if tactic is Move.BATNA_REVEAL else view.make_offer
        return make(amount, terms, words)
    except IllegalMoveError as error:
        raise IllegalMoveError(f"offer_amount: {error}") from None
