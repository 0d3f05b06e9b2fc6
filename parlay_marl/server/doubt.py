"""Doubt: whether words call a claim into question. No number is ever read out of words."""

from __future__ import annotations

import re

_DOUBT = re.compile(
    r"""
      \bbluffing\b | \b(a|your|this|that|another)\ bluff\b | \b(prove|substantiate)\ (it|that|this)\b
    | \bshow\ me\ (the\ )?(proof|evidence)\b
    | \b(do\ not|don't|dont|can't|cannot|can\ not|won't|hardly|never)\ (really\ |quite\ |for\ a\ moment\ )?
      (believe|buy|trust|accept\ that\ claim)\b
    | \b(i|we)\ (seriously\ |strongly\ |very\ much\ )?(doubt|question|dispute)\b | \bdoubt(ful)?\ (that|it|your)\b
    | \b(not|hardly|isn't|is\ not)\ (very\ |really\ |at\ all\ )?(credible|believable|plausible|your\ real\ limit)\b
    | \b(implausible|unbelievable|not\ true|isn't\ true|a\ lie|lying|you\ lie|nonsense)\b
    | \bskeptical\b | \bsceptical\b
    | \bis\ that\ really\ your\ (limit|walk-?away|bottom\ line|floor|ceiling|maximum|minimum|best\ alternative)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words that call a claim into question."""
_TRUST = re.compile(
    r"""
      \b(not|n't|never|no)\s+(\w+\s+){0,3}(bluff(ing|ed)?|lying|doubt|nonsense|a\ lie|sceptical|skeptical)\b
    | \b(i|we)\ (do\ |fully\ )?(believe|trust|accept)\ (you|that|your|it)\b
    | \b(no|without|beyond)\ (a\ |any\ )?doubt\b | \bnot\ a\ bluff\b
    | \b(i\ am|i'm|we\ are|we're)\ not\ bluffing\b | \bwithout\ bluffing\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words that sound like doubt and say the contrary."""
_QUOTES = str.maketrans({"\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{MODIFIER LETTER APOSTROPHE}": "'"})


def expresses_doubt(utterance: str) -> bool:
    """Return whether words call a claim of the other seat into question."""
    text = " ".join(utterance.translate(_QUOTES).split())
    return bool(_DOUBT.search(text)) and not _TRUST.search(text)
