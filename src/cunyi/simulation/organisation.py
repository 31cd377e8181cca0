"""The organisation of the simulated township, as the table that a hub is set up from."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping

from cunyi.knowledge.departments import Department
from cunyi.simulation.population import TOWNSHIP, TOWNSHIP_NAME

TOWNSHIP_CENTRE, COUNTY_HOSPITAL = f"{TOWNSHIP}-W", f"{TOWNSHIP[:6]}-Y"
TOWNSHIP_CENTRE_NAME, COUNTY_HOSPITAL_NAME = f"{TOWNSHIP_NAME}卫生院", "县人民医院"
_COLUMNS = ("类别", "代码", "名称", "级别", "负责区划", "电话", "急救电话", "科室", "路程", "状态")
_TOWNSHIP_DEPARTMENTS = ("全科医疗科", "内科", "外科", "妇产科", "儿科", "急诊科", "中医科")


def clinic_code(village: str) -> str:
    """The number of a village's clinic in the register of facilities."""
    return f"{village}-01"


def organisation_table(villages: dict[str, str], departments: Mapping[str, Department], draw: random.Random) -> str:
    """Places and facilities: the clinics, the township's centre, the county's hospital; remote villages are far from both."""
    out = io.StringIO()
    lines = csv.DictWriter(out, _COLUMNS, restval="")
    lines.writeheader()
    places = {
        TOWNSHIP[:2]: "江西省",
        TOWNSHIP[:4]: "赣州市",
        TOWNSHIP[:6]: "演示县",
        TOWNSHIP: TOWNSHIP_NAME,
        **villages,
    }
    for code, name in places.items():
        lines.writerow({"类别": "区划", "代码": code, "名称": name})
    minutes = {code: draw.randint(10, 70) for code in villages}
    of_township = [each.id for each in departments.values() if each.name in _TOWNSHIP_DEPARTMENTS]
    for code, name, level, catchment, there, farther in (
        (TOWNSHIP_CENTRE, TOWNSHIP_CENTRE_NAME, "乡镇", TOWNSHIP, of_township, 0),
        (COUNTY_HOSPITAL, COUNTY_HOSPITAL_NAME, "县", TOWNSHIP[:6], list(departments), 50),
    ):
        lines.writerow({
            "类别": "机构", "代码": code, "名称": name, "级别": level, "负责区划": catchment, "电话": "07978880000",
            "急救电话": "120", "科室": "、".join(there), "状态": "开诊",
            "路程": " ".join(f"{village}={away + farther}" for village, away in minutes.items()),
        })  # fmt: skip
    for code, name in villages.items():
        lines.writerow({
            "类别": "机构", "代码": clinic_code(code), "名称": f"{name}卫生室", "级别": "村", "负责区划": code,
            "电话": f"0797888{draw.randint(1000, 9999)}", "路程": f"{code}=5", "状态": "开诊",
        })  # fmt: skip
    return out.getvalue()
