"""A game as a person sees it: printed at the terminal, or drawn."""
