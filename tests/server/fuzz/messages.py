"""Messages of both protocols, valid ones and ones with a value replaced or added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from parlay_marl.catalogue import persona_names, scenario_names
from parlay_marl.core.moves import SEATS
from tests.server.fuzz.hidden import OPPONENT, SEEDS

NASTY_TEXTS = (
    "",
    " ",
    "\x00",
    "\x1b[2J",
    "\u202e\u2066abc",
    "\ud800",
    "\udfff\ud800",
    "\u2028\u2029",
    "\ufeff",
    "a\u0301" * 40,
    "\U0001f600" * 300,
    "A" * 2_001,
    "x" * 20_000,
    "../../etc/passwd",
    "/etc/passwd",
    "planted.toml",
    "{",
    "[",
    '{"a"',
    "NaN",
    "1e999",
    "null",
    "__class__",
    "{0.__class__}",
    "%s%n",
    "${7*7}",
    "' OR 1=1 --",
    "<script>",
    "shark\x00",
    "SHARK",
    "١٢٣",
)
NASTY_NUMBERS = (
    0,
    -0.0,
    -1,
    1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    -(2**63) - 1,
    10**40,
    1e308,
    -1e308,
    5e-324,
    float("nan"),
    float("inf"),
    float("-inf"),
    True,
    False,
    0.5,
    5_000_000_000,
    9_876_543_210.0001,
)
TACTICS = ("ANCHOR_HIGH", "BATNA_REVEAL", "SILENCE", "CHALLENGE")
NAMES = (*TACTICS, "OFFER", "ACCEPT", "WALK_AWAY", "offer", "Batna Reveal", "walk-away")
"""Of moves, in several cases."""
nasty_texts = st.sampled_from(NASTY_TEXTS) | st.text(max_size=30)
nasty_numbers = st.sampled_from(NASTY_NUMBERS) | st.integers() | st.floats()
scalars = st.none() | st.booleans() | nasty_numbers | nasty_texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(nasty_texts, inner, max_size=4),
    max_leaves=8,
)
amounts = st.floats(1e9, 9.87654321e9) | st.integers(1_000_000_000, 9_876_543_210)
utterances = (
    st.sampled_from(("", "Well?", "I do not believe you.", "My limit is 7,000,000,000.", "Is that a bluff?"))
    | nasty_texts
)
amounts_as_text = st.sampled_from(
    ("2,000,000,000", "2bn", "USD 3 billion", "2.5e9", "2,000", "1bn to 2bn", "٢bn", "$2bn")
)
terms = st.dictionaries(
    st.sampled_from(("delivery", "service", "?")), st.sampled_from(("now", "later", "full", "none")), max_size=3
)


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with some of the keys."""
    return st.fixed_dictionaries({}, optional=optional)


def one(*values: Any) -> st.SearchStrategy[Any]:
    """Return one of the values."""
    return st.sampled_from(values)


replies = (
    st.sampled_from((
        "/offer 2,000,000,000", "Well?\n/silence", "/accept", "/walk", "/claim 3bn", "/anchor", "/challenge", "/offer",
        "/offer 2bn delivery=now", '{"move": "offer", "price": 2000000000}', "```json\n{\"accept\": true}\n```",
        "<think>/accept</think>\n/silence", "/accept\n/walk", "/believe 2bn 1bn", '{"belief": [NaN], "move": "accept"}',
    ))
    | nasty_texts
)  # fmt: skip
"""Whole replies as a language model gives them."""
openenv_actions = some(
    utterance=utterances,
    offer_amount=amounts | amounts | amounts_as_text,
    tactical_move=one(*NAMES),
    accept=st.booleans(),
    walk_away=one(False, False, True),
    terms=terms,
    wait=one(False, False, False, True),
    belief=st.lists(amounts | scalars, max_size=3),
    metadata=st.dictionaries(nasty_texts, scalars, max_size=2),
)
tool_calls = st.fixed_dictionaries(
    {"tool_name": one("offer", "accept", "keep_silent", "state_belief", "fly") | nasty_texts},
    optional={
        "arguments": some(price=amounts | amounts_as_text | scalars, words=utterances, terms=terms, mean=amounts)
        | anything,
    },
)
tool_actions = st.builds(lambda kind, call: {"type": kind, **call}, one("call_tool", "list_tools"), tool_calls)
setups = some(
    scenario=one("planted", "planted", *scenario_names()),
    seed=one(*SEEDS),
    opponent=one(OPPONENT, *persona_names()),
    role=one(*SEATS),
    information=one("incomplete", "complete", None),
    opener=one("buyer", "seller", "random", None),
    max_rounds=one(None, 1, 10, 50) | st.integers(1, 1_000),
    rules=one("default", "seed", {"tension": {"memory": 0.5}}, {"preset": "seed"}, {}) | one("{", '{"tension": 1}'),
    reward=one("shaped", "payoff"),
    beliefs=one("bayes", "heuristic", "none", "elicited"),
    text=st.booleans(),
    ignore_unknown=st.booleans(),
    form=one("json", "commands", "tools"),
    refusals=one("error", "answer"),
    episode_id=one("mine", None),
    join_code=one(None, None, None, None, "guess"),
)
openenv_messages = st.one_of(
    st.fixed_dictionaries({"type": st.just("step"), "data": openenv_actions}),
    st.fixed_dictionaries({"type": st.just("step"), "data": some(message=replies)}),
    st.fixed_dictionaries({"type": st.just("step"), "data": tool_actions}),
    st.fixed_dictionaries(
        {"type": st.just("reset"), "data": some(split=one("train", "held_out"), index=st.integers(0))}
    ),
    st.fixed_dictionaries({"type": st.just("reset"), "data": setups}),
    st.fixed_dictionaries({"type": one("state", "state", "close", "mcp", "reset", "step", "observation", "")}),
    st.fixed_dictionaries(
        {
            "type": st.just("mcp"),
            "data": some(
                jsonrpc=one("2.0", "1.0"),
                id=scalars,
                params=anything | st.builds(lambda call: {"name": call["tool_name"], **call}, tool_calls),
                method=one(
                    "tools/list", "tools/call", "openenv/session/create", "openenv/session/close", "initialize", ""
                ),
            ),
        }
    ),
)
first_actions = some(
    utterance=utterances,
    offer_amount=amounts,
    tactical_move=one(*(name.lower() for name in TACTICS), None, "boast"),
    accept=st.booleans(),
    walk_away=one(False, False, True),
    terms=terms,
    extra=scalars,
)
MINE, FOREIGN = "<mine>", "<foreign>"
"""Stand for ids of sessions, which are known only when a message is sent."""
ids = one(MINE, MINE, MINE, MINE, FOREIGN, FOREIGN, "00000000-0000-4000-8000-000000000000", None)
first_params = st.one_of(
    st.builds(lambda name, action: {"session_id": name, **action}, ids, first_actions),
    st.builds(lambda name, action: {"session_id": name, "action": action}, ids, first_actions),
    some(
        scenario_id=one("planted", "planted", "saas_enterprise", "none"),
        persona=one(OPPONENT, "shark", "sharc"),
        seed=one(*SEEDS, "7"),
        role=one(*SEATS, "both"),
        shared=st.booleans(),
    ),
)
commands = one("step", "step", "step", "reset", "state", "close", "")
first_messages = st.one_of(
    st.builds(lambda command, params: {"cmd": command, **params}, commands, first_params),
    st.builds(lambda command, params: {"method": command, "params": params}, commands, first_params),
)
KEYS = (
    "type",
    "data",
    "cmd",
    "method",
    "params",
    "session_id",
    "seed",
    "self",
    "func",
    "role",
    "rules",
    "terms",
    "utterance",
    "offer_amount",
    "accept",
    "wait",
    "timeout_s",
    "request_id",
    "episode_id",
    "action",
    "jsonrpc",
    "id",
    "hidden",
    "options",
    "reveal_hidden",
    "message",
    "belief",
    "split",
    "index",
    "tool_name",
    "arguments",
)
MESSAGES = {"/ws": openenv_messages, "/env/ws": first_messages}


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values in data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def altered(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return data with another value at a path."""
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = altered(data[path[0]], path[1:], value)
    return copy


@st.composite
def batches(draw: Any) -> tuple[str, list[Any], int]:
    """Return a path, messages for it, many with a value replaced or added, and a seed of further alterations."""
    path = draw(one(*MESSAGES))
    messages = []
    for message in draw(st.lists(MESSAGES[path], min_size=2, max_size=6)):
        how = draw(st.integers(0, 3))
        if how == 1:
            message = altered(message, draw(st.sampled_from(list(places(message)))), draw(anything))  # noqa: PLW2901
        elif how == 2 and isinstance(message, dict):
            message = {**message, draw(nasty_texts): draw(anything)}  # noqa: PLW2901
        messages.append(message)
    return path, messages, draw(st.integers(0, 2**32 - 1))
