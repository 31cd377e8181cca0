"""A process that signs encounters and keeps drafts until it is killed; each is acknowledged on its output after it was kept."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from clinic_day import Desk
from node_for_tests import CHEAP, LOGIN, PASSWORD

from cunyi.journeys.consulting import begin_draft, keep_draft
from cunyi.journeys.seat import Seat
from cunyi.journeys.today import search
from cunyi.store.folder import Folder


def main(place: str, number_of_process: int) -> None:
    """Works in the node of the folder `place`, with two persons of its own."""
    folder = Folder(Path(place))
    seat = Seat(clock=lambda: datetime.now(UTC), cost=CHEAP, folder=folder)
    token, me = seat.sign_in(LOGIN, PASSWORD)
    desk = Desk(seat, me.account, token, seat.now, folder)  # type: ignore[arg-type]
    people = search(seat.store, me.account, "曾", everywhere=True).people
    person, typed = people[2 * number_of_process : 2 * number_of_process + 2]
    number = 0
    while True:
        number += 1
        print("signed", desk.see(person, f"第{number}次").id, flush=True)
        draft = begin_draft(seat.store, me.account, typed.id, {})
        kept = keep_draft(
            seat.store, me.account, draft.id, {"n": [str(number)]}, revision=draft.revision, window="w", over=True
        )
        print("draft", kept.id, kept.revision, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
