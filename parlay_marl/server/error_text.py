"""The text of an error as a client gets it."""

from __future__ import annotations

from parlay_marl.printable import escaped

FAILED = "the server failed at this request, which is as if it had not been made"
"""The text of an unexpected error."""
LONGEST = 500
"""Characters of an error's text."""


def client_text(error: Exception) -> str:
    """Return the text of an error, which may repeat what was sent, escaped and of limited length."""
    text = escaped(str(error))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
