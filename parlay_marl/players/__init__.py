"""What can sit in a seat: a persona, a learned policy, or a player of one's own."""
