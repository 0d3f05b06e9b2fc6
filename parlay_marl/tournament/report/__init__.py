"""The report of a tournament: one HTML page, and its main charts as files."""
