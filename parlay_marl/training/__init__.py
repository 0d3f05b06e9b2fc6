"""Self-play: training policies, judging them, and turning them into files."""
