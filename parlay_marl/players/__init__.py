"""Players of a seat: personas, learned policies, and players from outside."""
