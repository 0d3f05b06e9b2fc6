"""Cookie: a person signs in at the page with the token, and the browser then shows a cookie instead.

The cookie does not hold the token, and only the page's own paths get it. `SameSite=Strict` keeps it from requests that
other sites begin.
"""

from __future__ import annotations

import hashlib
import hmac

from parlay_marl.server.middleware.asgi import Scope, headers_of, path_of

COOKIE = "parlay_page"
PLACE = "/play"
"""The path below which the cookie is sent and counts."""
PUBLIC = {("GET", "/play"), ("HEAD", "/play"), ("GET", "/play/session"), ("POST", "/play/sign-in")}
"""Requests that need no token: for the page, which asks for it, and for its sign-in."""
FILES = "/play/files/"
"""The beginning of the paths of the page's files, which need none either."""
_PURPOSE = b"parlay_marl: the page's cookie"


def cookie_of(token: str) -> str:
    """Return the value of the cookie of those who have shown a token."""
    return hmac.new(token.encode(), _PURPOSE, hashlib.sha256).hexdigest()


def is_public(scope: Scope) -> bool:
    """Return whether a request is for the page, one of its files or its sign-in, which show nothing of games."""
    method, path = scope.get("method"), path_of(scope)
    return (method, path) in PUBLIC or (method in ("GET", "HEAD") and path.startswith(FILES))


def shows_cookie(scope: Scope, expected: str) -> bool:
    """Return whether a connection to one of the page's paths shows the cookie."""
    if not path_of(scope).startswith(f"{PLACE}/"):
        return False
    return any(
        hmac.compare_digest(value.encode(), expected.encode())
        for header in headers_of(scope, b"cookie")
        if (value := _value(header.decode("latin-1"))) is not None
    )


def _value(header: str) -> str | None:
    """Return the value of the page's cookie in a header; None where it is not there."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), None)


def header_for(token: str, is_secure: bool) -> str:
    """Return the header by which a browser gets the cookie, until it is closed."""
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={cookie_of(token)}; Path={PLACE}; HttpOnly; SameSite=Strict{secure}"
