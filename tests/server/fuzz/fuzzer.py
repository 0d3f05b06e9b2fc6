"""A fuzzer: it sends a server what clients should not send, and notes what does not hold."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
from typing import Any

from parlay_marl.core.moves import SEATS
from tests.server.fuzz.alterations import variants
from tests.server.fuzz.clients import BadClient, Bystander
from tests.server.fuzz.findings import Findings
from tests.server.fuzz.hidden import SEEDS, secret
from tests.server.fuzz.messages import FOREIGN, MESSAGES, MINE
from tests.server.fuzz.replies import (
    AGAINST_THE_RULES,
    FAILED,
    GAVE_AWAY,
    LONGEST_REFUSAL,
    REPEATED,
    RESETS,
    a_move,
    has_shape,
    is_refusal,
)
from tests.server.fuzz.wire import PATIENCE, GoneError, Wire


class Fuzzer:
    """Fuzzes one server, and takes note of what does not hold."""

    def __init__(self, port: int, scenario: str, findings: Findings | None = None) -> None:
        self.port, self.scenario = port, scenario
        self.findings = findings or Findings()
        self.shared = 0
        """Sessions that were shared on purpose, and stay when their clients leave."""
        self._bystanders = {path: Bystander(self, path) for path in MESSAGES}

    def close(self) -> None:
        """Leave the server."""
        for bystander in self._bystanders.values():
            bystander.wire.close()

    def are_untouched(self, message: Any) -> None:
        """Take note of games of others that have changed."""
        for bystander in self._bystanders.values():
            bystander.is_untouched(message)

    def check(self, path: str, message: Any, reply: str, secrets: re.Pattern[str] | None) -> dict[str, Any]:
        """Take note of what is wrong with a reply; return it."""
        if GAVE_AWAY.search(reply):
            self.findings.add(f"{path}: a reply shows {GAVE_AWAY.search(reply)[0]!r}", message, reply)  # type: ignore[index]
        if FAILED in reply or "_fallback" in reply:
            self.findings.add(f"{path}: an unexpected failure", message, reply)
        if secrets is not None and (found := secrets.search(reply)):
            start = max(found.start() - 60, 0)
            self.findings.add(f"{path}: a hidden figure", message, reply[start : found.end() + 20])
        try:
            data = json.loads(
                reply, parse_constant=lambda name: self.findings.add(f"{path}: {name} in a reply", message, reply)
            )
        except ValueError:
            self.findings.add(f"{path}: a reply is no JSON", message, reply)
            return {}
        if not has_shape(path, data):
            self.findings.add(f"{path}: a reply of an unknown shape", message, reply)
        if is_refusal(data) and len(reply) > LONGEST_REFUSAL:
            self.findings.add(f"{path}: a refusal of more than {LONGEST_REFUSAL:,} characters", message, reply)
        return data if isinstance(data, dict) else {}

    # ------------------------------------------------------------------ one connection

    def batch(self, path: str, messages: list[Any], number: int, altered_each: int) -> None:
        """Send messages and alterations of them in one connection, and see that refusals change nothing."""
        draw = random.Random(number)
        with BadClient(self, path, draw) as player:
            for message in messages:
                text = json.dumps(message)
                text = text.replace(MINE, player.session).replace(FOREIGN, self._bystanders["/env/ws"].session)
                for variant in variants(text, draw, altered_each):
                    self.findings.sent[f"messages on {path}"] += 1
                    player.send(variant)
        self.are_untouched(messages)

    # ------------------------------------------------------------------ rude connections

    def rude(self, draw: random.Random) -> None:
        """Misbehave below the level of messages, and see that the server is well afterwards."""
        path = draw.choice(tuple(MESSAGES))
        step = {"/ws": '{"type":"step","data":{"utterance":"?"}}', "/env/ws": '{"cmd":"step","utterance":"?"}'}[path]
        wire = Wire(self.port, path)
        reset = RESETS[path].replace("SEED", "1").replace("ROLE", "buyer")
        how = draw.randrange(10)
        self.findings.sent["rude connections"] += 1
        with contextlib.suppress(GoneError, TimeoutError):
            if how in (0, 1):  # gone in the middle of a step
                wire.ask(reset)
                for _ in range(draw.randrange(1, 20)):
                    wire.send(step)
                (wire.tear_down if how else wire.close)()
            elif how == 2:  # half closed, and it still wants an answer
                wire.send(reset)
                wire.half_close()
                with contextlib.suppress(GoneError):
                    wire.receive()
            elif how == 3:  # a frame that never ends
                wire.send_raw(b"\x81\xfe\x10\x00" + bytes(4) + b"{" * draw.randrange(4_000))
                (wire.half_close if draw.random() < 0.5 else wire.tear_down)()
            elif how == 4:  # frames against the protocol: reserved bits, unknown opcode, no mask, no text
                wire.send_raw(
                    draw.choice(
                        (
                            b"\xf1\x80\0\0\0\0",
                            b"\x83\x80\0\0\0\0",
                            b"\x81\x02{}",
                            b"\x81\x82\0\0\0\0\xff\xfe",
                            b"\x80\x80\0\0\0\0",
                        )
                    )
                )
                wire.receive()
            elif how == 5:  # much larger than anything that is taken
                wire.send("[" * 300_000)
                wire.receive()
            elif how == 6:  # a message in many pieces
                wire.send_raw(b"\x01\x81\0\0\0\0{" + b"\x00\x81\0\0\0\0 " * 2_000 + b"\x80\x81\0\0\0\0}")
                self.check(path, "fragments", wire.receive(), None)
            elif how == 7:  # pings, large ones too, and closing codes
                wire.send_raw(
                    b"\x89\x80\0\0\0\0" * 50
                    + draw.choice((b"\x88\x82\0\0\0\0\x03\xe7", b"\x88\x81\0\0\0\0\x03", b"\xc9\x80\0\0\0\0"))
                )
                wire.receive()
            elif how == 8:  # many at once, without waiting for answers
                wire.send(reset)
                for _ in range(60):
                    wire.send(draw.choice((step, "{", b"\0")))
                for _ in range(61):
                    self.check(path, step, wire.receive(), None)
            else:
                wire.tear_down()
        wire.close()

    # ------------------------------------------------------------------ two clients

    def match(self, number: int, draw: random.Random) -> None:
        """Play a game of two clients, each with attempts at the other's seat, and see what either is told."""
        status, reply = self.request("POST", "/matches", json.dumps({"scenario": "planted", "seed": number}))
        codes = json.loads(reply).get("join_codes", {})
        if status != 200 or set(codes) != set(SEATS):
            self.findings.add("/matches: no match", number, reply)
            return
        with Wire(self.port, "/ws") as buyer, Wire(self.port, "/ws") as seller, Wire(self.port, "/ws") as other:
            wires = (buyer, seller)
            hidden = [secret(self.scenario, number, (1 - seat,)) for seat in (0, 1)]
            for seat, wire in enumerate(wires):  # the buyer opens, so that the seller is kept waiting
                wire.send(json.dumps({"type": "reset", "data": {"join_code": codes[SEATS[seat]]}}))
                if seat == 0:
                    self.check("/ws", "join", wire.receive(), hidden[0])
            both = secret(self.scenario, number, (0, 1))
            for code in (*codes.values(), codes["buyer"][:-1], codes["seller"].swapcase(), "", "x" * 200, 7, None):
                text = json.dumps({"type": "reset", "data": {"join_code": code, "seed": 99, "scenario": "uniform"}})
                told = self.check("/ws", text, other.ask(text), both)
                if code is not None and not is_refusal(told):
                    self.findings.add("/ws: a code that is used or guessed gives a seat", text, told)
            seat, is_over = 0, False
            while not is_over:
                wire = wires[seat]
                before = wire.ask('{"type": "state"}')
                for _ in range(3):
                    text = draw.choice(AGAINST_THE_RULES).replace("CODE", codes[SEATS[1 - seat]])
                    self.findings.sent["messages in games of two clients"] += 1
                    if not is_refusal(self.check("/ws", text, wire.ask(text), hidden[seat])):
                        self.findings.add("/ws: a wrong move is taken", text)
                after = wire.ask('{"type": "state"}')
                self.check("/ws", "state", after, hidden[seat])
                if after != before:
                    self.findings.add("/ws: a refused message has changed a game of two", before, after)
                wire.send(json.dumps({"type": "step", "data": a_move(draw, seat)}))
                seat = 1 - seat
                reply = wires[seat].receive()
                is_over = '"outcome"' in reply
                self.check("/ws", "turn", reply, None if is_over else hidden[seat])
            wires[1 - seat].receive()

    # ------------------------------------------------------------------ HTTP

    def request(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Send a request; return the status and the body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            given = {
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            }
            connection.request(
                method, target, body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body, given
            )
            answer = connection.getresponse()
            told = answer.read().decode("utf-8", "replace")
            if session := answer.getheader("mcp-session-id"):  # it would stay until it has been idle for long enough
                connection.request("DELETE", "/mcp", headers={"mcp-session-id": session})
                connection.getresponse().read()
            return answer.status, told
        finally:
            connection.close()

    def raw_requests(self, messages: list[Any], number: int) -> None:
        """Send bodies that schemas know nothing of, and ask for sessions of others."""
        draw = random.Random(number)
        for message in messages:
            content = message.get("data", message) if isinstance(message, dict) else message
            for variant in variants(json.dumps(content), draw, 2):
                target = draw.choice(("/reset", "/step", "/matches", "/mcp", "/parlay_marl/tasks", "/parlay_marl/task"))
                self.checked_request("POST", target, variant)
        bystander = self._bystanders["/env/ws"]
        self.checked_request(
            "GET", f"/env/sessions/{bystander.session}", None, secret(self.scenario, bystander.seed, (0, 1))
        )
        weird = draw.choice(
            (
                "%00",
                "%ff%fe",
                "..%2f..%2fetc%2fpasswd",
                "x" * 3_000,
                bystander.session[:-1],
                bystander.session.upper(),
                "%ed%a0%80",
            )
        )
        self.checked_request("GET", f"/env/sessions/{weird}")
        self.checked_request(
            draw.choice(("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW")),
            draw.choice(("/reset", "/ws", "/env/ws", "/metrics", "/")),
        )
        self.are_untouched("requests")

    def checked_request(
        self, method: str, target: str, body: Any = None, secrets: re.Pattern[str] | None = None
    ) -> None:
        """Send a request and take note of what is wrong with its answer."""
        self.findings.sent["requests over HTTP"] += 1
        try:
            status, reply = self.request(method, target, body)
        except (OSError, http.client.HTTPException) as error:
            self.findings.add(f"{method} {target[:30]}: no answer, {type(error).__name__}", body)
            return
        self.check_answer(f"{method} {target[:30]}", body, status, reply, secrets)

    def check_answer(
        self, what: str, sent: Any, status: int, reply: str, secrets: re.Pattern[str] | None = None
    ) -> None:
        """Take note of what is wrong with an answer over HTTP."""
        if status >= 500 and status != 501:
            self.findings.add(f"{what}: status {status}", sent, reply)
        if GAVE_AWAY.search(reply) and not what.startswith("GET /openapi"):
            self.findings.add(f"{what}: an answer shows {GAVE_AWAY.search(reply)[0]!r}", sent, reply)  # type: ignore[index]
        if 400 <= status < 500 and REPEATED in reply:
            self.findings.add(f"{what}: a refusal repeats what was sent", sent, reply)
        if secrets is not None and (found := secrets.search(reply)):
            self.findings.add(f"{what}: a hidden figure", sent, reply[max(found.start() - 60, 0) : found.end() + 20])
        if 400 <= status < 500 and len(reply) > LONGEST_REFUSAL:
            self.findings.add(f"{what}: a refusal of more than {LONGEST_REFUSAL:,} characters", sent, reply)

    def is_well(self, message: Any) -> None:
        """Take note of a server that does not answer any more."""
        try:
            status, reply = self.request("GET", "/health")
        except OSError as error:
            status, reply = 0, str(error)
        if status != 200 or "healthy" not in reply:
            self.findings.add("the server is not well", message, reply)

    def figures(self) -> dict[str, float]:
        """Return the server's own figures, and look for private ones among them."""
        _, text = self.request("GET", "/metrics")
        for number in SEEDS:
            if found := secret(self.scenario, number, (0, 1)).search(text):
                self.findings.add("/metrics: a hidden figure", found[0], text)
        samples = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}
