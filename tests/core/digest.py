"""A digest of many games at random, to compare compiled rules with plain Python: `python -m tests.core.digest`."""

import hashlib

import numpy as np

from tests.core.games import SCENARIOS, VARIANTS, Game, content, random_play

GAMES = 3


def digest_of_play(setting: str, variant: str) -> str:
    """Return a digest of every byte of the rows, observations, masks, doubts and reports of a few random games."""
    digest = hashlib.sha256()
    rng = np.random.default_rng([list(SCENARIOS).index(setting), list(VARIANTS).index(variant)])
    rules, options = VARIANTS[variant]
    for number in range(GAMES):
        game = Game(SCENARIOS[setting], rules, number=number, options=options)
        digest.update(content(game.rows))
        for _ in random_play(rng, game):
            digest.update(content(game.rows))
            for seat in (0, 1):
                for part in game.look(seat):
                    digest.update(part.tobytes())
                digest.update(np.float64(game.doubt(seat)).tobytes())
        digest.update(content(game.report()))
    return digest.hexdigest()[:16]


def digests() -> list[str]:
    """Return one line for each scenario under each variant of the rules."""
    return [f"{setting} {variant} {digest_of_play(setting, variant)}" for setting in SCENARIOS for variant in VARIANTS]


if __name__ == "__main__":
    np.seterr(over="ignore")  # SplitMix64 wraps around
    print("\n".join(digests()))
