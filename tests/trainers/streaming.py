"""A scripted endpoint that streams, as verifiers asks for it: the bargainer of the other endpoint, sent in events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.language.bargainer import Prompt, bargain, rendered
from tests.language.completions import Written, completion

Mind = Callable[[dict[str, Any]], str]
"""What answers: the body of a request in, the text of a reply out."""


def bargainer(body: dict[str, Any]) -> str:
    """Return the reply of a simple sensible bargainer, in the form that the prompt asks for."""
    prompt = Prompt.of(body)
    return rendered(bargain(prompt), prompt, "").text


class StreamingEndpoint:
    """A server of chat completions at a free port, in a `with` block. It streams where it is asked."""

    def __init__(self, mind: Mind = bargainer) -> None:
        self.requests: list[dict[str, Any]] = []
        """The bodies of all requests."""
        self._mind = mind
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30.0)

    def _handler(endpoint) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler below
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Write no log."""

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.requests.append(body)
                made = endpoint.completion(body)
                streams = bool(body.get("stream"))
                content = events(made) if streams else json.dumps(made).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream" if streams else "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the completion of a request."""
        return completion(body, Written(self._mind(body)), "x")


def events(made: dict[str, Any]) -> bytes:
    """Return a completion as a stream of events, its text in two pieces."""
    choice, text = made["choices"][0], made["choices"][0]["message"]["content"]
    common = {name: made[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    half = len(text) // 2
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": text[:half]}, None),
        ({"content": text[half:]}, None),
        ({}, choice["finish_reason"]),
    ]
    chunks = [common | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} for delta, finish in deltas]
    chunks.append(common | {"choices": [], "usage": made["usage"]})
    return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks) + b"data: [DONE]\n\n"
