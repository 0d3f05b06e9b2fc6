"""Trainers of language models on the game, unmodified.

Each runs in an environment of its own, as their versions exclude each other: see the files of requirements, and
scripts/check, which lets none of their tests be skipped there.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

NEEDED = {"trl": ("trl", "transformers", "datasets", "torch"), "verifiers": ("verifiers",)}
"""Libraries that tests need, by a word in the names of their files."""
THEIR_MODULES = "accelerate|datasets|huggingface_hub|torch|transformers|trl|verifiers"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything where a library is missing, and leave what warns inside the libraries to them."""
    for item in items:
        if item.path.parent.name != "trainers":
            continue
        needed = next((own for word, own in NEEDED.items() if word in item.path.name), ())
        missing = [name for name in needed if find_spec(name) is None]
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"{', '.join(missing)}: not in this environment"))
        item.add_marker(pytest.mark.filterwarnings(rf"ignore:::({THEIR_MODULES})\b"))
