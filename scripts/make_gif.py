#!/usr/bin/env python3
"""Make a GIF of a game between two opponents, a frame a turn, such as the one in README.md.

python scripts/make_gif.py                                   # docs/game.gif
python scripts/make_gif.py nash veteran --scenario uniform --seed 3 --out nash.gif
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from parlay_marl import negotiation_v0
from parlay_marl.errors import ParlayError
from parlay_marl.game.record import GameRecord
from parlay_marl.render.canvas import imaging
from parlay_marl.render.frame import draw

ROOT = Path(__file__).resolve().parent.parent
COLOURS = 64
"""Of a GIF: enough for the few that a frame has, and their edges."""


def options() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("buyer", nargs="?", default="shark", help="persona or file of a policy; default: %(default)s")
    parser.add_argument("seller", nargs="?", default="diplomat", help="the same; default: %(default)s")
    parser.add_argument("--scenario", default="saas_enterprise", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--turn", type=float, default=0.5, metavar="SECONDS", help="a frame; default: %(default)s")
    parser.add_argument("--end", type=float, default=4.0, metavar="SECONDS", help="the last; default: %(default)s")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "game.gif", help="the file; default: docs/game.gif")
    return parser.parse_args()


def frames(record: GameRecord) -> list[Any]:
    """Return the pictures of a game, from before its first turn to its end, all in the colours of the last."""
    image = imaging()[0]
    turns = range(len(record.actions) + (record.illegal is not None) + 1)
    pictures = [image.fromarray(draw(record.replay(turn))) for turn in turns]
    palette = pictures[-1].quantize(COLOURS)
    return [picture.quantize(palette=palette, dither=image.Dither.NONE) for picture in pictures]


def main() -> None:
    """Play a game and write its GIF."""
    chosen = options()
    try:
        record = negotiation_v0.play_game(chosen.buyer, chosen.seller, chosen.scenario, seed=chosen.seed)
        first, *others = frames(record)
    except ParlayError as error:
        raise SystemExit(f"make_gif: {error}") from None
    times = [round(1000 * chosen.turn)] * len(others) + [round(1000 * chosen.end)]
    try:
        first.save(chosen.out, save_all=True, append_images=others, duration=times, loop=0, optimize=True)
    except OSError as error:
        raise SystemExit(f"make_gif: cannot write {chosen.out}: {error.strerror}") from None
    print(f"{chosen.out}: {1 + len(others)} frames, {chosen.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
