"""Learned policies: their files, and the network that plays them."""
