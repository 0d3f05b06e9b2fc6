"""`parlay serve`: as a process that is asked, used and stopped, and what it says to mistakes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from parlay_marl.server.settings import VARIABLES, ServerSettings
from tests.cli.conftest import Parlay, long_flags
from tests.processes import LIMIT, ROOT, Started, is_running, run, wait_until
from tests.server.live import HANDSHAKE, frame, lines_of

NOTICE = "Compiling the rules for this machine; this takes under a minute, once.\n"
"""What stands before the log where the rules have not been compiled yet."""
TOKEN = "correct-horse-battery-staple"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


class Served:
    """A server in a process of its own; what it said is there at its end."""

    def __init__(self, process: Started, said: list[str], errors: Path) -> None:
        self.process, self.said, self._errors = process, said, errors
        self.address = said[0].split()[2]
        self.port = int(self.address.rpartition(":")[2])
        self.log: list[dict[str, Any]] = []

    def get(self, path: str, token: str | None = None) -> tuple[int, str]:
        request = urllib.request.Request(self.address + path)
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def connect(self, path: str = "/ws", **options: Any) -> Any:
        return connect(f"ws://127.0.0.1:{self.port}{path}", compression=None, open_timeout=LIMIT, **options)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        out, _ = self.process.communicate()
        self.said += out.splitlines()
        self.log = lines_of(self.errors.removeprefix(NOTICE))
        return self.process.returncode

    @property
    def errors(self) -> str:
        """What is on standard error so far."""
        return self._errors.read_text("utf-8")


@contextlib.contextmanager
def served(*options: str, lines: int = 1, **variables: str) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder, "errors")
        command = [sys.executable, "-W", "error", "-m", "parlay_marl", "serve", "--port", "0", *options]
        with errors.open("w") as file, Started(command, env=os.environ | variables, stderr=file) as process:
            said = [process.line().rstrip("\n") for _ in range(lines)]
            if not said[0].startswith("Serving at "):
                process.wait()
                pytest.fail(errors.read_text("utf-8"))
            yield Served(process, said, errors)


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    with served("--token-file", str(file), "--max-sessions", "5", MAX_TURNS_PER_EPISODE="7") as server:
        assert server.said[0].endswith("(OpenEnv: /ws, first protocol: /env/ws); Ctrl-C ends it.")
        assert server.get("/health") == (200, '{"status":"healthy"}')
        assert server.get("/metrics")[0] == 401
        with server.connect(additional_headers={"Authorization": f"Bearer {TOKEN}"}) as line:
            line.send('{"type": "reset", "data": {"seed": 3, "scenario": "uniform"}}')
            told = json.loads(line.recv())
            assert told["type"] == "observation", told
            figures = server.get("/metrics", TOKEN)[1]
            assert 'parlay_connections_open{protocol="openenv"} 1.0' in figures
            assert server.stop() == 0
            with pytest.raises(ConnectionClosed) as ended:
                line.recv()
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1012
    events = [line["event"] for line in server.log]
    assert (events[0], events[-1]) == ("server_started", "server_stopped")
    assert "failed" not in events
    assert "library" not in events
    assert TOKEN not in json.dumps(server.log) + json.dumps(server.said)


def test_clients_that_do_not_read_or_wait_for_each_other_hold_no_server_up() -> None:
    with served("--drain", "300", "--wait", "300") as server:
        request = urllib.request.Request(f"{server.address}/matches", b'{"opener": "buyer"}', method="POST")
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            codes = json.load(answer)["join_codes"]
        with socket.socket() as line, server.connect() as waiting:
            waiting.send(json.dumps({"type": "reset", "data": {"join_code": codes["seller"]}}))
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            line.connect(("127.0.0.1", server.port))
            line.sendall(HANDSHAKE % b"/ws")
            assert b" 101 " in line.recv(100)
            line.sendall(frame(b'{"type": "reset"}') + frame(b'{"type": "state"}') * 40_000)
            counts = [""]
            while counts[-1] != counts[0] or len(counts) < 5:  # until no message is taken any more
                time.sleep(0.2)
                figures = server.get("/metrics")[1]
                counts = [*counts, re.findall(r'messages_total{protocol="openenv"} (.*)', figures)[0]][-5:]
            assert server.stop() == 0
    events = [event["event"] for event in server.log]
    assert "library" not in events, "nothing had to be cancelled"
    assert events[-1] == "server_stopped"
    assert "forfeit" not in json.dumps(server.log)


def test_ctrl_c_ends_it_as_well_and_an_open_address_is_warned_of() -> None:
    with served("--host", "0.0.0.0", "--reveal-hidden", lines=3) as server:
        assert server.said[1].startswith("Warning: anybody who can reach this address can play; --token-file")
        assert server.said[2].startswith("Warning: clients are shown what a negotiator cannot know")
        server.address = f"http://127.0.0.1:{server.port}"
        assert server.get("/health")[0] == 200
        assert server.stop(signal.SIGINT) == 0


def test_workers_share_the_port_and_the_figures() -> None:
    with served("--workers", "2", lines=4, PARLAY_TOKEN=TOKEN) as server:
        assert server.said[1:] == [
            "2 workers share the port and the figures at /metrics.",
            "They share no sessions: each takes up to 1,000, those of its own connections.",
            "Games of two clients and sessions that are shared need one worker, so they are refused.",
        ]
        for _ in range(10):
            with server.connect(additional_headers={"Authorization": f"Bearer {TOKEN}"}) as line:
                line.send("[]")
                line.recv()
        figures = {
            server.get("/metrics", TOKEN)[1].count('parlay_messages_total{protocol="openenv"} 10.0') for _ in "abc"
        }
        assert figures == {1}
        assert server.get("/metrics")[0] == 401
        wait_until(lambda: server.errors.count('"server_started"') == 2)
        assert server.stop() == 0
    started = [line for line in server.log if line["event"] == "server_started"]
    stopped = [line for line in server.log if line["event"] == "server_stopped"]
    assert len({line["process"] for line in started}) == 2
    assert len(stopped) == 2


on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of Linux")


def workers_of(server: Served, count: int) -> list[int]:
    """Return the workers that have started so far, as soon as there are so many of them."""
    wait_until(lambda: server.errors.count('"server_started"') >= count)
    lines = lines_of(server.errors.removeprefix(NOTICE))
    return [line["process"] for line in lines if line["event"] == "server_started"]


def nobody_listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), LIMIT).close()
    except ConnectionRefusedError:
        return True
    return False


@contextlib.contextmanager
def a_game_that_is_cut_off(server: Any) -> Iterator[None]:
    """Begin a game; its client learns of the end of its connection after the block."""
    with server.connect() as line:
        line.send('{"type": "reset"}')
        line.recv()
        yield
        with pytest.raises(ConnectionClosed):
            line.recv(LIMIT)


@on_linux
def test_workers_end_with_their_parent_even_where_it_is_killed() -> None:
    with served("--workers", "2", lines=4) as server:
        workers = workers_of(server, 2)
        with a_game_that_is_cut_off(server):
            server.process.kill()
        assert server.process.communicate() == ("", None)  # the pipe is held by nobody
        wait_until(lambda: not any(is_running(worker) for worker in workers))
        assert nobody_listens(server.port)


@on_linux
def test_a_worker_that_is_killed_is_replaced_and_its_clients_learn_of_it() -> None:
    with served("--workers", "2", lines=4) as server:
        workers = workers_of(server, 2)
        with a_game_that_is_cut_off(server):
            for worker in workers:
                os.kill(worker, signal.SIGKILL)
        assert server.get("/health")[0] == 200  # it waits in the queue of the port until there is a worker
        again = workers_of(server, 4)[2:]
        assert not set(again) & set(workers)
        assert server.stop() == 0
        assert nobody_listens(server.port)
    ended = [line for line in server.log if line["event"] == "worker_ended"]
    assert [(line["status"], line["process"] in workers) for line in ended] == [(-9, True)] * 2


@on_linux
def test_nothing_stays_on_the_port_of_a_server_that_is_killed_while_it_starts(tmp_path: Path) -> None:
    """Its workers load a player that takes for ever."""
    (tmp_path / "slow.py").write_text("import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(1e4)\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "parlay_marl", "serve", "--port", str(port), "--workers", "2", "--opponent", "slow:Player"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    for number in (signal.SIGKILL, signal.SIGTERM):
        (tmp_path / "begun").unlink(missing_ok=True)
        with Started([sys.executable, *command], cwd=tmp_path, env=variables) as process:
            wait_until((tmp_path / "begun").exists)
            process.send_signal(number)
            said, _ = process.communicate()
            assert "Serving at" not in said
            assert process.returncode == (-9 if number == signal.SIGKILL else 0)
            wait_until(lambda: nobody_listens(port))


def heard(line: Any) -> tuple[str, int | None]:
    """Return all that a client is still told, and by which code its connection ends."""
    told = ""
    with contextlib.suppress(ConnectionClosed):
        while True:
            told += line.recv(LIMIT)
    return told, line.close_code


@on_linux
def test_a_match_that_the_end_of_the_server_cuts_short_is_nobodys_forfeit() -> None:
    with served("--drain", "300") as server:
        asked = urllib.request.Request(server.address + "/matches", data=b'{"opener": "buyer"}')
        with urllib.request.urlopen(asked, timeout=LIMIT) as answer:
            codes = json.load(answer)["join_codes"]
        with server.connect() as buyer, server.connect() as seller:
            buyer.send(json.dumps({"type": "reset", "data": {"join_code": codes["buyer"]}}))
            assert json.loads(buyer.recv())["type"] == "observation"
            seller.send(json.dumps({"type": "reset", "data": {"join_code": codes["seller"]}}))
            seller.send('{"type": "state"}')  # waits behind the reset, which waits for the buyer
            wait_until(lambda: 'parlay_messages_total{protocol="openenv"} 2.0' in server.get("/metrics")[1])
            assert server.stop() == 0  # it would wait 50 s for the buyer's turn
            for line in (buyer, seller):
                told, code = heard(line)
                assert "forfeit" not in told
                assert code == 1012
    assert [line["event"] for line in server.log if line["event"] == "game_ended"] == []
    assert server.log[-1]["event"] == "server_stopped"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--port", "70000"), "server: --port: Input should be less than or equal to 65535 (given 70000)"),
        (("--max-sessions", "0"), "server: --max-sessions: Input should be greater than or equal to 1"),
        (("--idle", "nan"), "server: --idle: Input should be"),
        (("--workers", "0"), "server: --workers: Input should be greater than or equal to 1"),
        (("--allow-origin", "a.example"), "server: --allow-origin: 'a.example' is no origin; give scheme and host"),
        (("--token-file", "{tmp}/none"), "none: cannot be read: No such file or directory"),
        (("--token-file", "{tmp}"), "cannot be read: Is a directory"),
        (("--token-file", "{tmp}/empty"), "empty: is empty; put the token into it"),
        (("--token-file", "{tmp}/short"), "server: --token-file: give at least 16 characters"),
        (("--token-file", "{tmp}/bytes"), "bytes: cannot be read: it is no text"),
        (("--scenario", "{tmp}/none.toml"), "none.toml: no such scenario file"),
        (("--opponent", "sharc"), "unknown persona 'sharc'; did you mean 'shark'?"),
        (("--workers", "2", "--opponent", "sharc"), "unknown persona 'sharc'; did you mean 'shark'?"),
        (("--allow-host", "http://a.example"), "server: --allow-host: 'http://a.example' is no name of a host"),
        (("--proxy", "a.example"), "server: --proxy: 'a.example' is no address or network"),
        (("--workers", "2", "--share-sessions"), "share_sessions: several workers share no sessions"),
        (("--host", "192.0.2.1", "--port", "0"), "cannot listen at 192.0.2.1 port 0: "),
        (("--host", "no such host"), "cannot listen at no such host port 8001: "),
    ],
)
def test_what_cannot_be_served_is_one_line(
    parlay: Parlay, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "short").write_text("secret-of-mine")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    done = parlay("serve", *(argument.format(tmp=tmp_path) for argument in arguments))
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret-of-mine" not in done.output


def test_each_setting_has_the_name_of_its_option() -> None:
    fields = {"--" + name.replace("_", "-") for name in ServerSettings.model_fields}
    # The token itself would be seen in the list of processes.
    assert long_flags("serve") == fields - {"--token"} | {"--token-file", "--help"}


def test_the_page_about_the_server_names_no_option_that_there_is_not() -> None:
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    rows = page.partition("<!-- table: server -->")[2].partition("<!-- end of table -->")[0]
    assert re.findall(r"^\| `(\w+)`", rows, re.MULTILINE) == list(ServerSettings.model_fields)
    named = set(re.findall(r"`--([a-z-]+)", page))
    assert {name.replace("-", "_") for name in named} <= {*ServerSettings.model_fields, "token_file"}


def test_a_port_that_is_taken_is_one_line(parlay: Parlay) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = parlay("serve", "--port", str(port))
    assert done.exit_code == 2
    assert f"cannot listen at 127.0.0.1 port {port}: Address already in use; give another with --host or" in done.stderr


def test_a_bad_variable_is_one_line(parlay: Parlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDIBILITY_POINTS_START", "lots")
    done = parlay("serve")
    assert done.exit_code == 2
    assert "server: CREDIBILITY_POINTS_START: Input should be a valid number" in done.stderr


def test_a_start_does_without_openenvs_web_interface() -> None:
    program = (
        "import sys; sys.argv = ['parlay', 'serve', '--port', '0', '--scenario', 'none.toml']\n"
        "from parlay_marl.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('gradio' in sys.modules, 'openenv' in sys.modules)\n"
    )
    assert run([sys.executable, "-c", program]).stdout.splitlines()[-1] == "False True"


def test_without_the_extra_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['openenv'] = None; from parlay_marl.cli import main; main()"
    done = run([sys.executable, "-c", program, "serve"])
    assert done.returncode == 2
    assert 'the server needs openenv; pip install "parlay-marl[server]"' in done.stderr
    assert done.stderr.count("\n") == 1
    assert "--workers" in run([sys.executable, "-c", program, "serve", "--help"], check=True).stdout
    assert run([sys.executable, "-c", program, "--help"]).returncode == 0
