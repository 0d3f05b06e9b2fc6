"""All English of the page and of replays stands in one file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parlay_marl.render.web import html
from parlay_marl.server.page.routes import STATIC, play_page

TEXTS = "text.js"
SCRIPTS = [path for folder in (html.ASSETS, STATIC) for path in sorted(folder.glob("*.js")) if path.name != TEXTS]
TEMPLATES = [path for folder in (html.ASSETS, STATIC) for path in sorted(folder.glob("*.html"))]
COMMENT = re.compile(r"^\s*//.*$| // .*$", re.MULTILINE)
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
WORDS = re.compile(r"(?<![\w-])[A-Z][a-z]+(?![\w-])|[A-Za-z]{2,}[^\w${}]* [A-Za-z]{2,}| [a-z]{2,}\b")
"""What a sentence or a label has: a capital word, two words, or a word after a blank."""
OF_THE_SERVER = {"no message"}
"""The beginning of the reason with which the server closes an idle connection; it is not shown."""


def names() -> set[str]:
    """Return the names of classes and elements, which may stand beside each other in a text."""
    styles = re.findall(r"\.([a-z][a-z-]*)", html.asset("style.css"))
    elements = [name for path in SCRIPTS for name in re.findall(r'\bid: "([a-z-]+)"', path.read_text("utf-8"))]
    return {*styles, *elements, "nash"}


def english_in(script: str) -> list[str]:
    """Return the texts of a script that look like English, without those that are names."""
    found = ["".join(match) for match in LITERAL.findall(COMMENT.sub("", script))]
    known = names()
    return [
        text
        for text in found
        if WORDS.search(re.sub(r"\$\{[^}]*\}", "1", text))
        and text not in OF_THE_SERVER
        and not all(word in known for word in text.split(" ") if not word.startswith("${"))
        and not re.search(r"[\[#=]", text)  # a selector
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_but_that_of_texts_has_english(path: Path) -> None:
    assert english_in(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "script", ['el("p", {}, "Your turn.")', "`${n} of ${all}`", 'label("The end")', 'el("b", {}, "Offer")']
)
def test_english_would_be_found(script: str) -> None:
    assert english_in(script)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_english(path: Path) -> None:
    text = re.sub(r"<[^>]*>|\{\{\w+\}\}", " ", path.read_text("utf-8"))
    assert text.split() in ([], ["parlay_marl"])


def test_the_texts_of_the_html_come_from_that_file() -> None:
    script = html.asset(TEXTS)
    page = play_page()
    for name in ("title", "skip", "page_without_script"):
        assert f'"{html.texts()[name]}"' in script
        assert html.texts()[name] in page
