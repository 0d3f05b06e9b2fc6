"""What mkdocs does beside its plugins to build the site of docs/: the menu, the API, files outside docs/, no network.

mkdocs calls these functions by their names; mkdocs.yml names this file. Build with `scripts/docs`.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"(\]\()([^)#\s:]+)(#[^)\s]*)?(\))")
"""A link within the repository: the target, and the place on the page."""
EXPORTS = re.compile(r"^__all__ = \[(.*?)\]", re.DOTALL | re.MULTILINE)
FROM_OUTSIDE = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=["']?(?:https?:)?//[^>]*>""")
LANGUAGES = {".py": "python", ".toml": "toml", ".sh": "sh", ".yml": "yaml", ".json": "json"}


# ---------------------------------------------------------------------- the menu


def on_config(config: Any) -> Any:
    """Add the pages of the API to the menu, and those that mkdocs.yml does not name."""
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    others = sorted(pages - named(config.nav))
    if others:
        config.nav.append({"More": others})
    reference = next(item["Reference"] for item in config.nav if isinstance(item, dict) and "Reference" in item)
    reference.append({"API": [{name: f"api/{name}.md"} for name in public_modules()]})
    return config


def named(items: list[Any]) -> set[str]:
    """Return the pages that a part of a menu names."""
    found: set[str] = set()
    for item in items:
        inside = list(item.values()) if isinstance(item, dict) else [item]
        for value in inside:
            found |= {value} if isinstance(value, str) else named(value)
    return found


# ---------------------------------------------------------------------- pages that are made


def public_modules() -> dict[str, list[str]]:
    """Return the modules that declare what they export, with the names, read without importing them."""
    found = {}
    for path in sorted((ROOT / "parlay_marl").rglob("*.py")):
        exports = EXPORTS.search(path.read_text("utf-8"))
        if exports:
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = re.findall(r'"(\w+)"', exports[1])
    return found


def api_page(module: str, names: list[str]) -> str:
    """Return the page of a module: mkdocstrings puts signatures and docstrings in."""
    entries = "\n".join(f"::: {module}.{name}\n" for name in names)
    return f"# {module}\n\n{entries}"


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the API, and a page for each file outside docs/ that a page links."""
    for module, names in public_modules().items():
        files.append(File.generated(config, f"api/{module}.md", content=api_page(module, names)))
    waiting = [(path, path.read_text("utf-8")) for path in sorted(DOCS.rglob("*.md"))]
    known: set[Path] = set()
    while waiting:
        origin, text = waiting.pop()
        for link in LINK.finditer(text):
            target = (origin.parent / link[2]).resolve()
            if target in known or target.is_relative_to(DOCS) or not target.is_file():
                continue
            known.add(target)
            content = target.read_text("utf-8")
            files.append(File.generated(config, page_of(target), content=as_page(target, content)))
            if target.suffix == ".md":
                waiting.append((target, content))
    return files


def page_of(path: Path) -> str:
    """Return the page of the site that shows a file of the repository."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    return f"project/{path.relative_to(ROOT).as_posix().removesuffix('.md')}.md"


def as_page(path: Path, text: str) -> str:
    """Return a file outside docs/ as a page."""
    if path.suffix == ".md":
        return text
    return f"# {path.relative_to(ROOT).as_posix()}\n\n````{LANGUAGES.get(path.suffix, 'text')}\n{text}````\n"


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let links to files outside docs/ lead to their pages."""
    here = page.file.src_uri
    outside = here.startswith("project/")
    origin = ROOT / here.removeprefix("project/") if outside else DOCS / here

    def led(link: re.Match[str]) -> str:
        target = (origin.parent / link[2]).resolve()
        if not target.is_file() or not (outside or not target.is_relative_to(DOCS)):
            return link[0]
        return link[1] + posixpath.relpath(page_of(target), posixpath.dirname(here)) + (link[3] or "") + link[4]

    return LINK.sub(led, markdown)


# ---------------------------------------------------------------------- offline


def on_post_build(config: Any) -> None:
    """Refuse a site that loads anything from a network."""
    for path in sorted(Path(config.site_dir).rglob("*.html")):
        found = FROM_OUTSIDE.search(path.read_text("utf-8"))
        if found:
            raise PluginError(f"{path.name} loads something from a network, so it would not open offline: {found[0]}")
