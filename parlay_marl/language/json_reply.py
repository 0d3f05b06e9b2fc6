"""A reply as one JSON object, or as tool calls, whose arguments are JSON objects."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from parlay_marl.core.moves import Move
from parlay_marl.errors import UnclearTextError
from parlay_marl.game.view import SeatView
from parlay_marl.language.amounts import price_of, spread_of
from parlay_marl.language.doubt import expresses_doubt
from parlay_marl.language.parts import Parts
from parlay_marl.language.terms import terms_of
from parlay_marl.language.tools import TOOL_NAMES, Call
from parlay_marl.language.vocabulary import BELIEF_COMMAND, BELIEF_TOOL, move_called

_KEYS = {
    "move": "move", "tactical_move": "move", "price": "price", "offer_amount": "price", "terms": "terms",
    "words": "words", "utterance": "words", "belief": "belief", "accept": "accept", "walk_away": "walk_away",
}  # fmt: skip
"""The keys of an object; alternative names of some are those of OpenEnv's action."""
MOST_BRACES = 50
"""Most braces of a reply that begin no object."""
_BROKEN = re.compile(r"\{\s*(?:\"[^\"]{0,40}\"|'[^']{0,40}')\s*:")
"""The beginning of an object."""
_NOT_WHOLE = (
    "The JSON object is not whole, or not valid: give one object with double quotes around its names and texts, no "
    "comma behind its last part, and nothing around it."
)
_CALL_KEYS = {"name", "arguments", "parameters", "type"}
_FLAGS = {"accept": Move.ACCEPT, "walk_away": Move.WALK_AWAY}
_OF_CALLS = {"price": "price", "terms": "terms", "words": "words", "mean": "mean", "spread": "spread"}


def object_in(text: str) -> dict[str, Any] | None:
    """Return the JSON object of a text with at least one key of a reply; None where there is none.

    Several are refused, unless they are equal, and so is a line that begins with a command beside one. So is one that
    stands in something else with braces, such as an object that was cut off: it may be a plan, or an example. So are
    many braces that begin no object: each costs a look at the text.
    """
    found: list[dict[str, Any]] = []
    rest, start, missed, depth = [], 0, 0, 0
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    while (begin := text.find("{", start)) >= 0:
        rest.append(text[start:begin])
        depth -= rest[-1].count("}")
        try:
            thing, start = decoder.raw_decode(text, begin)
        except UnclearTextError:
            raise
        except (ValueError, RecursionError):
            if _BROKEN.match(text, begin):
                raise UnclearTextError(_NOT_WHOLE) from None
            rest.append("{")
            start, missed, depth = begin + 1, missed + 1, depth + 1
            if missed > MOST_BRACES:
                raise UnclearTextError(
                    "The reply has too many braces; give one JSON object and nothing else."
                ) from None
            continue
        if not isinstance(thing, dict) or not _is_reply(thing):
            continue
        if depth > 0:
            raise UnclearTextError(_NOT_WHOLE)
        if thing not in found:
            found.append(thing)
    rest.append(text[start:])
    if len(found) > 1:
        raise UnclearTextError("The reply has several JSON objects; give one.")
    if found and any(line.lstrip(" `*").startswith("/") for line in "".join(rest).split("\n")):
        raise UnclearTextError("The reply has a JSON object and a command; give one of them.")
    return found[0] if found else None


def read_object(given: Mapping[str, Any], view: SeatView) -> Parts:
    """Return the parts of a reply in the form of a JSON object."""
    if "name" in given:
        if not set(given) <= _CALL_KEYS or {"arguments", "parameters"} <= set(given):
            raise UnclearTextError(
                "A tool call as JSON has a `name` and `arguments` and nothing else; a move has no `name`."
            )
        arguments = given.get("arguments", given.get("parameters", {}))
        return read_calls((Call(str(given["name"]), arguments),), view)
    values = _renamed(given, _KEYS)
    moves = [flag for key, flag in _FLAGS.items() if _flag(values, key)]
    named = values.get("move")
    if named is not None:
        moves.append(_move(named))
    moves = moves or [_unnamed_move(values, view)]
    if len(set(moves)) > 1:
        raise UnclearTextError(f"{' and '.join(move.name for move in moves)} are two moves; give one.")
    denied = [key for key, flag in _FLAGS.items() if flag in moves and values.get(key) is False]
    if denied:
        raise UnclearTextError(f"The move is {moves[0].name}, and `{denied[0]}` is false; give one of them.")
    return _parts(moves[0], values, view)._replace(belief=_belief(values.get("belief"), view))


def _unnamed_move(values: Mapping[str, Any], view: SeatView) -> Move:
    """Return the move of an object without a move's name.

    A price is an offer. Words alone are silence, or a challenge of an open claim that they doubt: see RULES section
    9.
    """
    if values.get("price") is not None:
        return Move.OFFER
    words = values.get("words")
    if not words:
        raise UnclearTextError('Nothing was done; name a move, such as {"move": "accept"}.')
    claim = view.counter_claim
    is_open = claim is not None and claim.status == "open"
    return Move.CHALLENGE if is_open and expresses_doubt(str(words)) else Move.SILENCE


def read_calls(calls: tuple[Call, ...], view: SeatView) -> Parts:
    """Return the parts of tool calls: one move, and beside it a stated belief."""
    move: Parts | None = None
    belief: tuple[float, float] | None = None
    for name, arguments in dict.fromkeys((call.name, _text(call.arguments)) for call in calls):
        values = _renamed(_arguments(name, arguments), _OF_CALLS)
        if name in (BELIEF_TOOL, BELIEF_COMMAND):
            if belief is not None:
                raise UnclearTextError(f"`{name}` was called twice; call it once.")
            belief = _belief([values.get("mean"), values.get("spread")], view)
            continue
        called = move_called(name)
        if called is None:
            raise UnclearTextError(f"There is no tool `{name[:40]}`; there are {', '.join(TOOL_NAMES)}.")
        if move is not None:
            raise UnclearTextError("Two moves were called; call one tool a turn.")
        move = _parts(called, values, view)
    if move is None:
        raise UnclearTextError(f"`{BELIEF_TOOL}` is no move; call one as well, such as `keep_silent`.")
    return move._replace(belief=belief)


def _parts(move: Move, values: Mapping[str, Any], view: SeatView) -> Parts:
    price, words = values.get("price"), values.get("words")
    if words is not None and not isinstance(words, str):
        raise UnclearTextError("Words are text; put them in quotes.")
    return Parts(
        move,
        None if price is None else price_of(price, view.scenario),
        terms_of(values.get("terms"), view.scenario),
        words or "",
    )


def _move(named: Any) -> Move:
    move = move_called(named) if isinstance(named, str) else None
    if move is None:
        raise UnclearTextError(f"{str(named)[:40]!r} is no move; there are {', '.join(TOOL_NAMES[:-1])}.")
    return move


def _flag(values: Mapping[str, Any], key: str) -> bool:
    value = values.get(key)
    if value is not None and not isinstance(value, bool):
        raise UnclearTextError(f"`{key}` is true or false.")
    return bool(value)


def _belief(given: Any, view: SeatView) -> tuple[float, float] | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        given = [given.get("mean"), given.get("spread")]
    if not isinstance(given, list) or len(given) != 2:
        raise UnclearTextError("A belief is two amounts, [mean, spread].")
    return price_of(given[0], view.scenario, anywhere=True), spread_of(given[1], view.scenario)


# -------------------------------------------------------------------------------------------------------- plain data


def _is_reply(thing: Mapping[str, Any]) -> bool:
    """Return whether an object is a reply: it has a key of one, or is a tool call written as text."""
    is_call = "name" in thing and set(thing) <= _CALL_KEYS and len(thing) > 1
    return is_call or any(_plain(key) in _KEYS for key in thing)


def _plain(key: str) -> str:
    return key.strip().lower().replace("-", "_")


def _renamed(given: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """Return values under the parser's names; refuse unknown keys, and two keys of one meaning."""
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = keys.get(_plain(key))
        if name is None:
            raise UnclearTextError(
                f"`{key[:40]}` means nothing here; there are {', '.join(dict.fromkeys(keys.values()))}."
            )
        if name in values and values[name] != value:
            raise UnclearTextError(f"`{name}` is given twice; give it once.")
        values[name] = value
    return values


def _text(arguments: Mapping[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, default=str)


def _arguments(name: str, text: str) -> Mapping[str, Any]:
    """Return the arguments of a call, which some models leave empty."""
    try:
        given = json.loads(text or "{}", object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except UnclearTextError:
        raise
    except (ValueError, RecursionError):
        raise UnclearTextError(f"The arguments of `{name[:40]}` are no JSON; call it again.") from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise UnclearTextError(f"The arguments of `{name[:40]}` are an object, such as {{}}.")
    return given


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; refuse a repeated key, which is ambiguous."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise UnclearTextError("A key stands twice in the JSON object; give each once.")
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise UnclearTextError(f"{name} is no amount; give a number.")
