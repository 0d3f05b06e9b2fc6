"""`scripts/lib/uv_install.py`: uv is given what pip has been told."""

from __future__ import annotations

import runpy
from typing import Any

from tests.processes import ROOT

SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts/lib/uv_install.py"))

LISTED = r"""
:env:.find-links='/wheels'
download.find-links='/others'
global.cert='/certificates.pem'
global.constraint='/constraints.txt'
global.extra-index-url='file:///one\nfile:///two'
global.find-links='/hidden'
install.no-index='true'
"""


def test_uv_is_given_the_settings_of_pip_install() -> None:
    values = SCRIPT["settings"](LISTED.strip())
    assert SCRIPT["options"](values) == [
        *("--index-strategy", "unsafe-best-match"),
        *("--index", "file:///one", "--index", "file:///two"),
        *("--find-links", "/wheels"),  # a variable outranks files, and those of other commands are not for this one
        *("--constraints", "/constraints.txt"),
        "--no-index",
    ]
    assert SCRIPT["variables"](values) == {"SSL_CERT_FILE": "/certificates.pem"}


def test_without_settings_it_only_chooses_among_indexes_as_pip_does() -> None:
    assert SCRIPT["settings"]("") == {}
    assert SCRIPT["options"]({}) == ["--index-strategy", "unsafe-best-match"]
    assert SCRIPT["variables"]({}) == {}
