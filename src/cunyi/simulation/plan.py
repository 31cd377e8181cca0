"""How large a simulated township is and what happens in it; and the organisation file that it is set up from."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

VISITS_A_YEAR = 2.0
_ZONE = ZoneInfo("Asia/Shanghai")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated (模拟方案). `visits_a_year` is per resident; `breakdowns` lets one kit break and another be lost."""

    residents: int
    clinics: int
    doctors: int
    days: int
    seed: int
    place: Path
    database: str
    visits_a_year: float = VISITS_A_YEAR
    faults: int = 0
    breakdowns: bool = True

    def begins_on(self) -> date:
        """The first day: tomorrow, so that no clock stands before what was already written."""
        return (datetime.now(UTC) + timedelta(days=1)).astimezone(_ZONE).date()

    def residents_by_clinic(self) -> list[int]:
        """How many live in the village of each clinic; together as many as were asked for."""
        each, left = divmod(self.residents, self.clinics)
        return [each + (number < left) for number in range(self.clinics)]

    def doctors_by_clinic(self) -> list[int]:
        """How many doctors each clinic has; the others work at the township and in the county."""
        village = max(self.clinics, self.doctors * 7 // 10)
        each, left = divmod(village, self.clinics)
        return [each + (number < left) for number in range(self.clinics)]

    def doctors_at_the_centre(self) -> tuple[int, int]:
        """How many doctors work at the township and in the county."""
        left = max(2, self.doctors - sum(self.doctors_by_clinic()))
        county = max(1, left // 5)
        return left - county, county


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a day at the township."""
    return datetime.combine(day, time(hour, minute), _ZONE)
