"""A reader of identity cards that is not there: the reader's side of the SAM protocol over a pseudo-terminal. POSIX only."""

from __future__ import annotations

import contextlib
import os
import select
import tempfile
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from cunyi.devices.drivers.id_card.frames import PREAMBLE, check_byte
from cunyi.devices.simulation.card_text import TEXT_BYTES, encode_address, encode_card
from cunyi.domain.measurement import IdentityCard

_PHOTO_BYTES = 1024
_WAIT_SECONDS = 0.05
_OK, _FOUND, _NO_CARD, _NOT_SELECTED, _NOT_READ = 0x90, 0x9F, 0x80, 0x81, 0x41
_WRONG_CHECK, _UNKNOWN_COMMAND, _NO_SUCH_ITEM = 0x10, 0x21, 0x91
_STATUS, _FIND, _SELECT, _READ, _LATEST_ADDRESS = b"\x11\xff", b"\x20\x01", b"\x20\x02", b"\x30\x01", b"\x30\x03"


class SimulatedCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card as the reader's chip sees it (模拟证件): its 256 bytes of text, an address written later, a photo nobody looks at."""

    text: bytes
    latest_address: str = ""
    photo: bytes = bytes(_PHOTO_BYTES)

    def __repr__(self) -> str:
        """Nothing of the holder."""
        return "SimulatedCard()"


class SimulatedCardReader:
    """A card reader on a port of its own (模拟读卡器), while it is entered as a context. Its methods may be called from any thread.

    Like most readers it does not find a card again that it has read until the card was lifted; `finds_again=True` makes it one
    that does.
    """

    def __init__(self, *, finds_again: bool = False) -> None:
        self.silent = False
        self._finds_again = finds_again
        self._lock = threading.RLock()
        self._folder = tempfile.TemporaryDirectory(prefix="cunyi-card-reader-")
        self._ends: tuple[int, int] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated card reader", daemon=True)
        self._heard = b""
        self._wrong_checks = 0
        self._statuses: dict[bytes, list[int]] = {}
        self._break_off: Callable[[], None] | None = None
        self._card: SimulatedCard | None = None
        self._found = self._selected = self._read = False

    def __enter__(self) -> Self:
        self.plug()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.unplug()
        self._folder.cleanup()

    @property
    def port(self) -> str:
        """The path of the port; the same after the reader was unplugged and plugged in again."""
        return str(Path(self._folder.name) / "id-card")

    def put(self, card: SimulatedCard | IdentityCard, *, latest_address: str = "") -> None:
        """Puts a card on the reader, in place of one that lies there."""
        if isinstance(card, IdentityCard):
            card = SimulatedCard(text=encode_card(card), latest_address=latest_address)
        with self._lock:
            self._card = card
            self._found = self._selected = self._read = False

    def lift(self) -> None:
        """Takes the card away."""
        with self._lock:
            self._card = None
            self._found = self._selected = self._read = False

    def pull_half_way(self) -> None:
        """The next card is pulled away while it is read: the answer breaks off in the middle."""
        with self._lock:
            self._break_off = self.lift

    def unplug_half_way(self) -> None:
        """The reader is unplugged while it sends the next card."""
        with self._lock:
            self._break_off = self.unplug

    def wrong_checksum(self, times: int = 1) -> None:
        """The next answers have a wrong check byte."""
        with self._lock:
            self._wrong_checks = times

    def answer_with(self, command: str, *statuses: int) -> None:
        """The next answers to a command (`status`, `find`, `select`, `read`, `address`) carry these codes (SW3) and no data."""
        codes = {"status": _STATUS, "find": _FIND, "select": _SELECT, "read": _READ, "address": _LATEST_ADDRESS}
        with self._lock:
            self._statuses[codes[command]] = list(statuses)

    def garbage(self, data: bytes) -> None:
        """Sends bytes that mean nothing."""
        with self._lock:
            self._send(data)

    def unplug(self) -> None:
        """Takes the reader's port away."""
        with self._lock:
            if self._ends is not None:
                Path(self.port).unlink()
                for end in self._ends:
                    os.close(end)
                self._ends = None

    def plug(self) -> None:
        """Gives the reader a port."""
        with self._lock:
            if self._ends is None:
                mine, theirs = os.openpty()
                # Nothing that arrives before the port is opened may be echoed or changed.
                tty.setraw(theirs)
                os.set_blocking(mine, False)
                self._ends = mine, theirs
                self._heard = b""
                Path(self.port).symlink_to(os.ttyname(theirs))

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                mine = self._ends[0] if self._ends else None
            if mine is None:
                self._stop.wait(_WAIT_SECONDS)
                continue
            # The port may be unplugged while it is waited for.
            with contextlib.suppress(OSError, ValueError):
                if select.select([mine], [], [], _WAIT_SECONDS)[0]:
                    self._take(mine)

    def _take(self, mine: int) -> None:
        with self._lock:
            if self._ends is None or self._ends[0] != mine:
                return
            self._heard += os.read(mine, 4096)
            while (at := self._heard.find(PREAMBLE)) >= 0:
                frame = self._heard[at + len(PREAMBLE) :]
                length = int.from_bytes(frame[:2])
                if len(frame) < 2 or len(frame) < 2 + length:
                    return
                self._heard = frame[2 + length :]
                if not self.silent:
                    self._answer(frame[: 1 + length], frame[1 + length])

    def _answer(self, body: bytes, check: int) -> None:
        command = body[2:4]
        if check_byte(body) != check:
            self._reply(_WRONG_CHECK)
        elif self._statuses.get(command):
            self._reply(self._statuses[command].pop(0))
        elif command in _ANSWERS:
            _ANSWERS[command](self)
        else:
            self._reply(_UNKNOWN_COMMAND)

    def _on_status(self) -> None:
        self._reply(_OK)

    def _on_find(self) -> None:
        self._found = self._card is not None and (self._finds_again or not self._read)
        self._reply(_FOUND, bytes(4)) if self._found else self._reply(_NO_CARD)

    def _on_select(self) -> None:
        self._selected = self._found
        self._reply(_OK, bytes(8)) if self._selected else self._reply(_NOT_SELECTED)

    def _on_read(self) -> None:
        if self._card is None or not self._selected:
            return self._reply(_NOT_READ)
        data = TEXT_BYTES.to_bytes(2) + len(self._card.photo).to_bytes(2) + self._card.text + self._card.photo
        if self._break_off is not None:
            self._send(_frame(_OK, data)[:600])
            self._break_off()
            self._break_off = None
            return None
        self._read = True
        return self._reply(_OK, data)

    def _on_latest_address(self) -> None:
        if self._card is None or not self._read:
            self._reply(_NOT_READ)
        elif not self._card.latest_address:
            self._reply(_NO_SUCH_ITEM)
        else:
            self._reply(_OK, encode_address(self._card.latest_address))

    def _reply(self, status: int, data: bytes = b"") -> None:
        frame = _frame(status, data)
        if self._wrong_checks:
            self._wrong_checks -= 1
            frame = frame[:-1] + bytes((frame[-1] ^ 0xFF,))
        self._send(frame)

    def _send(self, data: bytes) -> None:
        # A port that nobody reads is full at some time; what does not fit is lost, as on a real line.
        if self._ends is not None:
            with contextlib.suppress(BlockingIOError):
                os.write(self._ends[0], data)


_ANSWERS: dict[bytes, Callable[[SimulatedCardReader], None]] = {
    _STATUS: SimulatedCardReader._on_status,
    _FIND: SimulatedCardReader._on_find,
    _SELECT: SimulatedCardReader._on_select,
    _READ: SimulatedCardReader._on_read,
    _LATEST_ADDRESS: SimulatedCardReader._on_latest_address,
}


def _frame(status: int, data: bytes) -> bytes:
    body = (4 + len(data)).to_bytes(2) + bytes((0, 0, status)) + data
    return PREAMBLE + body + bytes((check_byte(body),))
