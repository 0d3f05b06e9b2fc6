"""Language agents: the text of a view, the reader of a reply, players and environments made of them."""
