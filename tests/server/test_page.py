"""The protocol of the page: its messages, its limits, its sign-in, and what it never shows before the end."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from parlay_marl.core.moves import Move
from parlay_marl.game.record import GameRecord
from parlay_marl.players.persona import as_persona
from parlay_marl.server.page.best_reply import best_reply
from parlay_marl.server.page.messages import REQUESTS
from parlay_marl.server.page.routes import files
from tests.processes import LIMIT
from tests.server.fuzz.hidden import OPPONENT, PLANTED, secret
from tests.server.table import http_get, http_post, served

TOKEN = "correct-horse-battery-staple"
MOST_BYTES = 300_000
"""Bytes of the page, all files together."""


class Client:
    """A page that a program reads."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.all: list[str] = []
        self.choices = self.next()

    def next(self) -> Any:
        self.all.append(str(self.socket.recv(LIMIT)))
        return json.loads(self.all[-1])

    def until(self, condition: Callable[[Any], Any]) -> Any:
        """Return the first table for which a condition holds: a busy server sends one for several changes."""
        while not condition(table := self.next()):
            pass
        return table

    def ask(self, kind: str, **fields: Any) -> Any:
        self.socket.send(json.dumps({"type": kind, **fields}))
        return self.next()

    def play(self, table: Any, move: str, **fields: Any) -> Any:
        return self.ask("play", turn=len(table["turns"]), move=move, **fields)


@contextmanager
def page(address: str, **options: Any) -> Iterator[Client]:
    with connect(f"ws://{address}/play/ws", open_timeout=LIMIT, max_size=None, **options) as socket:
        yield Client(socket)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "planted.toml"
    path.write_text(PLANTED, "utf-8")
    return path


@pytest.fixture(scope="module")
def address(planted: Path) -> Iterator[str]:
    with served(scenario=(str(planted),)) as running:
        yield running


def test_a_game_of_every_move_is_the_games_own_bit_for_bit(address: str) -> None:
    with page(address) as client:
        table = client.ask(
            "begin", scenario="hiring_package_terms", opponent="linear", role="buyer", deal="12", opener="buyer"
        )
        assert (table["type"], table["seat"], table["on_turn"], table["is_over"]) == ("table", "buyer", True, False)
        assert table["conditions"] == ["Whoever began this game chose its seed, and may know both limits."]
        worth = table["package_worth"]
        table = client.play(table, "OFFER", price="190k", terms={"equity": "full grant"}, words=" <i>hello</i> ")
        assert table["turns"][0]["words"] == "<i>hello</i>"
        assert table["offers"][0]["worth"] == pytest.approx(
            table["limit"] - 190_000 + worth[table["offers"][0]["package"]]
        )
        table = client.play(table, "ANCHOR_HIGH", terms={"equity": "none", "start": "at once"})
        table = client.play(table, "BATNA_REVEAL", price="USD 195,000")
        assert table["claims"][0] == {"price": 195_000.0, "status": "open"}
        assert client.ask("guess", price="much")["type"] == "error"
        assert client.ask("guess", price="205k")["guess"] == 205_000.0
        table = client.play(table, "SILENCE")
        assert table["moves"]["SILENCE"] == {"legal": True, "credibility": 5.0, "heat": 5.0}
        assert table["moves"]["CHALLENGE"]["legal"] is False
        table = client.play(table, "ACCEPT")
        assert (table["is_over"], table["guess"]) == (True, 205_000.0)
        assert "over" in client.ask("guess", price="206k")["error"]
    end = table["end"]
    record = GameRecord.from_dict(json.loads(end["record"]))
    assert (record.seed, record.names) == (12, ("person", "linear"))
    own = [action.move for action in record.actions[::2]]
    assert own == [Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL, Move.SILENCE, Move.ACCEPT]
    game = record.replay()
    currency = game.scenario.to_currency
    told = [(turn.move.name, None if turn.price is None else currency(turn.price), turn.words) for turn in game.turns]
    assert told == [(turn["move"], turn["price"], turn["words"]) for turn in table["turns"]]
    assert end["replay"]["outcome"]["price"] == record.outcome.price
    assert len(end["replay"]["moments"]) == len(record.actions) + 1


@pytest.mark.parametrize("seed", range(8))
def test_random_games_of_many_deals_are_replayed_from_the_page(address: str, seed: int) -> None:
    chance = random.Random(seed)
    deals, others = ("saas_enterprise", "hiring_package_terms", "acquisition_terms"), ("shark", "veteran", "champion")
    with page(address) as client:
        role = chance.choice(("buyer", "seller"))
        table = client.ask("begin", scenario=chance.choice(deals), opponent=chance.choice(others), role=role)
        while not table["is_over"]:
            legal = [move for move, told in table["moves"].items() if told["legal"]]
            lasting = [move for move in legal if move not in ("ACCEPT", "WALK_AWAY")]
            move = chance.choice(lasting if lasting and chance.random() < 0.9 else legal)
            deal, fields = table["deal"], {}
            if move in ("OFFER", "BATNA_REVEAL"):
                fields["price"] = str(round(chance.uniform(deal["low"], deal["high"])))
            table = client.play(table, move, **fields)
            assert table["type"] == "table", (move, fields, table)
    told, record = table["end"]["replay"]["outcome"], GameRecord.from_dict(json.loads(table["end"]["record"]))
    assert (told["ending"], tuple(told["payoff"])) == (record.outcome.ending, record.outcome.payoff)
    assert told["reservation"] == list(record.outcome.reservation)


def test_mistakes_are_told_and_change_nothing(address: str) -> None:
    with page(address) as client:
        for message, said in [
            ({"type": "play", "turn": 0, "move": "SILENCE"}, "no game has been started"),
            ({"type": "nonsense"}, "unknown type of message"),
            ({}, "unknown type of message"),
            ({"type": ["begin"]}, "unknown type of message"),
            ({"type": "begin", "scenario": "nowhere"}, "nowhere"),
            ({"type": "begin", "opponent": "/etc/passwd"}, "/etc/passwd"),
            ({"type": "begin", "role": "judge"}, "role"),
            ({"type": "begin", "deal": "x"}, "deal"),
            ({"type": "begin", "deal": "99999999999999999999"}, "seed"),
            ({"type": "begin", "rules": "seed"}, "allow"),
            ({"type": "resume", "token": "guess"}, "no such game"),
            ({"type": "join", "code": "guess"}, "no such match"),
            ({"type": "hint"}, "no game"),
            ({"type": "leave", "more": 1}, "more"),
        ]:
            client.socket.send(json.dumps(message))
            reply = client.next()
            assert reply["type"] == "error", message
            assert said in reply["error"]
        table = client.ask("begin", scenario="saas_enterprise", opponent="linear", opener="buyer")
        for fields, said in [
            ({"move": "ACCEPT"}, "ACCEPT"),
            ({"move": "OFFER"}, "needs a price"),
            ({"move": "OFFER", "price": "5"}, "range"),
            ({"move": "OFFER", "price": "lots"}, "no price"),
            ({"move": "OFFER", "price": "130k", "terms": {"colour": "red"}}, "colour"),
            ({"move": "OFFER", "price": "130k", "words": "x" * 3_000}, "characters"),
            ({"move": "SILENCE", "words": "\x1b[31m"}, "control characters"),
            ({"move": "OFFER", "price": 130_000}, "price"),
            ({"move": "DANCE"}, "move"),
        ]:
            reply = client.play(table, **fields)
            assert (reply["type"], said in reply["error"]) == ("error", True), reply
        assert client.ask("again", role="buyer")["error"] == "again: this game is not over yet"
        assert client.ask("best_reply")["type"] == "error"
        assert client.ask("state") == table
        after = client.play(table, "OFFER", price="130k")
        stale = client.play(table, "OFFER", price="131k")  # as from a tab that has not seen it
        assert "has gone on" in stale["error"]
        assert client.ask("state") == after


def test_a_lost_connection_resumes_where_it_was_and_another_one_takes_over(address: str) -> None:
    with page(address) as client:
        table = client.ask("begin", scenario="saas_enterprise", opponent="linear")
        table = client.play(table, "OFFER", price="120k")
        client.ask("show_belief", on=True)
        table = client.ask("hint")
        assert table["help"] == {"belief": True, "hints": 1}
        client.socket.close(1001)
    with page(address) as client:
        assert client.ask("resume", token=table["token"]) == table
        with page(address) as other:
            assert other.ask("resume", token=table["token"]) == table
            assert client.next()["type"] == "moved_on"
            with pytest.raises(ConnectionClosed):
                client.play(table, "OFFER", price="125k")
            again = other.play(table, "OFFER", price="125k")
            assert again["offers"][0]["price"] == 125_000.0
            assert again["belief"][:-1] == table["belief"]
    with page(address) as client:  # the other one has said goodbye
        assert client.ask("resume", token=table["token"])["type"] == "error"


def test_the_same_deal_again_in_either_seat_and_the_best_reply(address: str) -> None:
    with page(address) as client:
        table = client.ask("begin", scenario="saas_enterprise", opponent="linear", opener="buyer")
        table = client.play(table, "OFFER", price="120k")
        table = client.play(table, "WALK_AWAY")
        end = table["end"]["replay"]
        best = client.ask("best_reply")
        record = GameRecord.from_dict(json.loads(table["end"]["record"]))
        assert record.seed == int(end["seed"])
        expected = best_reply(record.config, record.seed, 0, as_persona("linear"))
        assert best["reply"] == json.loads(json.dumps(expected))
        assert best["reply"]["payoff"] > best["own_payoff"] == 0.0
        again = client.ask("again", role="buyer")
        assert again["limit"] == end["moments"][0]["limits"][0]
        again = client.play(again, "OFFER", price="120k")
        again = client.play(again, "WALK_AWAY")
        other = client.ask("again", role="seller")
        assert other["limit"] == end["moments"][0]["limits"][1]
        assert other["seat"] == "seller"


@pytest.mark.parametrize("seat", [0, 1])
def test_nothing_hidden_is_sent_before_the_end(address: str, planted: Path, seat: int) -> None:
    seed, role = 2, ("buyer", "seller")[seat]
    hidden, own = (secret(str(planted), seed, (each,)) for each in (1 - seat, seat))
    with page(address) as client:
        table = client.ask("begin", scenario="planted", opponent=OPPONENT, role=role, deal=str(seed))
        client.ask("show_belief", on=True)
        client.ask("hint")
        for move, fields in (
            ("OFFER", {"price": "5000000000"}),
            ("BATNA_REVEAL", {"price": "5000000000"}),
            *(("SILENCE", {}),) * 4,
        ):
            if not table["is_over"]:
                table = client.play(table, move, **fields)
                assert table["type"] == "table", table
        assert not table["is_over"]
        sent = "\n".join(client.all)
        assert hidden.search(sent) is None
        assert own.search(sent) is not None
        assert client.play(table, "WALK_AWAY")["is_over"]
        assert hidden.search(client.all[-1]) is not None


def test_two_persons_see_each_others_moves_at_once_and_nothing_else(address: str, planted: Path) -> None:
    with page(address) as one, page(address) as two:
        table = one.ask("begin", scenario="planted", role="seller", invite=True, deal="5")
        code = table["match"]["code"]
        assert one.choices["invites"]
        joined = two.ask("join", code=code)
        assert (joined["seat"], joined["match"]["code"]) == ("buyer", None)
        one.until(lambda table: table["match"]["code"] is None)
        assert two.ask("play", turn=0, move="OFFER", price="3000000000")["type"] == "table"
        table = one.until(lambda table: table["on_turn"])
        assert table["offers"][1]["price"] == 3_000_000_000.0
        assert (
            "it is the turn of the buyer" in one.play(one.play(table, "OFFER", price="9000000000"), "SILENCE")["error"]
        )
        two.until(lambda table: table["on_turn"])
        assert secret(str(planted), 5, (0,)).search("\n".join(one.all)) is None
        assert secret(str(planted), 5, (1,)).search("\n".join(two.all)) is None
        with page(address) as third:
            assert "taken" in third.ask("join", code=code)["error"]
        two.socket.close(1001)
        one.until(lambda table: table["match"]["is_away"])
        with page(address) as back:
            table = back.ask("resume", token=joined["token"])
            one.until(lambda table: not table["match"]["is_away"])
            assert back.play(table, "WALK_AWAY")["is_over"]
            end = one.until(lambda table: table["is_over"])["end"]
            assert end["replay"]["outcome"]["closed_by"] == "buyer"


def test_who_leaves_another_person_forfeits(address: str) -> None:
    with page(address) as one:
        table = one.ask("begin", scenario="saas_enterprise", role="buyer", invite=True)
        with page(address) as two:
            two.ask("join", code=table["match"]["code"])
            assert two.ask("leave")["type"] == "choices"
            end = one.until(lambda table: table["is_over"])["end"]
            assert end["replay"]["outcome"]["ending"] == "forfeit"


def test_the_page_asks_for_the_token_and_shows_a_cookie(address: str) -> None:
    with served(token=TOKEN) as guarded:
        web = f"http://{guarded}"
        assert http_get(f"{web}/play").status_code == 200
        assert http_get(f"{web}/play/files/play.js").status_code == 200
        assert http_get(f"{web}/play/session").json() == {"signed_in": False}
        assert http_get(f"{web}/play/replay/x").status_code == 401
        assert http_post(f"{web}/play/sign-in", json={"token": TOKEN[:-1]}).status_code == 403
        assert http_post(f"{web}/play/sign-in", json={"token": 1}).status_code == 403
        assert (
            http_post(f"{web}/play/sign-in", json={"token": TOKEN}, headers={"Origin": "http://a.example"}).status_code
            == 403
        )
        answer = http_post(f"{web}/play/sign-in", json={"token": TOKEN})
        header = answer.headers["set-cookie"]
        assert answer.status_code == 204
        assert TOKEN not in header
        assert all(part in header for part in ("HttpOnly", "SameSite=Strict", "Path=/play"))
        cookie = header.partition(";")[0]
        for headers in ({}, {"Cookie": f"{cookie}0"}, {"Cookie": f"x{cookie}"}, {"Cookie": "\xff; parlay_page"}):
            with pytest.raises(InvalidStatus, match="401"), page(guarded, additional_headers=headers):
                pass
        for query in (f"?token={TOKEN}", f"?{cookie}"):
            with (
                pytest.raises(InvalidStatus, match="401"),
                connect(f"ws://{guarded}/play/ws{query}", open_timeout=LIMIT),
            ):
                pass
        shown = {"Cookie": f"other=1; {cookie}"}
        assert http_get(f"{web}/play/session", headers=shown).json() == {"signed_in": True}
        assert http_get(f"{web}/play/replay/x", headers=shown).status_code == 404
        assert http_get(f"{web}/state", headers=shown).status_code == 401  # the cookie counts for the page alone
        with page(guarded, additional_headers=shown) as client:
            assert client.choices["type"] == "choices"
        with (
            pytest.raises(InvalidStatus, match="403"),
            page(guarded, additional_headers=shown, origin="http://a.example"),
        ):
            pass


def test_files_are_few_safe_and_small(address: str) -> None:
    answer = http_get(f"http://{address}/play")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; ")
    assert {"script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert len(answer.content) + sum(len(content) for content, _ in files().values()) < MOST_BYTES
    for name in files():
        got = http_get(f"http://{address}/play/files/{name}")
        assert (got.status_code, got.content) == (200, files()[name][0])
    for path in ("/play/files/../routes.py", "/play/files/%2e%2e%2froutes.py", "/play/files/play.html", "/play/files/"):
        host, port = address.split(":")
        line = http.client.HTTPConnection(host, int(port), timeout=LIMIT)
        line.request("GET", path)
        assert line.getresponse().status == 404
        line.close()


def test_a_replay_is_kept_under_a_name_that_nobody_can_guess(address: str) -> None:
    with page(address) as client:
        table = client.ask("begin", scenario="saas_enterprise", opponent="linear", opener="buyer")
        assert "end" not in table
        table = client.play(client.play(table, "OFFER", price="120k", words="</script><b>"), "WALK_AWAY")
    answer = http_get(f"http://{address}/play/replay/{table['end']['replay_id']}")
    assert answer.status_code == 200
    assert "</script><b>" not in answer.text
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert http_get(f"http://{address}/play/replay/none").status_code == 404


def test_a_full_server_says_so() -> None:
    with served(max_sessions=1) as small, page(small) as first, page(small) as second:
        assert (first.choices["type"], second.choices["type"]) == ("choices", "full")


def test_a_hosted_player_answers_too() -> None:
    with served(opponent=("tests.server.players:Fair",)) as hosting, page(hosting) as client:
        name = client.choices["opponents"][-1]["name"]
        table = client.ask("begin", scenario="saas_enterprise", opponent=name, role="buyer", opener="buyer")
        waiting = client.play(table, "OFFER", price="120k")
        assert not waiting["on_turn"]
        table = client.next()
        assert table["on_turn"] or table["is_over"]
        assert len(table["turns"]) == 2


def test_every_deal_of_the_server_can_be_played_with_help_in_both_seats(address: str) -> None:
    with page(address) as client:
        for scenario in client.choices["scenarios"]:
            for role in ("buyer", "seller"):
                table = client.ask("begin", scenario=scenario["name"], opponent="linear", role=role)
                assert client.ask("show_belief", on=True)["belief"] is not None
                told = client.ask("hint")
                assert told["type"] == "table" or "packages" in told["error"], told
                is_public = scenario["name"] == "complete_information"
                assert (table["other_limit"] is not None) is is_public
                table = client.play(table, "ANCHOR_HIGH")
                if not table["is_over"]:
                    table = client.play(table, "WALK_AWAY")
                assert table["is_over"]
                if is_public:
                    assert table["other_limit"] == table["end"]["replay"]["outcome"]["reservation"][role == "buyer"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "turn",
    "move",
    "price",
    "terms",
    "words",
    "on",
    "token",
    "code",
    "role",
    "scenario",
    "deal",
    "invite",
    "rules",
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(tuple(REQUESTS)) | VALUES,
    fields=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), VALUES, max_size=4),
    text=st.none() | st.text(max_size=30) | st.binary(max_size=10),
)
def test_any_message_gets_one_answer_and_the_server_goes_on(
    address: str, kind: Any, fields: dict[str, Any], text: Any
) -> None:
    with page(address) as client:
        table = client.ask("begin", scenario="saas_enterprise", opponent="linear")
        client.socket.send(json.dumps({**fields, "type": kind}) if text is None else text)
        assert client.next()["type"] in ("table", "error", "choices", "best_reply")
        after = client.ask("begin", scenario="saas_enterprise", opponent="linear")
        assert after["deal"] == table["deal"]
