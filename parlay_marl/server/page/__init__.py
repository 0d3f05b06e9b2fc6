"""The page at `/play`: its files, its sign-in, and what it shows of a game."""
