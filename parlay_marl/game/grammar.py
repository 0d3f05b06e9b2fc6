"""The grammar of turns in words: it parses `140k`, `offer 1.5m with equity none` or `accept` as an action."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from decimal import Decimal

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.core.moves import Move, own_end
from parlay_marl.errors import UnclearTextError
from parlay_marl.game.action import Action
from parlay_marl.game.text import exact_money

_PRICED = {"offer": Move.OFFER, "claim": Move.BATNA_REVEAL, "anchor": Move.ANCHOR_HIGH}
_BARE = {
    "accept": Move.ACCEPT,
    "walk": Move.WALK_AWAY,
    "silence": Move.SILENCE,
    "challenge": Move.CHALLENGE,
}
_SYNONYMS = {
    "deal": "accept", "bid": "offer", "ask": "offer", "wait": "silence", "pass": "silence", "bluff": "challenge",
}  # fmt: skip

_NUMBER = re.compile(r"(?P<digits>[\d., '_]*\d)\s*(?P<scale>k|thousand|m|mio|million|bn|billion)?")
_WITH_POINT = re.compile(r"(\d{1,3}([, '_]\d{3})+|\d+)(\.\d+)?|\.\d+")
"""Digits with a decimal point, as this package writes prices."""
_WITH_COMMA = re.compile(r"([1-9]\d{0,2}([. '_]\d{3})+|\d+)(,\d+)?|,\d+")
"""Digits with a decimal comma, as many countries write them."""
_THOUSANDS_OR_DECIMALS = re.compile(r"[1-9]\d{0,2}\.\d{3}")
LONGEST = 200
"""Longest turn in words, in characters."""
THREE = 3
"""Digits of a group of thousands."""
_SIGNS = {
    "$": ("USD", "dollar", "AUD", "CAD", "HKD", "NZD", "SGD"),
    "€": ("EUR", "euro"),
    "£": ("GBP", "pound"),
    "¥": ("JPY", "yen", "CNY", "yuan", "RMB"),
}
"""Signs of currencies, and the names of the currencies that each may stand for."""
_CODES = tuple(name.lower() for names in _SIGNS.values() for name in names)
_SEVERAL = re.compile(r"\d\S{0,8}\s*(\.\.+|…|-|–|\bto\b)\s*[$€£¥]?\d")  # noqa: RUF001
"""Two amounts, written as a range."""
_SCALES = {"k": 3, "thousand": 3, "m": 6, "mio": 6, "million": 6, "bn": 9, "billion": 9}


def read(text: str, scenario: Scenario, seat: int, usual_package: int, others: Collection[str] = ()) -> Action:
    """Return the action of a seat in a line of text, or raise `UnclearTextError` with the reason.

    Amounts are in currency. Terms that are not named are those of `usual_package`. `others` are further commands of
    the caller, which are suggested for misspelt words.
    """
    words = text.strip().lower()
    if len(words) > LONGEST:
        raise UnclearTextError(f"That is too long for a move; give at most {LONGEST} characters.")
    if not words:
        raise UnclearTextError("Type a price, or `help` for what else there is.")
    head, _, rest = words.partition(" ")
    head, rest = _SYNONYMS.get(head, head), rest.strip()
    if head in _BARE:
        return _bare(head, rest)
    if head not in _PRICED and _looks_like_price(words, scenario):
        head, rest = "offer", words
    if head in _PRICED:
        price, terms = _priced(head, rest, scenario)
        at = own_end(seat) if price is None else scenario.normalise(price)
        return Action(_PRICED[head], at, _package(terms, usual_package, scenario))
    near = difflib.get_close_matches(head, (*_PRICED, *_BARE, *others), n=1, cutoff=0.6)
    raise UnclearTextError(
        f"{text.strip()!r} is no move; " + (f"did you mean `{near[0]}`?" if near else "type `help`.")
    )


def _bare(head: str, rest: str) -> Action:
    """Return a move that takes no price or terms."""
    if rest and (head, rest) != ("walk", "away"):
        reason = "it takes their offer exactly as it stands" if head == "accept" else "it has no price and no terms"
        raise UnclearTextError(f"`{head}` stands alone: {reason}.")
    return Action(_BARE[head])


Terms = tuple[tuple[int, int], ...]
"""Named options, each as the number of its term and its own number."""


def _priced(head: str, rest: str, scenario: Scenario) -> tuple[float | None, Terms]:
    """Return the price of a move in currency, where it has one, and its terms."""
    amount, *with_terms = (part.strip() for part in re.split(r"\bwith\b", rest, maxsplit=1))
    if not amount and head != "anchor":
        raise UnclearTextError(f"`{head}` needs a price, such as `{head} {_example(scenario)}`.")
    price = _price(amount, scenario) if amount else None
    return price, _terms(with_terms[0], scenario) if with_terms else ()


def _example(scenario: Scenario) -> str:
    """Return a price in the middle of the range in full."""
    return f"{_middle(scenario):.{scenario.decimals}f}"


def _middle(scenario: Scenario) -> float:
    """Return the whole number of units in the middle of the range, in currency."""
    unit = scenario.price_unit
    return round((scenario.low + scenario.high) / 2 / unit) * unit


def _amount_text(text: str, scenario: Scenario) -> str:
    """Return a typed price without the name or sign of the scenario's currency."""
    own = scenario.currency.lower()
    signs = [sign for sign, names in _SIGNS.items() if sign in own or own.rstrip("s") in map(str.lower, names)]
    known = "|".join(re.escape(each) for each in (own, *signs))
    return re.sub(rf"^\s*(?:{known})\s*|\s*(?:{known})\s*$", "", text.lower()).strip()


def _other_currency(amount: str) -> str:
    """Return the sign or code of a currency before or behind an amount, empty where there is none."""
    known = "|".join(re.escape(each) for each in (*_SIGNS, *_CODES))
    found = re.search(rf"^(?:{known})(?=[\s\d.,])|(?<=[\s\dkm])(?:{known})$", amount)
    return found[0].upper() if found else ""


def _looks_like_price(text: str, scenario: Scenario) -> bool:
    """Return whether a line without a move's name begins with a price."""
    amount = _amount_text(text, scenario)
    return re.match(r"[-+.]?\d", amount.removeprefix(_other_currency(amount).lower()).strip()) is not None


def read_price(text: str, scenario: Scenario) -> float:
    """Return a price written in words (`140k`, `USD 140,000`) in currency, exactly as written, also between two units.

    Raise `UnclearTextError` where it is no price, is ambiguous, or lies outside the public range.
    """
    if len(text) > LONGEST:
        raise UnclearTextError(f"That is too long for a price; give at most {LONGEST} characters.")
    return float(_amount(text, scenario))


def read_amount(text: str, scenario: Scenario) -> float:
    """Return an amount of currency written in words, which may lie outside the public range; see `read_price`."""
    if len(text) > LONGEST:
        raise UnclearTextError(f"That is too long for an amount; give at most {LONGEST} characters.")
    return float(_anywhere(text, scenario))


def _price(text: str, scenario: Scenario) -> float:
    """Return a typed price in currency, which must be a whole number of units."""
    amount = _amount(text, scenario)
    if amount % Decimal(str(scenario.price_unit)):
        unit = exact_money(scenario.price_unit, scenario)
        raise UnclearTextError(f"Prices go in steps of {unit} at this table; {text!r} is finer.")
    return float(amount)


def _amount(text: str, scenario: Scenario) -> Decimal:
    """Return a typed price in currency, exactly as typed."""
    amount = _anywhere(text, scenario)
    if not _is_within(amount, scenario):
        span = f"{exact_money(scenario.low, scenario)} to {exact_money(scenario.high, scenario)}"
        meant = _with_a_scale(amount, scenario)
        hint = f" Did you mean {meant}?" if meant else ""
        raise UnclearTextError(f"{scenario.currency} {amount:,f} lies outside the public range, {span}.{hint}")
    return amount


def _with_a_scale(amount: Decimal, scenario: Scenario) -> str:
    """Return an amount with the scale that brings it into the public range, such as `130k`; empty without one."""
    for sign in ("k", "m"):
        if _is_within(amount.scaleb(_SCALES[sign]), scenario):
            return f"{amount.normalize():f}{sign}"
    return ""


def _anywhere(text: str, scenario: Scenario) -> Decimal:
    """Return a typed amount of currency exactly, inside the public range or not."""
    amount_text = _amount_text(text, scenario)
    if other := _other_currency(amount_text):
        raise UnclearTextError(
            f"{text!r} names another currency, {other}; prices here are in {scenario.currency}, "
            f"so type {_typable(scenario)}."
        )
    if _SEVERAL.search(amount_text):
        raise UnclearTextError(f"{text!r} names several amounts; type one price, like {_typable(scenario)}.")
    found = _NUMBER.fullmatch(amount_text)
    if found is None:
        raise UnclearTextError(f"{text!r} is no price; type it like {_typable(scenario)}.")
    return _meant(found["digits"], _SCALES.get(found["scale"] or "", 0), text, scenario)


def _is_within(amount: Decimal, scenario: Scenario) -> bool:
    """Return whether an amount of currency lies in the public range."""
    return Decimal(str(scenario.low)) <= amount <= Decimal(str(scenario.high))


def _meant(digits: str, scale: int, text: str, scenario: Scenario) -> Decimal:
    """Return the amount of typed digits, with a decimal point or, where only that gives a price, a decimal comma.

    `5.000` may mean five or five thousand, so it is refused as unclear. It is clear in a scenario whose prices have
    three decimals, and where only one of the two lies in the range and such fine decimals are usual.
    """
    readings = []
    if _WITH_POINT.fullmatch(digits):
        readings.append(Decimal(re.sub(r"[, '_]", "", digits)).scaleb(scale))
    if _WITH_COMMA.fullmatch(digits):
        readings.append(Decimal(re.sub(r"[. '_]", "", digits).replace(",", ".")).scaleb(scale))
    if not readings:
        raise UnclearTextError(f"{text!r} is no price; type it like {_typable(scenario)}.")
    within = list(dict.fromkeys(amount for amount in readings if _is_within(amount, scenario)))
    is_doubtful = _THOUSANDS_OR_DECIMALS.fullmatch(digits) and not scale and scenario.decimals != THREE
    if is_doubtful and readings[0] in within and (len(within) > 1 or scenario.decimals < THREE):
        plain, grouped = (f"{amount.normalize():f}" for amount in readings)
        raise UnclearTextError(f"{text!r} may be {plain} or {grouped}; type one of these.")
    return within[0] if within else readings[-1 if is_doubtful else 0]


def _typable(scenario: Scenario) -> str:
    """Return a price in the middle of the range, as examples of what can be typed: `145000 or 145k`."""
    middle = Decimal(_example(scenario))
    for sign, power in (("m", 6), ("k", 3)):
        if middle >= 10**power:
            return f"{middle} or {middle.scaleb(-power).normalize():f}{sign}"
    return f"{middle}"


# ------------------------------------------------------------------------------------------------------------ terms


def _package(terms: Terms, usual: int, scenario: Scenario) -> int:
    """Return the usual package with the named options."""
    options = list(scenario.packages()[usual])
    for term, option in terms:
        options[term] = scenario.terms[term].options[option]
    return scenario.packages().index(tuple(options))


def _terms(text: str, scenario: Scenario) -> Terms:
    """Return the options named after `with`: by their names, or by a package's number."""
    if not scenario.terms:
        raise UnclearTextError("There are no terms at this table; the price is all.")
    if not text:
        raise UnclearTextError("Name the terms after `with`; `terms` lists them.")
    if text.isdecimal() and not any(text == option.name for term in scenario.terms for option in term.options):
        return _numbered(int(text), scenario)
    chosen = [_option(part, scenario) for part in re.split(r"\s*[,;]\s*|\s+and\s+", text) if part]
    if not chosen:
        raise UnclearTextError("Name the terms after `with`; `terms` lists them.")
    twice = {term for term, _ in chosen if [t for t, _ in chosen].count(term) > 1}
    if twice:
        raise UnclearTextError(f"{scenario.terms[min(twice)].name!r} is named twice.")
    return tuple(chosen)


def _numbered(number: int, scenario: Scenario) -> Terms:
    """Return all options of a package by its number, counted from 1."""
    if not 1 <= number <= scenario.n_packages:
        raise UnclearTextError(f"There are packages 1 to {scenario.n_packages}; `terms` lists them.")
    options = scenario.packages()[number - 1]
    return tuple(
        (i, term.options.index(option)) for i, (term, option) in enumerate(zip(scenario.terms, options, strict=True))
    )


def _option(text: str, scenario: Scenario) -> tuple[int, int]:
    """Return the option of a term that some words name."""
    words = re.sub(r"[:=]", " ", text).split()
    labels = {
        (i, j): f"{term.name} {option.name}".lower().split()
        for i, term in enumerate(scenario.terms)
        for j, option in enumerate(term.options)
    }
    exact = [
        key for key, label in labels.items() if words in (label, label[len(scenario.terms[key[0]].name.split()) :])
    ]
    near = [
        key for key, label in labels.items() if all(any(known.startswith(word) for known in label) for word in words)
    ]
    found = exact or near
    if len(found) == 1:
        return found[0]
    known = "; ".join(f"{term.name} {' | '.join(option.name for option in term.options)}" for term in scenario.terms)
    if not found:
        raise UnclearTextError(f"{text!r} is no option here; there are: {known}.")
    fits = " and ".join(f"`{' '.join(labels[key])}`" for key in found[:2])
    raise UnclearTextError(f"{text!r} fits {fits}{' and others' if len(found) > 2 else ''}; say which.")
