"""Players of other libraries. The first is NegMAS, `negmas:BoulwareTBNegotiator`; see `docs/negmas.md`."""
