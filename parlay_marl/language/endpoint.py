"""One model at a chat completions endpoint: one request at a time, with its result as plain data."""

from __future__ import annotations

import email.utils
import functools
import json
import os
import time
import urllib.parse
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from parlay_marl.errors import ConfigurationError, MissingExtraError
from parlay_marl.language.deadline import bound_connections, until
from parlay_marl.language.journal import Completion
from parlay_marl.language.reply import Reply
from parlay_marl.language.tools import Call
from parlay_marl.printable import escaped

KEY_VARIABLE, URL_VARIABLE = "OPENAI_API_KEY", "OPENAI_BASE_URL"
USUAL_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""What is sent as key to an endpoint of one's own that needs none."""
SHORTEST_SECRET = 12
"""Characters of a key that is one, and no word such as `EMPTY`, which stands for no key."""
LONGEST_ANSWER = 4_000_000
"""Bytes of an answer that are read: far more than the longest reply."""
LONGEST_REFUSAL = 65_536
"""Bytes of a refusal that are read, before they are unpacked."""
LONGEST_REASON = 300
MOST_TOKENS_CHARGED = 10**9
"""Tokens of a request that are taken to be a count of them."""
REDIRECT, UNAUTHORISED, TOO_MANY_REQUESTS, SERVER_ERROR = 300, 401, 429, 500
AGAIN = frozenset({408, 409, 425, TOO_MANY_REQUESTS})
"""The refusals, besides errors of the server, after which the same request may succeed."""
USUAL_PAUSE, PAUSE_OF_A_LIMIT = 0.5, 2.0
"""Seconds after a first failure, and after a first request that was one too many: limits are for a minute, which five
further attempts fill."""
NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})
"""The errors of the client's library after which an endpoint has certainly not worked on a request."""


class Failure(NamedTuple):
    """A request that failed."""

    reason: str
    """What went wrong, without anything secret."""
    may_succeed: bool
    """Whether the same request may succeed later."""
    wait: float | None = None
    """The seconds that the endpoint asks to wait; None where it names none."""
    pause: float = USUAL_PAUSE
    """The seconds until the next attempt where it names none; doubled after each further failure."""
    may_be_charged: bool = False
    """Whether the endpoint may have worked on it, and may ask money for it."""
    tokens: tuple[int, int] | None = None
    """The tokens that the endpoint charges for, prompt and completion; None where it does not say them."""


class Endpoint:
    """A model at an endpoint. The key comes from the environment, and appears in no text that this object makes."""

    def __init__(self, model: str, base_url: str | None, timeout: float) -> None:
        """Take a model's name, and the URL of its endpoint; without one, that of `OPENAI_BASE_URL` or OpenAI's own."""
        self.model, self.timeout = model, timeout
        self.url = checked_url(base_url or os.environ.get(URL_VARIABLE) or USUAL_URL)
        self._key = _key_for(self.url)
        self._client = _client(self.url, self._key, timeout)

    def send(self, body: Mapping[str, Any]) -> Completion | Failure:
        """Send a request once, and return the completion, without its cost, or why there is none."""
        import openai

        deadline = time.monotonic() + self.timeout
        ask = self._client.chat.completions.with_streaming_response.create
        try:  # as `extra_body` the request is sent as it is: the client takes long to look through it otherwise
            with until(deadline), ask(model=self.model, messages=[], extra_body=dict(body)) as response:
                content = _read(response, deadline)
        except openai.APIStatusError as error:
            return self._refused(error)
        except openai.APITimeoutError as error:
            return Failure(f"no answer within {self.timeout:g} s", True, may_be_charged=_was_sent(error))
        except openai.APIConnectionError as error:
            return Failure(self._clean(f"no connection: {_cause(error)}"), True, may_be_charged=_was_sent(error))
        except openai.OpenAIError as error:
            return Failure(self._clean(f"{type(error).__name__}: {error}"), False)
        except OSError as error:  # while the answer is read
            return Failure(self._clean(f"the connection broke: {error}"), True, may_be_charged=True)
        except Exception as error:  # what the library beneath the client raises then depends on its version
            if time.monotonic() >= deadline:
                return self._unended()
            return Failure(self._clean(f"the connection broke: {type(error).__name__}"), True, may_be_charged=True)
        if content is None:
            return self._unended()
        return self._completion(content, with_tools="tools" in body)

    def _unended(self) -> Failure:
        """Return the failure of an answer that was not whole in time."""
        return Failure(f"the answer did not end within {self.timeout:g} s", True, may_be_charged=True)

    def _completion(self, content: bytes, *, with_tools: bool) -> Completion | Failure:
        """Return the completion that an answer holds."""
        tokens = None
        try:
            data = json.loads(content)
            tokens = _tokens_of(data)
            choice = data["choices"][0]
            calls, ids = _calls_of(choice["message"])
            text = _text_of(choice["message"].get("content"))
            is_cut = choice.get("finish_reason") == "length"
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            return Failure("the answer is no chat completion", True, may_be_charged=True, tokens=tokens)
        reply = Reply(self._plain(text), tuple(Call(self._plain(name), self._plain(given)) for name, given in calls))
        return Completion(reply, tuple(ids), tokens=tokens, is_cut=is_cut, with_tools=with_tools)

    def _refused(self, error: Any) -> Failure:
        """Return the failure of a request that was refused by a status of HTTP."""
        status = int(error.status_code)
        again = status in AGAIN or status >= SERVER_ERROR
        if status == UNAUTHORISED:  # some endpoints repeat a part of the key here
            return Failure(f"it refuses the key (401); set {KEY_VARIABLE} to the endpoint's key", False)
        if REDIRECT <= status < REDIRECT + 100:
            return Failure(self._clean(_redirected(status, error.response)), False)
        text = _message_of(error)
        pause = PAUSE_OF_A_LIMIT if status == TOO_MANY_REQUESTS else USUAL_PAUSE
        return Failure(self._clean(f"{status} {text}".strip()), again, _seconds_to_wait(error.response.headers), pause)

    def _clean(self, text: str) -> str:
        """Return a text of the endpoint in one line, shortened, and without the key."""
        line = " ".join(self._without_key(text).split())
        return escaped(line)[:LONGEST_REASON].rstrip(".")

    def _plain(self, text: str) -> str:
        """Return a part of a reply without the key, and without halves of characters, which no request can repeat."""
        return self._without_key(text).encode("utf-8", "replace").decode()

    def _without_key(self, text: str) -> str:
        """Return a text of the endpoint without the key; what is short is no secret, and may be a part of a word."""
        return text if len(self._key) < SHORTEST_SECRET else text.replace(self._key, "[key]")

    def __repr__(self) -> str:
        return f"Endpoint({self.model!r}, {self.url!r})"


def checked_url(url: str) -> str:
    """Return the URL of an endpoint; refuse one that is none, or that holds what may be secret."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("base_url: give the URL of an endpoint, such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            f"base_url: it must hold no user, password or query; the key comes from the environment ({KEY_VARIABLE})"
        )
    return url.rstrip("/")


def _key_for(url: str) -> str:
    """Return the key of the environment; an endpoint other than OpenAI's may do without."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key and url == USUAL_URL:
        raise ConfigurationError(
            f"there is no key for {url}: set {KEY_VARIABLE} or, for an endpoint of your own, base_url or {URL_VARIABLE}"
        )
    if not (key.isascii() and key.isprintable()):
        raise ConfigurationError(f"{KEY_VARIABLE} holds characters that no key has; set it again")
    return key or NO_KEY


@functools.lru_cache(maxsize=64)
def _client(url: str, key: str, timeout: float) -> Any:
    """Return the client of an endpoint: players of the same one share its connections."""
    try:
        import openai
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        raise MissingExtraError(
            'players chat:MODEL need the client of OpenAI; pip install "parlay-marl[language]"'
        ) from None
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [functools.partial(_bound_error, timeout)]}
    bounded = openai.DefaultHttpxClient(event_hooks=hooks, follow_redirects=False)  # a prompt goes to nobody else
    bound_connections(bounded)
    client = openai.OpenAI(api_key=key, base_url=url, timeout=timeout, max_retries=0, http_client=bounded)
    weakref.finalize(client, bounded.close)  # the client closes at its end only what it has made itself
    return client


def _bound_error(timeout: float, response: Any) -> None:
    """Bound the body of a refusal in size and in time: the client reads it to its end, which may never come."""
    if response.is_success:
        return
    whole, deadline = response.stream, time.monotonic() + timeout
    kind: Any = type(whole)  # of whichever library is beneath the client: it takes no other

    class Bounded(kind):  # type: ignore[misc]
        def __init__(self) -> None:
            pass

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for piece in whole:
                yield piece
                size += len(piece)
                if size > LONGEST_REFUSAL:
                    return
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the answer did not end within {timeout:g} s")

        def close(self) -> None:
            whole.close()

    response.stream = Bounded()


def _read(response: Any, deadline: float) -> bytes | None:
    """Return the body of an answer, or None where it does not end in time; one that is too long is cut."""
    content = bytearray()
    for piece in response.iter_bytes():  # as it comes: with a size it would wait for so much
        content += piece
        if time.monotonic() > deadline:
            return None
        if len(content) > LONGEST_ANSWER:
            break
    return bytes(content)


def _text_of(content: Any) -> str:
    """Return the text of a message: text, parts of text, or nothing beside tool calls."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part.get("type") == "text")


def _calls_of(message: Mapping[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the tool calls of a message, name and arguments as text, and their ids."""
    calls, ids = [], []
    for number, call in enumerate(message.get("tool_calls") or ()):
        given = call["function"].get("arguments") or "{}"
        calls.append((str(call["function"]["name"]), given if isinstance(given, str) else json.dumps(given)))
        ids.append(str(call.get("id") or f"call_{number}"))
    if len(set(ids)) < len(ids):
        ids = [f"call_{number}" for number in range(len(ids))]
    return calls, ids


def _tokens_of(data: Any) -> tuple[int, int] | None:
    """Return the tokens of a request and of its reply; None where the endpoint does not say them."""
    usage = data.get("usage")
    if not isinstance(usage, dict):
        return None
    sent: Any = usage.get("prompt_tokens")
    written: Any = usage.get("completion_tokens")
    if not _is_count(sent) or not _is_count(written):
        return None
    return sent, written


def _is_count(given: Any) -> bool:
    """Return whether a value of an answer is a number of tokens."""
    return type(given) is int and 0 <= given <= MOST_TOKENS_CHARGED


def _redirected(status: int, response: Any) -> str:
    """Return why an answer that sends the request elsewhere is none; what may be secret in an address is left out."""
    place = urllib.parse.urlsplit(str(response.url.join(response.headers.get("location", ""))))
    where = urllib.parse.urlunsplit((place.scheme, place.netloc.rpartition("@")[2], place.path, "", ""))
    return f"{status}, it redirects to {where}, and requests are sent nowhere else; if it is yours, set base_url to it"


def _message_of(error: Any) -> str:
    """Return what an endpoint says of a refusal."""
    body = error.body
    while isinstance(body, dict) and "error" in body:
        body = body["error"]
    found = body.get("message", "") if isinstance(body, dict) else body
    return found if isinstance(found, str) else ""


def _seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a header Retry-After, which is a number of them or a date."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.replace(".", "", 1).isdigit():
        return float(given)
    try:
        return max(email.utils.parsedate_to_datetime(given).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None


def _was_sent(error: Exception) -> bool:
    """Return whether a request that got no answer may have reached its endpoint."""
    return type(error.__cause__).__name__ not in NEVER_SENT


def _cause(error: Exception) -> str:
    """Return why a connection failed, in words."""
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}".removesuffix(": ")
