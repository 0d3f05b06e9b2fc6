"""Programs of other libraries, unmodified, on the environments.

They run in an environment of their own: see requirements.txt, and scripts/check, which lets none of them be skipped.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

LIBRARIES = ("agilerl", "pyspiel", "stable_baselines3", "supersuit", "tianshou", "torchrl")
OWN_LIBRARIES = {"negmas": ("negmas",), "notebook": ("marimo", "matplotlib")}
"""What tests need that need few of them, by a word in the names of their files."""
THEIR_MODULES = (
    "negmas|accelerate|agilerl|dill|sensai|stable_baselines3|supersuit|tensordict|tianshou|torch|torchrl|wandb"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything where a library is missing, and leave what warns inside the libraries to them."""
    for item in items:
        if item.path.parent.name != "strangers":
            continue
        needed = next((own for word, own in OWN_LIBRARIES.items() if word in item.path.name), LIBRARIES)
        missing = [name for name in needed if find_spec(name) is None]
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"{', '.join(missing)}: not in this environment"))
        item.add_marker(pytest.mark.filterwarnings(rf"ignore:::({THEIR_MODULES})\b"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch = pytest.importorskip("torch") if find_spec("torch") else None
    if torch is not None:
        torch.set_num_threads(1)
