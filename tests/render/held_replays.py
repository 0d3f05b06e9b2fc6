"""Reading the replays that a page holds."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any


def unpacked(text: str) -> str:
    return zlib.decompress(base64.b64decode(text)).decode()


def games_in(page: str) -> list[Any]:
    """Return the data of the replays that a page holds."""
    found = re.search(r'<script id="replays" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return [json.loads(unpacked(game)) for game in json.loads(found[1])["games"]]
