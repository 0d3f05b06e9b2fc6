#!/usr/bin/env python3
"""Let a strategy of NegMAS sell to a persona, and print the transcript. Needs the extra `negmas`."""

from parlay_marl.negotiation_v0 import play_game

if __name__ == "__main__":
    record = play_game("diplomat", "negmas:BoulwareTBNegotiator", scenario="saas_enterprise", seed=7)
    print(record.transcript())
    print(f"payoffs: buyer {record.rewards[0]:.3f}, seller {record.rewards[1]:.3f}")
