"""A bench at work and a page that listens to it, for tests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from node_for_tests import Node

from cunyi.domain.device import RegisteredDevice
from cunyi.journeys.bench import Bench
from cunyi.journeys.bench_events import Event, EventKind
from cunyi.journeys.bench_status import DeviceStatus
from cunyi.journeys.keeping_devices import add_device
from cunyi.reasoning.prepared import Knowledge


class Page:
    """A page that listens to the events of an account, in a loop of its own, as the web application's."""

    def __init__(self, bench: Bench, account_id: str, draft_id: str | None = None) -> None:
        self.events: list[tuple[float, Event]] = []
        self.ended = threading.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen(bench, account_id, draft_id)))
        self._thread.start()
        assert self._listening.wait(5)

    async def _listen(self, bench: Bench, account_id: str, draft_id: str | None) -> None:
        async for event in bench.events(account_id, draft_id=draft_id):
            self.events.append((time.monotonic(), event))
            self._listening.set()
        self.ended.set()

    def wait_for(self, kind: EventKind, seconds: float = 5.0, *, after: int = 0) -> tuple[float, Event]:
        found: list[tuple[float, Event]] = []

        def there() -> bool:
            found[:] = [(at, event) for at, event in self.events[after:] if event.kind is kind and event.device_id]
            return bool(found)

        wait_until(there, seconds)
        return found[0]

    def kinds(self) -> set[EventKind]:
        return {event.kind for _, event in self.events}


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> float:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not come"
        time.sleep(0.005)
    return time.monotonic() - began


def register(node: Node, driver: str, address: str, transport: str = "serial") -> RegisteredDevice:
    return add_device(
        node.store, node.account, driver=driver, transport=transport, address=address, name=f"{driver} 一号"
    )


@contextmanager
def running(node: Node, knowledge: Knowledge, **options: object) -> Iterator[Bench]:
    bench = Bench(node.seat, knowledge, **options)
    bench.start()
    try:
        yield bench
    finally:
        began = time.monotonic()
        bench.stop()
        assert time.monotonic() - began < 2


def status_of(bench: Bench, device: RegisteredDevice) -> DeviceStatus:
    return next(status for status in bench.status() if status.device.id == device.id)


def connected(bench: Bench, device: RegisteredDevice) -> bool:
    return any(status.device.id == device.id and status.answers for status in bench.status())
