"""`uvicorn parlay_marl.server.app:app`, which openenv.yaml names: the same protections as `parlay serve`."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.processes import LIMIT, Started, run, wait_until
from tests.server.live import raw_request

COMMAND = [sys.executable, "-m", "uvicorn", "parlay_marl.server.app:app", "--host", "127.0.0.1"]
HASTY = """
import sys
sys.argv[0] = "uvicorn"
from parlay_marl.server import http_connection
http_connection.HEAD_SECONDS = 0.2
from uvicorn.main import main
main()
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def test_it_has_the_protections_of_parlay_serve(tmp_path: Path) -> None:
    port, errors = free_port(), tmp_path / "errors"
    command = [sys.executable, "-c", HASTY, *COMMAND[3:], "--port", str(port)]
    with errors.open("w") as file, Started(command, stderr=file) as process:
        wait_until(lambda: '"server_started"' in errors.read_text() or process.poll() is not None)
        assert process.poll() is None, errors.read_text()
        wait_until(lambda: _answers(port))
        with connect(f"ws://127.0.0.1:{port}/ws", open_timeout=LIMIT) as line:
            assert line.response is not None
            assert "Sec-WebSocket-Extensions" not in line.response.headers  # no deflate, which the client offers
            assert "Server" not in line.response.headers
            line.send(json.dumps({"type": "reset", "data": {"scenario": "x" * 70_000}}))
            assert "65536 bytes" in str(line.recv(LIMIT))
            assert raw_request(port, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n", silence=LIMIT) == b""
            line.send('{"type": "reset"}')
            line.recv(LIMIT)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as ended:
                line.recv(LIMIT)
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1012
        process.wait()
    log = errors.read_text().splitlines()
    own = [
        line for line in log if not line.startswith("INFO:")
    ]  # before it starts the app, uvicorn logs in its own way
    assert json.loads(own[0])["event"] == "server_started"
    assert json.loads(own[-1])["event"] == "server_stopped"
    assert not any("/ws" in line or "/health" in line for line in log)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=LIMIT) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_it_does_not_run_with_several_workers() -> None:
    """uvicorn starts them anew for ever; one worker alone is looked at here."""
    program = (
        "import asyncio, uvicorn\n"
        "config = uvicorn.Config('parlay_marl.server.app:app', port=0, workers=2)\n"
        "asyncio.run(uvicorn.Server(config).serve())\n"
    )
    done = run([sys.executable, "-c", program], env={**os.environ})
    assert done.returncode == 3
    assert "uvicorn: 2 workers share no games; use `parlay serve --workers`" in done.stderr
