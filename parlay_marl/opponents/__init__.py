"""What can sit in a seat: a persona, or anything that maps observations and masks to actions."""
