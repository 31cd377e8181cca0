"""Work that only one program at a time may do on a node: held until it is given back, or until the program ends however it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import text

from cunyi.store.unit import Store

# An arbitrary number, as that of the writers.
_NUMBER = 0x63756E7A
_FILE = "sync.lock"


@contextmanager
def only_one(store: Store, folder: Path | None) -> Iterator[bool]:
    """Whether this program is the one; False where another is. `folder` is where an encrypted node lies, None on PostgreSQL."""
    if folder is not None:
        with open(folder / _FILE, "ab") as file:
            yield _is_ours(file)
        return
    with store.engine.connect() as plain:
        # No transaction is held open meanwhile.
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        ours = connection.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": _NUMBER}).scalar_one()
        try:
            yield bool(ours)
        finally:
            if ours:
                connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": _NUMBER})


def _is_ours(file: IO[bytes]) -> bool:
    """Closing the file gives it back."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
