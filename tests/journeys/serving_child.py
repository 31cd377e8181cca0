"""A process that serves a node as `cunyi serve` does, says which files it opens for writing, and has one address that fails."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, post

from cunyi import app
from cunyi.config import Config

WROTE = "wrote "


@post("/broken")
async def broken(request: Request[Any, Any, Any]) -> None:
    """Fails as a defect of the program would: with what was sent in the words of the error, and in those of its cause."""
    words = next(iter((await request.form()).values()))
    try:
        raise LookupError(words)
    except LookupError as error:
        raise ValueError(f"cannot keep {words}") from error


def main(place: str, port: str, knowledge: str) -> None:
    """Serves the node of the folder `place`, which nobody has opened yet."""
    whole = app.create_app

    def with_the_broken_address(*arguments: Any, **options: Any) -> Litestar:
        application = whole(*arguments, **options)
        application.register(broken)
        return application

    app.create_app = with_the_broken_address
    sys.addaudithook(_tell)
    config = Config(port=int(port), data=Path(place), knowledge=Path(knowledge))
    app.serve_node(config, clock=lambda: datetime.now(UTC))


def _tell(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        print(f"{WROTE}{os.fsdecode(arguments[0])}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
