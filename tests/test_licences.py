"""The licences of what `pip install parlay-marl` brings: all let anybody use, change and pass on; none is copyleft."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PERMISSIVE = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT"),
    *("MIT-0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
}
IN_WORDS = {
    "apache software license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "python software foundation license": "PSF-2.0",
}
"""Names of licences in classifiers and older metadata, and what they are in SPDX."""


def needed(root: str) -> dict[str, Distribution]:
    """Return what a package needs here without extras, and what those need, by name."""
    found: dict[str, Distribution] = {}
    waiting = [root]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found[name] = distribution(name)
        requirements = map(Requirement, found[name].requires or ())
        waiting += [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    del found[canonicalize_name(root)]
    return found


def stated(package: Distribution) -> str:
    """Return the licence that the metadata of a package states, in SPDX where it can be told."""
    data = package.metadata
    if data.get("License-Expression"):
        return str(data["License-Expression"])
    classifiers = [c.split(" :: ")[-1] for c in data.get_all("Classifier") or () if c.startswith("License :: ")]
    words = [c for c in classifiers if c != "OSI Approved"] or [(data.get("License") or "nothing").split("\n")[0]]
    return " AND ".join(IN_WORDS.get(word.lower(), word) for word in words)


def is_permissive(expression: str) -> bool:
    """Return whether a licence, or one of each choice of licences, is permissive."""
    parts = re.split(r"\s+AND\s+", expression.replace("(", "").replace(")", ""))
    return all(any(choice.strip() in PERMISSIVE for choice in re.split(r"\s+OR\s+", part)) for part in parts)


def test_nothing_that_the_package_needs_is_copyleft() -> None:
    report = {name: stated(package) for name, package in sorted(needed("parlay-marl").items())}
    print("\n".join(f"{name}: {licence}" for name, licence in report.items()))
    assert {"numpy", "numba", "pettingzoo", "gymnasium", "llvmlite"} <= set(report)
    assert {name: licence for name, licence in report.items() if not is_permissive(licence)} == {}


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND 0BSD AND MIT", True),
        ("GPL-3.0-or-later OR MIT", True),
        ("AGPL-3.0-only", False),
        ("MIT AND LGPL-3.0-only", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("nothing", False),
    ],
)
def test_licences_are_judged_so(expression: str, verdict: bool) -> None:
    assert is_permissive(expression) is verdict
