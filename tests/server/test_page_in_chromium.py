"""The page in Chromium, as a person uses it: whole games by mouse and by keyboard, two persons, reloads, restarts."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parlay_marl.game.record import GameRecord
from tests.server.chromium import Browser, Person, browser, needs_chromium
from tests.server.fuzz.hidden import OPPONENT, PLANTED, secret
from tests.server.table import served

from selenium.webdriver.common.keys import Keys  # isort: skip  # after the check that selenium is there

pytestmark = needs_chromium
TOKEN = "correct-horse-battery-staple"
TERMS = "hiring_package_terms"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario") / "planted.toml"
    path.write_text(PLANTED, "utf-8")
    return path


@pytest.fixture(scope="module")
def address(planted: Path) -> Iterator[str]:
    with served(scenario=(str(planted),)) as running:
        yield running


@pytest.fixture
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def check_clean(window: Browser, address: str) -> None:
    """Nothing was complained about, and nobody but the server was asked."""
    assert window.errors() == []
    assert {re.sub(r"^(http|ws)://([^/]+)/.*", r"\2", each) for each in window.requests()} == {address}


def tables(window: Browser) -> list[dict[str, Any]]:
    """Return all tables that the browser has received."""
    return [each for each in map(json.loads, window.received()) if each["type"] == "table"]


def last_table(window: Browser, turns: int) -> dict[str, Any]:
    """Return the table after some turns, as soon as the browser tells that it has received it."""
    window.wait(lambda: len(tables(window)[-1]["turns"]) == turns)
    return tables(window)[-1]


def test_a_whole_game_by_mouse_with_every_move_a_reload_and_mistakes(window: Browser, address: str) -> None:
    person = Person(window, address).sit_down(scenario=TERMS, opponent="shark", seed="11")
    window.sees("Your turn.")
    window.sees("You are the buyer, against shark.")
    window.click("#move-CHALLENGE")
    window.sees("They have no open claim.", "#error")
    for wrong, said in (("999999", "outside the range"), ("EUR 200k", "names another currency")):
        person.move("OFFER", wrong, sure=False)
        window.sees(said, "#error")
    person.move("ANCHOR_HIGH")
    window.choose("#term-0", "small grant")
    window.run("const s = document.getElementById('slider'); s.value = 195000; s.dispatchEvent(new Event('input'))")
    assert window.value("#price") == "195000"
    window.type("#words", "This is fair <b>and</b> simple.")
    person.move("OFFER")
    window.sees("You come up to USD 195,000 with equity small grant")
    window.sees("<b>and</b>")
    before = window.text(".log")
    window.driver.refresh()
    window.one("#move-form")
    window.wait(lambda: window.text(".log") == before)
    person.move("SILENCE")
    person.move("BATNA_REVEAL", "200k")
    window.click("#show-belief")
    window.sees("with 90% between")
    window.type("#guess", "190k")
    window.key(Keys.ENTER)
    window.sees("You guess USD 190,000.")
    window.click("#hint")
    window.sees("Hint: the champion would")
    person.move("WALK_AWAY", sure=False)
    assert not window.has("#end")
    for _ in range(40):
        if window.has("#end"):
            break
        claims = last_table(window, person.turns)["claims"][1]
        challenge = claims is not None and claims["status"] == "open" and not window.has(".challenged")
        person.move("CHALLENGE" if challenge and claims["price"] > 215_000 else "OFFER", "" if challenge else "201000")
    if not window.has("#end"):
        person.move("WALK_AWAY")
    window.sees("Limit of the seller")
    window.sees("Your guess of their limit was off by")
    window.sees("the estimate of their limit and 1 hint of the champion")
    window.click("#best-reply")
    window.sees("The best of the catalogue in your seat", "#best")
    check_record(window)
    window.click("#again")
    window.one("#move-form")
    window.sees("chose its seed")
    check_clean(window, address)


def check_record(window: Browser) -> None:
    """The record of the page is the game that was played, bit for bit, and the page says how it ended."""
    window.wait(lambda: "end" in tables(window)[-1])
    end = tables(window)[-1]["end"]
    record = GameRecord.from_dict(json.loads(end["record"]))
    assert record.names == ("person", "shark")
    assert [(each.seat, each.kind) for each in record.help] == [("buyer", "belief"), ("buyer", "hint")]
    shown = [(turn["move"], turn["price"]) for turn in end["replay"]["turns"]]
    scenario = record.config.played
    played = [
        (turn.move.name, None if turn.price is None else scenario.to_currency(turn.price))
        for turn in record.replay().turns
    ]
    assert shown == played
    outcome = json.loads(json.dumps(record.outcome.as_dict()))
    assert end["replay"]["outcome"]["ending"] == outcome["ending"]
    assert end["replay"]["outcome"]["reservation"] == outcome["reservation"]


def test_a_whole_game_by_keyboard_alone_without_a_barrier(window: Browser, address: str) -> None:
    window.open(f"http://{address}/play")
    window.one("#new-game")
    assert window.accessibility_faults() == []
    window.tab_to("#scenario")
    window.key("An enterprise")
    window.tab_to("input[name=seat]")
    window.key(Keys.ARROW_DOWN)
    window.tab_to("#new-game button[type=submit]")
    window.key(Keys.ENTER)
    window.sees("You are the seller")
    assert window.accessibility_faults() == []
    window.tab_to("#slider")
    window.key(Keys.ARROW_RIGHT)
    window.tab_to("#move-OFFER")
    window.key(Keys.ENTER)
    window.sees("Round 2")
    assert window.run("return document.activeElement.id") == "move-OFFER"  # the focus stays where it was
    window.tab_to("#move-SILENCE")
    window.key(Keys.SPACE)
    window.sees("Round 3")
    window.tab_to("#move-ACCEPT")
    window.key(Keys.ENTER)
    if window.run("return document.getElementById('ask').open"):
        assert window.accessibility_faults() == []
        window.tab_to("#ask-yes")
        window.key(Keys.ENTER)
    window.one("#end")
    assert window.run("return document.activeElement.id") == "end"
    window.tab_to("#replay-turn")
    last = re.search(r"Turn (\d+) of \1", window.text(".told"))
    assert last is not None
    window.key(Keys.ARROW_LEFT)
    window.sees(f"Turn {int(last[1]) - 1} of {last[1]}", ".told")
    assert window.accessibility_faults() == []
    check_clean(window, address)


def test_it_fits_every_width_and_theme(window: Browser, address: str) -> None:
    person = Person(window, address)
    for stage in ("start", "table", "end"):
        if stage == "table":
            person.sit_down(scenario=TERMS, seed="4", opponent="diplomat")
            window.click("#show-belief")
            person.move("BATNA_REVEAL", "190000")
        elif stage == "end":
            person.move("ACCEPT")
            window.one("#end")
        else:
            window.open(f"http://{address}/play")
            window.one("#new-game")
        for width in (360, 768, 1280):
            for theme in ("light", "dark"):
                window.size(width, theme)
                window.wait(lambda: window.overflow() == [])
                assert window.accessibility_faults() == [], (stage, width, theme)
    check_clean(window, address)


def test_nothing_hidden_reaches_the_browser_before_the_end(window: Browser, address: str, planted: Path) -> None:
    seed = 3
    person = Person(window, address).sit_down(scenario="planted", opponent=OPPONENT, seed=str(seed))
    window.click("#show-belief")
    window.click("#hint")
    person.move("OFFER", "2000000000")
    person.move("BATNA_REVEAL", "2500000000")
    person.move("SILENCE")
    hidden, own = secret(str(planted), seed, (1,)), secret(str(planted), seed, (0,))
    sent = "\n".join(window.received())
    assert hidden.search(sent) is None
    window.wait(lambda: own.search("\n".join(window.received())))  # the search finds what is there
    assert hidden.search(window.driver.page_source) is None
    person.move("WALK_AWAY")
    window.one("#end")
    window.wait(lambda: hidden.search("\n".join(window.received())))


def test_two_persons_in_two_windows(window: Browser, address: str) -> None:
    with browser() as second:
        person = Person(window, address).sit_down(scenario="saas_enterprise", opponent="*person", seat="seller")
        link = window.value("#link")
        assert window.accessibility_faults() == []
        other = Person(second, address)
        second.open(link)
        second.sees("You are the buyer, against another person.")
        second.sees("Each turn may take 10 minutes")
        assert "join=" not in second.driver.current_url
        window.wait(lambda: not window.has("#link"))
        players = {"seller": (window, person), "buyer": (second, other)}
        opener = tables(window)[-1]["opener"]
        waiting = "buyer" if opener == "seller" else "seller"
        first, then = players[opener], players[waiting]
        then[0].sees("Waiting for them")
        then[0].click("#move-OFFER")
        then[0].sees("it is their turn", "#error")
        first[1].move("OFFER", "140000")
        then[0].sees("Your turn.")
        then[0].sees("They open at USD 140,000")
        then[0].type("#words", "Let us meet.")
        then[1].move("BATNA_REVEAL", "145000")
        first[0].sees("“Let us meet.”")
        first[0].driver.refresh()  # in the middle
        first[0].sees("They claim a limit of USD 145,000")
        then[0].wait(lambda: not then[0].has("#main p.panel.hot"))
        first[1].move("CHALLENGE")
        then[0].sees("They call the claim a bluff")
        then[1].move("ACCEPT")
        for each in (window, second):
            each.sees("Deal at USD 140,000")
            check_clean(each, address)


def test_two_tabs_of_one_game_do_not_corrupt_it(window: Browser, address: str) -> None:
    person = Person(window, address).sit_down(scenario="saas_enterprise", opponent="linear")
    person.move("OFFER", "120000")
    first = window.driver.current_window_handle
    window.run("window.open(location.href, '_blank')")  # a copy of the tab, with what the tab remembers
    window.wait(lambda: len(window.driver.window_handles) == 2)
    second = next(handle for handle in window.driver.window_handles if handle != first)
    window.driver.switch_to.window(second)
    window.sees("USD 120,000")
    person.move("OFFER", "125000")
    window.driver.switch_to.window(first)
    window.sees("goes on in another tab")
    assert window.accessibility_faults() == []
    window.click("#move-OFFER")  # the old tab can do nothing
    window.click("#retry")
    window.sees("USD 125,000")
    person.move("OFFER", "126000")
    window.driver.switch_to.window(second)
    window.sees("goes on in another tab")


def test_a_restart_of_the_server_is_told_and_the_next_game_begins(window: Browser) -> None:
    with served() as address:
        Person(window, address).sit_down(scenario="saas_enterprise", opponent="linear").move("OFFER", "120000")
    window.sees("Trying again")
    with served(at_port=int(address.rpartition(":")[2])):
        window.sees("no longer has your game", "#error")
        window.click("#new-game button[type=submit]")
        window.sees("Your turn.")


def test_a_person_signs_in_with_the_token_which_stands_in_no_address(window: Browser) -> None:
    with served(token=TOKEN) as address:
        window.open(f"http://{address}/play")
        window.type("#token", "wrong")
        window.key(Keys.ENTER)
        window.sees("not this server's token")
        assert window.accessibility_faults() == []
        window.type("#token", TOKEN)
        window.key(Keys.ENTER)
        window.one("#new-game")
        person = Person(window, address).sit_down(scenario="saas_enterprise", opponent="linear")
        person.move("OFFER", "120000")
        person.move("WALK_AWAY")
        window.click("#share")
        link = window.run("return document.getElementById('replay-link').href")
        window.open(link)
        window.sees("Replay")
        cookie = next(each for each in window.driver.get_cookies() if each["name"] == "parlay_page")
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/play")
        assert TOKEN not in str(cookie)
        assert not any(TOKEN in each for each in window.requests())
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(link, timeout=60)
