"""Cookie: a person signs in at the page with the token, and the browser then sends a cookie instead.

The cookie does not contain the token, and is sent to the page's own paths only. `SameSite=Strict` keeps it from
requests that other sites begin.
"""

from __future__ import annotations

import hashlib
import hmac

from parlay_marl.server.middleware.asgi import Scope, headers_of, path_of

COOKIE = "parlay_page"
PLACE = "/play"
"""The cookie is sent to this path and those below it, and is valid only there."""
PUBLIC = {("GET", "/play"), ("HEAD", "/play"), ("GET", "/play/session"), ("POST", "/play/sign-in")}
"""Requests that need no token: the page, which asks for the token, and its sign-in."""
FILES = "/play/files/"
"""Prefix of the paths of the page's files, which need no token either."""
_PURPOSE = b"parlay_marl: the page's cookie"


def cookie_of(token: str) -> str:
    """Return the value of the cookie for clients that have shown a token."""
    return hmac.new(token.encode(), _PURPOSE, hashlib.sha256).hexdigest()


def is_public(scope: Scope) -> bool:
    """Return whether a request is for the page, its files or its sign-in, which reveal nothing about games."""
    method, path = scope.get("method"), path_of(scope)
    return (method, path) in PUBLIC or (method in ("GET", "HEAD") and path.startswith(FILES))


def shows_cookie(scope: Scope, expected: str) -> bool:
    """Return whether a connection to one of the page's paths sends the cookie."""
    if not path_of(scope).startswith(f"{PLACE}/"):
        return False
    return any(
        hmac.compare_digest(value.encode(), expected.encode())
        for header in headers_of(scope, b"cookie")
        if (value := _value(header.decode("latin-1"))) is not None
    )


def _value(header: str) -> str | None:
    """Return the value of the page's cookie in a header, or None."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), None)


def header_for(token: str, is_secure: bool) -> str:
    """Return the header that sets the cookie for the browser session."""
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={cookie_of(token)}; Path={PLACE}; HttpOnly; SameSite=Strict{secure}"
