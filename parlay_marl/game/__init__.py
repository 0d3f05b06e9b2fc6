"""One negotiation for people and programs: its configuration, turns, record, outcome and text."""
