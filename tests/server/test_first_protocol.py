"""The first protocol: a client that knows nothing but the first server's messages plays whole games."""

from __future__ import annotations

import asyncio
import json
import math
from collections import OrderedDict
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from parlay_marl.catalogue import persona_names
from parlay_marl.server.protocols.first import FirstProtocol, first_router
from parlay_marl.server.protocols.first_messages import FALLBACK
from tests.processes import LIMIT, wait_until
from tests.server.table import factory

OBSERVATION = {
    *("step_count", "episode_done", "current_offer", "opponent_offer", "zopa_lower", "zopa_upper", "nash_point"),
    *("tension_score", "belief_state", "last_utterance", "available_moves", "credibility_points", "reward"),
    *("cumulative_reward", "drift_event", "zopa_erosion_ticks", "zopa_width_pct_remaining"),
}
BELIEF = {"est_budget", "est_walk_away", "est_urgency", "est_has_alternative", "confidence"}
STATE = {
    *("session_id", "scenario_id", "persona", "step_count", "cumulative_reward", "hidden_state", "belief_history"),
    *("offer_history", "drift_events_fired", "episode_done", "termination_reason", "credibility_points"),
    *("tension_score", "deal_reached", "walk_away", "high_tension_streak", "zopa_erosion_ticks"),
    *("zopa_width_pct_remaining", "original_zopa_width", "bluffs_caught"),
}
HIDDEN = {
    *("budget_ceiling", "walk_away_price", "urgency_score", "has_alternative", "persona_drifted", "last_stated_batna"),
}


class Client:
    """A client written from the first server's text alone."""

    def __init__(self, socket: Any, *, methods: bool) -> None:
        self.socket, self.methods = socket, methods

    def ask(self, command: str, **params: Any) -> Any:
        message = {"method": command, "params": params} if self.methods else {"cmd": command, **params}
        self.socket.send_text(json.dumps(message))
        return json.loads(self.socket.receive_text())


def app(**settings: Any) -> FastAPI:
    made = FastAPI()
    made.include_router(first_router(factory(**settings)))
    return made


@pytest.fixture(scope="module")
def web() -> TestClient:
    return TestClient(app())


@pytest.mark.parametrize("methods", [True, False])
@pytest.mark.parametrize("persona", ["shark", "diplomat", "veteran"])
@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package", "acquisition_term_sheet"])
def test_whole_games_in_both_envelopes(web: TestClient, methods: bool, persona: str, scenario: str) -> None:
    with web.websocket_connect("/env/ws") as socket:
        client = Client(socket, methods=methods)
        begun = client.ask("reset", scenario_id=scenario, persona=persona, seed=7)
        assert set(begun) == {"session_id", "observation", "done"}
        assert begun["done"] is False
        seen, total = begun["observation"], 0.0
        assert (seen["step_count"], seen["current_offer"], seen["opponent_offer"]) == (0, 0.0, 0.0)
        assert seen["credibility_points"] == 100
        price = 1.2 * seen["zopa_upper"]
        for step in range(1, 21):
            nested = {"action": {"utterance": "My price.", "offer_amount": price, "tactical_move": None}}
            flat = {"utterance": "My price.", "offer_amount": price, "tactical_move": None}
            reply = client.ask("step", session_id=begun["session_id"], **(nested if step % 2 else flat))
            assert set(reply) == {"observation", "done"}
            seen = reply["observation"]
            assert set(seen) == OBSERVATION
            assert set(seen["belief_state"]) == BELIEF
            assert seen["step_count"] == step
            assert 0.0 <= seen["tension_score"] <= 100.0
            assert seen["zopa_lower"] <= seen["nash_point"] <= seen["zopa_upper"]
            assert isinstance(seen["credibility_points"], int)
            total += seen["reward"]
            assert seen["cumulative_reward"] == pytest.approx(total)
            if reply["done"]:
                break
            assert seen["last_utterance"]
            price *= 0.97
        assert reply["done"] is seen["episode_done"] is True
        state = client.ask("state", session_id=begun["session_id"])["state"]
        assert set(state) == STATE
        assert set(state["hidden_state"]) >= HIDDEN
        assert len(state["belief_history"]) == state["step_count"] + 1
        assert state["termination_reason"] in ("deal_reached", "walk_away", "zopa_collapsed", "max_turns")
        again = client.ask("step", session_id=begun["session_id"], utterance="one more", offer_amount=price)
        assert again == {"error": f"Episode {begun['session_id']} is already done"}


def test_defaults_are_those_of_the_first_server(web: TestClient) -> None:
    with web.websocket_connect("/env/ws") as socket:
        client = Client(socket, methods=False)
        state = client.ask("state", session_id=client.ask("reset", seed=42)["session_id"])["state"]
        named = client.ask("reset", scenario_id="saas_enterprise", persona="shark", seed=42)
        same = client.ask("state", session_id=named["session_id"])["state"]
        other = client.ask("state", session_id=client.ask("reset", seed=43)["session_id"])["state"]
    assert (state["scenario_id"], state["persona"]) == ("saas_enterprise", "shark")
    assert same["hidden_state"] == state["hidden_state"] != other["hidden_state"]


def test_a_game_without_a_seed_is_another_each_time(web: TestClient) -> None:
    with web.websocket_connect("/env/ws") as socket:
        client = Client(socket, methods=False)
        limits = {client.ask("reset")["observation"]["zopa_lower"] for _ in range(4)}
    assert len(limits) == 4


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("{", "Invalid JSON"),
        ("", "Invalid JSON"),
        ("nonsense", "Invalid JSON"),
        ("{}", "Unknown command: "),
        ('{"cmd": "dance"}', "Unknown command: dance"),
        ('{"method": "dance", "params": {}}', "Unknown command: dance"),
        ('{"cmd": "reset", "scenario_id": "moon"}', "Unknown scenario: moon"),
        ('{"cmd": "reset", "persona": "sharc"}', "Unknown persona: sharc"),
        ('{"method": "step", "params": {"session_id": "nobody"}}', "Session nobody not found"),
        ('{"cmd": "step"}', "Session None not found"),
        ('{"cmd": "state", "session_id": "nobody"}', "Session nobody not found"),
        ('{"cmd": "reset", "role": "broker"}', "Unknown role: broker"),
    ],
)
def test_errors_are_those_of_the_first_server(web: TestClient, message: str, reply: str) -> None:
    with web.websocket_connect("/env/ws") as socket:
        socket.send_text(message)
        assert json.loads(socket.receive_text()) == {"error": reply}
        socket.send_text('{"cmd": "reset"}')
        assert "session_id" in json.loads(socket.receive_text())


@pytest.mark.parametrize(
    "message", ["[1]", "3", '"x"', "null", '{"method": "reset", "params": 3}', '{"cmd": "reset", "seed": "x"}']
)
def test_what_broke_the_first_server_is_an_error_too(web: TestClient, message: str) -> None:
    with web.websocket_connect("/env/ws") as socket:
        socket.send_text(message)
        assert set(json.loads(socket.receive_text())) == {"error"}


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({}, "Invalid action: utterance"),
        ({"utterance": 3}, "Invalid action: utterance"),
        ({"utterance": "x", "offer_amount": "much"}, "Invalid action: offer_amount"),
        ({"utterance": "x", "tactical_move": "dance"}, "Invalid action: tactical_move"),
        ([], "Invalid action"),
        ({"utterance": "x" * 2001}, "utterance: 2,001 characters"),
    ],
)
def test_an_invalid_action_is_refused_and_changes_nothing(web: TestClient, action: Any, said: str) -> None:
    with web.websocket_connect("/env/ws") as socket:
        client = Client(socket, methods=True)
        session = client.ask("reset")["session_id"]
        before = client.ask("state", session_id=session)
        reply = client.ask("step", session_id=session, action=action)
        assert said in reply["error"]
        assert client.ask("state", session_id=session) == before


def started(web: TestClient, **params: Any) -> tuple[Client, str, Any]:
    socket = web.websocket_connect("/env/ws")
    client = Client(socket.__enter__(), methods=True)
    begun = client.ask("reset", **params)
    return client, begun["session_id"], begun["observation"]


def test_moves_cost_credibility_and_too_little_of_it_is_an_error() -> None:
    client, session, _ = started(TestClient(app(credibility_start=22.0, credibility_regain=0.0)), persona="hardliner")
    reply = client.ask("step", session_id=session, utterance="!", offer_amount=150_000, tactical_move="batna_reveal")
    assert reply["observation"]["credibility_points"] == 2
    for move in ("batna_reveal", "silence"):
        reply = client.ask("step", session_id=session, utterance="!", tactical_move=move)
        assert reply == {"error": "Insufficient credibility points for that move"}
    client.socket.close()


def test_a_claim_without_an_amount_is_at_ones_own_limit_as_it_was_on_the_first_server(web: TestClient) -> None:
    client, session, _ = started(web, persona="conceder")
    client.ask("step", session_id=session, utterance="That is all.", tactical_move="batna_reveal")
    hidden = client.ask("state", session_id=session)["state"]["hidden_state"]
    assert (
        hidden["last_stated_batna"] == hidden["walk_away_price"]
        or hidden["last_stated_batna"] == hidden["budget_ceiling"]
    )
    client.socket.close()


def test_an_offer_that_the_standing_one_meets_accepts_it(web: TestClient) -> None:
    client, session, _ = started(web, persona="conceder")
    seen = client.ask("step", session_id=session, utterance="Start.", offer_amount=180_000)["observation"]
    seen = client.ask("step", session_id=session, utterance="Hm.", offer_amount=178_000)["observation"]
    standing = seen["opponent_offer"]
    reply = client.ask("step", session_id=session, utterance="That will do.", offer_amount=standing)
    assert reply["done"]
    state = client.ask("state", session_id=session)["state"]
    assert state["deal_reached"]
    assert state["termination_reason"] == "deal_reached"
    assert state["offer_history"] == [180_000.0, 178_000.0, standing]
    client.socket.close()


def test_a_deal_needs_both(web: TestClient) -> None:
    """The first server closed a deal at any offer between the two limits, whatever the opponent thought of it."""
    client, session, seen = started(web, persona="hardliner")
    reply = client.ask("step", session_id=session, utterance="Fair?", offer_amount=seen["nash_point"])
    assert not reply["done"]
    client.socket.close()


def test_acceptance_and_leaving_are_understood(web: TestClient) -> None:
    for word, reason in (("accept", "deal_reached"), ("walk_away", "walk_away")):
        client, session, _ = started(web)
        client.ask("step", session_id=session, utterance="Start.", offer_amount=170_000)
        reply = client.ask("step", session_id=session, utterance="Well.", **{word: True})
        assert reply["done"]
        assert client.ask("state", session_id=session)["state"]["termination_reason"] == reason
        client.socket.close()


def test_amounts_beyond_the_public_range_are_its_end(web: TestClient) -> None:
    client, session, _ = started(web)
    reply = client.ask("step", session_id=session, utterance="A probe.", offer_amount=500_000.0)
    assert reply["observation"]["current_offer"] == 180_000.0
    assert not reply["done"]
    client.socket.close()


def test_numbers_in_words_bind_nobody_and_doubt_challenges(web: TestClient) -> None:
    client, session, _ = started(web)
    seen = client.ask("step", session_id=session, utterance="I offer 1 dollar, I swear!")["observation"]
    assert seen["current_offer"] == 0.0
    client.socket.close()


def test_the_buyers_seat_can_be_taken(web: TestClient) -> None:
    client, session, seen = started(web, role="buyer", persona="linear")
    assert seen["belief_state"]["est_budget"] == seen["zopa_upper"]
    done, price = False, 110_000.0
    while not done:
        reply = client.ask("step", session_id=session, utterance="More.", offer_amount=price)
        done, price = reply["done"], price + 3_000.0
    assert client.ask("state", session_id=session)["state"]["deal_reached"]
    client.socket.close()


def test_hidden_figures_are_beliefs_unless_they_are_revealed() -> None:
    shown = []
    for reveal in (False, True):
        client, session, _ = started(TestClient(app(reveal_hidden=reveal)), seed=9)
        shown.append(client.ask("state", session_id=session)["state"]["hidden_state"])
        client.socket.close()
    believed, true = shown
    assert believed["walk_away_price"] == true["walk_away_price"]  # the client's own limit
    assert believed["budget_ceiling"] != true["budget_ceiling"]
    assert believed["urgency_score"] != true["urgency_score"]


def test_a_session_is_bound_to_its_connection_unless_it_is_shared(web: TestClient) -> None:
    own, bound, _ = started(web)
    open_to_all = own.ask("reset", shared=True)["session_id"]
    with web.websocket_connect("/env/ws") as socket:
        foreign = Client(socket, methods=True)
        assert foreign.ask("state", session_id=bound) == {"error": f"Session {bound} not found"}
        assert foreign.ask("step", session_id=bound, utterance="x", offer_amount=150_000) == {
            "error": f"Session {bound} not found"
        }
        assert "observation" in foreign.ask("step", session_id=open_to_all, utterance="x", offer_amount=150_000)
    full = web.get(f"/env/sessions/{open_to_all}").json()["state"]
    assert full == own.ask("state", session_id=open_to_all)["state"]
    public, known = web.get(f"/env/sessions/{bound}").json()["state"], own.ask("state", session_id=bound)["state"]
    assert set(public) == STATE
    assert public["belief_history"] == []
    limit = known["hidden_state"]["walk_away_price"]
    assert str(limit) not in json.dumps(public)
    own.socket.close()
    assert web.get("/env/sessions/nobody").status_code == 404
    assert web.get("/env/sessions/nobody").json() == {"error": "Session nobody not found"}


def test_a_closed_connection_takes_its_sessions_along(web: TestClient) -> None:
    client, session, _ = started(web)
    assert web.get(f"/env/sessions/{session}").status_code == 200
    client.socket.close()
    wait_until(lambda: web.get(f"/env/sessions/{session}").status_code == 404)


def test_a_connection_keeps_its_last_sessions(web: TestClient) -> None:
    client, first, _ = started(web)
    names = [client.ask("reset", seed=seed)["session_id"] for seed in range(8)]
    assert client.ask("state", session_id=first) == {"error": f"Session {first} not found"}
    assert all("state" in client.ask("state", session_id=name) for name in names)
    client.socket.close()


def test_a_full_server_says_so_and_whoever_sits_plays_on() -> None:
    web = TestClient(app(max_sessions=2))
    first, begun, _ = started(web)
    second, _, _ = started(web)
    with web.websocket_connect("/env/ws") as socket:
        third = Client(socket, methods=True)
        assert "Server at capacity: 2 sessions are open" in third.ask("reset")["error"]
        again = first.ask("reset")["session_id"]  # in the place of its own session before
        assert first.ask("state", session_id=begun) == {"error": f"Session {begun} not found"}
        assert "state" in first.ask("state", session_id=again)
        second.socket.close()
        assert wait_until(lambda: third.ask("reset").get("session_id"))
    first.socket.close()


def test_a_connection_gives_up_finished_games_first(web: TestClient) -> None:
    client, first, _ = started(web)
    second = client.ask("reset", seed=1)["session_id"]
    client.ask("step", session_id=second, utterance="Start.", offer_amount=180_000)
    assert client.ask("step", session_id=second, utterance="Bye.", walk_away=True)["done"]
    for seed in range(6):
        client.ask("reset", seed=seed)
    client.ask("reset")
    assert "state" in client.ask("state", session_id=first)
    assert client.ask("state", session_id=second) == {"error": f"Session {second} not found"}
    client.socket.close()


def test_shared_sessions_that_nobody_uses_hold_no_seats() -> None:
    for idle in (3_600.0, 0.05):
        web = TestClient(app(max_sessions=1, idle=idle))
        client, left, _ = started(web, shared=True)
        client.socket.close()
        with web.websocket_connect("/env/ws") as socket:
            another = Client(socket, methods=True)
            if idle > LIMIT:  # that long it holds its seat
                assert "Server at capacity: 1 sessions are open" in another.ask("reset")["error"]
                assert "state" in another.ask("state", session_id=left)
            else:
                session = wait_until(lambda asked=another: asked.ask("reset").get("session_id"))
                assert another.ask("state", session_id=left) == {"error": f"Session {left} not found"}
                assert "state" in another.ask("state", session_id=session)


def leave_behind(web: TestClient, number: int) -> list[str]:
    """Return the ids of shared sessions that their connections have left."""
    names = []
    for _ in range(number):
        client, session, _ = started(web, shared=True)
        client.socket.close()
        names.append(session)
    return names


def is_there(web: TestClient, session: str) -> bool:
    return web.get(f"/env/sessions/{session}").status_code == 200


def test_an_address_leaves_a_limited_number_of_shared_sessions_behind() -> None:
    web = TestClient(app(max_orphans=3))
    held, open_one, _ = started(web, shared=True)
    names = leave_behind(web, 5)
    wait_until(lambda: [is_there(web, name) for name in names] == [False, False, True, True, True])
    assert is_there(web, open_one)
    held.socket.close()
    wait_until(lambda: [is_there(web, name) for name in (*names[2:], open_one)].count(False) == 1)


def test_what_is_left_behind_takes_no_more_than_half_of_a_server() -> None:
    web = TestClient(app(max_sessions=6))
    names = leave_behind(web, 12)
    wait_until(lambda: sum(is_there(web, name) for name in names) == 3)
    clients = [started(web)[0] for _ in range(3)]
    for client in clients:
        client.socket.close()


def test_a_shared_session_is_used_after_its_connection_is_lost_until_it_is_idle() -> None:
    for idle in (3_600.0, 0.05):
        web = TestClient(app(idle=idle))
        (name,) = leave_behind(web, 1)
        if idle < LIMIT:
            wait_until(lambda asked=web, session=name: not is_there(asked, session))
        with web.websocket_connect("/env/ws") as socket:
            told = Client(socket, methods=True).ask("state", session_id=name)
            assert (told == {"error": f"Session {name} not found"}) is (idle < LIMIT)


def test_several_workers_share_no_sessions() -> None:
    with TestClient(app(workers=2)).websocket_connect("/env/ws") as socket:
        client = Client(socket, methods=True)
        assert "this server has several workers" in client.ask("reset", shared=True)["error"]
        assert "session_id" in client.ask("reset", shared=False)


@pytest.mark.parametrize("start", [-1, "0", True, 0.5])
def test_a_page_of_the_histories_is_asked_for_by_a_number(web: TestClient, start: Any) -> None:
    client, session, _ = started(web)
    assert "Invalid history_from" in client.ask("state", session_id=session, history_from=start)["error"]
    assert set(client.ask("state", session_id=session, history_from=0)["state"]) == STATE
    client.socket.close()


def test_a_failure_is_never_a_silent_invention(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = factory()
    protocol = FirstProtocol(shared)
    monkeypatch.setattr(shared, "session", lambda *_: 1 / 0)
    reply = asyncio.run(protocol.answer('{"cmd": "reset"}', OrderedDict()))
    assert reply["_fallback"] is True
    assert "as if it had not been made" in reply["reason"]
    assert set(reply["observation"]) == set(FALLBACK) == OBSERVATION
    assert "ZeroDivision" not in json.dumps(reply)


@pytest.mark.parametrize("persona", persona_names())
def test_every_persona_plays(web: TestClient, persona: str) -> None:
    client, session, seen = started(web, persona=persona, seed=1)
    done, price = False, 180_000.0
    while not done:
        reply = client.ask("step", session_id=session, utterance="So?", offer_amount=price)
        seen, done, price = reply["observation"], reply["done"], price - 3_500.0
        assert all(math.isfinite(value) for value in seen.values() if isinstance(value, float))
    client.socket.close()


def test_the_old_environment_variables_set_the_games(monkeypatch: pytest.MonkeyPatch) -> None:
    from parlay_marl.server.settings import ServerSettings

    for name, value in (
        ("MAX_TURNS_PER_EPISODE", "3"), ("CREDIBILITY_POINTS_START", "60"), ("CREDIBILITY_REGEN_PER_TURN", "2"),
        ("ENV_PORT", "9001"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    settings = ServerSettings.from_environment()
    assert settings.port == 9001
    client, session, seen = started(TestClient(app(**settings.model_dump())), persona="hardliner")
    assert seen["credibility_points"] == 60
    for _ in range(3):
        reply = client.ask("step", session_id=session, utterance="So?", offer_amount=180_000.0)
        assert reply["observation"]["credibility_points"] == 60  # never above its start
    assert reply["done"]
    assert client.ask("state", session_id=session)["state"]["termination_reason"] == "max_turns"
    client.socket.close()
