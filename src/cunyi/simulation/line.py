"""The line between a kit and the hub: a proxy on loopback that lets bytes through, slowly, in part, or not at all."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import threading
import time

import msgspec

_PIECE = 16_384
_SLICE_S = 0.2
_LONGEST_QUIET_S = 120.0


class Weather(msgspec.Struct, frozen=True, kw_only=True):
    """How good a line is (线路状况): whether there is one, how many bytes a connection lives (None: all), bytes a second (None: any)."""

    up: bool = True
    cut_after: tuple[int, int] | None = None
    bytes_per_s: int | None = None


GOOD = Weather()
NONE = Weather(up=False)


class Line:
    """A port that leads to another one as well as the weather lets it (线路). Counts the bytes either way."""

    def __init__(self, target_port: int, draw: random.Random, weather: Weather = GOOD) -> None:
        self._target, self._draw = target_port, draw
        self.weather = weather
        self.bytes_up = self.bytes_down = self.connections = self.cuts = 0
        self._lock = threading.Lock()
        self._closed = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(_SLICE_S)
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name=f"line {self.port}", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """What a kit takes for the hub's address."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """No more connections."""
        self._closed = True
        self._thread.join(5)
        self._listening.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listening.accept()
            except TimeoutError:
                continue
            weather = self.weather
            if not weather.up:
                client.close()
                continue
            threading.Thread(target=self._carry, args=(client, weather), daemon=True).start()

    def _carry(self, client: socket.socket, weather: Weather) -> None:
        """One connection until either side ends it, the weather turns, or its bytes are used up."""
        with self._lock:
            self.connections += 1
            left = self._draw.randint(*weather.cut_after) if weather.cut_after else None
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._target), timeout=5) as server,
        ):
            self._pass_on(client, server, weather, left)

    def _pass_on(self, client: socket.socket, server: socket.socket, weather: Weather, left: int | None) -> None:
        quiet_since = time.monotonic()
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while self.weather.up and not self._closed:
                for key, _ in ready.select(_SLICE_S):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    data = source.recv(_PIECE)
                    if not data:
                        return
                    cut = left is not None and len(data) >= left
                    if cut:
                        data = data[:left]
                    key.data.sendall(data)
                    self._count(len(data), up=source is client, cut=cut)
                    if cut:
                        return
                    left = None if left is None else left - len(data)
                    quiet_since = time.monotonic()
                    if weather.bytes_per_s:
                        time.sleep(len(data) / weather.bytes_per_s)
                if time.monotonic() - quiet_since > _LONGEST_QUIET_S:
                    return

    def _count(self, number: int, *, up: bool, cut: bool) -> None:
        with self._lock:
            if up:
                self.bytes_up += number
            else:
                self.bytes_down += number
            self.cuts += cut


class MountainWeather:
    """The weather of each clinic's line, hour by hour (山区网络): what it is like tends to last, and remote villages have more of the bad."""

    def __init__(self, clinics: int, draw: random.Random) -> None:
        self._draw = draw
        self._remoteness = [draw.betavariate(2, 3) for _ in range(clinics)]
        self._state = ["good"] * clinics

    def next(self, clinic: int) -> Weather:
        """The weather of the next hours."""
        bad = self._remoteness[clinic]
        # Mostly it stays as it is; a clinic that is cut off comes back after some hours or days.
        if self._draw.random() > 0.55:
            self._state[clinic] = self._draw.choices(
                ("good", "slow", "cutting", "none"), (1.0 - 0.6 * bad, 0.3 * bad, 0.25 * bad, 0.6 * bad)
            )[0]
        return self.of(self._state[clinic])

    @staticmethod
    def of(state: str) -> Weather:
        """What the name of a state means."""
        return {
            "good": GOOD,
            "slow": Weather(bytes_per_s=120_000),
            "cutting": Weather(cut_after=(300, 60_000)),
            "none": NONE,
        }[state]
