"""How rules are compiled, and what kernels need that Numba lacks: vector sums, prefetching, shared work."""
