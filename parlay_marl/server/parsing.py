"""Messages of clients, parsed into actions. Words never bind, and numbers in them are never read as offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError, UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.grammar import read_price
from parlay_marl.game.view import SeatView
from parlay_marl.language.doubt import expresses_doubt
from parlay_marl.printable import escaped


def parse_words(utterance: str, longest: int) -> str:
    """Return words escaped for other clients; refuse words that are too long."""
    if len(utterance) > longest:
        raise IllegalMoveError(f"utterance: {len(utterance):,} characters; give at most {longest:,}")
    return escaped(utterance)


def parse_action(
    view: SeatView,
    words: str,
    *,
    amount: float | str | None = None,
    tactic: Move | None = None,
    accept: bool = False,
    walk_away: bool = False,
    terms: Mapping[str, str] | None = None,
) -> Action:
    """Return the action of a seat from the fields of a message; refuse a message that is unclear.

    `amount` is in currency; text may be a price as a person writes it. Terms that are not named stay as in the seat's
    last offer, at first its own best.
    """
    named = {
        "accept": Move.ACCEPT if accept else None,
        "walk_away": Move.WALK_AWAY if walk_away else None,
        "tactical_move": tactic,
    }
    chosen = {name: move for name, move in named.items() if move is not None}
    if len(set(chosen.values())) > 1:
        raise IllegalMoveError(f"{' and '.join(chosen)} are two moves; give one")
    move = next(iter(chosen.values()), None)
    alone = _maker(view, move)
    if alone is not None:
        if amount is not None or terms:
            raise IllegalMoveError(f"{next(iter(chosen))}: no offer goes with it; leave out offer_amount and terms")
        return alone(words)
    if move is None and amount is None:
        return _words_alone(view, words, terms)
    return _offer(view, move or Move.OFFER, amount, terms, words)


def _maker(view: SeatView, move: Move | None) -> Callable[[str], Action] | None:
    """Return the function that makes a move without an offer, None for other moves."""
    if move is None:
        return None
    makers = {
        Move.ACCEPT: view.accept,
        Move.WALK_AWAY: view.walk_away,
        Move.SILENCE: view.silence,
        Move.CHALLENGE: view.challenge,
    }
    return makers.get(move)


def _words_alone(view: SeatView, words: str, terms: Mapping[str, str] | None) -> Action:
    """Return the action of a turn with words and no move.

    Words that doubt an open claim are a challenge, others are silence.

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
    view: SeatView, move: Move, amount: float | str | None, terms: Mapping[str, str] | None, words: str
) -> Action:
    """Return an offer, an anchor or a claim.

    An anchor without an amount is at the seat's own end of the price range.
    """
    try:
        price = read_price(amount, view.scenario) if isinstance(amount, str) else amount
        if move is Move.ANCHOR_HIGH:
            return view.anchor(price, terms, words)
        if price is None:
            raise IllegalMoveError(f"{move.name} needs an amount; give one")
        make = view.make_claim if move is Move.BATNA_REVEAL else view.make_offer
        return make(price, terms, words)
    except (IllegalMoveError, UnclearTextError) as error:
        raise IllegalMoveError(f"offer_amount: {error}") from None
