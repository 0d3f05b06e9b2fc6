"""Compilation of the rules, and functions for kernels that Numba lacks: vector sums, prefetching, shared work."""
