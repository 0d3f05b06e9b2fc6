"""Thin adapters over the core: one game, and the PettingZoo and Gymnasium environments around it."""
