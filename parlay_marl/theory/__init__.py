"""Exact answers: closed forms, small games as trees, solvers, and how far a player is from its best reply."""
