"""`parlay arena`: tables, files, exit codes, and keys that are in none of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parlay_marl.cli.commands.arena import INCOMPLETE
from parlay_marl.language.arena.result import SCHEMA, ArenaResult, schema
from tests.cli.conftest import Parlay
from tests.language.arena.runs import lines_of, prices_in
from tests.language.endpoint import Endpoint

KEY = "sk-a-key-that-nobody-may-see-0123456789"
SMALL = ("-p", "shark", "-p", "linear", "-s", "uniform", "-n", "2")


def test_an_evaluation_from_end_to_end(parlay: Parlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    out, traces, prices = tmp_path / "results", tmp_path / "traces.jsonl", prices_in(tmp_path)
    with Endpoint(key=KEY) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        found = parlay(
            "arena", "scripted", *SMALL, "--out", str(out), "--traces", str(traces), "--prices", str(prices),
            "--json", str(tmp_path / "result.json"), "--repeats", "2",
        )  # fmt: skip
        assert found.exit_code == 0, found.output
        bill = endpoint.bill
    for word in ("scripted", "by partner", "by ZOPA", "shark", "linear", "no_zopa", "share", "tracker"):
        assert word in found.output
    result = ArenaResult.model_validate_json((tmp_path / "result.json").read_bytes())
    assert (out / "result.json").read_bytes() == (tmp_path / "result.json").read_bytes()
    assert (result.finished, result.planned) == (16, 16)
    assert result.models[0].totals.cost == pytest.approx(bill.cost(1.5, 6.0), abs=1e-5)
    assert len(lines_of(traces)) == 16
    assert (tmp_path / "traces.pairs.jsonl").read_bytes() == b""  # the scripted model plays a repeat alike
    assert "<h1>scripted</h1>" in (out / "report.html").read_text(encoding="utf-8")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 9
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in found.output


def test_missing_games_have_an_exit_code_of_their_own(parlay: Parlay, tmp_path: Path) -> None:
    prices = prices_in(tmp_path)
    with Endpoint() as endpoint:
        base = ("arena", "scripted", *SMALL, "--base-url", endpoint.url, "--prices", str(prices))
        base += ("--out", str(tmp_path / "a"), "--concurrency", "1")
        found = parlay(*base, "--budget", "0.02")
        assert found.exit_code == INCOMPLETE, found.output
        said = " ".join(found.output.split())
        assert "of 8 games are missing: the budget of 0.02 does not reach" in said
        assert "the same command goes on with them" in said
        assert parlay(*base, "--budget", "5").exit_code == 0


def test_an_endpoint_that_refuses_is_said_in_a_line(parlay: Parlay) -> None:
    with Endpoint() as endpoint:
        found = parlay("arena", "unknown", *SMALL, "-n", "4", "--base-url", endpoint.url, "--quiet")
    assert found.exit_code == INCOMPLETE
    assert found.stdout == ""
    said = " ".join(found.stderr.split())
    assert said.startswith(
        "16 of 16 games are missing: the endpoint failed in 5 games in a row: the model 'unknown' at"
    )
    assert said.endswith("give --out to go on from where it stops")


def test_what_a_partner_forfeits_is_said(parlay: Parlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (
        "class Bad:\n    name = 'bad'\n    def act(self, observations, masks):\n        raise RuntimeError('tired')\n"
    )
    (tmp_path / "bad_bot_of_the_arena.py").write_text(text, encoding="utf-8")
    with Endpoint() as endpoint:
        found = parlay("arena", "scripted", "-p", "bad_bot_of_the_arena:Bad", "-n", "1", "--base-url", endpoint.url)
    assert found.exit_code == 0, found.output
    assert "bad forfeited 4 games; the first as seller against scripted" in " ".join(found.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("scripted", "-n", "0"), "games: give a whole number"),
        (("scripted", "-p", "nobody"), "unknown persona 'nobody'"),
        (("scripted", "-p", "chat:other"), "name it as a MODEL instead: other"),
        (("scripted?warmth=1",), "unknown setting"),
        (("scripted?temperature=hot",), "is no number"),
        (("scripted", "--tools", "sometimes"), "use of tools"),
        (("scripted", "--budget", "1"), "budget: give the prices"),
        (("scripted", "scripted"), "the model 'scripted' is named twice"),
    ],
)
def test_what_cannot_be_used_is_one_line(parlay: Parlay, arguments: tuple[str, ...], message: str) -> None:
    with Endpoint() as endpoint:
        found = parlay("arena", *arguments, "--base-url", endpoint.url)
        assert endpoint.requests == []
    assert found.exit_code == 2
    assert message in found.output
    assert len(found.output.strip().splitlines()) == 1


def test_quiet_prints_the_tables_alone(parlay: Parlay) -> None:
    with Endpoint() as endpoint:
        found = parlay("arena", "scripted", *SMALL, "--base-url", endpoint.url, "--quiet")
    assert found.exit_code == 0
    assert found.stderr == ""
    assert "share" in found.stdout


def test_without_prices_no_cost_is_shown(parlay: Parlay, tmp_path: Path) -> None:
    with Endpoint() as endpoint:
        base = ("arena", "scripted", *SMALL, "--base-url", endpoint.url, "--out")
        free = parlay(*base, str(tmp_path / "free"))
        paid = parlay(*base, str(tmp_path / "paid"), "--prices", str(prices_in(tmp_path)))
    for found, name, is_paid in ((free, "free", False), (paid, "paid", True)):
        page = (tmp_path / name / "report.html").read_text(encoding="utf-8")
        assert found.exit_code == 0, found.output
        assert ("cost" in found.stdout, "tokens and cost" in page) == (is_paid, is_paid)
        assert "tokens" in found.stdout
        assert "completion tokens" in page


def test_traces_without_a_pair_say_what_pairs_need(parlay: Parlay, tmp_path: Path) -> None:
    with Endpoint() as endpoint:
        base = ("arena", "scripted", *SMALL, "--base-url", endpoint.url, "--traces", str(tmp_path / "traces.jsonl"))
        found = parlay(*base)
    assert found.exit_code == 0
    assert "traces.pairs.jsonl has no pairs" in " ".join(found.stderr.split())
    assert "--repeats 2" in " ".join(found.stderr.split())


def test_the_schema_is_that_of_the_result() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema()
