"""What nodes say to their hub: sealed messages in, sealed answers out. No session, no cookie: a message proves itself or is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import ENROL_PATH, MEDIA_TYPE, SYNC_PATH
from cunyi.interop.meeting_line import MEETING_PATH
from cunyi.journeys.enrolling import answer_enrolment
from cunyi.journeys.meeting_kits import Meetings
from cunyi.journeys.seat import Seat
from cunyi.store.unit import Store
from cunyi.sync.hub_side import HubSide

_LARGEST_MESSAGE_BYTES = 4_000_000
_LARGEST_ENROLMENT_BYTES = 64_000
# So many nodes are answered at a time; the others wait, and people's pages do not wait behind them.
_AT_ONCE = 4
_NOT_SUPPORTED, _CLOSED = 415, 503


def hub_routes(seat: Seat) -> list[ControllerRouterHandler]:
    """The handlers that a hub has for its nodes."""
    workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hub")

    async def answered(request: Request[Any, Any, Any], work: Callable[[Store, bytes], bytes]) -> Response[bytes]:
        message = await _message(request)

        def answer() -> bytes:
            return work(seat.store, message)

        try:
            answer_bytes = await asyncio.get_running_loop().run_in_executor(workers, answer)
        except UserError:
            # Nobody opened the hub since it was started, or its disk is full: the node tries again later.
            raise HTTPException(status_code=_CLOSED) from None
        return Response(answer_bytes, status_code=200, media_type=MEDIA_TYPE)

    @post(SYNC_PATH, include_in_schema=False, request_max_body_size=_LARGEST_MESSAGE_BYTES)
    async def synchronise(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answered(request, lambda store, message: HubSide(store).answer(message))

    @post(ENROL_PATH, include_in_schema=False, request_max_body_size=_LARGEST_ENROLMENT_BYTES)
    async def enrol(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await answered(request, answer_enrolment)

    return [synchronise, enrol]


def meeting_routes(meetings: Meetings) -> list[ControllerRouterHandler]:
    """The handler that a kit has for another kit, which it lets in only while it shows a code."""
    workers = ThreadPoolExecutor(1, thread_name_prefix="meeting")

    @post(MEETING_PATH, include_in_schema=False, request_max_body_size=_LARGEST_MESSAGE_BYTES)
    async def meet(request: Request[Any, Any, Any]) -> Response[bytes]:
        message = await _message(request)
        answer = await asyncio.get_running_loop().run_in_executor(workers, meetings.hear, message)
        return Response(answer, status_code=200, media_type=MEDIA_TYPE)

    return [meet]


async def _message(request: Request[Any, Any, Any]) -> bytes:
    if request.headers.get("content-type") != MEDIA_TYPE or "content-encoding" in request.headers:
        raise HTTPException(status_code=_NOT_SUPPORTED)
    return await request.body()
