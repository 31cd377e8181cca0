"""What every answer carries: nothing is stored by a browser, nothing is loaded from elsewhere."""

from __future__ import annotations

from litestar.types import Message, Scope

_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_ALWAYS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_STATIC = "/static/"


async def protect(message: Message, scope: Scope) -> None:
    """Adds the headers to every answer, errors included. Pages are never stored, assets are revalidated."""
    if message["type"] != "http.response.start":
        return
    keep = b"no-cache" if scope["path"].startswith(_STATIC) else b"no-store"
    ours = dict(((b"cache-control", keep), *_ALWAYS))
    kept = [(name, value) for name, value in message["headers"] if name.lower() not in ours]
    message["headers"] = [*kept, *ours.items()]
