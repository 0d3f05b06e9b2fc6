"""The benchmark of a player: fixed tasks with partners and scenarios, public and held out, and their figures."""
