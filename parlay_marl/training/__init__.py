"""Training of policies by self-play and by RLlib, and policies from and for other libraries."""
