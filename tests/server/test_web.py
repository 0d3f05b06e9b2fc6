"""OpenEnv's page at `/web`: there where it is asked for, with the limits of every other path."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from parlay_marl.errors import ConfigurationError
from parlay_marl.server.app import create_app
from parlay_marl.server.protocols.openenv_messages import NegotiationAction
from parlay_marl.server.protocols.openenv_web import buttons, drawing
from parlay_marl.server.settings import ServerSettings
from tests.processes import ROOT, Started, run
from tests.server.table import http_get, http_post, served

TOKEN = "correct-horse-battery-staple"


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """Yield the address of `parlay serve --web`, in a process of its own: gradio's warnings are no errors of ours."""
    command = [sys.executable, "-m", "parlay_marl", "serve", "--port", "0", "--drain", "0", "--web", *options]
    with (folder / "log").open("w") as log, Started(command, cwd=ROOT, stderr=log) as process:
        yield process.line().split()[2].removeprefix("http://")


def test_it_is_there_where_it_is_asked_for_and_a_game_is_played_in_it(tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        base = f"http://{address}"
        page = http_get(f"{base}/web", follow_redirects=True)
        assert page.status_code == 200
        assert "parlay_marl" in page.text
        seen = http_post(f"{base}/web/reset", json={"seed": 5, "opener": "buyer"}).json()
        assert "You are the buyer" in seen["observation"]["text"]
        seen = http_post(f"{base}/web/step", json={"message": "/offer 120000"}).json()
        assert seen["observation"]["offer"]["amount"] == 120_000
        seen = http_post(f"{base}/web/step", json={"action": {"offer_amount": 121_000}}).json()
        assert seen["observation"]["offer"]["amount"] == 121_000
        assert http_get(f"{base}/web/state").json()["step_count"] == 2
        assert http_get(f"{base}/web/metadata").json()["name"] == "parlay_marl"
        refused = http_post(f"{base}/web/step", json={"action": {"offer_amount": 1}})
        assert (refused.status_code, "outside" in refused.json()["error"]) == (422, True)
        refused = http_post(f"{base}/web/step", json={"action": {"offer_amount": ["SECRET"]}})
        assert refused.status_code == 422
        assert "SECRET" not in refused.text
        assert http_get(f"{base}/health").json() == {"status": "healthy"}


def test_the_buttons_of_the_page_play(tmp_path: Path) -> None:
    """As a browser presses them: through gradio's own queue."""
    with serving(tmp_path) as address:
        page = Client(f"http://{address}/web/", verbose=False, download_files=False)
        try:
            names = list(page.view_api(return_format="dict", print_info=False)["named_endpoints"])
            told = page.predict(api_name="/reset_env")
            assert "You are the buyer" in str(told)
            assert "/step_fn" in names
        finally:
            page.close()


def test_it_is_not_there_otherwise_and_costs_nothing() -> None:
    with served() as address:
        assert http_get(f"http://{address}/web").status_code == 404
    program = (
        "import sys\n"
        "from parlay_marl.server.app import create_app\n"
        "create_app()\n"
        "print('gradio' in sys.modules, 'openai' in sys.modules)\n"
    )
    assert run([sys.executable, "-c", program], check=True).stdout.split() == ["False", "False"]


def test_openenvs_own_variable_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, is_on in (("true", True), ("1", True), ("false", False), ("", False)):
        monkeypatch.setenv("ENABLE_WEB_INTERFACE", text)
        assert ServerSettings.from_environment().web is is_on
    monkeypatch.setenv("ENABLE_WEB_INTERFACE", "perhaps")
    with pytest.raises(ConfigurationError, match="ENABLE_WEB_INTERFACE"):
        ServerSettings.from_environment()


def test_it_has_the_limits_of_every_path(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with serving(tmp_path, "--token-file", str(tmp_path / "token"), "--max-message", "2000") as address:
        base, shown = f"http://{address}/web", {"Authorization": f"Bearer {TOKEN}"}
        for path in ("", "/", "/state", "/gradio_api/info", "/config"):
            assert http_get(base + path).status_code == 401
            assert http_get(base + path, headers=shown, follow_redirects=True).status_code == 200
        assert http_post(f"{base}/reset", json={}).status_code == 401
        large = http_post(f"{base}/step", json={"message": "x" * 2_000}, headers=shown)
        assert large.status_code == 413
        page = http_get(f"{base}/state", headers={**shown, "Origin": "https://evil.example"})
        assert page.status_code == 403


def test_several_workers_have_no_page() -> None:
    with pytest.raises(ConfigurationError, match="web: several workers"):
        create_app(ServerSettings(web=True, workers=2))


def test_what_it_draws_is_no_markup_and_its_buttons_are_legal_moves() -> None:
    seen: dict[str, Any] = {"text": "They say: <b onclick=x>", "legal_moves": ["OFFER", "SILENCE", "WALK_AWAY"]}
    assert "<b" not in (drawing(seen) or "")
    assert drawing({"text": ""}) is None
    for _, action in buttons(seen):
        assert NegotiationAction.model_validate(action).tactical_move in seen["legal_moves"]
    assert len(buttons(seen)) == 2
