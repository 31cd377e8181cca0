"""A slow line for the tests of pages, to find what a test only passes by being quick: `CUNYI_TESTS_SLOW_MS=600 make test`."""

from __future__ import annotations

import asyncio
import os
import random

from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send

LATE_S = int(os.environ.get("CUNYI_TESTS_SLOW_MS", "0")) / 1000
"""How late an answer may be, in seconds."""


def slowed(application: Litestar) -> ASGIApp:
    """The application, each of its answers late by up to `CUNYI_TESTS_SLOW_MS`; as it is where that is not set."""
    if not LATE_S:
        return application

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(random.uniform(0, LATE_S))
        await application(scope, receive, send)

    return late
