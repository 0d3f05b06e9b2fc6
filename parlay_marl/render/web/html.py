"""HTML pages in one file with their scripts, styles and data, which load nothing else.

A page's security policy allows its own style and script, by their digests, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parlay_marl.errors import ConfigurationError
from parlay_marl.game.record import GameRecord
from parlay_marl.render.web.replay import replay_data

ASSETS = Path(__file__).parent / "assets"
"""The folder of the scripts and styles that pages share."""
SCRIPTS = ("elements.js", "text.js", "charts.js", "replay.js")
"""The modules of a replay, in the order of their imports."""
POLICY = (
    "default-src 'none'; img-src data:; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"
)
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def asset(name: str, folder: Path = ASSETS) -> str:
    """Return the text of a page's asset."""
    return (folder / name).read_text(encoding="utf-8")


def bundle(modules: Sequence[str]) -> str:
    """Return ES modules, each after those that it imports, as the text of one module.

    Top-level names must be unique, and an import must not rename what it imports.
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", module)) for module in modules)


def digest_of(text: str) -> str:
    """Return the digest of a style or script, as a security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy_of(css: str, js: str) -> str:
    """Return the security policy of a page with one style and one script."""
    return POLICY.format(style=digest_of(css), script=digest_of(js))


def embedded(data: Any) -> str:
    """Return plain data as JSON that is safe in a script element of a page, whatever text is in it.

    Without `<`, `>` and `&` it can neither end the element nor begin another.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def filled(template: str, parts: dict[str, str]) -> str:
    """Return a template with its parts in place of their names in double braces."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def replay_page(record: GameRecord) -> str:
    """Return a game as an HTML page with every turn, including hidden figures.

    The same record gives the same page.
    """
    css, js = asset("style.css"), bundle([asset(name) for name in SCRIPTS])
    data = replay_data(record)
    title = f"{record.names[0]} and {record.names[1]}: {data['deal']['title']}"
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        title = title.replace(sign, name)
    parts = {"title": title, "policy": policy_of(css, js), "css": css, "js": js, "data": embedded(data)}
    return filled(asset("replay.html"), parts)


def write_replay(record: GameRecord, path: str | Path) -> None:
    """Write a game as an HTML page to a file, which opens without a network."""
    try:
        Path(path).write_text(replay_page(record), encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"replay: cannot write {path}: {error.strerror}") from None
