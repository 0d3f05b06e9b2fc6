"""What can sit in a seat: a scripted persona, a random policy, a person, or anything that maps observations to actions."""
