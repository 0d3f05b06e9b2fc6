"""A scripted endpoint of chat completions: a real HTTP server that checks requests, bargains, and fails on demand.

    with Endpoint(faults={"429": 0.05, "500": 0.02}) as endpoint:
        player = ChatPlayer("scripted", base_url=endpoint.url)

`python -m tests.language.endpoint --fault 429=0.05` serves as a process of its own, and prints its URL first.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from tests.language.bargainer import Prompt, Turn, bargain, rendered
from tests.language.completions import MODEL, RefusedError, check_request, completion

FAULTS = (
    "429",  # too many requests, with Retry-After
    "500",  # an error of the server, without
    "html",  # 502 with a page, as a proxy answers
    "slow",  # an answer after `slowness` seconds
    "drip",  # an answer that comes byte by byte and does not end
    "cut",  # a connection that ends in the middle of the answer
    "not_json",  # 200 with text that is no JSON
    "no_choices",  # a completion without a choice
    "cut_arguments",  # a tool call whose arguments end in the middle, or a reply cut at a number
    "prose",  # a reply without a command
    "illegal",  # a command that is not legal
)
"""The faults that can be asked for; the last three are answers of the model, and are counted in tokens."""
OF_THE_MODEL = FAULTS[-3:]
SECONDS_TO_END, SECONDS_OF_A_DROP = 10.0, 0.02

Mind = Callable[[Prompt], Turn | str]
"""What answers: a turn, which is written in the form that the request asks for, or the text of a reply."""


class Bill(NamedTuple):
    """What the endpoint has answered with, in tokens; what a provider would ask money for."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def cost(self, prompt: float, completion: float) -> float:
        """Return the price of it, at prices per million tokens."""
        return (self.prompt_tokens * prompt + self.completion_tokens * completion) / 1e6


class Endpoint:
    """A server of chat completions at a free port of this machine, from `with` to the end of its block.

    `faults` are shares of requests, chosen by what is asked and by how often it was asked, so that they do not depend
    on the order in which games come; `script` are the faults of the first requests in turn, `""` for none. `refuses`
    are parameters that the model does not know, such as `tools` or `max_tokens`. With a `key`, requests must have it.
    """

    def __init__(
        self,
        mind: Mind = bargain,
        *,
        faults: Mapping[str, float] | None = None,
        script: Sequence[str] = (),
        refuses: Sequence[str] = (),
        models: Sequence[str] = (MODEL,),
        key: str = "",
        retry_after: str = "0",
        slowness: float = 1.0,
        port: int = 0,
    ) -> None:
        unknown = {*(faults or {}), *script} - {*FAULTS, ""}
        if unknown:
            raise ValueError(f"no such fault: {sorted(unknown)}; there are {FAULTS}")
        self.mind, self.faults, self.script, self.refuses = mind, dict(faults or {}), list(script), tuple(refuses)
        self.key, self.retry_after, self.slowness, self.models = key, retry_after, slowness, tuple(models)
        self.requests: list[dict[str, Any]] = []
        """The bodies of all requests, in the order in which they came."""
        self.headers: list[dict[str, str]] = []
        """Their headers, with names in lower case."""
        self.answered: Counter[str] = Counter()
        """The number of answers of each kind: `fine`, a fault, or the status of a refusal."""
        self.bill = Bill()
        self.ended = threading.Event()
        self._lock, self._asked = threading.Lock(), Counter[str]()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.endpoint = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="endpoint")

    @property
    def url(self) -> str:
        """What a client takes as `base_url`."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it: answers that are on their way are cut off, connections closed and threads joined."""
        self.ended.set()
        self._server.shutdown()
        self._server.cut_off()
        self._server.server_close()
        self._thread.join(SECONDS_TO_END)

    def received(self, body: dict[str, Any], headers: Mapping[str, str]) -> str:
        """Note a request, and return its fault."""
        digest = digest_of(body)
        with self._lock:
            self.requests.append(body)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            self._asked[digest] += 1
            count = self._asked[digest]
            if self.script:
                return self.script.pop(0)
        draw = int(hashlib.sha256(f"{digest} {count}".encode()).hexdigest()[:12], 16) / 16**12
        for fault, share in self.faults.items():
            if draw < share:
                return fault
            draw -= share
        return ""

    def answer(self, body: dict[str, Any], headers: Mapping[str, str], fault: str) -> dict[str, Any]:
        """Return the completion of a request, or raise `RefusedError`."""
        check_request(body, headers, self.key, self.refuses, self.models)
        prompt = Prompt.of(body)
        reply = rendered(self.mind(prompt), prompt, fault if fault in OF_THE_MODEL else "")
        return completion(body, reply, digest_of(body)[:8])

    def count(self, kind: str) -> None:
        """Count an answer of a kind."""
        with self._lock:
            self.answered[kind] += 1

    def charge(self, made: Mapping[str, Any]) -> None:
        """Put a completion on the bill."""
        used = made["usage"]
        with self._lock:
            old = self.bill
            self.bill = Bill(
                old.answers + 1,
                old.prompt_tokens + used["prompt_tokens"],
                old.completion_tokens + used["completion_tokens"],
            )


def digest_of(body: Mapping[str, Any]) -> str:
    """Return the digest of a request: the same one is answered alike, whatever else is asked."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class _Server(ThreadingHTTPServer):
    """A server whose connections can be cut off, so that no thread of it waits for a request for ever."""

    daemon_threads = False
    request_queue_size = 256
    endpoint: Endpoint

    def __init__(self, *given: Any) -> None:
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(*given)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut_off(self) -> None:
        """End all open connections."""
        with self._guard:
            for each in self._open:
                with contextlib.suppress(OSError):  # the client has closed it meanwhile
                    each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave; other errors are shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # headers and body in one packet: a second one would wait for the client's acknowledgement
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Write no log."""

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    def do_POST(self) -> None:
        endpoint = self.server.endpoint
        size = int(self.headers["Content-Length"])
        content = self.rfile.read(size)
        if len(content) < size:  # the client has ended meanwhile
            self.close_connection = True
            return
        body = json.loads(content)
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": f"there is nothing at {self.path}"}})
            return
        fault = endpoint.received(body, self.headers)
        if fault in ("429", "500", "html", "not_json"):
            endpoint.count(fault)
            self._fail(fault)
            return
        try:
            made = endpoint.answer(body, self.headers, fault)
        except RefusedError as refusal:
            endpoint.count(str(refusal.status))
            self._send(refusal.status, {"error": {"message": str(refusal), "type": "invalid_request_error"}})
            return
        endpoint.count(fault or "fine")
        if fault == "slow" and endpoint.ended.wait(endpoint.slowness):
            return
        if fault == "no_choices":
            made["choices"] = []
        if fault == "drip":
            self._drip()
            return
        endpoint.charge(made)
        self._send(200, made, is_cut=fault == "cut")

    def _drip(self) -> None:
        """Send a byte now and then, until the endpoint ends or the client leaves."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while not self.server.endpoint.ended.wait(SECONDS_OF_A_DROP):
            self.wfile.write(b" ")
            self.wfile.flush()
        self.close_connection = True

    def _fail(self, fault: str) -> None:
        endpoint = self.server.endpoint
        if fault == "429":
            error = {"error": {"message": "Rate limit reached", "type": "requests"}}
            self._send(429, error, {"Retry-After": endpoint.retry_after} if endpoint.retry_after else {})
        elif fault == "500":
            self._send(500, {"error": {"message": "The server had an error", "type": "server_error"}})
        elif fault == "html":
            self._send(502, "<html><body>Bad gateway</body></html>")
        else:
            self._send(200, "upstream said nothing that could be read")

    def _send(
        self, status: int, content: Any, headers: Mapping[str, str] | None = None, *, is_cut: bool = False
    ) -> None:
        is_text = isinstance(content, str)
        data = (content if is_text else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if is_text else "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if is_cut else data)
        self.close_connection = self.close_connection or is_cut


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=SHARE")
    parser.add_argument("--key", default="")
    given = parser.parse_args()
    faults = {kind: float(share) for kind, _, share in (each.partition("=") for each in given.fault)}
    with Endpoint(faults=faults, key=given.key, port=given.port) as endpoint:
        print(endpoint.url, flush=True)
        sys.stdin.read()
        print(json.dumps({"bill": endpoint.bill._asdict(), "answered": endpoint.answered}), flush=True)


if __name__ == "__main__":
    main()
