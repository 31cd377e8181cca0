"""What an instrument or card reader says, before a person has confirmed it: measurements, cards, states."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from cunyi.domain.case import Sex
from cunyi.domain.identity import IdentifierKind


class DeviceKind(StrEnum):
    """What an instrument measures (仪器种类)."""

    ID_CARD = "id_card"
    BLOOD_PRESSURE = "blood_pressure"
    OXIMETER = "oximeter"
    GLUCOSE = "glucose"
    THERMOMETER = "thermometer"
    WEIGHT = "weight"
    THREE_IN_ONE = "three_in_one"
    HEMOGLOBIN = "hemoglobin"
    URINE = "urine"
    ANALYSER = "analyser"
    ECG = "ecg"


class DeviceValue(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a measurement (测得的值).

    `item` is an id of `knowledge/ranges` (`systolic_mmhg`, `uric_acid`, `urine_protein`) or the name an analyser gave it;
    `value` stands in `unit`, or is a text of the item's scale ("2+"), or None where the instrument said that it has none.
    `raw` is what was sent, in the instrument's own unit ("18.9 kPa").
    """

    item: str
    value: float | str | None
    unit: str
    raw: str


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement as an instrument sent it (一次测量).

    `clock_at` is the instrument's own local clock, without a zone, None where it sends none; `sequence` its number in the
    instrument's memory; `patient` the number or name that was entered there. `flags` are words of the driver file
    (`irregular_pulse`, `cuff_loose`); `final` is False for a value of a running stream. `conclusion` is the text of a report.
    `control_solution`: a test of the meter, nobody's blood.
    """

    values: tuple[DeviceValue, ...]
    clock_at: datetime | None = None
    sequence: int | None = None
    patient: str = ""
    flags: tuple[str, ...] = ()
    final: bool = True
    control_solution: bool = False
    conclusion: str = ""


class IdentityCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a card reader read from an identity card (身份证件). Untrusted: a person confirms whatever disagrees.

    `number` and `kind` as `domain.identity` reads them; `sex` None for code 9; `valid_until` None for 长期. The photo is not kept.
    """

    kind: IdentifierKind
    number: str
    name: str
    sex: Sex | None
    birth_on: date | None
    ethnic_group: str = ""
    address: str = ""
    issuer: str = ""
    name_en: str = ""
    nationality: str = ""
    permit_number: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    def __repr__(self) -> str:
        """Nothing of the holder, so that no log or traceback carries it."""
        return f"IdentityCard({self.kind})"
