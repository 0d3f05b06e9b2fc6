"""The first protocol beside the first server: the table of docs/server.md has every field, and a test for each row."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from fastapi.testclient import TestClient

from parlay_marl.server.protocols.first_messages import seed_of
from tests.processes import ROOT
from tests.server import test_first_protocol
from tests.server.test_first_protocol import HIDDEN, OBSERVATION, STATE, Client, app, started

ROWS = tomllib.loads((ROOT / "docs/first_protocol.toml").read_text("utf-8"))["row"]


@pytest.fixture(scope="module")
def web() -> TestClient:
    return TestClient(app())


def step(client: Client, session: str, **action: Any) -> Any:
    return client.ask("step", session_id=session, **{"utterance": "So?", **action})


# ---------------------------------------------------------------------- the table


@pytest.mark.parametrize(("part", "fields"), [("observation", OBSERVATION), ("state", STATE | HIDDEN)])
def test_the_table_has_every_field_once(part: str, fields: set[str]) -> None:
    listed = [name for row in ROWS if row["part"] == part for name in row["names"]]
    assert sorted(listed) == sorted(fields)


def test_each_row_names_the_test_that_shows_it() -> None:
    tests = vars(test_first_protocol) | globals()
    assert {row["check"] for row in ROWS} <= {name for name in tests if name.startswith("test_")}


# ---------------------------------------------------------------------- what is as it was


@pytest.mark.parametrize(
    ("given", "seed"),
    [
        (7, 7), ("7", 7), (" 7 ", 7), ("1_000", 1_000), (7.9, 7), (True, 1), (False, 0), (2**63, 2**63),
        (2**64 - 1, 2**64 - 1), (2**64 + 5, 5), (str(2**70 + 3), 3), (1e300, int(1e300) % 2**64),
    ],
)  # fmt: skip
def test_every_seed_of_the_first_server_is_one_here(web: TestClient, given: Any, seed: int) -> None:
    assert seed_of({"seed": given}) == seed
    client, session, seen = started(web, seed=given)
    same, named, again = started(web, seed=seed)
    assert seen == again
    hidden = [
        each.ask("state", session_id=name)["state"]["hidden_state"] for each, name in ((client, session), (same, named))
    ]
    assert hidden[0] == hidden[1]
    client.socket.close()
    same.socket.close()


@pytest.mark.parametrize("given", [-1, "-1", "x", "7.5", None, [], {}, "", "9" * 5_000])
def test_what_is_no_seed_is_an_error(web: TestClient, given: Any) -> None:
    with web.websocket_connect("/env/ws") as socket:
        reply = Client(socket, methods=True).ask("reset", seed=given)
    assert reply == {"error": "Invalid seed: give a whole number, 0 or more"}


def test_the_first_error_is_that_of_the_first_server(web: TestClient) -> None:
    client, session, _ = started(TestClient(app(credibility_start=0.0, credibility_regain=0.0)))
    wrong = {"scenario_id": "moon", "persona": "sharc", "role": "broker"}
    assert client.ask("reset", **wrong, seed=-1)["error"].startswith("Invalid seed")
    assert client.ask("reset", **wrong)["error"] == "Unknown persona: sharc"
    assert client.ask("reset", **{**wrong, "persona": "shark"})["error"] == "Unknown scenario: moon"
    assert client.ask("reset", role="broker")["error"] == "Unknown role: broker"
    long = "x" * 3_000
    dance = step(client, session, utterance=long, tactical_move="dance", offer_amount="much")["error"]
    assert dance.startswith("Invalid action: offer_amount")
    assert "tactical_move: give one of anchor_high, batna_reveal, silence, challenge" in dance
    poor = step(client, session, utterance=long, tactical_move="Silence", accept=True)
    assert poor == {"error": "Insufficient credibility points for that move"}
    assert "3,000 characters" in step(client, session, utterance=long, accept=True)["error"]
    assert step(client, "nobody", tactical_move="dance") == {"error": "Session nobody not found"}
    step(client, session, offer_amount=180_000)
    assert step(client, session, walk_away=True)["done"]
    assert step(client, session, tactical_move="dance") == {"error": f"Episode {session} is already done"}
    client.socket.close()


def test_available_moves_are_those_of_the_first_server(web: TestClient) -> None:
    client, session, seen = started(TestClient(app(credibility_start=0.0, credibility_regain=0.0)))
    moves = ["anchor_high", "batna_reveal", "silence"]
    assert seen["available_moves"] == moves
    assert step(client, session, offer_amount=170_000)["observation"]["available_moves"] == moves
    over = step(client, session, walk_away=True)
    assert over["done"]
    assert over["observation"]["available_moves"] == moves
    client.socket.close()


@pytest.mark.parametrize(
    ("start", "expected"), [(60.0, [60, 45, 50, 55, 60, 60]), (100.0, [100, 85, 90, 95, 100, 100])]
)
def test_credibility_is_capped_at_its_start(start: float, expected: list[int]) -> None:
    client, session, seen = started(TestClient(app(credibility_start=start)), persona="hardliner")
    points = [seen["credibility_points"]]
    seen = step(client, session, offer_amount=178_000, tactical_move="batna_reveal")["observation"]
    points.append(seen["credibility_points"])
    for _ in range(4):
        seen = step(client, session, offer_amount=178_000)["observation"]
        points.append(seen["credibility_points"])
    assert points == expected
    client.socket.close()


# ---------------------------------------------------------------------- what is not


def test_an_amount_beside_silence_is_no_offer(web: TestClient) -> None:
    client, session, _ = started(web, persona="hardliner")
    step(client, session, offer_amount=175_000)
    reply = step(client, session, offer_amount=126_000, tactical_move="silence")
    assert not reply["done"]
    assert reply["observation"]["current_offer"] == 175_000
    assert client.ask("state", session_id=session)["state"]["offer_history"] == [175_000]
    client.socket.close()


def test_tension_is_that_of_the_rules(web: TestClient) -> None:
    client, session, seen = started(web, persona="hardliner")
    assert seen["tension_score"] == 20.0
    seen = step(client, session, tactical_move="anchor_high")["observation"]
    alone = 20.0 + 60.0 / 20 + 15.0
    assert seen["tension_score"] > alone - 15.0
    for _ in range(6):
        seen = step(client, session, offer_amount=180_000)["observation"]
    assert seen["tension_score"] > 20.0 + 60.0 * 7 / 20 + 5.0  # digging in heats
    assert client.ask("state", session_id=session)["state"]["tension_score"] == seen["tension_score"]
    client.socket.close()


def test_old_words_are_not_repeated(web: TestClient) -> None:
    client, session, seen = started(web, persona="hardliner")
    assert seen["last_utterance"]
    said = step(client, session, offer_amount=180_000)["observation"]["last_utterance"]
    assert said
    last = step(client, session, accept=True)
    assert last["done"]
    assert last["observation"]["last_utterance"] == ""
    client.socket.close()


def test_an_offer_at_a_loss_ends_nothing(web: TestClient) -> None:
    client, session, _ = started(web, role="buyer", persona="hardliner")
    limit = client.ask("state", session_id=session)["state"]["hidden_state"]["budget_ceiling"]
    reply = step(client, session, offer_amount=limit + 1_000.0)
    if reply["done"]:  # the opponent has taken it
        assert client.ask("state", session_id=session)["state"]["termination_reason"] == "deal_reached"
    else:
        assert reply["observation"]["reward"] > -100.0
    other, session, _ = started(web, persona="hardliner")
    reply = step(other, session, offer_amount=180_000)
    while not reply["done"]:
        reply = step(other, session, offer_amount=180_000)
    reason = other.ask("state", session_id=session)["state"]["termination_reason"]
    assert reason in ("max_turns", "walk_away", "zopa_collapsed")
    assert "reward_floor" not in json.dumps(reply)
    client.socket.close()
    other.socket.close()
