#!/usr/bin/env python3
"""Play one game on a server that `parlay serve` has started. Needs the extra `server`.

python examples/server_client.py http://127.0.0.1:8001
"""

import sys

from parlay_marl.server import NegotiationAction, ParlayClient


def main(address: str) -> None:
    """Play the buyer against the shark, and print the moves and the payoff."""
    with ParlayClient(address).sync() as session:
        result = session.reset(seed=7, scenario="saas_enterprise", role="buyer", opponent="shark")
        while not result.done:
            price = min(120_000 + 2_000 * result.observation.round, 160_000)
            result = session.step(NegotiationAction(utterance="Is that your best?", offer_amount=price))
            answer = result.observation
            print(f"offered {price:,}; the shark: {answer.counter_move} {answer.utterance}")
        print(f"payoff {result.reward:.3f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8001")
