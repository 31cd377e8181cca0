"""A process that answers as a hub until it is killed: what nodes say, and no pages."""

from __future__ import annotations

import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from litestar import Litestar
from node_for_tests import CHEAP

from cunyi.journeys.seat import Seat
from cunyi.store.folder import Folder
from cunyi.web.hub_api import hub_routes


def main(place: str, login: str, password: str) -> None:
    """Opens the hub of the folder `place` and says on which port it answers."""
    seat = Seat(clock=lambda: datetime.now(UTC), cost=CHEAP, folder=Folder(Path(place)))
    seat.sign_in(login, password)
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    application = Litestar(hub_routes(seat), openapi_config=None)
    uvicorn.Server(uvicorn.Config(application, log_level="error")).run([listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
