"""What a hospital that patients are sent to calls its departments."""

from __future__ import annotations

import msgspec

LEVELS = ("township", "county")


class HospitalDepartment(msgspec.Struct, frozen=True, kw_only=True):
    """A hospital's own name for a department of the national list (医院科室): `level` township or county.

    `name` is empty where the hospital has no such department: another one stands in. `place` says where to go in the house.
    """

    level: str
    department: str
    hospital: str
    name: str
    place: str

    @property
    def shown(self) -> str:
        """The hospital, the department and where it is, as a patient is told."""
        words = f"{self.hospital} {self.name}".strip()
        return f"{words}（{self.place}）" if self.place else words


HospitalMap = dict[tuple[str, str], HospitalDepartment]
"""Own names by level and department id."""
