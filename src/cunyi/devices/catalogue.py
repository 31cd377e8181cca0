"""All drivers: every folder under `drivers/` with a `driver.toml` is one."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.resources import files

import msgspec

from cunyi.devices.driver import Description, Driver

_HOME = "cunyi.devices.drivers"


@cache
def drivers() -> tuple[Driver, ...]:
    """Every driver of the program, by id. A description that does not fit is a defect of the driver and fails here."""
    found = []
    for folder in sorted(files(_HOME).iterdir(), key=lambda folder: folder.name):
        description = folder / "driver.toml"
        if folder.is_dir() and description.is_file():
            words = msgspec.toml.decode(description.read_bytes(), type=Description)
            module = importlib.import_module(f"{_HOME}.{folder.name}.parser")
            found.append(Driver(description=words, parser=module.make_parser))
    return tuple(found)
