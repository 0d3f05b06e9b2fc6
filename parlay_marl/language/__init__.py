"""Language agents: a view as text, the parser of replies, and the players and environments built from them."""
