"""Modules by whose names verifiers finds tasksets: it takes top-level modules alone, and as such they are installed."""
