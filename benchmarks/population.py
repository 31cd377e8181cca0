"""An invented township: residents and five years of their records, kept by the same functions as real ones.

The same number of residents gives the same people and the same records; only ids and keys differ from run to run.
Hashes, signatures, audit lines, changes and search keys are those of real work; rows reach the database in batches.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Insert, Table, func, insert, select

from cunyi.domain.archive_code import ArchiveCode
from cunyi.domain.audit import Action
from cunyi.domain.case import Sex
from cunyi.domain.encounter import (
    Agreement,
    Certainty,
    Decision,
    Diagnosis,
    Encounter,
    EncounterKind,
    ListEntry,
    ListKind,
    Measured,
    PersonAsSigned,
    ShownAssessment,
    SignedRecord,
    Signer,
    canonical,
)
from cunyi.domain.identity import Identifier, IdentifierKind, check_digit
from cunyi.domain.person import Household, Insurance, Person, Programme, Relation
from cunyi.domain.prescription import PrescriptionLine
from cunyi.store import schema
from cunyi.store.engine import WRITE
from cunyi.store.lists import add_entry
from cunyi.store.people import add_person, keep_household
from cunyi.store.records import keep_record
from cunyi.store.unit import Store, Writing, line_hash

YEARS = 5
VISITS_A_YEAR = 4
RESIDENTS_A_VILLAGE = 2_533
FIRST_FREE_SERIAL = 50_000
_TOWNSHIP = "360731101"
_BATCH = 4_000
_HOUSEHOLD = 3.2

# Weights are rough shares per thousand: what matters is that a few names are very common.
SURNAMES = {
    "王": 71, "李": 72, "张": 68, "刘": 54, "陈": 47, "杨": 31, "黄": 27, "赵": 23, "吴": 22, "周": 21, "徐": 17, "孙": 15,
    "马": 13, "朱": 13, "胡": 13, "林": 12, "郭": 12, "何": 12, "高": 11, "罗": 10, "郑": 9, "梁": 9, "谢": 8, "宋": 8,
    "唐": 7, "许": 7, "邓": 7, "冯": 7, "韩": 7, "曹": 6, "曾": 30, "彭": 6, "肖": 20, "蔡": 5, "潘": 5, "田": 5, "董": 5,
    "袁": 5, "于": 5, "余": 5, "叶": 5, "蒋": 5, "杜": 4, "苏": 4, "魏": 4, "程": 4, "吕": 4, "丁": 4, "沈": 4, "任": 4,
    "姚": 4, "卢": 4, "傅": 4, "钟": 25, "姜": 4, "崔": 4, "谭": 4, "廖": 14, "范": 3, "汪": 3, "陆": 3, "金": 3, "石": 3,
    "戴": 3, "贾": 3, "韦": 3, "夏": 3, "邱": 10, "方": 3, "侯": 2, "邹": 8, "熊": 3, "孟": 2, "秦": 2, "白": 2, "江": 3,
    "阎": 2, "薛": 2, "尹": 2, "段": 2, "雷": 2, "黎": 2, "史": 2, "龙": 2, "陶": 2, "贺": 2, "顾": 2, "毛": 2, "郝": 2,
    "龚": 2, "邵": 2, "万": 2, "钱": 2, "严": 2, "赖": 12, "覃": 1, "武": 2, "戚": 1, "单": 1, "区": 1, "仇": 1, "欧阳": 2,
}  # fmt: skip
_MEN = [
    "建国",
    "建军",
    "国强",
    "志强",
    "志明",
    "文华",
    "小明",
    "伟",
    "强",
    "军",
    "勇",
    "涛",
    "斌",
    "杰",
    "平",
    "刚",
    "辉",
    "鹏",
    "飞",
    "波",
    "福生",
    "水生",
    "火生",
    "金生",
    "木生",
    "桂生",
    "冬生",
    "春生",
    "有福",
    "发财",
    "德才",
    "德华",
    "家福",
    "家兴",
    "长根",
    "根生",
    "大毛",
    "细毛",
    "石头",
    "明亮",
    "明辉",
    "海涛",
    "海波",
    "学文",
    "学军",
    "宏伟",
    "永强",
    "永福",
    "永红",
    "俊杰",
    "浩",
    "宇航",
    "浩然",
    "子轩",
    "梓豪",
]
_WOMEN = [
    "秀英",
    "桂英",
    "秀兰",
    "玉兰",
    "桂兰",
    "秀珍",
    "玉珍",
    "凤英",
    "玉英",
    "春英",
    "冬英",
    "金凤",
    "玉梅",
    "春梅",
    "冬梅",
    "红梅",
    "秀梅",
    "菊香",
    "桂香",
    "莲香",
    "兰香",
    "招娣",
    "来娣",
    "大妹",
    "细妹",
    "丽",
    "敏",
    "静",
    "芳",
    "艳",
    "娟",
    "霞",
    "燕",
    "玲",
    "红",
    "萍",
    "美华",
    "美珍",
    "丽华",
    "丽萍",
    "小红",
    "小燕",
    "晓燕",
    "海燕",
    "雪梅",
    "春花",
    "荷花",
    "梓涵",
    "欣怡",
    "雨涵",
    "诗涵",
    "思颖",
    "婷婷",
]
_GROUPS = ("一组", "二组", "三组", "四组", "五组", "六组", "七组", "八组", "老屋组", "新屋组")

# Chief complaint, history, diagnoses (name, ICD-10), drugs by name, level of care.
_ILLNESSES = (
    ("咳嗽、流鼻涕3天", "3天前受凉后开始咳嗽，流清鼻涕，喉咙有点痛，昨天有点发烧，自己喝了姜汤，没有气紧，不胸痛，胃口还可以，大小便正常。",
     (("急性上呼吸道感染", "J06.9"),), ("复方氨酚烷胺片", "蒲地蓝消炎片"), "self_care"),
    ("咳嗽、咳黄痰5天", "5天前淋雨后开始咳嗽，咳黄痰，量不多，不带血。前天起怕冷、发烧，吃了退烧药会退，过几个钟头又烧。走路快了有点气紧，夜里能平躺。",
     (("急性支气管炎", "J20.9"),), ("阿莫西林胶囊", "盐酸氨溴索片"), "routine"),
    ("腰痛一周", "一周前挑担后腰痛，弯腰和翻身时加重，躺下好些，没有下肢麻木，走路不跛，大小便正常，没有发烧，以前也这样痛过两次。",
     (("腰肌劳损", "M54.5"),), ("双氯芬酸钠缓释片", "活血止痛膏"), "routine"),
    ("上腹胀痛半个月", "半个月来饭后上腹胀，有时隐痛，打嗝反酸，没有呕吐，没有黑便，体重没有明显变化，辣的吃多了会加重，胃口差一点。",
     (("慢性胃炎", "K29.5"),), ("奥美拉唑肠溶胶囊", "多潘立酮片", "铝碳酸镁咀嚼片"), "routine"),
    ("拉肚子2天", "前天吃了剩菜以后开始拉肚子，一天五六次，水样，没有血和脓，肚脐周围阵痛，拉了好些，没有发烧，能喝水，小便不少。",
     (("急性胃肠炎", "A09.9"),), ("蒙脱石散", "口服补液盐散"), "self_care"),
    ("尿频、尿痛1天", "昨天起小便次数多，每次量少，尿完小肚子酸胀，尿道口灼痛，没有发烧，没有腰痛，小便不红，以前得过一次。",
     (("膀胱炎", "N30.9"),), ("左氧氟沙星片", "三金片"), "routine"),
    ("双膝痛2个月", "两个膝盖痛两个月，上下楼和蹲下起来时明显，早上僵十来分钟，没有红肿发热，走平路可以，阴雨天加重。",
     (("膝骨关节炎", "M17.9"), ("骨质疏松", "M81.9")), ("布洛芬缓释胶囊", "碳酸钙D3片"), "routine"),
    ("头昏3天", "三天来头昏，起身时明显，不天旋地转，没有呕吐，没有手脚无力，说话清楚，睡眠差，最近农活重，血压没有量过。",
     (("头晕待查", "R42"), ("原发性高血压", "I10")), ("氨氯地平片",), "routine"),
    ("全身起疹发痒1天", "昨天割草回来全身起红疙瘩，很痒，一块一块的，过几个钟头会退，又起新的，没有气紧，嘴唇不肿，肚子不痛。",
     (("荨麻疹", "L50.9"),), ("氯雷他定片", "炉甘石洗剂"), "routine"),
)  # fmt: skip
_FOLLOW_UPS = {
    Programme.HYPERTENSION: (
        "高血压随访", "按时吃药，没有头痛头昏，没有胸闷，下肢不肿，盐吃得还是偏咸，每天走路半小时左右，不抽烟，偶尔喝一点米酒。",
        (("原发性高血压", "I10"),), ("氨氯地平片", "厄贝沙坦片"), "routine",
    ),
    Programme.DIABETES: (
        "糖尿病随访", "按时吃药，没有口干多尿，没有心慌出汗，脚不麻，没有破口，主食控制得一般，水果少吃，每天走路，空腹血糖自己没有测。",
        (("2型糖尿病", "E11.9"),), ("二甲双胍片", "格列美脲片"), "routine",
    ),
}  # fmt: skip
_DRUGS = {
    "氨氯地平片": ("5mg", "5mg", "口服", "每日一次", 28), "厄贝沙坦片": ("150mg", "150mg", "口服", "每日一次", 28),
    "二甲双胍片": ("0.5g", "0.5g", "口服", "每日两次", 28), "格列美脲片": ("2mg", "2mg", "口服", "每日一次", 28),
}  # fmt: skip
_ANY_DRUG = ("0.25g", "1片", "口服", "每日三次", 5)
_DISEASES = tuple(
    (f"disease_of_benchmark_{number}", name, code)
    for number, (name, code) in enumerate(
        (
            ("急性上呼吸道感染", "J06.9"), ("急性支气管炎", "J20.9"), ("社区获得性肺炎", "J18.9"), ("流行性感冒", "J11.1"),
            ("慢性阻塞性肺疾病急性加重", "J44.1"), ("支气管哮喘", "J45.9"), ("肺结核", "A16.2"), ("急性心力衰竭", "I50.9"),
            ("原发性高血压", "I10"), ("2型糖尿病", "E11.9"), ("急性胃肠炎", "A09.9"), ("慢性胃炎", "K29.5"),
            ("消化性溃疡", "K27.9"), ("胃食管反流病", "K21.9"), ("腰肌劳损", "M54.5"), ("腰椎间盘突出症", "M51.2"),
            ("泌尿系结石", "N20.9"), ("膀胱炎", "N30.9"), ("荨麻疹", "L50.9"), ("贫血", "D64.9"),
        )
    )
)  # fmt: skip
_DANGERS = ("急性心肌梗死", "肺栓塞", "脓毒症", "主动脉夹层", "急性阑尾炎", "脑卒中")
_READINGS = (
    ("temperature_c", "℃", 36.6, 0.4, 1), ("pulse_bpm", "次/分", 78, 10, 0), ("systolic_mmhg", "mmHg", 136, 17, 0),
    ("diastolic_mmhg", "mmHg", 83, 10, 0), ("spo2_pct", "%", 97, 1.2, 0),
)  # fmt: skip


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """What was put into a node, and how long it took in seconds."""

    people: int
    records: int
    seconds: float


class _Batch:
    """Stands in for the connection of a transaction: rows to be added are gathered by table and sent together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def execute(self, statement: Any, rows: Any = None) -> Any:
        if not isinstance(statement, Insert):
            return self._connection.execute(statement, rows)
        if rows is None:
            rows = [{str(getattr(key, "name", key)): bound.value for key, bound in statement._values.items()}]
        self._rows[statement.table.name] += rows
        return None

    def add(self, table: Table, row: dict[str, Any]) -> None:
        self._rows[table.name].append(row)

    def send(self) -> None:
        for table in schema.metadata.sorted_tables:
            if self._rows[table.name]:
                self._connection.execute(insert(table), self._rows.pop(table.name))


class _Filling(Writing):
    """A transaction whose rows are sent in batches and whose clock is set by the story it tells."""

    def __init__(self, store: Store, connection: Connection, account: str) -> None:
        super().__init__(store, connection, account)
        highest = select(func.coalesce(func.max(schema.change.c.sequence), 0))
        self._changes: int = connection.execute(highest).scalar_one()
        self.batch = _Batch(connection)
        self.connection = self.batch  # type: ignore[assignment]

    def be(self, account: str, at: datetime) -> None:
        self.account, self.at, self.latest = account, at, at

    def change(self, kind: str, subject: str, body: Any) -> None:
        self._changes += 1
        self.batch.add(
            schema.change,
            {
                "organisation": self.organisation,
                "sequence": self._changes,
                "id": self.new_id(),
                "kind": kind,
                "subject": subject,
                "body": canonical(body),
                "at": self.latest,
                "sent_at": None,
            },
        )

    def audit(
        self,
        action: Action,
        *,
        person: str | None = None,
        subject: str | None = None,
        detail: str = "",
        clock_confirmed: bool = False,
    ) -> None:
        self.sequence += 1
        line = {
            "sequence": self.sequence,
            "at": self.at,
            "latest": self.latest,
            "account": self.account,
            "action": action.value,
            "person": person,
            "subject": subject,
            "detail": detail,
            "before": self.hash,
        }
        self.hash = line_hash(line)
        self.batch.add(schema.audit_entry, {"organisation": self.organisation, "hash": self.hash, **line})


@contextmanager
def _filling(store: Store, account: str) -> Iterator[_Filling]:
    with store.engine.connect() as connection:
        writable = connection.execution_options(**{WRITE: True})
        with writable.begin():
            writing = _Filling(store, writable, account)
            yield writing
            writing.batch.send()


def villages_for(residents: int) -> dict[str, str]:
    """The villages (12-digit code to name) that so many residents live in."""
    count = max(1, round(residents / RESIDENTS_A_VILLAGE))
    return {f"{_TOWNSHIP}{201 + number}": f"第{number + 1}村" for number in range(count)}


def begins_at(now: datetime, years: int = YEARS) -> datetime:
    """When the story begins: the node is to be set up under a clock that says so."""
    return now - timedelta(days=round(years * 365.25))


def fill(store: Store, signer: Signer, residents: int, *, now: datetime, years: int = YEARS) -> Filled:
    """Puts residents and some years of their records into an empty node."""
    draw = random.Random(residents)
    started = time.perf_counter()
    start = begins_at(now, years)
    people: list[Person] = []
    with _filling(store, signer.account) as writing:
        for code in villages_for(residents):
            share = residents // len(villages_for(residents))
            _settle(writing, draw, code, share, start, people)
        _settle(writing, draw, code, residents - len(people), start, people)
    visits = sorted(_visits(draw, people, start, now))
    for first in range(0, len(visits), _BATCH):
        with _filling(store, signer.account) as writing:
            for at, number in visits[first : first + _BATCH]:
                _visit(writing, draw, people[number], signer, at)
    with _filling(store, signer.account) as writing:
        writing.be(signer.account, now)
        for person in people:
            _plan(writing, draw, person, now.date())
    return Filled(people=len(people), records=len(visits), seconds=time.perf_counter() - started)


def _settle(
    writing: _Filling, draw: random.Random, village: str, count: int, at: datetime, people: list[Person]
) -> None:
    """So many residents of a village, household by household."""
    organisation = writing.organisation
    serial = sum(person.village_code == village for person in people)
    left = count
    while left > 0:
        size = min(left, max(1, round(draw.gauss(_HOUSEHOLD, 1.4))))
        surname = draw.choices(list(SURNAMES), list(SURNAMES.values()))[0]
        group, household = draw.choice(_GROUPS), writing.new_id()
        members = []
        for place in range(size):
            serial += 1
            writing.be(writing.account, at)
            own = surname if place != 1 else draw.choices(list(SURNAMES), list(SURNAMES.values()))[0]
            members.append(_person(writing, draw, own, village, group, household, place, serial, at.date()))
        keep_household(
            writing,
            Household(
                id=household, organisation=organisation, village_code=village, head_id=members[0].id,
                villager_group=group, address=f"{group}{draw.randint(1, 120)}号",
            ),
        )  # fmt: skip
        for person in members:
            add_person(writing, person)
            writing.audit(Action.REGISTER_PERSON, person=person.id)
        people += members
        left -= size


_RELATIONS = (Relation.HEAD, Relation.SPOUSE, Relation.SON, Relation.DAUGHTER, Relation.GRANDCHILD, Relation.PARENT)


def _person(
    writing: _Filling,
    draw: random.Random,
    surname: str,
    village: str,
    group: str,
    household: str,
    place: int,
    serial: int,
    on: date,
) -> Person:
    man = place == 0 if place < 2 else draw.random() < 0.5
    age = draw.triangular(28, 90, 62) if place < 2 else draw.triangular(0, 60, 18)
    born = on - timedelta(days=int(age * 365.25))
    given = draw.choice(_MEN if man else _WOMEN)
    first17 = f"360731{born:%Y%m%d}{draw.randint(0, 49) * 2 + 100 * draw.randint(0, 9) + man:03}"
    number = first17 + check_digit(first17)
    relation = _RELATIONS[place] if place < len(_RELATIONS) else Relation.OTHER
    programmes = [Programme.OLD_AGE] if age >= 65 else []
    if age > 40 and draw.random() < 0.32:
        programmes.append(Programme.HYPERTENSION)
    if age > 40 and draw.random() < 0.12:
        programmes.append(Programme.DIABETES)
    code = ArchiveCode(county=village[:6], township=village[6:9], village=village[9:], serial=serial)
    return Person(
        id=writing.new_id(),
        organisation=writing.organisation,
        village_code=village,
        name=surname + given,
        sex=Sex.MALE if man else Sex.FEMALE,
        birth_on=born,
        ethnic_group="汉族",
        identifiers=(Identifier(kind=IdentifierKind.RESIDENT_ID, value=number),) if draw.random() < 0.97 else (),
        archive_code=code.text,
        household_id=household,
        relation=relation,
        villager_group=group,
        address=f"{group}{draw.randint(1, 120)}号",
        phone=f"1{draw.choice('3578')}{draw.randint(0, 999_999_999):09}" if age > 14 and draw.random() < 0.85 else "",
        insurance=(Insurance.RESIDENT,),
        programmes=tuple(programmes),
    )


def _visits(
    draw: random.Random, people: list[Person], start: datetime, end: datetime
) -> Iterator[tuple[datetime, int]]:
    """When each person is seen: the old and chronically ill more often, four times a year on average."""
    weights = [1.0 + 3.0 * bool(set(person.programmes) & set(_FOLLOW_UPS)) for person in people]
    mean = sum(weights) / len(weights)
    seconds = (end - start).total_seconds()
    years = seconds / (365.25 * 86_400)
    for number, weight in enumerate(weights):
        expected = years * VISITS_A_YEAR * weight / mean
        for _ in range(max(0, round(draw.gauss(expected, expected**0.5)))):
            yield start + timedelta(seconds=draw.uniform(0, seconds)), number


def _visit(writing: _Filling, draw: random.Random, person: Person, signer: Signer, at: datetime) -> None:
    """One encounter from opening the record to signing it."""
    writing.be(signer.account, at)
    chronic = [programme for programme in person.programmes if programme in _FOLLOW_UPS]
    regular = bool(chronic) and draw.random() < 0.7
    story = _FOLLOW_UPS[draw.choice(chronic)] if regular else draw.choice(_ILLNESSES)
    record = SignedRecord(
        format=1,
        id=writing.new_id(),
        encounter_id=writing.new_id(),
        organisation=writing.organisation,
        facility=writing.node.facility,
        node=writing.node.id,
        version=1,
        supersedes=None,
        reason="",
        person=PersonAsSigned(
            id=person.id, name=person.name, sex=person.sex, birth_on=person.birth_on, archive_code=person.archive_code
        ),
        signer=signer,
        signed_at=at,
        clock_doubtful=False,
        encounter=_encounter(draw, story, signer, at, regular=regular),
    )
    writing.audit(Action.VIEW_RECORD, person=person.id)
    writing.audit(Action.OPEN_DRAFT, person=person.id, subject=record.encounter_id)
    keep_record(writing, record)
    writing.audit(Action.SIGN_RECORD, person=person.id, subject=record.id)


def _encounter(draw: random.Random, story: Any, signer: Signer, at: datetime, *, regular: bool) -> Encounter:
    complaint, history, diagnoses, drugs, level = story
    measured = tuple(
        Measured(item=item, value=round(draw.gauss(mean, spread), digits), unit=unit, at=at, by=signer.name)
        for item, unit, mean, spread, digits in _READINGS
    )
    lines = tuple(
        PrescriptionLine(
            drug=drug, strength=strength, dose=dose, route=route, frequency=often, days=days, quantity="1盒"
        )
        for drug in drugs
        for strength, dose, route, often, days in (_DRUGS.get(drug, _ANY_DRUG),)
    )
    shares = sorted((draw.random() ** 3 for _ in range(10)), reverse=True)
    return Encounter(
        kind=EncounterKind.HOME_VISIT if draw.random() < 0.2 else EncounterKind.OUTPATIENT,
        occurred_at=at,
        texts={
            "chief_complaint": complaint,
            "history_of_present_illness": history,
            "physical_examination": "神志清，精神可，咽不红，双肺呼吸音清，未闻及啰音，心律齐，腹软，无压痛，双下肢无水肿。",
        },
        measured=measured,
        diagnoses=tuple(
            Diagnosis(
                name=name, icd10=code, certainty=Certainty.CONFIRMED if regular else Certainty.PROVISIONAL, chronic=regular
            )
            for name, code in diagnoses
        ),
        prescription=lines,
        advice="多喝水，注意休息，清淡饮食；三天不好或者加重马上来看，出现气紧、胸痛、意识不清打 120。",
        plan="按时吃药，下次带上在家量的血压记录。" if regular else "",
        next_visit_on=at.date() + timedelta(days=90) if regular else None,
        next_visit_reason=complaint if regular else "",
        decision=Decision(agreement=Agreement.ACCEPTED, triage=level),
        assessment=ShownAssessment(
            triage=level,
            provisional=False,
            reasons=(f"{complaint}，没有危险信号", "生命体征在正常范围内"),
            differential=tuple(
                (*disease, round(share / 2, 4)) for disease, share in zip(draw.sample(_DISEASES, 10), shares, strict=True)
            ),
            something_else=round(draw.uniform(0.02, 0.3), 4),
            must_exclude=tuple(draw.sample(_DANGERS, 2)),
            critical_values=(),
            referral=None,
            knowledge_version="b555c90e9d53",
            engine_version="0.2.0",
        ),
    )  # fmt: skip


def _plan(writing: _Filling, draw: random.Random, person: Person, today: date) -> None:
    """What goes on from visit to visit: problems, long-term drugs, an allergy now and then, the next visit."""

    def entry(kind: ListKind, name: str, **more: Any) -> None:
        add_entry(
            writing,
            ListEntry(
                id=writing.new_id(), organisation=writing.organisation, person_id=person.id, kind=kind, name=name, **more
            ),
        )  # fmt: skip

    chronic = [programme for programme in person.programmes if programme in _FOLLOW_UPS]
    for programme in chronic:
        complaint, _, ((name, code),), drugs, _ = _FOLLOW_UPS[programme]
        entry(ListKind.PROBLEM, name, code=code)
        entry(ListKind.MEDICATION, drugs[0], detail="每日一次")
        entry(ListKind.PLAN, complaint, due_on=today + timedelta(days=draw.randint(-20, 90)))
    if draw.random() < 0.05:
        entry(ListKind.ALLERGY, "青霉素", detail="皮疹")
    if chronic:
        writing.audit(Action.CHANGE_LIST, person=person.id)


def today_utc() -> datetime:
    """The present moment, where the story ends."""
    return datetime.now(UTC)
