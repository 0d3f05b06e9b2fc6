"""The report in a browser: it draws, answers to pointer, keys and taps, and asks for nothing outside itself."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from parlay_marl.catalogue import load_scenario
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.text import price_text
from parlay_marl.players.persona import as_player
from parlay_marl.tournament import write_report
from parlay_marl.tournament.games import EntrantInfo, Games
from tests.tournament.report_games import HOSTILE, analysed, hostile, played

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
FIELD = ["shark", "diplomat", "hardliner", "veteran", "random", "tit_for_tat", "micro"]
DEALS = ["saas_enterprise", "uniform", "hiring_package_terms"]
SECONDS = 120.0
"""Seconds that a busy machine may take until something is on the page."""
DESKTOP, PHONE = (1280, 900), (360, 740)
SECTIONS = ("ranking", "pairs", "scenarios", "offers", "population", "bluffs", "comparisons", "metrics", "method")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium with its driver (Debian: apt install chromium chromium-driver)"
)


class Page:
    """A report in the browser, at one size and in one theme."""

    def __init__(self, driver: webdriver.Chrome, path: Path) -> None:
        self.driver, self.path = driver, path

    def open(self, size: tuple[int, int] = DESKTOP, theme: str = "light") -> Page:
        """Load the page afresh, without a network."""
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        is_phone = size == PHONE
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": is_phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get("about:blank")
        self.driver.get(self.path.as_uri())
        self.wait(lambda: self.run("return document.documentElement.dataset.ready") == "yes")
        self.wait(lambda: len(self.all("#ranking svg circle")) > 0)
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], Any]) -> None:
        WebDriverWait(
            self.driver, SECONDS, poll_frequency=0.05, ignored_exceptions=[StaleElementReferenceException]
        ).until(lambda _: condition())

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def texts(self, selector: str) -> list[str]:
        found = self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector)
        return [str(text) for text in found]

    def press(self, selector: str, text: str) -> None:
        """Press the button that says so."""
        buttons = {button.text: button for button in self.all(f"{selector} button")}
        self.click(buttons[text] if text in buttons else next(b for said, b in buttons.items() if text in said))

    def click(self, element: Any) -> None:
        self.into_view(element)
        element.click()

    def into_view(self, element: Any) -> None:
        """Scroll to an element, again where charts that are only now drawn have moved it."""

        def is_still() -> bool:
            place = "return arguments[0].getBoundingClientRect().top"
            before = self.run(
                f"arguments[0].scrollIntoView({{block: 'center', behavior: 'instant'}}); {place}", element
            )
            time.sleep(0.1)
            return bool(before == self.run(place, element))

        self.wait(is_still)

    def hover(self, element: Any) -> str:
        """Put the pointer on an element, and return the note that comes up."""
        self.into_view(element)
        ActionChains(self.driver).move_to_element(element).perform()
        self.wait(lambda: not self.run("return document.getElementById('tip').hidden"))
        return self.text("#tip")

    def choose(self, name: str, value: object) -> None:
        """Choose an option of a list by its value."""
        script = "const list = document.getElementById(arguments[0]); list.value = arguments[1];"
        self.run(script + " list.dispatchEvent(new Event('change'));", name, str(value))

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the page was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [address for address in sent if not address.startswith(("data:", "about:"))]

    def overflow(self) -> list[str]:
        """Return what reaches beyond the right edge of the page, and does not scroll by itself."""
        return list(
            self.run(
                """
                const width = document.documentElement.clientWidth, out = [];
                for (const e of document.querySelectorAll("body *")) {
                  if (e.closest(".scroll, nav, [role=tablist], dialog, .skip, #tip")) continue;
                  if (e.getBoundingClientRect().right > width + 1) out.push(e.tagName + "." + e.getAttribute("class"));
                }
                if (document.documentElement.scrollWidth > width) out.push("the page");
                return out;
                """
            )
        )


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1280,900"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    browser.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def games() -> Games:
    return played(FIELD, DEALS, 8)


@pytest.fixture(scope="module")
def page(driver: webdriver.Chrome, games: Games, tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(games, analysed(games), path)
    return Page(driver, path)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_draws_everything_at_every_size_without_an_error_or_a_request(
    page: Page, size: tuple[int, int], theme: str
) -> None:
    page.open(size, theme)
    for name in SECTIONS:
        page.into_view(page.one(f"#{name}"))
        assert page.text(f"#{name} h2")
        assert page.all(f"#{name} svg, #{name} table, #{name} dl"), name
    page.wait(lambda: len(page.all("#offers .curve")) >= 2 + 2 * len(FIELD) and page.all("#population .area"))
    assert page.overflow() == []
    assert page.errors() == []
    assert page.requests() == [page.path.as_uri()]
    assert not page.run(
        "return document.body.innerText.includes('undefined') || document.body.innerText.includes('NaN')"
    )


def test_it_follows_the_system_until_a_theme_is_chosen(page: Page) -> None:
    def background() -> str:
        return str(page.run("return getComputedStyle(document.body).backgroundColor"))

    light, dark = page.open(theme="light") and background(), page.open(theme="dark") and background()
    assert light != dark
    button = page.one("#theme")
    assert button.text == "Theme: system"
    for text, wanted in (("Theme: light", light), ("Theme: dark", dark), ("Theme: system", dark)):
        button.click()
        assert (button.text, background()) == (text, wanted)


def test_the_ranking_names_everyone_and_its_order_can_be_changed(page: Page, games: Games) -> None:
    page.open()
    standings = analysed(games).as_dict()["standings"]
    assert page.text("#lede").startswith(standings[0]["name"])
    for text, key in (("overall", "payoff"), ("as seller", "as_seller"), ("as buyer", "as_buyer")):
        page.press("#ranking .choice", text)
        wanted = [each["name"] for each in sorted(standings, key=lambda each: -each[key]["mean"])]
        assert [name for name in page.texts("#ranking svg text") if name in FIELD] == wanted
    note = page.hover(page.all("#ranking .hit")[0])
    assert wanted[0] in note
    assert "as seller" in note


def test_a_table_is_sorted_by_the_heading_that_is_pressed(page: Page) -> None:
    page.open()
    page.press("#ranking thead", "entrant")
    assert page.texts("#ranking tbody th") == sorted(FIELD)
    page.press("#ranking thead", "entrant")
    assert page.texts("#ranking tbody th") == sorted(FIELD, reverse=True)
    assert page.one("#ranking thead th[aria-sort]").get_attribute("aria-sort") == "descending"


def test_the_heat_map_shows_the_matrix_that_is_asked_for_and_details_on_hover(page: Page, games: Games) -> None:
    page.open()
    results = analysed(games).as_dict()
    order = [results["names"].index(each["name"]) for each in results["standings"]]

    def shown() -> list[float]:
        return [float(text.replace("\N{MINUS SIGN}", "-")) for text in page.texts(".heat td button")]

    def wanted(matrix: list[list[float]]) -> Any:
        return pytest.approx([matrix[row][column] for row in order for column in order], abs=0.00501)

    for text, name in (("both seats", "payoff_matrix"), ("as buyer", "buyer_matrix"), ("as seller", "seller_matrix")):
        page.press("#pairs .choice", text)
        assert shown() == wanted(results[name])
    page.press("#pairs .choice", "both seats")
    page.choose("heat-scenario", "uniform")
    assert shown() == wanted(results["payoff_matrix_by_scenario"]["uniform"])
    page.press("#pairs .choice", "as seller")
    rows = games.rows["outcome"]["payoff"].reshape(len(DEALS), len(FIELD), len(FIELD), -1, 2).mean(axis=3)
    assert shown() == wanted(rows[2, :, :, 1].T.tolist())
    note = page.hover(page.all(".heat td button")[1])
    row, column = (results["names"][n] for n in order[:2])
    assert note.startswith(f"{row} against {column}: ")
    assert "mean price" in note
    assert note.count("rounds") == 2


def test_the_heat_map_can_be_walked_with_the_arrow_keys_and_a_tap_keeps_the_details(page: Page, games: Games) -> None:
    page.open()
    names = [each["name"] for each in analysed(games).as_dict()["standings"]]
    cells = page.all(".heat td button")
    assert [cell.get_attribute("tabindex") for cell in cells] == ["0"] + ["-1"] * (len(cells) - 1)
    page.into_view(cells[0])
    page.run("arguments[0].focus()", cells[0])
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN):
        page.driver.switch_to.active_element.send_keys(key)
    assert page.text("#tip").startswith(f"{names[2]} against {names[1]}")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert page.run("return document.getElementById('tip').hidden")
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert page.text("#pairs .beside h3") == f"{names[2]} against {names[1]}"
    page.press("#pairs .beside", f"Offers, {names[2]} selling")
    assert page.text("#offers .panel h3") == f"{names[1]} buys from {names[2]}"


def test_tabs_switch_between_scenarios_by_pointer_and_keys(page: Page, games: Games) -> None:
    page.open()
    tabs = page.all("#scenarios [role=tab]")
    titles = [scenario.title for scenario in games.scenarios]
    assert [tab.text for tab in tabs] == titles
    for k in (1, 2, 0):
        page.click(tabs[k])
        assert page.text("#scenario-panel h3") == titles[k]
        assert [tab.get_attribute("aria-selected") for tab in tabs] == [str(i == k).lower() for i in range(3)]
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_LEFT)
    assert page.text("#scenario-panel h3") == titles[2]
    page.wait(lambda: len(page.all("#scenarios circle.mark")) == len(FIELD))
    page.wait(lambda: page.all("#scenarios .nash-line"))


def test_prices_can_be_those_of_one_entrant_or_the_split_of_the_gains(page: Page, games: Games) -> None:
    page.open()
    page.wait(lambda: page.all("#scenarios .hit.bar"))
    assert len(page.all("#scenarios .hit.bar")) == 40
    page.press("#scenarios .choice", "split of the gains")
    assert len(page.all("#scenarios .hit.bar")) == 60
    page.choose("prices-of", f"seller {games.names.index('shark')}")
    note = page.hover(page.all("#scenarios .hit.bar")[30])
    assert "50.0% to 52.5% to the seller" in note
    assert "share of all deals" in note
    assert page.all("#scenarios .single.overall")


def test_offers_of_any_pair_are_drawn_and_its_game_can_be_read(page: Page, games: Games) -> None:
    page.open()
    buyer, seller, deal = games.names.index("shark"), games.names.index("veteran"), 1
    for name, value in (("offers-scenario", deal), ("offers-buyer", buyer), ("offers-seller", seller)):
        page.choose(name, value)
    assert page.text("#offers .panel h3") == "shark buys from veteran"
    page.wait(lambda: len(page.all("#offers .panel .curve")) == 2)
    assert len(page.all("#offers .panel path.single:not(.open)")) == 2 * 4
    page.press("#offers .choice", "games")
    page.wait(lambda: page.all("#offers .panel .hit") and not page.all("#offers .panel .curve"))
    assert "gap" in page.hover(page.all("#offers .panel .hit")[3])
    page.click(page.one("#offers .tell"))
    dialog = page.one("#transcript")
    assert dialog.is_displayed()
    told = page.text("#transcript")
    assert "shark buys from veteran" in told
    assert "Round 1" in told
    assert "opens at" in told or "anchors at" in told
    assert any(end in told for end in ("Deal at USD", "No deal."))
    assert "{" not in told
    game = Game(make_config(games.scenarios[deal], reward="payoff"), [as_player("shark"), as_player("veteran")])
    opener = "buyer" if "the buyer opens" in told else "seller"
    game.start(games.seed, 0, {"opener": opener})
    for turn in game.turns:
        assert turn.price is None or price_text(turn.price, game.scenario) in told
        assert turn.words in told
    assert page.run("return document.activeElement.textContent") == "Close"
    page.wait(lambda: page.all("#transcript a.replay[href]"))
    first = page.driver.current_window_handle
    page.click(page.one("#transcript a.replay"))
    page.wait(lambda: len(page.driver.window_handles) == 2)
    page.driver.switch_to.window(next(each for each in page.driver.window_handles if each != first))
    page.wait(lambda: page.run("return document.documentElement.dataset.ready"))
    many = len(game.turns)
    assert f"Turn {many} of {many}." in page.text(".told")
    assert page.errors() == []
    page.driver.close()
    page.driver.switch_to.window(first)
    page.run("document.querySelector('#transcript button').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()


def test_a_transcript_fits_on_a_phone(page: Page) -> None:
    page.open(PHONE)
    page.click(page.one("#offers .tell"))
    assert page.run("const d = document.getElementById('transcript'); return d.scrollWidth <= d.clientWidth")
    assert page.run("return document.getElementById('transcript').getBoundingClientRect().right <= innerWidth")


def test_everyone_is_drawn_against_the_chosen_one(page: Page) -> None:
    page.open()
    minis = page.all("#offers .minis button")
    assert sorted(mini.text.splitlines()[0] for mini in minis) == sorted(FIELD)
    name = minis[3].text.splitlines()[0]
    page.click(minis[3])
    assert page.text("#offers .panel h3").endswith(f"buys from {name}")


def test_areas_and_comparisons_tell_on_hover_and_can_be_filtered(page: Page) -> None:
    page.open()
    page.wait(lambda: page.all("#population .area"))
    assert len(page.all("#population .area")) == len(FIELD)
    rows = len(FIELD) * (len(FIELD) - 1) // 2
    assert len(page.all("#comparisons tbody tr")) == rows
    page.choose("compared", "shark")
    assert len(page.all("#comparisons tbody tr")) == len(FIELD) - 1
    page.press("#metrics .choice", "deals only")
    assert page.texts("#metrics tbody th span:first-child") == ["payoff"]


def test_marks_are_named_for_those_who_cannot_see_them(page: Page) -> None:
    page.open()
    page.wait(lambda: page.all("#population .area"))
    unnamed = page.run(
        """
        const isNamed = (e) => ["aria-label", "aria-labelledby"].some((name) => e.getAttribute(name));
        const marks = [...document.querySelectorAll("[tabindex], button, select, [role=img]")];
        return marks.filter((e) => !isNamed(e) && !e.textContent.trim() && !e.closest("label")).length
        """
    )
    assert unnamed == 0
    stops = page.run("return document.querySelectorAll('#ranking svg [tabindex=\"0\"]').length")
    assert stops == 1


def test_hostile_texts_are_shown_and_do_nothing(driver: webdriver.Chrome, games: Games, tmp_path: Path) -> None:
    changed = hostile(games)
    write_report(changed, analysed(changed), tmp_path / "report.html")
    page = Page(driver, tmp_path / "report.html").open()
    page.wait(lambda: page.all("#population .area"))
    assert page.all("img") == []
    assert HOSTILE in page.text("#pairs")
    assert HOSTILE in page.text("#scenario-panel h3")
    page.choose("offers-buyer", 1)
    page.choose("offers-seller", 1)
    page.click(page.one("#offers .tell"))
    assert HOSTILE in page.text("#transcript")
    page.run("document.getElementById('transcript').close()")
    page.choose("offers-seller", 0)
    assert "is a policy, and its games cannot be played again" in page.text("#offers .panel")
    assert page.errors() == []
    assert page.requests() == [page.path.as_uri()]


def test_a_single_entrant_has_a_report_too(driver: webdriver.Chrome, tmp_path: Path) -> None:
    alone = played(["linear"], ["uniform"], 2)
    write_report(alone, analysed(alone), tmp_path / "report.html")
    page = Page(driver, tmp_path / "report.html").open()
    assert page.errors() == []
    assert page.text("#lede").startswith("linear has the highest mean payoff")
    assert "only one entrant" in page.text("#comparisons")


def test_games_without_deals_and_policies_alone_have_a_report_too(driver: webdriver.Chrome, tmp_path: Path) -> None:
    pair = played(["hardliner", "nash"], ["saas_enterprise"], 2)
    entrants = tuple(EntrantInfo(name, "policy", {"object": "a.b"}) for name in ("one", "two"))
    rows = pair.rows.copy()
    rows["outcome"]["ending"], rows["forfeit_by"] = 5, 1
    changed = Games(pair.seed, pair.games_per_cell, pair.rules, entrants, pair.scenarios, rows)
    write_report(changed, analysed(changed), tmp_path / "report.html")
    page = Page(driver, tmp_path / "report.html").open(PHONE)
    assert page.errors() == []
    assert page.overflow() == []
    assert "no deals" in page.text("#scenarios")
    assert "forfeits" in page.text("#bluffs thead")


def test_long_games_are_drawn_and_told_in_part(driver: webdriver.Chrome, tmp_path: Path) -> None:
    deal = load_scenario("saas_enterprise").model_copy(update={"rounds": 150})
    long = played(["micro", "hardliner"], [deal], 2)
    write_report(long, analysed(long), tmp_path / "report.html")
    page = Page(driver, tmp_path / "report.html").open()
    page.wait(lambda: len(page.all("#offers .panel .curve")) == 2)
    assert len(page.all("#offers .panel .hit")) == 25
    page.click(page.one("#offers .tell"))
    told = page.texts("#transcript .round")
    assert sum("turns are left out" in line for line in told) == 1
    assert told[-1].replace("Round", "in round") in page.text("#transcript .end-of-game")
    assert page.errors() == []
