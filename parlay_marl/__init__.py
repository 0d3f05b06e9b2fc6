"""A buyer and a seller bargain: the PettingZoo environment for negotiation in multi-agent reinforcement learning.

Importing the package registers `parlay/Negotiation-v0` with Gymnasium and `parlay/negotiation-v0` with PettingZoo.
"""

import gymnasium
import pettingzoo

__version__ = "0.1.0"

gymnasium.register(
    id="parlay/Negotiation-v0",
    entry_point="parlay_marl.envs.single:NegotiationEnv",
    vector_entry_point="parlay_marl.envs.vector:NegotiationVectorEnv",
)
pettingzoo.register("aec", "parlay/negotiation-v0", entry_point="parlay_marl.negotiation_v0:env")
pettingzoo.register("parallel", "parlay/negotiation-v0", entry_point="parlay_marl.negotiation_v0:parallel_env")
