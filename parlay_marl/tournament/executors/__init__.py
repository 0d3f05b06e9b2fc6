"""Executors play the cells of a schedule: in threads and worker processes of this machine, or on a Ray cluster."""
