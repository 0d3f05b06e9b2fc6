"""Games through every interface come to what they came to before: exact results of thousands of games, as digests."""

from __future__ import annotations

import pytest

from tests.digests.groups import INTERFACES, differences, digests_of, read


@pytest.mark.parametrize("interface", INTERFACES)
def test_games_come_to_what_they_came_to_before(interface: str) -> None:
    differing = differences(read()[interface], digests_of(interface))
    assert not differing, "\n".join(
        [f"{interface} (if this is meant: python -m tests.digests --write {interface})", *differing]
    )


def test_the_file_has_digests_of_thousands_of_games_and_of_every_interface() -> None:
    known = read()
    assert list(known) == list(INTERFACES)
    games = [int(digest.split()[0]) for groups in known.values() for digest in groups.values()]
    assert min(games) > 0
    assert sum(games) > 5000
