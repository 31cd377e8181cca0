"""A node whose clock is a file: `python -m cunyi.simulated_node CLOCK-FILE COMMAND…`, the commands being those of `cunyi`.

For simulations and tests alone: `cunyi` itself knows no other clock than the computer's.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from pathlib import Path

from cunyi import node_commands
from cunyi.simulation.clock import SimulatedClock
from cunyi.simulation.nodes import CHEAP_PASSWORDS


def main(arguments: list[str]) -> int:
    """Runs one command of `cunyi` under the clock of a file."""
    clock = SimulatedClock(Path(arguments[0]))
    # Before the commands are imported: each of them takes this clock for the computer's.
    node_commands.now = clock.__call__
    if os.environ.get(CHEAP_PASSWORDS):
        _make_passwords_cheap()
    from cunyi.cli import main as command_line

    return command_line(arguments[1:])


def _make_passwords_cheap() -> None:
    """Passwords cost next to nothing, for tests in which many people log in all the time."""
    from cunyi.store import passwords

    # Before it is changed: stored keyrings are read with the class itself.
    importlib.import_module("cunyi.store.keyring")
    cheap = functools.partial(passwords.Cost, time_cost=1, memory_kib=64)
    vars(passwords)["Cost"] = cheap


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
