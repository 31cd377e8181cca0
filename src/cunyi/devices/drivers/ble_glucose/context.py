"""What the person told the glucose meter about a measurement (2A34): before or after a meal, fasting."""

from __future__ import annotations

from cunyi.devices.gatt import Fields

_MEALS = {1: "before_meal", 2: "after_meal", 3: "fasting", 4: "casual", 5: "bedtime"}


def read_context(data: bytes) -> tuple[int, tuple[str, ...]]:
    """The number of the record it belongs to, and the word for the meal; `MalformedError` where bytes are missing or left over.

    Carbohydrates, exercise, medication and HbA1c typed into a meter are passed over: they were not measured.
    """
    fields = Fields(data)
    flags = fields.unsigned(1)
    sequence = fields.unsigned(2)
    if flags & 0x80:
        fields.unsigned(1)
    if flags & 0x01:
        fields.unsigned(3)
    meal = fields.unsigned(1) if flags & 0x02 else 0
    if flags & 0x04:
        fields.unsigned(1)
    for bit, size in ((0x08, 3), (0x10, 3), (0x40, 2)):
        if flags & bit:
            fields.unsigned(size)
    fields.end()
    return sequence, (_MEALS[meal],) if meal in _MEALS else ()
