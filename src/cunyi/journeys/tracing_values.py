"""Which values of an encounter came from an instrument: told by what was confirmed, never by what the page sends."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from cunyi.domain.device import ReadingState
from cunyi.domain.encounter import Encounter, Measured
from cunyi.store.arrived import arrived_for_draft
from cunyi.store.drafts import Draft
from cunyi.store.records import kept_record

_Key = tuple[bool, str, str, str]


def traced(connection: Connection, draft: Draft, encounter: Encounter) -> Encounter:
    """The encounter with instrument, time and person at every value that is still as it came.

    Those are the readings confirmed into this draft (of two with the same value the later one), and, in a correction, what
    the version before says. A value that was changed by hand counts as typed.
    """
    sources: dict[_Key, Measured] = {}
    if draft.amends is not None:
        corrected = kept_record(connection, draft.organisation, draft.amends)
        measured = () if corrected is None else corrected.record.encounter.measured
        sources |= {_key(each): each for each in measured if each.device}
    for reading in arrived_for_draft(connection, draft.organisation, draft.id, ReadingState.CONFIRMED):
        for value in reading.values:
            if value.value is not None and value.usable:
                source = Measured(
                    item=value.item if value.is_reading else value.name_zh,
                    value=value.value,
                    unit=value.unit,
                    at=reading.measured_at,
                    device=reading.device_label,
                    by=reading.settled_by,
                    laboratory=not value.is_reading,
                    raw=value.raw,
                )
                # A result stands in the form under its name in the reader's language.
                names = [source.item] if value.is_reading else [value.name_zh, value.name_en]
                sources |= {_key(msgspec.structs.replace(source, item=name)): source for name in names}
    known = tuple(_from(each, sources.get(_key(each))) for each in encounter.measured)
    return msgspec.structs.replace(encounter, measured=known)


def _from(typed: Measured, source: Measured | None) -> Measured:
    if source is None:
        return typed
    return msgspec.structs.replace(typed, at=source.at, device=source.device, by=source.by, raw=source.raw)


def _key(measured: Measured) -> _Key:
    words = measured.value if isinstance(measured.value, str) else f"{measured.value:.10g}"
    # The unit of a vital sign is that of its box.
    return measured.laboratory, measured.item, words, measured.unit if measured.laboratory else ""
