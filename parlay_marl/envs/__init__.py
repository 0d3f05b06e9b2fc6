"""Adapters: the PettingZoo and Gymnasium environments and the batch engine around the game."""
