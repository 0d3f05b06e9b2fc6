"""Commands in a reply, each on a line of its own: `/offer 150000 warranty=one year`, `/accept`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import NamedTuple

from parlay_marl.errors import UnclearTextError
from parlay_marl.game.view import SeatView
from parlay_marl.language.amounts import plain_digits, price_of, spread_of
from parlay_marl.language.forms import example_price, example_spread
from parlay_marl.language.parts import Parts
from parlay_marl.language.terms import option_of, term_called, term_names
from parlay_marl.language.vocabulary import BELIEF_COMMAND, BELIEF_TOOL, BY_MOVE, MOVES, move_called

_LINE = re.compile(r"[\s`*_]*/(?P<name>[A-Za-z_]+)(?P<rest>(?:[^A-Za-z_].*)?)")
"""A line with a command, with or without Markdown around it."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_FENCE = re.compile(r"\s*(?:```|~~~)\S*\s*")
_ANOTHER = re.compile(r"\s/[A-Za-z_]{3,}")
_COURTESIES = frozenset({
    "a", "agreed", "best", "deal", "done", "fair", "final", "fine", "gladly", "good", "great", "happily", "have",
    "i", "i'm", "is", "it", "it's", "kind", "ok", "okay", "of", "offer", "perfect", "please", "pleasure", "price",
    "sounds", "sure", "take", "thank", "thanks", "that", "that's", "the", "then", "this", "to", "us", "very",
    "we", "well", "with", "wonderful", "yes", "you", "your",
})  # fmt: skip
"""Words allowed after a command: no row of them withdraws it or makes it conditional."""
_WORD, _MARKS = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?"), re.compile(r"[^\w?%=/<>{}$€£¥]|_")
_AMOUNT = re.compile(
    r"\s*(?P<amount>(?:[A-Za-z]{2,12}\s*|[$€£¥]\s*)?[-+]?[\d.,' _\u00a0\u202f]*\d\s*"
    r"(?:(?:k|thousand|m|mio|million|bn|billion)\b)?(?:\s*[$€£¥])?)(?P<tail>.*)",
    re.IGNORECASE | re.DOTALL,
)
_GLUED = re.compile(r"%|(?<!\s)[^\W_][^\s,;]*")
"""Characters next to the digits of an amount that belong to it: `150USD`, `1e5`, `20%`."""
_PRICE_KEYS = ("price", "amount", "offer_amount")
"""The key of the price in JSON and tools; a command gives its price without a name."""
LONGEST_COMMAND = 500
"""Longest command with its arguments, in characters; a search for an amount in a longer one is slow."""


class _Command(NamedTuple):
    """One command of a reply: its name as written, and the text after it."""

    name: str
    rest: str


def read_commands(text: str, view: SeatView) -> Parts | None:
    """Return the parts of the commands in a text, with its other lines as words; None where there is no command."""
    commands, prose = _split(plain_digits(text), text)
    if not commands:
        return None
    moves = [command for command in commands if not _is_belief(command)]
    beliefs = [command for command in commands if _is_belief(command)]
    for several, what in ((moves, "moves"), (beliefs, "beliefs")):
        if len(set(several)) > 1:
            shown = " and ".join(f"`/{each.name}{each.rest}`" for each in several[:2])
            raise UnclearTextError(f"{shown} are two {what}; give one.")
    belief = _belief(beliefs[0], view) if beliefs else None
    if not moves:
        raise UnclearTextError(f"`/{beliefs[0].name}` is no move; add one on a line of its own, such as `/silence`.")
    return _move(moves[0], view, prose)._replace(belief=belief)


def _split(readable: str, original: str) -> tuple[list[_Command], str]:
    """Return the commands of a text, and its other lines as they were written."""
    commands, prose = [], []
    for line, as_written in zip(_LINE_END.split(readable), _LINE_END.split(original), strict=True):
        found = _LINE.fullmatch(line)
        if found is not None and len(line) > LONGEST_COMMAND:
            raise UnclearTextError(
                f"The line with `/{found['name'][:40]}` is too long: give a command at most {LONGEST_COMMAND} "
                "characters, and put what you say on other lines."
            )
        if found is not None:
            commands.append(_Command(found["name"].lower(), found["rest"].rstrip().rstrip("`*").rstrip()))
        elif not _FENCE.fullmatch(line):
            prose.append(as_written.strip())
    return commands, "\n".join(line for line in prose if line)


def _is_belief(command: _Command) -> bool:
    return command.name in (BELIEF_COMMAND, BELIEF_TOOL)


def _move(command: _Command, view: SeatView, prose: str) -> Parts:
    """Return the parts of a command that is a move."""
    move = move_called(command.name)
    if move is None:
        raise UnclearTextError(_unknown(command.name, view))
    if another := _ANOTHER.search(command.rest):
        raise UnclearTextError(f"`{another[0].strip()}` stands behind `/{command.name}`; put it on a line of its own.")
    if not BY_MOVE[move].has_price:
        return Parts(move, words=_joined(_tail(command, command.rest), prose))
    amount, terms, tail = _priced(command, view)
    if amount is None and command.name != "anchor":
        raise UnclearTextError(f"`/{command.name}` needs a price, such as `/{command.name} {example_price(view)}`.")
    return Parts(move, amount, terms, _joined(tail, prose))


def _unknown(name: str, view: SeatView) -> str:
    """Return an error that names the unknown command and the known ones."""
    known = [*(each.command for each in MOVES), *([BELIEF_COMMAND] if view.states_belief else [])]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean `/{near[0]}`?" if near else f"there are {', '.join(f'/{each}' for each in known)}."
    return f"There is no command `/{name[:40]}`; {hint}"


def _joined(tail: str, prose: str) -> str:
    return "\n".join(part for part in (tail, prose) if part)


def _tail(command: _Command, text: str) -> str:
    """Return the words after a command; refuse any but courtesies.

    Other words may change its meaning, in any language: `/accept once you sign`, `/offer 150 each`.
    """
    words = text.strip().strip(".,;:!-–—#()\"'").strip()  # noqa: RUF001
    rest = _MARKS.sub("", _WORD.sub(lambda found: "" if found[0].lower() in _COURTESIES else found[0], words))
    if rest:
        raise UnclearTextError(
            f"`/{command.name}{command.rest[:100]}`: {words[:60]!r} is not clear, and words never bind. Let the "
            "command stand alone on its line, and put what you say on other lines."
        )
    return words if _WORD.search(words) else ""


def _priced(command: _Command, view: SeatView) -> tuple[float | None, Mapping[str, str] | None, str]:
    """Return the price of a command, its terms, and the words after it."""
    before, terms = _terms(command, view)
    found = _AMOUNT.fullmatch(before)
    if found is None:
        return None, terms, _tail(command, before)
    glued = _GLUED.match(before, found.start("tail"))
    end = found.start("tail") if glued is None else glued.end()
    amount = before[found.start("amount") : end].strip()
    tail = re.sub(rf"\A\s*{re.escape(view.scenario.currency)}(?!\w)", "", before[end:], flags=re.IGNORECASE)
    return price_of(amount, view.scenario), terms, _tail(command, tail)


def _terms(command: _Command, view: SeatView) -> tuple[str, Mapping[str, str] | None]:
    """Return the text before the terms of a command, and the terms: an option for each `term=`."""
    scenario = view.scenario
    names = sorted(term_names(scenario), key=len, reverse=True)  # `late start` before `start`
    known = "|".join(r"[\s_]+".join(map(re.escape, plain_digits(name).split())) for name in names)
    places = list(re.finditer(rf"(?<!\w)({known})\s*=\s*", command.rest, re.IGNORECASE)) if names else []
    if not places:
        unknown = re.search(r"([^\W\d][\w \-]*?)\s*=", command.rest)
        if unknown is not None and (key := unknown[1].lower().split()[-1]) in _PRICE_KEYS:
            raise UnclearTextError(
                f"Write the price without `{key}=`, such as `/{command.name} {example_price(view)}`."
            )
        if unknown is not None:
            term_called(unknown[1][-40:], scenario)
        return command.rest, None
    chosen: dict[str, str] = {}
    ends = [place.start() for place in places[1:]] + [len(command.rest)]
    for place, end in zip(places, ends, strict=True):
        name = term_called(place[1], scenario)
        if name in chosen:
            raise UnclearTextError(f"`{name}` is named twice; give one option.")
        chosen[name] = option_of(name, command.rest[place.end() : end], scenario)
    return re.sub(r"[\s,;]*(?:\bwith)?[\s,;]*\Z", "", command.rest[: places[0].start()]), chosen


def _belief(command: _Command, view: SeatView) -> tuple[float, float]:
    """Return the mean and the spread of a stated belief."""
    figures = [part.strip(",;") for part in re.split(r"\s+|±|\+/-", command.rest)]
    amounts = [part for part in figures if any(character.isdigit() for character in part)]
    others = [part for part in figures if part and part not in amounts]
    if len(amounts) != 2 or any(part.lower() != view.scenario.currency.lower() for part in others):
        example = f"/{BELIEF_COMMAND} {example_price(view)} {example_spread(view)}"
        raise UnclearTextError(f"`/{command.name}` needs two amounts, the mean and the spread, such as `{example}`.")
    return price_of(amounts[0], view.scenario, anywhere=True), spread_of(amounts[1], view.scenario)
