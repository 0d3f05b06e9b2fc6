"""The arena: language models against personas, players of other libraries and each other, on the same deals."""
