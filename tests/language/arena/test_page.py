"""The report of an arena: everything in one file, with replays, and no text of a model that becomes markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from parlay_marl.game.action import Action
from parlay_marl.game.view import SeatView
from parlay_marl.language.arena.page import arena_page
from parlay_marl.language.arena.summary import Arena
from parlay_marl.players.player import Player
from parlay_marl.render.web.replay import replay_data
from tests.language.arena.runs import play
from tests.language.bargainer import Prompt, Turn, bargain
from tests.language.endpoint import Endpoint
from tests.render.held_replays import games_in

EVIL = "</pre><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>\x1b[31m & 'so' \"on\""


def hostile(prompt: Prompt) -> Turn:
    """Bargain, and say what would be markup."""
    turn = bargain(prompt)
    return Turn(turn.move, turn.price, EVIL, turn.belief, turn.terms)


class Bold(Player):
    """A partner whose name would be markup."""

    name = "<b>bold</b>"

    def act(self, view: SeatView) -> Action:
        return view.make_offer(view.in_units(view.reservation_price), words=EVIL)


class Tags(HTMLParser):
    """Collects the tags of a page and their attributes, and checks that they nest."""

    VOID = {"meta", "link", "br"}

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def arena() -> Arena:
    with Endpoint(hostile) as endpoint:
        return play(endpoint.url, ("scripted", "scripted?tools=never"), partners=["shark", Bold()], games=3)


def test_the_page_is_whole_and_loads_nothing(arena: Arena) -> None:
    tags = Tags(arena_page(arena)).found
    assert {tag for tag, _ in tags} & {"img", "iframe", "object", "form"} == set()
    assert [attrs for tag, attrs in tags if tag == "script"] == [
        {"id": "replays", "type": "application/json"},
        {"type": "module"},
    ]
    assert [attrs for _, attrs in tags if "src" in attrs or any(name.startswith("on") for name in attrs)] == []
    assert [attrs["href"] for _, attrs in tags if "href" in attrs] == ["data:,"]
    (policy,) = [attrs["content"] for _, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_words_and_names_are_text(arena: Arena) -> None:
    page = arena_page(arena)
    assert "&lt;/pre&gt;&lt;script&gt;alert(1)" in page
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page
    assert "\x1b" not in page


def test_it_shows_the_worst_and_the_best_game_with_each_partner(arena: Arena) -> None:
    page = arena_page(arena)
    for model in arena.result.models:
        assert len(model.by_partner) == 3
    shown = re.findall(r"<details[^>]*><summary>([^<]*): [^<]*, payoff (-?[\d.]+)</summary><pre>", page)
    assert len(shown) == 2 * 3 * 2
    payoffs = [
        float(look.outcome["payoff"][seat])
        for played, look in arena.games
        for seat in range(2)
        if (played.match.names[seat], played.match.names[1 - seat]) == ("scripted", "shark")
    ]
    of_shark = [float(payoff) for title, payoff in shown[:6] if title.startswith("shark,")]
    assert of_shark == [pytest.approx(min(payoffs), abs=1e-3), pytest.approx(max(payoffs), abs=1e-3)]


def test_its_games_have_replays_with_their_words(arena: Arena) -> None:
    page = arena_page(arena)
    replays, numbers = games_in(page), re.findall(r'<details data-replay="(\d+)"', page)
    assert [int(number) for number in numbers] == list(range(len(replays)))
    records = [json.loads(json.dumps(replay_data(played.record))) for played, _ in arena.games]
    assert all(replay in records for replay in replays)
    assert all(any("</script>" in turn["words"] for turn in replay["turns"]) for replay in replays)


def test_every_figure_is_defined(arena: Arena) -> None:
    page = arena_page(arena)
    for key, info in arena.result.figures.items():
        assert key.replace("_", " ") in page
        assert info.meaning


def test_the_same_arena_gives_the_same_page(arena: Arena) -> None:
    assert arena_page(arena) == arena_page(arena)
