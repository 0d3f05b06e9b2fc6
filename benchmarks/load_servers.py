"""The servers of `load_server.py`, each a process: ours, and OpenEnv's own echo environment."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

PATIENCE = 120.0
"""Seconds after which a start has failed."""
MOST_SESSIONS = 1_000
NAMES = {"__ENV_NAME__": "echo", "__ENV_CLASS_NAME__": "Echo", "__ENV_TITLE_NAME__": "Echo"}
"""The blanks of OpenEnv's template, and what stands for them."""


class Served:
    """A server's process on a free port of 127.0.0.1, which ends with the `with` block."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process, self.port, self.pid = process, port, process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)

    def memory(self) -> int:
        """Return the memory that the processes hold, in bytes; what workers share counts for each of them."""
        pages = (int((process / "statm").read_text().split()[1]) for process in self._processes())
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def cpu(self) -> float:
        """Return the seconds of CPU that the processes have had."""
        fields = [(process / "stat").read_text().rpartition(")")[2].split() for process in self._processes()]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def threads(self) -> int:
        """Return how many threads the processes have."""
        return sum(len(list((process / "task").iterdir())) for process in self._processes())

    def _processes(self) -> list[Path]:
        """Return the folders of the process and of its workers in /proc."""
        workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [Path("/proc") / number for number in (str(self.pid), *workers)]


def end(process: subprocess.Popen[str]) -> None:
    """End a process, at once where it does not end by itself."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def environment() -> dict[str, str]:
    """Return the environment variables of a server."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


class Server(Served):
    """`parlay serve` with some options."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "parlay_marl", "serve", "--port", "0", *options]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("Serving at http://"):
            end(process)
            raise SystemExit(f"the server does not start: {' '.join(command)}")
        super().__init__(process, int(line.split()[2].rpartition(":")[2]))


ECHO = """
import socket, sys
import uvicorn
from echo.server.app import app
uvicorn.Server(uvicorn.Config(app)).run([socket.socket(fileno=int(sys.argv[1]))])
"""
"""Serves the echo environment, as `uvicorn echo.server.app:app` does, at a socket that is there already."""


class EchoServer(Served):
    """OpenEnv's echo environment: the template of `openenv init`, as it is, but for more sessions than one."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="echo-")
        write_echo(Path(self._folder.name) / "echo")
        with socket.create_server(("127.0.0.1", 0), backlog=2_048) as listener:
            port = listener.getsockname()[1]
            process = subprocess.Popen(
                [sys.executable, "-c", ECHO, str(listener.fileno())], pass_fds=(listener.fileno(),), env=environment(),
                cwd=self._folder.name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
        super().__init__(process, port)
        try:
            health(port, 1)
        except OSError:
            end(process)
            raise SystemExit("the echo environment does not start") from None

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._folder.cleanup()


def write_echo(folder: Path) -> None:
    """Write OpenEnv's echo environment as a package."""
    found = importlib.util.find_spec("openenv.cli.templates")
    assert found is not None
    assert found.submodule_search_locations is not None
    template = Path(next(iter(found.submodule_search_locations))) / "openenv_env"
    for source in template.rglob("*.py"):
        place, text = str(source.relative_to(template)), source.read_text("utf-8")
        for blank, name in NAMES.items():
            place, text = place.replace(blank, name), text.replace(blank, name)
        if place == "server/app.py":
            assert "max_concurrent_envs=1," in text
            text = text.replace("max_concurrent_envs=1,", f"max_concurrent_envs={MOST_SESSIONS},")
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text, "utf-8")


def health(port: int, times: int) -> list[float]:
    """Return the seconds that each answer to `/health` takes on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    found = []
    try:
        for _ in range(times):
            began = time.perf_counter()
            connection.request("GET", "/health")
            connection.getresponse().read()
            found.append(time.perf_counter() - began)
    finally:
        connection.close()
    return found
