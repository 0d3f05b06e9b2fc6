"""The text of an error as it is sent to a client."""

from __future__ import annotations

from parlay_marl.printable import escaped

FAILED = "the server failed at this request, which is as if it had not been made"
"""The text that replaces that of an unexpected error."""
LONGEST = 500
"""Longest text of an error, in characters."""


def client_text(error: Exception) -> str:
    """Return the text of an error for a client: escaped, because it may repeat input, and of limited length."""
    text = escaped(str(error))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
