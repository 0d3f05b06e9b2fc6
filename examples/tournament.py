#!/usr/bin/env python3
"""Play a small tournament of personas from Python, and print the standings."""

from parlay_marl.tournament import analyse, run_tournament


def main() -> None:
    """Play all ordered pairs over one scenario, and print payoffs with 95% intervals."""
    games = run_tournament(["shark", "diplomat", "nash"], ["uniform"], games=50, seed=1)
    for standing in analyse(games).standings:
        payoff = standing.payoff
        print(f"{standing.rank}. {standing.name:<10} {payoff.mean:.3f} ({payoff.low:.3f} to {payoff.high:.3f})")


if __name__ == "__main__":
    main()
