"""Pages of HTML: their head, their texts, and pages of one file that hold everything they show and load nothing.

The security policy of such a page allows its own styles and scripts, by their digests, and nothing else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from parlay_marl.errors import ConfigurationError
from parlay_marl.game.record import GameRecord
from parlay_marl.render.web.replay import replay_data

ASSETS = Path(__file__).parent / "assets"
"""The folder of the templates, scripts and styles that pages share."""
SCRIPTS = ("elements.js", "text.js", "charts.js", "replay.js")
"""The modules of a replay, in the order of their imports."""
POLICY = (
    "default-src 'none'; img-src data:; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
)
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
_TEXTS = re.compile(r"^export const HTML = (\{.*?^\});", re.MULTILINE | re.DOTALL)


def asset(name: str, folder: Path = ASSETS) -> str:
    """Return the text of a page's asset."""
    return (folder / name).read_text(encoding="utf-8")


@functools.cache
def texts() -> Mapping[str, str]:
    """Return the texts that stand in the HTML itself, by name, from the file of all texts."""
    found = _TEXTS.search(asset("text.js"))
    assert found is not None
    return {name: html.escape(text) for name, text in json.loads(found[1]).items()}


def bundle(modules: Sequence[str]) -> str:
    """Return ES modules, each after those that it imports, as the text of one module.

    Top-level names must be unique, and an import must not rename what it imports.
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", module)) for module in modules)


def digest_of(text: str) -> str:
    """Return the digest of a style or script, as a security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy_of(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """Return the security policy of a page with some styles and scripts."""
    style, script = (" ".join(map(digest_of, some)) or "'none'" for some in (styles, scripts))
    return POLICY.format(style=style, script=script)


def embedded(data: Any) -> str:
    """Return plain data as JSON that is safe in a script element of a page, whatever text is in it.

    Without `<`, `>` and `&` it can neither end the element nor begin another.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def filled(template: str, parts: Mapping[str, str]) -> str:
    """Return a template with its parts in place of their names in double braces."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def page(title: str, policy: str, loads: str, body: str) -> str:
    """Return a page: `title` is plain text, `loads` are the elements of its head that load, `body` is HTML."""
    parts = {"title": html.escape(title, quote=False), "policy": policy, "loads": loads, "body": body}
    return filled(asset("page.html"), parts)


def closed_page(title: str, body: str, css: str, js: str = "", opens: Sequence[tuple[str, str]] = ()) -> str:
    """Return a page that holds its style and its script, if it has one.

    `opens` are the styles and scripts of the pages that it opens from what it holds: its policy is theirs, too.
    """
    policy = policy_of([css, *(style for style, _ in opens)], filter(None, [js, *(script for _, script in opens)]))
    script = f'\n<script type="module">{js}</script>' if js else ""
    return page(title, policy, f"<style>{css}</style>", body.rstrip("\n") + script)


def replay_parts() -> tuple[str, str]:
    """Return the style and the script of a replay."""
    return asset("style.css"), bundle([asset(name) for name in SCRIPTS])


def replay_template(data: str = "{{data}}") -> str:
    """Return the page of a replay around its data, or with a mark in place of them."""
    body = filled(asset("replay.html"), {"no_script": texts()["closed_page_without_script"], "data": data})
    return closed_page(texts()["replay_title"], body, *replay_parts())


def replay_page(record: GameRecord) -> str:
    """Return a game as an HTML page with every turn, including hidden figures.

    The same record gives the same page.
    """
    return replay_template(embedded(replay_data(record)))


def write_replay(record: GameRecord, path: str | Path) -> None:
    """Write a game as an HTML page to a file, which opens without a network."""
    try:
        Path(path).write_text(replay_page(record), encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"replay: cannot write {path}: {error.strerror}") from None
