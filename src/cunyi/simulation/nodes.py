"""Nodes as processes: made and served by the commands of `cunyi`, stopped, killed, and weighed by what the system says of them."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import msgspec

from cunyi.simulation.clock import SimulatedClock

PASSWORD = "mountain-road-9"
# Set in the environment of a simulated node, its passwords cost next to nothing.
CHEAP_PASSWORDS = "SIMULATION_CHEAP_PASSWORDS"
_LONGEST_START_S = 90.0
_LONGEST_STOP_S = 40.0
# Checking everything that a township signed in a hundred days takes its time.
_LONGEST_COMMAND_S = 3600.0
_TICKS = os.sysconf("SC_CLK_TCK")


class CommandError(Exception):
    """A command of a node failed (命令失败), with what it said."""


class Burden(msgspec.Struct, frozen=True, kw_only=True):
    """What a node cost its computer (资源消耗): processor seconds, most memory, and what lies on the disk, in MB."""

    cpu_s: float
    memory_mb: float
    disk_mb: float


class Machine:
    """A computer with a node on it (一台电脑): its folder, its own clock, its port; the process comes and goes.

    `database` is the address of a PostgreSQL database in place of the folder; `environment` what its program is told besides.
    """

    def __init__(self, name: str, place: Path, *, database: str | None = None) -> None:
        self.name, self.place, self.database = name, place, database
        place.mkdir(parents=True, exist_ok=True)
        self.data = place / "data"
        self._clock_file = place / "clock"
        self.clock = SimulatedClock(self._clock_file)
        self.password_file = place / "password"
        self.password_file.write_text(PASSWORD)
        self.port = _free_port()
        self.environment: dict[str, str] = {}
        self.administrator = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._cpu_s, self._memory_mb = 0.0, 0.0
        self._log = place / "log"

    @property
    def where(self) -> list[str]:
        """The options that name its records."""
        return ["--database", self.database] if self.database else ["--data", str(self.data)]

    @property
    def running(self) -> bool:
        """Whether its program runs."""
        return self._process is not None and self._process.poll() is None

    def run(self, *arguments: str, allowed: Sequence[int] = (0,)) -> str:
        """Runs one command and gives its output. CommandError where it ends otherwise than allowed."""
        done = subprocess.run(
            self._command(*arguments),
            capture_output=True,
            env=self._environment(),
            timeout=_LONGEST_COMMAND_S,
            check=False,
        )
        if done.returncode not in allowed:
            raise CommandError(f"{self.name}: {' '.join(arguments)}: {done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    def begin(self, *options: str) -> None:
        """Starts its program; `wait` says when the first page is there."""
        log = self._log.open("ab")
        arguments = ["serve", "--port", str(self.port), *options, *self.where]
        self._process = subprocess.Popen(self._command(*arguments), stdout=log, stderr=log, env=self._environment())
        log.close()

    def wait(self) -> None:
        """Until the first page is there. CommandError where the program ended instead."""
        deadline = time.monotonic() + _LONGEST_START_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/login")
                connection.getresponse().read()
                connection.close()
                return
            except (OSError, HTTPException):
                time.sleep(0.03)
        raise CommandError(f"{self.name} does not start: {self._log.read_text()[-2000:]}")

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        """Whether something comes true within the time that a start may take."""
        deadline = time.monotonic() + _LONGEST_START_S
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def start(self, *options: str) -> None:
        """Starts its program and waits for the first page."""
        self.begin(*options)
        self.wait()

    def stop(self) -> None:
        """Ends its program in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """The program is gone at once, wherever it was."""
        self._end(signal.SIGKILL)

    def confirm_clock(self) -> None:
        """Whoever looks after the computer says that its clock is right again."""
        self.run("confirm-clock", *self.opening)

    @property
    def opening(self) -> list[str]:
        """The options with which the administrator opens the records for a command."""
        return ["--login", self.administrator, "--password-file", str(self.password_file), *self.where]

    def fill_disk(self, spare_bytes: int) -> None:
        """From now on no file of the running program may grow past so many bytes, as on a full disk."""
        if self._process is not None and self.running:
            hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (spare_bytes, hard))

    def free_disk(self) -> None:
        """There is room again."""
        if self._process is not None and self.running:
            hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (hard, hard))

    def weigh(self) -> Burden:
        """What it cost so far."""
        self._look()
        files = [path for path in self.place.rglob("*") if path.is_file() and path.is_relative_to(self.data)]
        cpu = self._cpu_s + self._cpu_of_process()
        return Burden(cpu_s=cpu, memory_mb=self._memory_mb, disk_mb=sum(path.stat().st_size for path in files) / 1e6)

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        self._look()
        self._cpu_s += self._cpu_of_process()
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(_LONGEST_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise CommandError(f"{self.name} does not stop: {self._log.read_text()[-2000:]}") from None
        self._process = None

    def _look(self) -> None:
        """Remembers the most memory that the process had."""
        if not self.running or self._process is None:
            return
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                self._memory_mb = max(self._memory_mb, int(line.split()[1]) / 1000)

    def _cpu_of_process(self) -> float:
        if not self.running or self._process is None:
            return 0.0
        figures = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(figures[11]) + int(figures[12])) / _TICKS

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cunyi.simulated_node", str(self._clock_file), *arguments]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CUNYI_")}
        # One thread for each node's arithmetic: many nodes share one computer here.
        return kept | {"OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "400"} | self.environment


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
