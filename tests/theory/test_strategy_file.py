"""The file of a strategy: whatever it holds, it is a strategy that can be played, or one clear error."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parlay_marl.errors import PolicyFileError
from parlay_marl.theory.tabular import TabularPlayer
from parlay_marl.theory.tree import Tree

Parts = dict[str, Any]


@pytest.fixture(scope="module")
def content(offers_tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("strategy") / "good.npz"
    TabularPlayer.of(offers_tree, offers_tree.uniform(), "mine").write(path)
    return path.read_bytes()


def refused(path: Path, content: bytes) -> str:
    """Return why a content is refused, in one line that names the file."""
    path.write_bytes(content)
    with pytest.raises(PolicyFileError) as caught:
        TabularPlayer.read(path)
    found = str(caught.value)
    assert found.startswith(f"{path}: not a strategy of a small game: ")
    assert found.endswith("; solve it again")
    assert "\n" not in found
    assert len(found) < 600
    return found


def facts(change: Callable[[Parts], object]) -> Callable[[Parts], None]:
    """Return a change of the facts of a file."""

    def changed(parts: Parts) -> None:
        found = json.loads(str(parts["facts"]))
        change(found)
        parts["facts"] = np.array(json.dumps(found))

    return changed


def put(name: str, place: Any, value: Any) -> Callable[[Parts], None]:
    """Return a change of some numbers of an array."""

    def changed(parts: Parts) -> None:
        parts[name][place] = value

    return changed


def replaced(name: str, value: Callable[[Any], Any]) -> Callable[[Parts], None]:
    """Return a change of an array."""

    def changed(parts: Parts) -> None:
        parts[name] = np.asarray(value(parts[name]))

    return changed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (facts(lambda found: found.pop("name")), "facts: give an object with the keys name, config, text"),
        (facts(lambda found: found.update(name=3)), "name: give text"),
        (facts(lambda found: found["text"].pop()), "seat: give numbers of shape"),
        (facts(lambda found: found.update(text=[found["text"][0]] * len(found["text"]))), "the same line"),
        (facts(lambda found: found.update(text=3)), "text: give a line"),
        (facts(lambda found: found.update(config=3)), "config: give an object"),
        (replaced("facts", lambda _: "[" * 100_000), "nested too deeply"),
        (replaced("facts", lambda _: "[]"), "facts: give an object"),
        (lambda parts: parts.pop("table"), "it lacks table"),
        (put("table", 0, np.nan), "table: some numbers are not finite"),
        (put("table", 0, -0.5), "negative"),
        (put("table", slice(None), 0.0), "do not sum to 1"),
        (replaced("table", lambda table: table.astype(str)), "table: give numbers"),
        (replaced("table", lambda table: table[:-1]), "table: give numbers of shape"),
        (replaced("table", lambda table: table[:, None]), "table: give numbers of shape"),
        (put("seat", 0, 2), "seat: give whole numbers from 0 to 1"),
        (replaced("seat", lambda seat: seat * 1.0), "seat: give numbers"),
        (put("start", 0, 1), "start: give rising numbers"),
        (put("start", -1, 10**9), "start: give whole numbers"),
        (put("start", 1, 0), "start: give rising numbers"),
        (put("action", 0, 10**6), "action: give whole numbers"),
        (put("action", 0, -1), "action: give whole numbers"),
        (put("action", slice(0, 2), 5), "action: the actions of an information state are to rise"),
        (put("previous", 0, 10**6), "previous: give whole numbers"),
        (put("previous", 0, 0), "previous: give an action of the same seat"),
        (put("observation", (0, 0), np.inf), "observation: some numbers are not finite"),
        (replaced("observation", lambda seen: seen[:, :-1]), "observation: give numbers of shape"),
    ],
)
def test_every_part_is_checked(content: bytes, tmp_path: Path, change: Callable[[Parts], None], says: str) -> None:
    with np.load(io.BytesIO(content)) as file:
        parts = {name: file[name] for name in file.files}
    change(parts)
    changed = io.BytesIO()
    np.savez(changed, **parts)
    assert says in refused(tmp_path / "bad.npz", changed.getvalue())


def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    assert "it is empty" in refused(path, b"")
    assert "no .npz archive" in refused(path, b"nothing")
    assert "no .npz archive" in refused(path, content[: len(content) // 2])
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    assert "no .npz archive" in refused(path, array.getvalue())
    with pytest.raises(PolicyFileError, match="not a file"):
        TabularPlayer.read(tmp_path)
    with pytest.raises(PolicyFileError, match="cannot be read"):
        TabularPlayer.read(tmp_path / "a\0b.npz")


def test_spoilt_bytes_are_one_error_or_harmless(content: bytes, tmp_path: Path) -> None:
    """Spoil single bytes all over the file, and those by which an archive says how it is packed."""
    path, draws = tmp_path / "bad.npz", np.random.default_rng(0)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        heads = [info.header_offset + offset for info in archive.infolist() for offset in (6, 8, 18, 26, 40, 60)]
    last = content.rindex(b"PK\1\2")
    places = heads + [last + offset for offset in range(46)] + draws.integers(0, len(content), 60).tolist()
    for place in places:
        spoilt = bytearray(content)
        spoilt[place] ^= int(draws.integers(1, 256))
        path.write_bytes(spoilt)
        with contextlib.suppress(PolicyFileError):
            TabularPlayer.read(path)
