"""Doubt: whether words call a claim of the other seat into question.

Numbers in words are never used. Words without a move challenge an open claim if they doubt it, and a wrong challenge
costs credibility. So only clear wording counts: doubt about a price, a deal, a third party or oneself does not.
"""

from __future__ import annotations

import re

_LIMIT = r"(?:limit|walk-?\ ?away(?:\ (?:price|point))?|bottom\ line|floor|ceiling|reservation\ price|maximum|minimum)"
_YOURS = rf"your\ (?:\w+\ ){{0,2}}?(?:{_LIMIT}|claim|figure|number|story|words?|best\ alternative)\b"
"""Words for the other seat's claim."""
_AFTER = r"and|but|so|because|anymore|at\ all|one\ bit|for\ (?:a|one)\ (?:second|moment|minute)"
_END = rf"(?=\ *(?:[.,;:!?)\-]|$|\b(?:{_AFTER})\b))"
"""The end of a clause: `I don't buy that` is doubt, `I don't buy that software` is not."""
_START = r"(?:^|[.,;:!?]\ )"
_VERY = (
    r"(?:(?:very|really|quite|honestly|seriously|strongly|very\ much|rather|just|simply|clearly|obviously|surely|only"
    r"|for\ a\ moment)\ )*"
)
_IT = r"(?:that|this|it)"
_IS = r"(?:\ (?:is|was|can\ be|could\ be)|'s)"
_STATEMENT = rf"""(?:(?:that\ )?(?:
    {_IT}{_IS}\ {_VERY}(?:{_YOURS}|true\b|the\ truth\b|honest\b)
  | {_YOURS}
  | you(?:'re|\ are)\ {_VERY}(?:honest|sincere|telling\ the\ truth)\b
  | you\ (?:can't|cannot|can\ not|won't|couldn't|could\ not)\ {_VERY}(?:go|move|do|pay|take)\b
))"""
_SAID = rf"(?:{_STATEMENT}|{_IT}\ (?:claim|bluff)\b|what\ you\ (?:say|said|claim|claimed|tell\ me)\b)"
_PRONOUN = rf"(?:(?:you|{_IT}|a\ word(?:\ of\ it)?){_END})"
_WE = rf"\b(?:i|we)\ {_VERY}"
_DO_NOT = r"(?:do\ not|don't|dont)"
_NOT = rf"(?:{_DO_NOT}|can't|cannot|can\ not|won't|hardly|never)\ {_VERY}"
_FALSE = rf"(?:implausible|unbelievable|untrue|(?:not|hardly)\ (?:true|{_VERY}(?:at\ all\ )?(?:credible|believable)))"

_DOUBT = re.compile(
    rf"""
      {_WE}{_NOT}(?:believe|trust)\ (?:{_SAID}|{_PRONOUN})
    | {_WE}{_NOT}buy\ {_SAID}{_END}
    | {_WE}{_DO_NOT}\ {_VERY}buy\ {_PRONOUN}
    | {_WE}{_NOT}(?:think\ {_STATEMENT}|accept\ (?:that|this|your)\ claim\b)
    | {_WE}find\ (?:{_IT}|{_YOURS})\ {_VERY}hard\ to\ believe\b
    | {_WE}(?:doubt|question|dispute|challenge)\ (?:{_SAID}|{_IT}{_END})
    | \b(?:i'm|i\ am|we're|we\ are)\ {_VERY}s[ck]eptical(?:{_END}|\ (?:of|about|that)\ {_SAID})
    | (?<!\bif\ )(?<!\bunless\ )\byou(?:'re|\ are|\ must\ be)\ {_VERY}(?:bluffing|lying)\b
    | \byou\ (?:lie|bluff){_END} | \bstop\ (?:bluffing|lying)\b
    | \b{_IT}{_IS}\ {_VERY}(?:(?:a\ (?:\w+\ )?(?:bluff|lie)|nonsense|{_FALSE}){_END}|(?:not|hardly)\ {_YOURS})
    | \b{_YOURS}\ (?:is|sounds|seems)\ {_VERY}(?:a\ (?:bluff|lie)|{_FALSE}){_END}
    | \bcall(?:ing)?\ (?:your|that|this)\ bluff\b | \bis\ (?:that|this)\ a\ bluff\b
    | \bare\ you\ (?:bluffing|lying)\b | \bis\ (?:that|this)\ (?:really|truly|honestly)\ {_YOURS}
    | (?:{_START}|\b(?:can|could|will|would)\ you\ |\b(?:please|then)\ )(?:prove|substantiate)\ {_IT}{_END}
    | (?:{_START}|\b(?:please|then)\ )show\ me\ (?:(?:the|some|any)\ )?(?:proof|evidence)\b
    | {_START}(?:utter\ |complete\ )?(?:nonsense|lies|liar|{_FALSE}){_END}
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words that call a claim into question."""
_TRUST = re.compile(
    r"""
      \b(?:not|n't|never|no)\s+(?:\w+\s+){0,3}(?:bluff(?:ing|ed)?|lying|doubt|nonsense|a\ lie|sceptical|skeptical)\b
    | \b(?:i|we)\ (?:do\ |fully\ )?(?:believe|trust|accept)\ (?:you|that|your|it)\b
    | n't\ call\b | \b(?:no|without|beyond)\ (?:a\ |any\ )?doubt\b | \bwithout\ bluffing\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words that sound like doubt and mean the opposite."""
_QUOTES = str.maketrans({"\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{MODIFIER LETTER APOSTROPHE}": "'"})


def expresses_doubt(utterance: str) -> bool:
    """Return whether words call a claim of the other seat into question."""
    text = " ".join(utterance.translate(_QUOTES).split())
    return bool(_DOUBT.search(text)) and not _TRUST.search(text)
