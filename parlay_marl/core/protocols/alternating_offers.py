"""Alternating offers, the usual protocol: both seats have all moves (Rubinstein, Econometrica 50, 1982)."""

from __future__ import annotations

from parlay_marl.core.protocols.protocol import Protocol

PROTOCOL = Protocol("both seats name prices in turn, and either may accept the other's last one")
