"""The databases and the village of the tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from databases import postgresql
from tests.sync.nodes_in_process import Village

# Where a write costs nothing.
SHM = Path("/dev/shm")
__all__ = ["postgresql"]


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    """A hub in this process, with no kits yet."""
    with TemporaryDirectory(prefix="cysync", dir=SHM if SHM.is_dir() else tmp_path) as folder:
        made = Village(Path(folder))
        yield made
        made.close()
