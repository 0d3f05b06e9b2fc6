"""The report as data and as a file: what it counts, what it plays again, and that no text breaks out of it."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue import load_persona, persona_names
from parlay_marl.core.moves import Move
from parlay_marl.core.outcome import Ending
from parlay_marl.errors import ConfigurationError
from parlay_marl.game import text, transcript
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import as_player
from parlay_marl.render.web import held
from parlay_marl.render.web.held import HeldReplays
from parlay_marl.render.web.replay import replay_data
from parlay_marl.studies.plain import plain
from parlay_marl.tournament import figures, write_report
from parlay_marl.tournament.analysis import Analysis
from parlay_marl.tournament.games import EntrantInfo, Games
from parlay_marl.tournament.report import offer_curves, transcripts
from parlay_marl.tournament.report import page as report
from parlay_marl.tournament.report.counts import ENDINGS, PRICE_BINS, count_games
from tests.render.held_replays import games_in
from tests.tournament.report_games import HOSTILE, analysed, hostile, played

FIELD = ["shark", "diplomat", "hardliner", "veteran"]
DEALS = ["saas_enterprise", "uniform", "hiring_package_terms"]


@pytest.fixture(scope="module")
def games() -> Games:
    return played(FIELD, DEALS, 10)


@pytest.fixture(scope="module")
def analysis(games: Games) -> Analysis:
    return analysed(games)


@pytest.fixture(scope="module")
def data(games: Games, analysis: Analysis) -> dict[str, Any]:
    return report.report_data(games, analysis, HeldReplays())


def cell(games: Games, scenario: int, buyer: int, seller: int) -> Any:
    """Return the outcomes of a pair in a scenario, those with either opener."""
    rows = games.rows
    chosen = (rows["scenario"] == scenario) & (rows["buyer"] == buyer) & (rows["seller"] == seller)
    return rows["outcome"][chosen]


def of_entrant(games: Games, n: int, seat: int) -> Any:
    return games.rows[games.rows[("buyer", "seller")[seat]] == n]


# ---------------------------------------------------------------- what is counted


def test_cells_hold_what_their_games_came_to(games: Games) -> None:
    cells = count_games(games)["cells"]
    for place in np.ndindex(len(games.scenarios), len(games.entrants), len(games.entrants)):
        outcomes = cell(games, *place)
        deals = [float(outcome["price"]) for outcome in outcomes if outcome["ending"] == Ending.DEAL]
        s, b, k = place
        assert cells["games"][s][b][k] == len(outcomes) == 20
        assert cells["deals"][s][b][k] == len(deals)
        assert cells["buyer"][s][b][k] == pytest.approx(np.mean(outcomes["payoff"][:, 0]), abs=1e-4)
        assert cells["seller"][s][b][k] == pytest.approx(np.mean(outcomes["payoff"][:, 1]), abs=1e-4)
        assert cells["rounds"][s][b][k] == pytest.approx(np.mean(outcomes["round"]) + 1, abs=1e-4)
        assert cells["price"][s][b][k] == (pytest.approx(np.mean(deals), abs=1e-4) if deals else None)


def test_endings_are_counted_for_both_seats(games: Games) -> None:
    endings = count_games(games)["endings"]
    for s in range(len(games.scenarios)):
        for n in range(len(games.entrants)):
            rows = [row for seat in (0, 1) for row in of_entrant(games, n, seat) if row["scenario"] == s]
            names = [Ending(int(row["outcome"]["ending"])).name.lower() for row in rows]
            assert endings[s][n] == [names.count(ending) for ending in ENDINGS]


def test_conduct_is_counted_for_both_seats(games: Games) -> None:
    conduct = count_games(games)["conduct"]
    for n in range(len(games.entrants)):
        sides = [(seat, of_entrant(games, n, seat)["outcome"]) for seat in (0, 1)]
        assert conduct["games"][n] == sum(len(outcomes) for _, outcomes in sides)
        assert conduct["claims"][n] == sum(int(outcomes["claims_made"][:, seat].sum()) for seat, outcomes in sides)
        assert conduct["bluffs"][n] == sum(int(outcomes["bluffs_made"][:, seat].sum()) for seat, outcomes in sides)
        exposed = sum(int(outcomes["bluffs_caught"][:, 1 - seat].sum()) for seat, outcomes in sides)
        assert conduct["bluffs_exposed"][n] == exposed
        walked = sum(
            int(((outcomes["ending"] == Ending.WALK_AWAY) & (outcomes["closed_by"] == seat)).sum())
            for seat, outcomes in sides
        )
        assert conduct["walk_aways"][n] == walked
    assert sum(conduct["bluffs_exposed"]) == sum(conduct["bluffs_caught"])
    assert sum(conduct["claims"]) > 0
    assert sum(conduct["forfeits"]) == 0


def test_forfeits_and_capitulations_are_counted_for_the_seat_that_is_to_blame(games: Games) -> None:
    rows = games.rows[:4].copy()
    rows["buyer"], rows["seller"] = 1, 2
    rows["forfeit_by"] = [0, 1, 1, -1]
    rows["outcome"]["ending"] = [Ending.FORFEIT, Ending.FORFEIT, Ending.FORFEIT, Ending.DEAL]
    rows["outcome"]["closed_by"] = [0, 1, 1, 1]
    rows["outcome"]["worth"] = [(0, 0), (0, 0), (0, 0), (-0.1, 0.4)]
    conduct = count_games(dataclasses.replace(games, rows=rows))["conduct"]
    assert conduct["forfeits"] == [0, 1, 2, 0]
    assert conduct["capitulations"] == [0, 1, 0, 0]


def test_histograms_hold_every_deal_once_for_each_seat(games: Games) -> None:
    histograms = count_games(games)["histograms"]
    for s in range(len(games.scenarios)):
        outcomes = games.rows["outcome"][games.rows["scenario"] == s]
        prices = outcomes["price"][outcomes["ending"] == Ending.DEAL]
        expected, _ = np.histogram(prices, PRICE_BINS, (0.0, 1.0))
        for seat in ("buyer", "seller"):
            found = np.sum(histograms["price"][seat][s], axis=0)
            assert found.sum() == len(prices)
            assert (
                np.abs(np.cumsum(found) - np.cumsum(expected)).max() <= 1
            )  # a price on an edge may fall on either side


@pytest.mark.parametrize(("worth", "place"), [((0.3, 0.3), 30), ((0.4, 0.0), 10), ((0.3, -0.1), 0), ((0.5, 0.1), 16)])
def test_the_split_is_the_sellers_part_of_both_gains(games: Games, worth: tuple[float, float], place: int) -> None:
    rows = games.rows[:1].copy()
    rows["outcome"]["ending"], rows["outcome"]["worth"], rows["outcome"]["price"] = Ending.DEAL, worth, 0.5
    split = count_games(dataclasses.replace(games, rows=rows))["histograms"]["split"]["seller"]
    assert np.flatnonzero(np.sum(split, axis=(0, 1))).tolist() == [place]


def test_a_deal_that_is_worth_nothing_together_has_no_split(games: Games) -> None:
    rows = games.rows[:1].copy()
    rows["outcome"]["ending"], rows["outcome"]["worth"], rows["outcome"]["price"] = Ending.DEAL, (-0.2, 0.1), 0.5
    assert np.sum(count_games(dataclasses.replace(games, rows=rows))["histograms"]["split"]["buyer"]) == 0


def test_the_zopa_is_that_of_the_games_that_have_one(games: Games) -> None:
    for s, zopa in enumerate(count_games(games)["zopa"]):
        outcomes = games.rows["outcome"][games.rows["scenario"] == s]
        has = outcomes[outcomes["zopa_low"] < outcomes["zopa_high"]]
        assert zopa["share"] == pytest.approx(np.mean(outcomes["start_width"] > 0), abs=1e-4)
        assert zopa["low"][1] == pytest.approx(np.median(has["zopa_low"]), abs=1e-4)
        assert zopa["nash"][1] == pytest.approx(np.median(has["nash_price"]), abs=1e-4)
        assert zopa["low"] == sorted(zopa["low"])


def test_without_any_zopa_there_is_no_band(games: Games) -> None:
    rows = games.rows.copy()
    rows["outcome"]["zopa_low"], rows["outcome"]["zopa_high"], rows["outcome"]["start_width"] = 0.6, 0.4, 0.0
    zopa = count_games(dataclasses.replace(games, rows=rows))["zopa"][0]
    assert zopa == {"share": 0.0, "low": None, "high": None, "nash": None}


def test_numbers_become_plain_and_undefined_ones_none() -> None:
    given = {"a": np.array([0.123456, np.nan]), "b": (math.inf, 3, "x", None, -0.00001), "c": np.float64(2)}
    assert plain(given, 4) == {"a": [0.1235, None], "b": [None, 3, "x", None, 0.0], "c": 2.0}
    assert str(plain(-0.00001, 4)) == "0.0"


# ---------------------------------------------------------------- what is played again


def replayed(games: Games, scenario: int, buyer: int, seller: int, opener: int, number: int = 0) -> Game:
    config = make_config(games.scenarios[scenario], reward="payoff")
    game = Game(config, [as_player(games.names[n]) for n in (buyer, seller)])
    game.start(games.seed, number, {"opener": ("buyer", "seller")[opener]})
    return game


def running(changes: list[int | None]) -> list[int | None]:
    """Return the prices of a curve from their changes."""
    now, prices = 0, []
    for change in changes:
        now += change or 0
        prices.append(None if change is None else now)
    return prices


def offers_by_hand(game: Game) -> list[tuple[float | None, float | None]]:
    """Return both standing offers after every round of a game, both at the price of the deal where there is one."""
    standing: list[float | None] = [None, None]
    rounds: list[tuple[float | None, float | None]] = []
    for turn in game.turns:
        if turn.price is not None:
            standing[turn.seat] = turn.price
        if turn.move is Move.ACCEPT:
            standing = [turn.price, turn.price]
        del rounds[turn.round :]
        rounds.append((standing[0], standing[1]))
    return rounds


def test_single_curves_are_the_standing_offers_of_the_games(games: Games, data: dict[str, Any]) -> None:
    for place in [(0, 3, 1), (1, 3, 2), (2, 0, 2), (1, 1, 3)]:
        s, b, k = place
        pair = data["offers"]["scenarios"][s]["pairs"][b * len(games.entrants) + k]
        assert [game[:2] for game in pair["games"]] == [[0, 0], [1, 0], [0, 1], [1, 1]]
        for number, opener, last, is_deal, *curves in pair["games"]:
            game = replayed(games, s, b, k, opener, number)
            offers = offers_by_hand(game)
            assert last == len(offers) == game.outcome().round + 1
            assert bool(is_deal) == game.outcome().is_deal
            for seat in (0, 1):
                wanted = [offer[seat] for offer in offers]
                assert running(curves[seat]) == [
                    None if x is None else pytest.approx(1000 * x, abs=0.51) for x in wanted
                ]


def test_the_mean_curve_is_that_of_its_games(games: Games, data: dict[str, Any]) -> None:
    s, b, k = 0, 3, 1
    found = data["offers"]["scenarios"][s]
    pair, rounds = found["pairs"][b * len(games.entrants) + k], found["rounds"]
    assert rounds == list(range(1, 21))
    assert data["offers"]["mean_of"] == 16
    every = [offers_by_hand(replayed(games, s, b, k, opener, n)) for opener in (0, 1) for n in range(8)]
    lasting = [offers + [offers[-1]] * (20 - len(offers)) for offers in every]
    for seat in (0, 1):
        for r in range(20):
            here = [offers[r][seat] for offers in lasting if offers[r][seat] is not None]
            assert running(pair["mean"][seat])[r] == (pytest.approx(1000 * np.mean(here), abs=0.51) if here else None)
    still_open = [round(100 * sum(len(offers) > r + 1 for offers in every) / 16) for r in range(20)]
    assert pair["open"] + [0] * (20 - len(pair["open"])) == still_open


def test_a_transcript_tells_the_game_turn_by_turn(games: Games, data: dict[str, Any]) -> None:
    strings = data["offers"]["strings"]
    for s, b, k in [(0, 1, 0), (2, 3, 2), (1, 2, 3)]:
        deal = games.scenarios[s]
        told = data["offers"]["scenarios"][s]["pairs"][b * len(games.entrants) + k]["transcripts"]
        assert sorted(game["opener"] for game in told) == [0, 1]
        for entry in told:
            game = replayed(games, s, b, k, entry["opener"])
            turns = game.turns
            assert len(entry["turns"]) == len(turns)
            last = [0.0, 0.0]
            for row, turn in zip(entry["turns"], turns, strict=True):
                deed, price, terms, tension, words, result, news, eroded = row + [0] * (8 - len(row))
                assert strings[deed] == transcript.move_text(turn, deal)
                if turn.price is None:
                    assert price is None
                else:
                    if turn.move is not Move.ACCEPT:
                        price = last[turn.seat] = last[turn.seat] + price
                    assert price == pytest.approx(deal.to_currency(turn.price), abs=0.51)
                assert tension == round(turn.tension)
                assert strings[result] == turn.result
                assert strings[news] == "\n".join(turn.headlines)
                assert bool(eroded) == turn.eroded
                label = "" if turn.package is None else deal.package_label(turn.package)
                assert strings[terms] == (label if turn.changes_terms else "")
                money = "" if turn.price is None else text.price_text(turn.price, deal)
                assert strings[words].replace("{price}", money).replace("{terms}", label) == turn.words
            verdict = text.plain(transcript.verdict(game.outcome(), deal, 10_000))
            assert "\n".join(strings[line] for line in entry["end"]).startswith(verdict)


def test_the_page_holds_the_replay_of_every_game_that_it_tells(
    games: Games, analysis: Analysis, data: dict[str, Any]
) -> None:
    replays = games_in(report.report_page(games, analysis))
    for s, scenario in enumerate(data["offers"]["scenarios"]):
        for n, pair in enumerate(scenario["pairs"]):
            for entry in pair["transcripts"]:
                game = replayed(games, s, *divmod(n, len(games.entrants)), entry["opener"])
                assert replays[entry["replay"]] == json.loads(json.dumps(replay_data(game.record())))


def test_replays_are_those_of_the_best_in_every_scenario_where_not_all_fit(
    games: Games, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "MOST_BYTES", 60_000)
    replays, ranking = HeldReplays(), [2, 0, 1, 3]
    for scenario in offer_curves.offer_curves(games, ranking, replays)["scenarios"]:
        held_pairs = {
            divmod(n, 4)
            for n, pair in enumerate(scenario["pairs"])
            if any(each["replay"] is not None for each in pair["transcripts"])
        }
        assert (2, 2) in held_pairs
        assert (3, 3) not in held_pairs
    assert len(replays.element) < 60_000 + len(games.scenarios) * 10_000 + 30_000  # a game more each, and the page


def test_a_long_game_is_told_by_its_ends_and_its_curve_has_few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "MOST_TURNS", 12)
    monkeypatch.setattr(transcripts, "HEAD", 5)
    monkeypatch.setattr(transcripts, "TAIL", 3)
    monkeypatch.setattr(offer_curves, "MOST_POINTS", 7)
    few = played(["hardliner", "micro"], ["saas_enterprise"], 1)
    found = offer_curves.offer_curves(few, [0, 1], HeldReplays())["scenarios"][0]
    assert found["rounds"] == [1, 4, 7, 11, 14, 17, 20]
    entry = found["pairs"][1]["transcripts"][0]
    assert entry["skipped"] == [5, 32]
    assert len(entry["turns"]) == 8
    assert all(len(curve) == 7 for curve in found["pairs"][1]["mean"])


def test_policies_are_not_played_again(games: Games, analysis: Analysis) -> None:
    entrants = list(games.entrants)
    entrants[0] = EntrantInfo(entrants[0].name, "policy", {"import": "pkg.module:Name", "sha256": "0"})
    found = report.report_data(dataclasses.replace(games, entrants=tuple(entrants)), analysis, HeldReplays())
    pairs = found["offers"]["scenarios"][0]["pairs"]
    many = len(entrants)
    assert [n for n, pair in enumerate(pairs) if pair is None] == [*range(many), *range(many, many * many, many)]
    assert "pkg.module:Name" in found["command"]
    assert found["about"][0] == "import pkg.module:Name, sha256 0"


def test_games_that_come_out_differently_are_left_out(games: Games, analysis: Analysis) -> None:
    changed = dataclasses.replace(games, seed=games.seed + 1)
    pairs = report.report_data(changed, analysis, HeldReplays())["offers"]["scenarios"][1]["pairs"]
    assert {} in pairs


def test_the_best_entrants_are_shown_where_not_all_fit(games: Games, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer_curves, "MOST_CURVES", 4 * len(games.scenarios))
    monkeypatch.setattr(offer_curves, "MOST_TRANSCRIPTS", 1 * len(games.scenarios))
    pairs = offer_curves.offer_curves(games, [2, 0, 1, 3], HeldReplays())["scenarios"][0]["pairs"]
    assert [divmod(n, 4) for n, pair in enumerate(pairs) if pair] == [(0, 0), (0, 2), (2, 0), (2, 2)]
    assert [divmod(n, 4) for n, pair in enumerate(pairs) if pair and "transcripts" in pair] == [(2, 2)]


# ---------------------------------------------------------------- the page


class Reader(html.parser.HTMLParser):
    """Collects tags, and the text inside scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_the_file_holds_the_data_and_the_same_games_give_the_same_file(
    games: Games, analysis: Analysis, data: dict[str, Any], tmp_path: Path
) -> None:
    write_report(games, analysis, tmp_path / "report.html")
    write_report(games, analysis, str(tmp_path / "again.html"))
    page = (tmp_path / "report.html").read_bytes()
    assert page == (tmp_path / "again.html").read_bytes()
    embedded = read(page.decode()).scripts[0]
    assert json.loads(embedded) == json.loads(json.dumps(data))


def test_no_text_breaks_out_of_its_data(games: Games) -> None:
    changed = hostile(games)
    page = report.report_page(changed, analysed(changed))
    reader = read(page)
    assert [tag for tag, _ in reader.tags].count("script") == 3
    assert "img" not in [tag for tag, _ in reader.tags]
    found = json.loads(reader.scripts[0])
    assert found["names"][0] == HOSTILE
    assert found["scenarios"][0]["title"] == HOSTILE
    assert any(HOSTILE in text for text in found["offers"]["strings"])


def test_texts_that_look_like_parts_of_the_template_stay_texts(games: Games) -> None:
    entrants = (EntrantInfo("{{js}}", "policy", {}), *games.entrants[1:])
    changed = dataclasses.replace(games, entrants=entrants)
    page = report.report_page(changed, analysed(changed))
    assert page.count("function drawHead()") == 1
    assert json.loads(read(page).scripts[0])["names"][0] == "{{js}}"


def test_the_page_refers_to_nothing_outside_itself(games: Games, analysis: Analysis) -> None:
    page = report.report_page(games, analysis)
    for tag, attributes in read(page).tags:
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), f"{tag} {name}={value}"
    css = (report.ASSETS / "report.css").read_text()
    assert not re.search(r"url\(|@import", css)
    script = (report.ASSETS / "report.js").read_text() + held.script()
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|innerHTML|insertAdjacentHTML|document\.write|eval\(", script)
    assert "default-src 'none'" in page


def test_sections_and_their_links_belong_together() -> None:
    tags = read((report.ASSETS / "report.html").read_text()).tags
    links = [attributes["href"] for tag, attributes in tags if tag == "a"]
    sections = [f"#{attributes['id']}" for tag, attributes in tags if tag == "section"]
    assert links[1:] == sections
    assert len(sections) == 9


def test_the_command_plays_the_same_tournament(games: Games, analysis: Analysis) -> None:
    command = report.report_data(games, analysis, HeldReplays())["command"]
    assert command == (
        "parlay tournament diplomat hardliner shark veteran -s hiring_package_terms -s saas_enterprise -s uniform "
        "--games 10 --seed 7 --out results"
    )
    seeded = played(["linear"], ["uniform"], 1, rules="seed")
    found = report.report_data(seeded, analysed(seeded), HeldReplays())
    assert "--rules seed" in found["command"]
    assert found["rules_name"] == "seed"
    own = played(["linear"], ["uniform"], 1, rules={"tension": {"memory": 0.5}})
    found = report.report_data(own, analysed(own), HeldReplays())
    assert found["command"].endswith("# under rules of one's own, which stand below")
    assert found["rules"]["tension"]["memory"] == 0.5
    assert found["rules_name"] == "custom"


def test_long_dynamics_are_thinned(data: dict[str, Any]) -> None:
    replicator = data["analysis"]["replicator"]
    assert len(replicator["times"]) == len(replicator["shares"]) == report.MOST_MOMENTS
    assert replicator["times"][0] == 0.0
    assert replicator["times"][-1] == 400.0


def test_a_file_that_cannot_be_written_is_refused(games: Games, analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"report: cannot write .*none/report\.html: No such file"):
        write_report(games, analysis, tmp_path / "none" / "report.html")


def test_every_persona_can_be_told_of() -> None:
    field = played(persona_names(), ["uniform"], 1)
    assert report.report_data(field, analysed(field), HeldReplays())["about"][0].startswith(
        load_persona("boulware").title
    )


# ---------------------------------------------------------------- pictures


def test_figures_are_drawn_in_the_formats_asked_for(games: Games, analysis: Analysis, tmp_path: Path) -> None:
    written = figures(games, analysis, tmp_path / "new" / "figures")
    names = ["ranking", "matrix", "population", *(f"prices_{name}" for name in sorted(DEALS))]
    assert [path.name for path in written] == [f"{name}.{kind}" for name in names for kind in ("svg", "png")]
    for path in written:
        assert path.read_bytes().startswith({".svg": b"<?xml", ".png": b"\x89PNG"}[path.suffix])
    again = figures(games, analysis, tmp_path / "again", ["svg"])
    first = [path for path in written if path.suffix == ".svg"]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in first]


def test_names_are_no_formulas_in_figures(games: Games, tmp_path: Path) -> None:
    entrants = (EntrantInfo("$x_{", "policy", {}), *games.entrants[1:])
    changed = dataclasses.replace(games, entrants=entrants)
    written = figures(changed, analysed(changed), tmp_path, ["svg"])
    assert any("$x_{" in path.read_text(encoding="utf-8") for path in written)


def test_other_formats_and_folders_that_cannot_be_are_refused(games: Games, analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="figures: unknown format 'jpg'; known: png, svg, pdf"):
        figures(games, analysis, tmp_path, ["jpg"])
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="figures: cannot write into"):
        figures(games, analysis, tmp_path / "file")
