"""verifiers' own evaluation plays whole games: with one model, with two, and over the server."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("verifiers", reason="verifiers: not in this environment")

from parlay_marl.language.text_env import TextEnv
from parlay_marl.negotiation_v0 import play_game
from tests.processes import ROOT, Started, run
from tests.trainers import page
from tests.trainers.streaming import StreamingEndpoint

BIN = Path(sys.executable).parent
SERVER_PYTHON = ROOT / ".venv" / "bin" / "python"
"""The server's own environment: OpenEnv of its version and verifiers exclude each other."""
QUIET = ["--no-push", "--no-rich", "-o", "out"]
RESET = "{seed = 3, max_rounds = 2}"
PRICE = re.compile(r"Their offer: USD ([\d,]+)")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def evaluated(taskset: str, url: str, *options: str) -> list[dict[str, Any]]:
    """Let `vf-eval` evaluate the scripted model on a taskset, and return its episodes as they were kept."""
    given = [*options, "-m", "scripted", "--client.base-url", url, "--client.api-key-var", "MODEL_KEY", *QUIET]
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "MODEL_KEY": "none", "HF_HUB_OFFLINE": "1"}

    done = run([BIN / "vf-eval", taskset, *given], cwd=Path.cwd(), env=environment, limit=1200.0)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (kept,) = Path("out").rglob("traces.jsonl")
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def traces_of(episodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the traces of episodes, each of which has ended well."""
    found = [trace for episode in episodes for trace in episode.get("traces", [episode])]
    assert found, episodes
    assert all(not trace["errors"] for trace in found), found
    return found


def replies_of(trace: dict[str, Any]) -> list[str]:
    """Return what a model said."""
    nodes = [node.get("message", node) for node in trace["nodes"]]
    return [message["content"] for message in nodes if message["role"] == "assistant"]


def reward_of(trace: dict[str, Any]) -> float:
    """Return what a seat was paid."""
    score: float = trace["rewards"]["payoff"]["score"]
    return score


@pytest.mark.parametrize("form", ["commands", "json"])
def test_one_seat_plays_whole_games(form: str) -> None:
    with StreamingEndpoint() as endpoint:
        episodes = evaluated(
            "parlay_one_seat", endpoint.url, "-n", "2", "--env.taskset.form", form, "--env.taskset.opponent", "linear",
            "--env.taskset.max-rounds", "2", "--env.taskset.opener", "buyer", "--env.taskset.first-seed", "5",
        )  # fmt: skip
    traces = traces_of(episodes)
    assert len(traces) == 2
    for trace in traces:
        seed = trace["task"]["data"]["seed"]
        env = TextEnv("buyer", "linear", form=form, max_rounds=2, opener="buyer")  # type: ignore[arg-type]
        env.reset(seed)
        done, paid = False, 0.0
        for reply in replies_of(trace):
            _, reward, done, _, info = env.step(reply)
            paid += reward
        assert done, "the game that its replies make is the whole game"
        assert reward_of(trace) == pytest.approx(paid)
        assert trace["metrics"]["unreadable"] == info["unreadable_replies"] == 0
        assert trace["metrics"]["share"] == pytest.approx(info["share"])
    assert ("one JSON object" in endpoint.requests[0]["messages"][0]["content"]) is (form == "json")


@pytest.mark.parametrize("form", ["commands", "json"])
def test_two_seats_are_paid_apart(form: str) -> None:
    with StreamingEndpoint() as endpoint:
        episodes = evaluated(
            "parlay_two_seats", endpoint.url, "-n", "1", "--env.taskset.form", form, "--env.taskset.max-rounds", "2",
            "--env.taskset.opener", "buyer", "--env.taskset.first-seed", "5",
        )  # fmt: skip
    traces = {trace["info"]["negotiation"]["role"]: trace for trace in traces_of(episodes)}
    assert set(traces) == {"buyer", "seller"}
    from parlay_marl.language.reply_player import ReplyPlayer

    said = {role: iter(replies_of(trace)) for role, trace in traces.items()}
    players = [ReplyPlayer(lambda _, role=role: next(said[role]), role) for role in ("buyer", "seller")]
    record = play_game(*players, seed=5, max_rounds=2, opener="buyer")
    assert [next(each, None) for each in said.values()] == [None, None], "all replies make the whole game"
    assert [reward_of(traces[role]) for role in ("buyer", "seller")] == pytest.approx(list(record.rewards))
    for role, trace in traces.items():
        text = json.dumps(trace)
        own, other = record.outcome.reservation if role == "buyer" else record.outcome.reservation[::-1]
        assert f"Your limit: USD {own:,.0f}" in text
        assert f"{other:,.0f}" not in text, "nobody's trace has the other's limit"


def test_a_reply_that_cannot_be_read_is_counted() -> None:
    with StreamingEndpoint(lambda _: "I would say that 150,000 is fair.") as endpoint:
        episodes = evaluated(
            "parlay_one_seat", endpoint.url, "-n", "1", "--env.taskset.attempts", "1", "--env.taskset.unreadable",
            "forfeit",
        )  # fmt: skip
    (trace,) = traces_of(episodes)
    assert reward_of(trace) == -1.0
    assert trace["metrics"]["forfeited"] == trace["metrics"]["unreadable"] == 1.0


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve games in a process of the server's environment, and yield the address."""
    command = [SERVER_PYTHON, "-m", "parlay_marl", "serve", "--port", "0"]
    with Path("errors").open("w") as errors, Started(command, stderr=errors) as server:
        said = server.line()
        assert said.startswith("Serving at "), Path("errors").read_text(encoding="utf-8")
        yield said.split()[2]


def over_the_server(body: dict[str, Any]) -> str:
    """Return a reply to the server's observation: commands in plain text."""
    told = json.loads(body["messages"][-1]["content"])["observation"]["text"]
    offers = PRICE.findall(told)
    if offers and "worth -" not in told.split("Their offer")[1].split("\n")[0]:
        return "We have a deal.\n/accept"
    return "Let us meet.\n/offer 160000"


def test_verifiers_own_taskset_plays_over_the_server() -> None:
    with served() as url, StreamingEndpoint(over_the_server) as endpoint:
        (settings,) = page.blocks("verifiers.md", "text")
        settings = settings.replace("http://127.0.0.1:8000", url).replace("{seed = 1}, {seed = 2}", RESET)
        Path("over_the_server.toml").write_text(settings, encoding="utf-8")
        episodes = evaluated("@", endpoint.url, "over_the_server.toml")
    (trace,) = traces_of(episodes)
    assert trace["rewards"]["openenv_reward"]["score"] != 0.0
    assert replies_of(trace)
    assert all(re.search("^/(accept|offer)", reply, re.MULTILINE) for reply in replies_of(trace))


def test_the_commands_of_the_page_are_resolved() -> None:
    """Each command of the page is one that `vf-eval` takes, with the options that it shows."""
    lines = [line for block in page.blocks("verifiers.md", "sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("vf-eval")]
    assert len(commands) >= 3
    environment = dict(os.environ)
    for _, *given in commands:
        done = run([BIN / "vf-eval", *given, "--dry-run", *QUIET], cwd=Path.cwd(), env=environment)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_the_versions_that_are_tried() -> None:
    page.check_versions("verifiers.md", "verifiers", "openenv")
