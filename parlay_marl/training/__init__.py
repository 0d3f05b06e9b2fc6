"""Training of policies: what turns games into a network, and networks into files and back."""
