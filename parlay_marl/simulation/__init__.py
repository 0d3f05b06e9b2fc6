"""Many games in compiled code: lanes, records of their turns, and worker threads."""
