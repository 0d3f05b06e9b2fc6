"""Replays: the data of a game turn by turn, and the page that shows it, also as Chromium draws it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from parlay_marl.catalogue.scenarios import scenario_names
from parlay_marl.game.play import play_game
from parlay_marl.game.record import GameRecord, Help
from parlay_marl.render.web.held import HeldReplays, script
from parlay_marl.render.web.html import asset, bundle, closed_page, replay_page, write_replay
from parlay_marl.render.web.replay import replay_data
from tests.render.held_replays import games_in
from tests.server.chromium import Browser, browser, needs_chromium

HOSTILE = "</script><script>alert(1)</script> {{css}} \u2028 <!-- & é 'quoted\""


def data_of(page: str) -> object:
    """Return the data that a page holds."""
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("scenario", scenario_names())
def test_the_data_of_a_replay_are_the_figures_of_the_game(scenario: str) -> None:
    record = play_game("shark", "veteran", scenario, seed=6)
    data = replay_data(record)
    assert json.loads(json.dumps(data, allow_nan=False)) == data_of(replay_page(record))
    assert len(data["moments"]) == len(data["turns"]) + 1 == len(record.actions) + 1
    for moment, game in zip(data["moments"], record.moments(), strict=True):
        limits = [game.currency.price(float(x)) for x in game.row["reservation"]]
        assert moment["limits"] == limits
        assert [belief["mean"] for belief in moment["beliefs"]] == [game.belief(seat).reservation for seat in range(2)]
        for offer in filter(None, moment["offers"]):
            k, price = offer["package"], offer["price"]
            gains = (limits[0] + data["package_worth"][0][k] - price, price + data["package_worth"][1][k] - limits[1])
            assert offer["worth"] == pytest.approx(gains, abs=1e-5)
    outcome = record.outcome
    assert data["outcome"]["price"] == outcome.price
    assert data["outcome"]["reservation"] == outcome.reservation
    width = data["deal"]["high"] - data["deal"]["low"]
    assert data["outcome"]["worth"] == [each * width for each in outcome.worth]


def test_the_page_of_a_game_is_always_the_same_and_holds_no_stranger() -> None:
    record = play_game("shark", "diplomat", seed=3)
    page = replay_page(record)
    assert page == replay_page(GameRecord.from_dict(record.to_dict()))
    assert not re.search(r"""(?:src|href)=["'](?!data:,)""", page)
    assert "unsafe" not in page


def test_words_cannot_leave_their_place() -> None:
    record = play_game("shark", "diplomat", seed=3)
    actions = tuple(action._replace(words=HOSTILE) for action in record.actions)
    page = replay_page(replace(record, actions=actions, names=("<b>", "&")))
    assert page.count("<script") == 2
    assert "<b>" not in page.partition("<style>")[0]
    assert HOSTILE in str(data_of(page)).replace("\\'", "'").replace("\\u2028", "\u2028")


def test_modules_are_bundled_without_their_imports() -> None:
    modules = [
        'import { a } from "./a.js";\nimport {\n  b,\n} from "./b.js";\nexport const c = a;\n',
        "export function d() {}\n",
    ]
    assert bundle(modules) == "const c = a;\n\nfunction d() {}\n"


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@needs_chromium
@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms"])
def test_a_person_scrubs_through_a_replay(window: Browser, tmp_path: Path, scenario: str) -> None:
    record = play_game("shark", "diplomat", scenario, seed=5)
    write_replay(record, tmp_path / "game.html")
    window.open((tmp_path / "game.html").as_uri())
    window.wait(lambda: window.run("return document.documentElement.dataset.ready"))
    many = len(record.actions)
    window.sees(f"Turn {many} of {many}.", ".told")
    window.click(".scrub button:first-child")
    window.sees(f"Before the first of {many} turns", ".told")
    for turn in range(1, many + 1):
        window.click(".scrub button:nth-child(4)")
        window.sees(f"Turn {turn} of {many}.", ".told")
        window.wait(lambda: window.has("#replay svg .curve"))
    assert window.has(".frontier") is (scenario == "acquisition_terms")
    for width in (360, 1280):
        for theme in ("light", "dark"):
            window.size(width, theme)
            window.wait(lambda: window.overflow() == [])
            assert window.accessibility_faults() == []
    assert window.errors() == []
    assert {each for each in window.requests() if not each.startswith("file:")} == set()


def page_with(*records: GameRecord) -> str:
    """Return a page that holds the replays of some games, each in an element that opens."""
    replays = HeldReplays()
    numbers = [replays.add(record) for record in records]
    parts = [f'<details data-replay="{number}"><summary>game {number}</summary></details>' for number in numbers]
    js = bundle([asset("elements.js"), script()])
    return closed_page("games", f"<main>{''.join(parts)}</main>{replays.element}", "", js, replays.opens)


def test_a_page_holds_replays_and_no_text_of_theirs_leaves_its_place() -> None:
    record = play_game("shark", "diplomat", seed=3)
    hostile = replace(record, actions=tuple(action._replace(words=HOSTILE) for action in record.actions))
    page = page_with(record, hostile)
    assert page.count("<script") == 2
    assert games_in(page) == [data_of(replay_page(record)), data_of(replay_page(hostile))]
    assert "unsafe" not in page


@needs_chromium
def test_a_replay_that_a_page_holds_opens_as_a_page_of_its_own(window: Browser, tmp_path: Path) -> None:
    record = play_game("shark", "diplomat", "acquisition_terms", seed=5)
    actions = tuple(action._replace(words=HOSTILE) for action in record.actions)
    (tmp_path / "games.html").write_text(page_with(record, replace(record, actions=actions)), "utf-8")
    window.open((tmp_path / "games.html").as_uri())
    first = window.driver.current_window_handle
    window.click("details:nth-of-type(2) summary")
    window.one("a.replay[href]").click()
    window.wait(lambda: len(window.driver.window_handles) == 2)
    window.driver.switch_to.window(next(handle for handle in window.driver.window_handles if handle != first))
    window.wait(lambda: window.run("return document.documentElement.dataset.ready"))
    many = len(record.actions)
    window.sees(f"Turn {many} of {many}.", ".told")
    window.sees(HOSTILE.split(maxsplit=1)[0], ".told")
    assert window.driver.title.startswith("shark and diplomat")
    assert window.has(".frontier")
    assert window.errors() == []
    window.driver.close()
    window.driver.switch_to.window(first)
    assert window.errors() == []


@needs_chromium
def test_help_that_a_person_had_is_in_the_record_and_on_the_page(window: Browser, tmp_path: Path) -> None:
    helped = (Help(1, "seller", "hint"), Help(3, "seller", "hint"), Help(4, "buyer", "belief"))
    record = replace(play_game("shark", "diplomat", seed=3), help=helped)
    assert GameRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record
    write_replay(record, tmp_path / "game.html")
    window.open((tmp_path / "game.html").as_uri())
    window.sees("Help that the seller used\n2 hints of the champion")
    window.sees("Help that the buyer used\nthe estimate of their limit")
    window.click(".scrub button:first-child")
    for turn in range(1, 5):
        window.click(".scrub button:nth-child(4)")
        window.sees(f"Turn {turn} of", ".told")
        assert ("hint of the champion" in window.text(".told")) is (turn in (2, 4))
