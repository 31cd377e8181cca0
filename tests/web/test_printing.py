"""Printing: what stands on each sheet, on both papers, with rare characters, markup and long texts; never from a draft."""

import re
from datetime import date
from io import BytesIO

import pytest
from litestar.testing import TestClient
from node_for_tests import Node
from pypdf import PdfReader

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.encounter import Agreement, Decision, Diagnosis, Encounter, EncounterKind, Measured
from cunyi.domain.prescription import PrescriptionLine
from cunyi.journeys.consulting import begin_amendment, begin_draft, sign
from cunyi.journeys.opening_record import who_saw
from cunyi.reasoning.assess import assess
from cunyi.web.gate import COOKIE
from cunyi.web.language import COOKIE as LANGUAGE_COOKIE
from cunyi.web.printing.sheets import age_in_words

MARKUP = '#panic() $x$ *b* _i_ `r` <l> @cite \\ [c] ]{}" // /* = - + ~'
POINTS = {"a5": (419.53, 595.28), "a4": (595.28, 841.89)}


@pytest.fixture
def client(node: Node, mini):
    with TestClient(create_app(Config(), mini, seat=node.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


def line(drug="氨氯地平", **changes):
    values = {"strength": "5mg", "dose": "5mg", "route": "口服", "frequency": "每日1次", "days": 7.0, "quantity": "7片"}
    return PrescriptionLine(drug=drug, **{**values, **changes})


def written(node, **changes):
    now = node.clock()
    values = {
        "kind": EncounterKind.HOME_VISIT,
        "occurred_at": now,
        "texts": {"chief_complaint": "头晕两天", "physical_examination": "神清"},
        "measured": (
            Measured(item="systolic_mmhg", value=162.0, unit="mmHg", at=now, by="李建国"),
            Measured(item="diastolic_mmhg", value=78.0, unit="mmHg", at=now, by="李建国"),
            Measured(item="尿蛋白", value="2+", at=now, by="李建国", laboratory=True),
        ),
        "diagnoses": (Diagnosis(name="高血压", icd10="I10"),),
        "prescription": (line(),),
        "advice": "少吃盐",
        "plan": "一周后复测血压",
        "next_visit_on": date(2099, 1, 2),
        "next_visit_reason": "量血压",
        "decision": Decision(agreement=Agreement.ACCEPTED, triage="emergency"),
    }
    return Encounter(**{**values, **changes})


def signed(node, mini, person, encounter=None, *, draft=None, reason=""):
    draft = draft or begin_draft(node.store, node.account, person.id, {})
    proposed = assess({"id": "", "chief_complaint": "头晕两天"}, mini)
    return sign(
        node.store, node.account, draft.id, encounter or written(node), [], proposed=proposed, reason=reason,
        now=node.clock(),
    )  # fmt: skip


def pdf(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert re.fullmatch(r'inline; filename="[a-z]+-a[45]\.pdf"', answer.headers["content-disposition"])
    assert "no-store" in answer.headers["cache-control"]
    return PdfReader(BytesIO(answer.content))


def words(reader):
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in reader.pages))


def fonts(reader):
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            yield inner["/FontName"], "/FontFile3" in inner or "/FontFile2" in inner


@pytest.mark.parametrize("paper", ["a5", "a4"])
@pytest.mark.parametrize("sheet", ["encounter", "prescription", "readings"])
def test_every_sheet_has_its_paper_and_brings_its_fonts(client, node, mini, sheet, paper):
    person = node.register("周大福")
    record = signed(node, mini, person)
    subject = person.id if sheet == "readings" else record.encounter_id
    reader = pdf(client, f"/print/{sheet}/{subject}?paper={paper}")
    assert len(reader.pages) == 1
    assert [float(each) for each in reader.pages[0].mediabox[2:]] == pytest.approx(POINTS[paper], abs=0.5)
    found = list(fonts(reader))
    assert found and all(embedded and re.match(r"/[A-Z]{6}\+Noto", name) for name, embedded in found)
    assert "周大福" in words(reader)


def test_the_record_holds_everything_that_was_signed(client, node, mini):
    client.cookies.set(LANGUAGE_COOKIE, "en")
    record = signed(node, mini, node.register("周大福"))
    text = words(pdf(client, f"/print/encounter/{record.encounter_id}"))
    for each in (
        "上坪村卫生室", "出诊接诊记录", "男", "岁", "36073110120100001", "头晕两天", "神清", "收缩压162mmHg", "尿蛋白2+",
        "高血压I10", "氨氯地平5mg×7片", "每日1次", "少吃盐", "一周后复测血压", "2099-01-02量血压", "立即转诊", "李建国",
        "第1版", "不代替医生",
    ):  # fmt: skip
        assert each in text, each


def test_the_prescription_has_its_three_parts(client, node, mini):
    person = node.register("周大福", insurance=["resident"])
    record = signed(node, mini, person)
    text = words(pdf(client, f"/print/prescription/{record.encounter_id}"))
    for each in (
        "处方编号", "居民医保", "临床诊断：高血压", "Rp", "1.氨氯地平5mg×7片", "用法：5mg口服每日1次7天", "审核", "调配",
        "核对", "发药", "药费", "当日有效",
    ):  # fmt: skip
        assert each in text, each
    assert "皮试" not in text


def test_six_drugs_take_two_sheets(client, node, mini):
    lines = tuple(line(drug=f"药品{n}") for n in range(6))
    record = signed(node, mini, node.register("周大福"), written(node, prescription=lines))
    reader = pdf(client, f"/print/prescription/{record.encounter_id}")
    assert len(reader.pages) == 2
    assert "药品4" in reader.pages[0].extract_text() and "药品5" not in reader.pages[0].extract_text()
    assert "药品5" in reader.pages[1].extract_text()


def test_a_draft_and_a_visit_without_drugs_print_no_prescription(client, node, mini):
    draft = begin_draft(node.store, node.account, node.register("周大福").id, {})
    refused = client.get(f"/print/prescription/{draft.encounter_id}")
    assert refused.status_code == 400 and "签名以后才能打印" in refused.text
    record = signed(node, mini, node.register("李桂兰"), written(node, prescription=()))
    assert "没有开药" in client.get(f"/print/prescription/{record.encounter_id}").text
    assert client.get(f"/print/encounter/{record.encounter_id}?paper=a3").status_code == 400


def test_a_superseded_version_says_that_it_is_void(client, node, mini):
    record = signed(node, mini, node.register("周大福"))
    draft = begin_amendment(node.store, node.account, record.encounter_id, {})
    signed(node, mini, None, draft=draft, reason="写错剂量")
    address = f"/print/prescription/{record.encounter_id}"
    assert "已作废" in words(pdf(client, f"{address}?version=1"))
    assert "已作废" not in words(pdf(client, address))
    newest = words(pdf(client, f"/print/encounter/{record.encounter_id}"))
    assert "第2版" in newest and "更正原因：写错剂量" in newest


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\U00020bb7野", "〓=U+20BB7"),
        ("王\ue863", "〓=U+E863"),
        (
            "阿不都热依木江·买买提吐尔逊·阿卜杜拉赫曼古丽努尔汗艾力木",
            "阿不都热依木江·买买提吐尔逊·阿卜杜拉赫曼古丽努尔汗艾力木",
        ),
    ],
)
def test_no_character_of_a_name_vanishes(client, node, mini, name, shown):
    record = signed(node, mini, node.register(name))
    for sheet in ("encounter", "prescription"):
        text = words(pdf(client, f"/print/{sheet}/{record.encounter_id}"))
        assert shown in text or name in text, text


def test_markup_in_a_patients_words_is_only_text(client, node, mini):
    changes = {"texts": {"chief_complaint": MARKUP}, "advice": MARKUP, "prescription": (line(note=MARKUP),)}
    record = signed(node, mini, node.register("周大福"), written(node, **changes))
    wanted = re.sub(r"\s+", "", MARKUP)
    assert words(pdf(client, f"/print/encounter/{record.encounter_id}")).count(wanted) == 3
    assert wanted in words(pdf(client, f"/print/prescription/{record.encounter_id}"))


def test_long_texts_flow_on(client, node, mini):
    long = "".join(f"第{n}句病人说头晕。" for n in range(400))
    record = signed(node, mini, node.register("周大福"), written(node, advice=long))
    reader = pdf(client, f"/print/encounter/{record.encounter_id}")
    assert len(reader.pages) > 1
    assert "第399句" in words(reader) and "第200句" in words(reader)


def test_the_villager_reads_plain_words(client, node, mini):
    person = node.register("周大福")
    signed(node, mini, person)
    text = words(pdf(client, f"/print/readings/{person.id}"))
    for each in ("162mmHg偏高", "少吃盐", "2099-01-02量血压", "卫生室电话"):
        assert each in text, each


def test_a_print_is_written_down(client, node, mini):
    person = node.register("周大福")
    record = signed(node, mini, person)
    client.get(f"/print/encounter/{record.encounter_id}")
    entries = [entry for entry in who_saw(node.store, node.account, person.id) if entry.action == "print"]
    assert [(entry.subject, entry.detail) for entry in entries] == [(record.id, "encounter a5")]


def test_nobody_prints_without_being_signed_in(client, node, mini):
    record = signed(node, mini, node.register("周大福"))
    client.cookies.clear()
    answer = client.get(f"/print/encounter/{record.encounter_id}", follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/login")


@pytest.mark.parametrize(
    ("born", "age"),
    [
        (date(2026, 5, 1), "9 天"),
        (date(2026, 1, 11), "3 个月"),
        (date(2024, 2, 10), "2 岁 3 个月"),
        (date(1960, 5, 11), "65 岁"),
        (None, "不详"),
    ],
)
def test_the_age_is_in_days_and_months_for_small_children(born, age):
    assert age_in_words(born, date(2026, 5, 10)) == age


def test_a_usual_value_is_called_usual_and_an_unknown_one_nothing(client, node, mini):
    person = node.register("周大福")
    taken = Measured(item="systolic_mmhg", value=118.0, unit="mmHg", at=node.clock(), by="李建国")
    result = Measured(item="尿蛋白", value="2+", at=node.clock(), by="李建国", laboratory=True)
    signed(node, mini, person, written(node, measured=(taken, result)))
    text = words(pdf(client, f"/print/readings/{person.id}"))
    assert "118mmHg正常" in text and "2+医生的嘱咐" in text
