"""Chromium as a person uses it at the page: mouse and keyboard, and what it asked for and complained about."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="needs selenium", exc_type=ImportError)

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
AXE = Path(__file__).parent / "axe" / "axe.min.js"
SECONDS = 120.0
"""Seconds that a busy machine may take until something is on the page."""
needs_chromium = pytest.mark.skipif(not (CHROMIUM.exists() and DRIVER.exists()), reason="needs Chromium and its driver")
SERIOUS = ("serious", "critical")


class Browser:
    """A window of Chromium with a profile of its own."""

    def __init__(self, width: int = 1280, height: int = 900) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in (
            *("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"),
            f"window-size={width},{height}",
        ):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
        self.driver.set_page_load_timeout(SECONDS)
        self.driver.execute_cdp_cmd("Network.enable", {})
        self._events: list[dict[str, Any]] = []

    # ------------------------------------------------------------------ looking

    def wait(self, condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """Wait until a condition holds, and return its value; an element that is drawn anew is looked up again."""
        waiting = WebDriverWait(self.driver, seconds, 0.03, [StaleElementReferenceException])
        try:
            return waiting.until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(f"the page says instead: {self.text()[:3000]}; console: {self.errors()}") from None

    def one(self, selector: str) -> Any:
        return self.wait(lambda: next(iter(self.driver.find_elements(By.CSS_SELECTOR, selector)), None))

    def has(self, selector: str) -> bool:
        return bool(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def text(self, selector: str = "body") -> str:
        return str(self.run("return document.querySelector(arguments[0])?.innerText || ''", selector))

    def sees(self, text: str, selector: str = "body") -> None:
        """Wait until an element shows a text."""
        self.wait(lambda: text in self.text(selector))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    # ------------------------------------------------------------------ doing

    def open(self, address: str) -> None:
        self.driver.get(address)

    def do(self, selector: str, act: Callable[[Any], None]) -> None:
        """Do something with an element; where it is drawn anew before anything was done, with the new one."""

        def is_done() -> bool:
            act(self.one(selector))
            return True

        self.wait(is_done)

    def click(self, selector: str) -> None:
        def click(element: Any) -> None:
            self.run("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()

        self.do(selector, click)

    def choose(self, selector: str, value: str) -> None:
        self.do(selector, lambda element: Select(element).select_by_value(value))

    def type(self, selector: str, text: str) -> None:
        """Put a text into a field, in place of what is there."""
        self.do(selector, lambda element: element.send_keys(Keys.CONTROL, "a"))
        self.do(selector, lambda element: element.send_keys(text))

    def value(self, selector: str) -> str:
        """Return what a field holds."""
        self.one(selector)
        return str(self.run("return document.querySelector(arguments[0]).value", selector))

    def key(self, *keys: str) -> None:
        """Press keys where the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def tab_to(self, selector: str) -> None:
        """Press Tab until an element has the focus."""
        for _ in range(80):
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
            self.key(Keys.TAB)
        raise AssertionError(f"Tab does not lead to {selector}")

    def size(self, width: int, theme: str = "light") -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    # ------------------------------------------------------------------ checking

    def accessibility_faults(self) -> list[str]:
        """Return what axe finds serious or critical."""
        self.run(AXE.read_text("utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run(document).then((r) => done(r.violations))"
        )
        return [
            f"{fault['id']}: {[node['html'][:120] + ' ' + node['failureSummary'][:160] for node in fault['nodes'][:3]]}"
            for fault in found
            if fault["impact"] in SERIOUS
        ]

    def overflow(self) -> list[str]:
        """Return what reaches beyond the right edge of the page and does not scroll by itself."""
        return list(
            self.run(
                """
                const width = document.documentElement.clientWidth, out = [];
                for (const e of document.querySelectorAll("body *")) {
                  if (e.closest(".scroll, dialog, .skip, option")) continue;
                  if (e.getBoundingClientRect().right > width + 1) out.push(`${e.tagName}.${e.getAttribute("class")}`);
                }
                if (document.documentElement.scrollWidth > width) out.push("the page");
                return out;
                """
            )
        )

    def errors(self) -> list[str]:
        """Return what the console has complained about since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def events(self) -> list[dict[str, Any]]:
        """Return all events of the network so far."""
        self._events += [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return self._events

    def requests(self) -> list[str]:
        """Return all addresses that were asked for."""
        sent = [e["params"]["request"]["url"] for e in self.events() if e["method"] == "Network.requestWillBeSent"]
        sockets = [e["params"]["url"] for e in self.events() if e["method"] == "Network.webSocketCreated"]
        return [address for address in (*sent, *sockets) if not address.startswith(("data:", "about:", "blob:"))]

    def received(self) -> list[str]:
        """Return the text of all messages that came over WebSockets."""
        frames = (e for e in self.events() if e["method"] == "Network.webSocketFrameReceived")
        return [str(frame["params"]["response"]["payloadData"]) for frame in frames]


@contextmanager
def browser(width: int = 1280) -> Iterator[Browser]:
    """Yield a window of Chromium, which is closed in any case."""
    window = Browser(width)
    try:
        yield window
    finally:
        window.driver.quit()


class Person:
    """A person at the page of a server."""

    def __init__(self, window: Browser, address: str) -> None:
        self.window, self.address = window, f"http://{address}"

    def sit_down(self, fragment: str = "", **choices: str) -> Person:
        """Open the page and begin a game; `choices` are values of the lists, and `seat`."""
        window = self.window
        window.open("about:blank")
        window.open(f"{self.address}/play{fragment}")
        window.one("#new-game")
        seat = choices.pop("seat", "buyer")
        for name, value in choices.items():
            if name == "seed":
                window.type("#seed", value)
            else:
                window.choose(f"#{name}", value)
        window.click(f"input[name=seat][value={seat}]")
        window.click("#new-game button[type=submit]")
        window.one("#move-form, #end")
        return self

    @property
    def turns(self) -> int:
        """Turns that the page shows."""
        return int(self.window.run("return document.querySelectorAll('#main .log li').length"))

    def move(self, name: str, price: str = "", *, sure: bool = True) -> None:
        """Make a move, say yes where the page asks, and wait for what follows from it."""
        window, before = self.window, self.turns
        if price:
            window.type("#price", price)
        window.click(f"#move-{name}")
        if window.run("return document.getElementById('ask').open"):
            window.click("#ask-yes" if sure else "#ask-no")
        if sure:
            window.wait(lambda: window.has("#end") or self.turns > before)
