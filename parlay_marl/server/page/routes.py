"""The routes of the page: the page itself, its files, the sign-in, and replays of finished games."""

from __future__ import annotations

import functools
import hmac
import json
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from parlay_marl.render.web import html
from parlay_marl.server.middleware.cookie import cookie_of, header_for, shows_cookie
from parlay_marl.server.page.replays import Replays
from parlay_marl.server.settings import ServerSettings

SELF = "'self'"
STATIC = Path(__file__).parent / "static"
"""The folder of the files that only this page has."""
KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
POLICY = f"{html.POLICY.format(style=SELF, script=SELF)}; connect-src {SELF}"
"""The security policy of the page: its own files, and nothing from elsewhere."""
NO_FRAMES = "frame-ancestors 'none'"
"""A part of a policy that only a header may have."""
HEADERS = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NO_REPLAY = "there is no such replay; the server keeps those of the last games that it has seen end"


@functools.cache
def files() -> dict[str, tuple[bytes, str]]:
    """Return the content and the type of each file of the page, by name."""
    shared = [html.ASSETS / name for name in ("style.css", *html.SCRIPTS)]
    own = [path for path in sorted(STATIC.iterdir()) if path.suffix in KINDS]
    return {path.name: (path.read_bytes(), KINDS[path.suffix]) for path in (*shared, *own)}


@functools.cache
def play_page() -> str:
    """Return the page at `/play`, which names all its files, so that the browser asks for them at once."""
    loads = [
        '<link rel="stylesheet" href="/play/files/style.css">',
        '<script type="module" src="/play/files/play.js"></script>',
        *(f'<link rel="modulepreload" href="/play/files/{name}">' for name in files() if name.endswith(".js")),
    ]
    body = html.filled(html.asset("play.html", STATIC), html.texts())
    return html.page(html.texts()["title"], POLICY, "\n".join(loads), body.rstrip("\n"))


def _headers(policy: str) -> dict[str, str]:
    """Return the headers of a page, which no other page may show in a frame."""
    return {**HEADERS, "Content-Security-Policy": f"{policy}; {NO_FRAMES}"}


def page_router(settings: ServerSettings, replays: Replays) -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter(prefix="/play", include_in_schema=False)
    token = None if settings.token is None else settings.token.get_secret_value()
    css, js = html.replay_parts()

    @router.get("")
    async def page() -> Response:
        return HTMLResponse(play_page(), headers=_headers(POLICY))

    @router.get("/files/{name}")
    async def page_file(name: str) -> Response:
        found = files().get(name)
        if found is None:
            return JSONResponse({"error": "there is no such file"}, 404)
        return Response(found[0], media_type=found[1], headers=HEADERS)

    @router.get("/session")
    async def session(request: Request) -> Response:
        """Say whether the browser must sign in first."""
        is_signed_in = token is None or shows_cookie(request.scope, cookie_of(token))
        return JSONResponse({"signed_in": is_signed_in}, headers=HEADERS)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        given = json.loads(await request.body() or b"{}").get("token")
        if token is None:
            return Response(status_code=204)
        if not isinstance(given, str) or not hmac.compare_digest(
            given.strip().encode(errors="replace"), token.encode()
        ):
            return JSONResponse({"error": "that is not this server's token; ask whoever runs it"}, 403)
        cookie = header_for(token, is_secure=request.url.scheme == "https")
        return Response(status_code=204, headers={"Set-Cookie": cookie})

    @router.get("/replay/{name}")
    async def replay(name: str) -> Response:
        record = replays.find(name)
        if record is None:
            return JSONResponse({"error": NO_REPLAY}, 404)
        content = await run_in_threadpool(html.replay_page, record)
        return HTMLResponse(content, headers=_headers(html.policy_of([css], [js])))

    return router
