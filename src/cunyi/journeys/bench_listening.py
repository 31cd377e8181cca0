"""Listening to one instrument after another failure as well: a defect of one driver is told, and never ends the others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from cunyi.devices.driver import Driver, Heard
from cunyi.devices.transports.line_state import LineState
from cunyi.devices.transports.serial_line import listen_serial
from cunyi.domain.device import RegisteredDevice, Transport
from cunyi.domain.errors import UserError
from cunyi.journeys.bench_keeping import Keeping
from cunyi.journeys.bench_status import DeviceStatus, place_of
from cunyi.reasoning.prepared import Knowledge

if TYPE_CHECKING:
    from cunyi.devices.transports.radio import Radio

_LOG = logging.getLogger("cunyi.bench")
_SHORTEST_WAIT = 1.0
_LONGEST_WAIT = 60.0


class Attended:
    """A registered instrument that is listened to (在用仪器), and how it stands."""

    task: asyncio.Task[None]

    def __init__(self, device: RegisteredDevice, driver: Driver) -> None:
        self.device = device
        self.driver = driver
        self.status = DeviceStatus(device=device, description=driver.description, facts=device.facts)

    def is_of(self, device: RegisteredDevice | None) -> bool:
        """Whether the connection is still the one that this registration asks for."""
        here = self.device
        return device is not None and (device.driver, device.transport, device.address) == (
            here.driver,
            here.transport,
            here.address,
        )

    def known_device(self) -> RegisteredDevice:
        """The registered device with what it told of itself since."""
        return msgspec.structs.replace(self.device, facts={**self.device.facts, **self.status.facts})

    def rename(self, device: RegisteredDevice) -> None:
        """Takes what changed of the registration and does not touch the connection."""
        if device != self.device:
            self.device = device
            self.status = msgspec.structs.replace(self.status, device=device)


class Listening:
    """How instruments are listened to (监听): with which radio and clock, and who is told.

    `changed` is called with an instrument whose status is another, in the loop.
    """

    def __init__(
        self,
        radio: Callable[[], Radio] | None,
        knowledge: Knowledge,
        keeping: Keeping,
        *,
        clock: Callable[[], datetime],
        changed: Callable[[Attended], None],
    ) -> None:
        self._make_radio = radio
        self._radio: Radio | None = None
        self._knowledge = knowledge
        self._keeping = keeping
        self._clock = clock
        self._changed = changed

    def radio(self) -> Radio:
        """The radio of this computer, or the one that was given; made when it is first needed."""
        if self._radio is None:
            if self._make_radio is None:
                # Only here, so that a node without Bluetooth instruments does not pay for it.
                from cunyi.devices.transports.radio import BleakRadio

                self._make_radio = BleakRadio
            self._radio = self._make_radio()
        return self._radio

    def begin(self, device: RegisteredDevice, driver: Driver) -> Attended:
        """Begins to listen to an instrument, in the loop that runs."""
        one = Attended(device, driver)
        one.task = asyncio.create_task(self._attend(one), name=f"listen to {driver.id}")
        self._changed(one)
        return one

    async def _attend(self, one: Attended) -> None:
        wait = _SHORTEST_WAIT
        while True:
            began = time.monotonic()
            try:
                await self._listen(one)
            except Exception as error:
                _LOG.error("driver %s failed: %s", one.driver.id, place_of(error))
                self._set(one, one.status.after_defect())
            if time.monotonic() - began > _LONGEST_WAIT:
                wait = _SHORTEST_WAIT
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    async def _listen(self, one: Attended) -> None:
        hear, line = partial(self._heard, one), partial(self._line, one)
        if one.device.transport is Transport.SERIAL:
            await listen_serial(one.driver, one.device.address, hear, line, self._clock)
            return
        from cunyi.devices.transports.ble import listen_ble

        await listen_ble(one.driver, one.device.address, hear, line, self._clock, radio=self.radio())

    def _line(self, one: Attended, state: LineState) -> None:
        self._set(one, one.status.after_line(state))

    def _heard(self, one: Attended, heard: Heard) -> None:
        known = one.status.facts
        self._set(one, one.status.after_heard(heard, self._knowledge, self._clock()))
        if one.status.facts != known:
            self._keeping.facts(one.device, one.status.facts)
        for measurement in heard.measurements:
            self._keeping.reading(one.known_device(), one.driver.description, measurement, partial(self._refuse, one))
        for card in heard.cards:
            self._keeping.card(one.device, card)

    def _refuse(self, one: Attended, why: UserError) -> None:
        self._set(one, msgspec.structs.replace(one.status, refused=why))

    def _set(self, one: Attended, status: DeviceStatus) -> None:
        before, one.status = one.status, status
        # Polling says every time that nothing changed; nobody wants to hear it.
        if msgspec.structs.replace(before, last_heard_at=status.last_heard_at) != status:
            self._changed(one)
