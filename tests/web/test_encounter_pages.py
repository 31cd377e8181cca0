"""The encounter: kept as it is typed, assessed beside it, checked, signed once, corrected by a new version."""

import contextlib
import re
import time
from datetime import timedelta

import pytest
from litestar.testing import TestClient
from node_for_tests import LOGIN, PASSWORD, Node, log_in
from playwright.sync_api import Error
from tests.real_knowledge import real_knowledge
from waiting import pressed

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.encounter import ListKind
from cunyi.journeys.keeping_lists import add_to_list
from cunyi.reasoning.following_up import next_visit
from cunyi.store.drafts import drafts_of_account
from cunyi.store.lists import entries_of
from cunyi.store.records import timeline, versions
from cunyi.web.doctor.form import read_form
from cunyi.web.doctor.reading import readings
from cunyi.web.doctor.wording import Wording
from cunyi.web.gate import COOKIE

WRITTEN = {
    "kind": "outpatient",
    "occurred_on": "2026-11-20",
    "occurred_time": "09:30",
    "chief_complaint": "咳嗽、发热3天",
    "temperature_c": "38.6",
    "diagnosis_name": "肺炎",
    "diagnosis_certainty": "provisional",
    "diagnosis_chronic": "no",
    "advice": "多喝水",
    "window": "w1",
    "stroke": "1",
}


@pytest.fixture
def client(node: Node, mini):
    with TestClient(create_app(Config(), mini, seat=node.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


def until(condition, seconds=10):
    """Waits for something that the page does by itself."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def begin(client, person, **fields):
    answer = client.post(f"/people/{person.id}/encounter", data=fields, follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["location"]


def drafts(node):
    with node.store.reading() as connection:
        return drafts_of_account(connection, node.account.organisation, node.account.id)


def kept(node, encounter_id):
    with node.store.reading() as connection:
        return versions(connection, node.account.organisation, encounter_id)


def sign(client, where, **changes):
    return client.post(f"{where}/sign", data={**WRITTEN, **changes}, follow_redirects=False)


def test_what_is_typed_is_kept_and_there_again(client, node):
    person = node.register("周大福")
    where = begin(client, person)
    answer = client.post(f"{where}/keep", data=WRITTEN)
    assert answer.status_code == 200 and 'id="triage"' in answer.text
    page = client.get(where).text
    assert "咳嗽、发热3天" in page and 'value="38.6"' in page and 'value="肺炎"' in page and "多喝水" in page
    assert begin(client, person) == where, "a second encounter with the same person goes on with the draft"


def test_an_encounter_that_cannot_be_signed_says_why_and_keeps_everything(client, node):
    where = begin(client, node.register("周大福"))
    answer = sign(client, where, chief_complaint="", diagnosis_name="", temperature_c="abc", next_visit_on="2026-02-31")
    assert answer.status_code == 400
    assert "体温“abc”读不懂" in answer.text and "下次随访日期要写成" in answer.text
    assert 'value="abc"' in answer.text and "多喝水" in answer.text
    answer = sign(client, where, chief_complaint=" ", diagnosis_name="")
    assert "请填写主诉" in answer.text and "请写诊断" in answer.text
    answer = sign(client, where, occurred_on="2126-01-01")
    assert "就诊时间在现在以后" in answer.text
    assert drafts(node)[0].form["advice"] == ["多喝水"]
    assert timeline_of(node) == []


def test_swapped_pressures_are_told_and_keep_from_signing(client, node):
    where = begin(client, node.register("周大福"))
    told = client.post(f"{where}/keep", data={**WRITTEN, "systolic_mmhg": "74", "diastolic_mmhg": "118"}).text
    assert re.search(r'id="note-systolic_mmhg"[^>]*>\s*<b[^>]*>收缩压应高于舒张压，是不是填反了', told)
    answer = sign(client, where, systolic_mmhg="74", diastolic_mmhg="118")
    assert answer.status_code == 400 and "是不是填反了" in answer.text
    assert timeline_of(node) == []
    signed = sign(client, where, systolic_mmhg="118/74", diastolic_mmhg="")
    assert signed.status_code == 303
    measured = kept(node, signed.headers["location"].rsplit("/", 1)[-1])[-1].record.encounter.measured
    assert [(each.item, each.value) for each in measured][1:] == [("systolic_mmhg", 118.0), ("diastolic_mmhg", 74.0)]


def test_a_result_of_another_day_is_signed_with_its_day_and_comes_back_with_it(client, node):
    where = begin(client, node.register("周大福"))
    signed = sign(client, where, lab_name="白细胞", lab_value="13.2", lab_unit="10^9/L", lab_on="2026-03-02")
    address = signed.headers["location"]
    measured = kept(node, address.rsplit("/", 1)[-1])[-1].record.encounter.measured
    assert measured[-1].at.astimezone().date().isoformat() == "2026-03-02"
    assert "2026-03-02" in client.get(address).text
    correction = client.post(f"/records/{address.rsplit('/', 1)[-1]}/amend", follow_redirects=False).headers["location"]
    assert 'name="lab_on" type="date" value="2026-03-02"' in client.get(correction).text


def timeline_of(node):
    with node.store.reading() as connection:
        people = [row.person_id for row in drafts(node)]
        return timeline(connection, node.account.organisation, people)


def test_a_signed_encounter_holds_what_was_written_shown_and_decided(client, node):
    where = begin(client, node.register("周大福"))
    answer = sign(
        client,
        where,
        lab_name="白细胞",
        lab_value="13.2",
        lab_unit="10^9/L",
        next_visit_on="2126-12-01",
        next_visit_reason="复查胸片",
        diagnosis_chronic="yes",
    )
    assert answer.status_code == 303, answer.text
    record = kept(node, answer.headers["location"].rsplit("/", 1)[1])[0].record
    content = record.encounter
    assert content.texts == {"chief_complaint": "咳嗽、发热3天"} and content.advice == "多喝水"
    assert [(m.item, m.value, m.by) for m in content.measured] == [
        ("temperature_c", 38.6, "李建国"),
        ("白细胞", 13.2, "李建国"),
    ]
    assert content.diagnoses[0].disease == "pneumonia" and content.diagnoses[0].icd10
    assert content.decision.agreement == "accepted" and content.decision.triage == content.assessment.triage
    assert (
        "pneumonia" in [shown[0] for shown in content.assessment.differential] and content.assessment.knowledge_version
    )
    assert record.version == 1 and record.signer.name == "李建国" and drafts(node) == []
    with node.store.reading() as connection:
        entries = entries_of(connection, record.organisation, [record.person.id])
    assert {(entry.kind, entry.name) for entry in entries} == {
        (ListKind.PROBLEM, "肺炎"),
        (ListKind.PLAN, "复查胸片"),
    }


def test_a_milder_decision_needs_a_reason(client, node):
    where = begin(client, node.register("周大福"))
    grave = {"chief_complaint": "胸痛2小时", "history_of_present_illness": "压榨样胸痛，大汗", "systolic_mmhg": "82"}
    answer = sign(client, where, **grave, decided_level="self_care")
    assert answer.status_code == 400 and "比系统建议的轻" in answer.text
    answer = sign(client, where, **grave, decided_level="self_care", decision_reason="已在县医院排除")
    assert answer.status_code == 303
    decision = kept(node, answer.headers["location"].rsplit("/", 1)[1])[0].record.encounter.decision
    assert decision.reason == "已在县医院排除" and decision.triage == "self_care"


def test_an_allergy_stops_the_signature_until_a_reason_is_given(client, node):
    person = node.register("周大福")
    add_to_list(node.store, node.account, person.id, ListKind.ALLERGY, name="青霉素", today=node.clock().date())
    where = begin(client, person)
    drug = {"drug_name": "阿莫西林", "drug_days": "3"}
    page = client.post(f"{where}/keep", data={**WRITTEN, **drug}).text
    key = re.search(r'name="override_key" value="([^"]+)"', page)[1]
    assert "青霉素" in page and "concern-stop" in page
    assert sign(client, where, **drug).status_code == 400
    answer = sign(client, where, **drug, override_key=key, override_reason="皮试阴性，既往多次使用")
    assert answer.status_code == 303
    override = kept(node, answer.headers["location"].rsplit("/", 1)[1])[0].record.encounter.overrides[0]
    assert override.reason == "皮试阴性，既往多次使用" and "青霉素" in override.message


def test_a_reason_is_for_a_warning_as_grave_and_an_empty_box_takes_none_away(client, node):
    person = node.register("周大福")
    add_to_list(node.store, node.account, person.id, ListKind.ALLERGY, name="青霉素", today=node.clock().date())
    where = begin(client, person)
    drug = {"drug_name": "阿莫西林", "drug_days": "3"}
    key = re.search(
        r'name="override_key" value="([^"]+)"', client.post(f"{where}/keep", data={**WRITTEN, **drug}).text
    )[1]
    kind, severity, drugs = key.split(":")
    milder = f"{kind}:advise:{drugs}"
    assert severity != "advise"
    assert sign(client, where, **drug, override_key=milder, override_reason="皮试阴性").status_code == 400
    answer = sign(client, where, **drug, override_key=[key, key], override_reason=["皮试阴性", ""])
    assert answer.status_code == 303


def test_a_correction_is_a_new_version_with_a_reason(client, node):
    where = begin(client, node.register("周大福"))
    record = sign(client, where).headers["location"]
    encounter_id = record.rsplit("/", 1)[1]
    first = kept(node, encounter_id)[0]
    again = client.post(f"/records/{encounter_id}/amend", follow_redirects=False).headers["location"]
    page = client.get(again).text
    assert "咳嗽、发热3天" in page and 'value="38.6"' in page and 'value="肺炎"' in page
    assert "请写明更正的原因" in sign(client, again, advice="多休息").text
    assert sign(client, again, advice="多休息", amendment_reason="写错了").status_code == 303
    old, new = kept(node, encounter_id)
    assert old == first, "the first version is not touched"
    assert new.record.supersedes == old.record.id and new.record.reason == "写错了"
    assert new.record.encounter.advice == "多休息" and new.record.version == 2


def test_two_windows_keep_both_texts(client, node):
    where = begin(client, node.register("周大福"))
    client.post(f"{where}/keep", data={**WRITTEN, "revision": "1", "window": "a", "stroke": "1", "advice": "甲"})
    answer = client.post(
        f"{where}/keep", data={**WRITTEN, "revision": "1", "window": "b", "stroke": "1", "advice": "乙"}
    )
    assert 'id="keep-mine"' in answer.text
    assert {draft.form["advice"][0] for draft in drafts(node)} == {"甲", "乙"}
    answer = client.post(
        f"{where}/keep",
        data={**WRITTEN, "revision": "1", "window": "b", "stroke": "2", "advice": "乙", "over": "yes"},
    )
    assert 'id="keep-mine"' not in answer.text
    assert {(draft.aside_of is None, draft.form["advice"][0]) for draft in drafts(node)} >= {
        (True, "乙"),
        (False, "甲"),
    }


def test_an_empty_encounter_offers_no_example_case(client, node):
    page = client.get(begin(client, node.register("周大福"))).text
    assert "写下病人说的" in page and "示例病例" not in page, "those are of the workbench alone"


def test_an_overtaken_request_does_not_bring_old_words_back(client, node):
    where = begin(client, node.register("周大福"))
    client.post(f"{where}/keep", data={**WRITTEN, "stroke": "2", "advice": "新"})
    client.post(f"{where}/keep", data={**WRITTEN, "stroke": "1", "advice": "旧"})
    assert drafts(node)[0].form["advice"] == ["新"]


def test_the_same_words_sent_twice_by_a_page_that_is_left_are_no_change(client, node):
    where = begin(client, node.register("周大福"))
    client.post(f"{where}/keep", data={**WRITTEN, "stroke": "1"})
    before = drafts(node)[0].revision
    client.post(f"{where}/keep", data={**WRITTEN, "stroke": "2"})
    assert drafts(node)[0].revision == before
    # The page that comes next goes on from there, without a second copy.
    client.post(f"{where}/keep", data={**WRITTEN, "revision": str(before), "window": "w2", "advice": "多休息"})
    assert [draft.form["advice"] for draft in drafts(node)] == [["多休息"]]


def test_the_past_is_given_to_the_assessment(client, node):
    person = node.register("周大福")
    add_to_list(node.store, node.account, person.id, ListKind.PROBLEM, name="高血压", today=node.clock().date())
    where = begin(client, person)
    page = client.get(where).text
    assert "高血压" in page
    signed = sign(client, where)
    assert signed.status_code == 303
    page = client.get(begin(client, person)).text
    assert "38.6" in page, "the last readings stand beside the next encounter"


def test_a_follow_up_is_filled_in_and_comes_sooner_when_the_pressure_is_high(client, node):
    where = begin(client, node.register("周大福"), follow_up="hypertension")
    page = client.get(where).text
    assert "高血压随访" in page and 'id="no-complaints"' in page
    answer = client.post(f"{where}/keep", data={**WRITTEN, "follow_up": "hypertension", "systolic_mmhg": "162"})
    assert "血压未达标" in answer.text and "data-next-visit" in answer.text
    answer = client.post(f"{where}/keep", data={**WRITTEN, "follow_up": "hypertension", "systolic_mmhg": "128"})
    assert "data-next-visit" not in answer.text


def test_pregnancy_is_asked_in_the_years_in_which_it_counts(client, node):
    for born, asked in (("1950-01-01", False), ("1997-01-01", True)):
        person = node.register("李桂兰", sex="female", birth_on=born)
        assert ('id="pregnant"' in client.get(begin(client, person)).text) is asked


def test_a_single_injection_of_the_past_is_no_current_drug(client, node):
    person = node.register("周大福")
    once = {"drug_name": "某某免疫球蛋白", "drug_route": "肌内注射", "drug_frequency": "立即", "drug_days": "1"}
    course = {"drug_name": "某某片", "drug_route": "口服", "drug_frequency": "每日1次", "drug_days": "7"}
    both = {name: [once[name], course[name]] for name in once}
    day = (node.clock().astimezone() - timedelta(days=3)).date().isoformat()
    for _ in range(2):
        assert sign(client, begin(client, person), **both, occurred_on=day).status_code == 303
    page = client.get(begin(client, person)).text
    glance = page[page.index("正在用的药") :][:400]
    assert glance.count("某某片") == 1 and "免疫球蛋白" not in glance


@pytest.mark.parametrize(
    ("glucose", "taken", "sooner", "usual"),
    [
        ("7.8", "fasting", True, "3.9–6"),
        ("6.5", "fasting", False, "3.9–6"),
        ("7.8", "fed", False, "3.9–11"),
        ("10.4", "fed", True, "3.9–11"),
        ("7.8", "", False, "3.9–11"),
        ("3.6", "fasting", True, "3.9–6"),
    ],
)
def test_a_follow_up_judges_glucose_by_how_it_was_taken(glucose, taken, sooner, usual):
    knowledge = real_knowledge()
    sent = {"glucose_mmol_l": [glucose], "glucose_taken": [taken], "age": ["66"]}
    form = read_form(sent, knowledge)
    programme = knowledge.content.follow_ups["diabetes"]
    assert bool(next_visit(programme, form.case, knowledge).why) is sooner
    (box,) = [b for b in readings(form, knowledge, Wording(knowledge, "zh")) if b.field == "glucose_mmol_l"]
    assert box.value == glucose and box.normal == usual


def test_a_session_that_ended_while_typing_loses_nothing(client, node):
    where = begin(client, node.register("周大福"))
    client.post(f"{where}/keep", data=WRITTEN)
    node.seat.lock(node.token)
    answer = client.post(f"{where}/keep", data={**WRITTEN, "advice": "锁屏后"}, headers={"HX-Request": "true"})
    assert answer.status_code == 423
    node.seat.unlock(node.token, PASSWORD)
    assert client.post(f"{where}/keep", data={**WRITTEN, "stroke": "2", "advice": "锁屏后"}).status_code == 200
    node.seat.sign_out(node.token)
    answer = client.post(f"{where}/keep", data=WRITTEN, headers={"HX-Request": "true"})
    assert answer.status_code == 401
    token, _ = node.seat.sign_in(LOGIN, PASSWORD)
    client.cookies.set(COOKIE, token)
    assert "锁屏后" in client.get(where).text


def test_a_page_of_elsewhere_cannot_post_here(client, node):
    where = begin(client, node.register("周大福"))
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        assert client.post(f"{where}/keep", data=WRITTEN, headers=headers).status_code == 403
    assert client.post(f"{where}/keep", data=WRITTEN, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_draft_is_thrown_away_only_at_the_doctors_wish(client, node):
    person = node.register("周大福")
    where = begin(client, person)
    answer = client.post(f"{where}/discard", follow_redirects=False)
    assert answer.headers["location"] == f"/people/{person.id}" and drafts(node) == []
    assert client.get(where).status_code == 400


def test_the_doctor_writes_sees_and_signs_in_the_browser(page, node, node_address):
    page.refusals_expected = True
    person = node.register("周大福")
    add_to_list(node.store, node.account, person.id, ListKind.ALLERGY, name="青霉素", today=node.clock().date())
    log_in(page, node_address)
    page.goto(f"{node_address}/")
    page.evaluate(
        """id => { const form = document.createElement("form"); form.method = "post";
        form.action = `/people/${id}/encounter`; document.body.append(form); form.submit(); }""",
        person.id,
    )
    page.wait_for_url("**/encounters/**")
    page.fill("#chief_complaint", "咳嗽、发热3天")
    page.fill("#temperature_c", "38.6")
    page.wait_for_selector("[data-diagnosis]")
    page.click("[data-diagnosis] >> nth=0")
    page.fill("[name=drug_name]", "阿莫西林")
    page.wait_for_selector(".concern-stop")
    until(lambda: drafts(node)[0].form.get("drug_name") == ["阿莫西林"])
    page.reload()
    assert page.input_value("#chief_complaint") == "咳嗽、发热3天"
    assert page.input_value("[name=drug_name]") == "阿莫西林"
    page.click("#sign")
    page.wait_for_selector("#sign-errors")
    page.fill("[name=drug_name]", "")
    page.wait_for_selector(".concern-stop", state="detached")
    page.click("#sign")
    page.wait_for_url("**/records/**")
    page.wait_for_load_state("networkidle")
    assert drafts(node) == []


@pytest.mark.parametrize("opinion", [False, True])
def test_a_way_out_is_taken_once_what_was_typed_is_kept(desktop, node, node_address, opinion):
    page = desktop
    person = node.register("周大福")
    log_in(page, node_address)
    page.goto(f"{node_address}/people/{person.id}")
    pressed(page, "form[action$='/encounter'] button.main-tap")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    if opinion:
        # An opinion that is open follows the form by requests of its own.
        page.fill("#chief_complaint", "胸痛")
        page.click("#opinion-ask")
        page.wait_for_selector("#opinion-live", state="attached")

    # Held until the way out has been pressed: an answer that comes in the middle of the press would move what is pressed.
    held, released = [], []

    def hold(route):
        held.append(route)
        if released:
            route.continue_()

    page.route("**/keep", hold)
    page.fill("#chief_complaint", "胸痛2小时")
    while not held:
        page.wait_for_timeout(50)
    page.click("#refer")
    page.wait_for_timeout(300)
    assert held and "/refer?" not in page.url, "not before it is kept"
    released.append(True)
    for route in held:
        # One that a newer keeping took the place of is gone.
        with contextlib.suppress(Error):
            route.continue_()
    page.wait_for_url("**/refer?**")
    assert asked == [] and drafts(node)[0].form["chief_complaint"] == ["胸痛2小时"]


def test_a_way_out_is_asked_about_where_no_answer_to_the_keeping_comes(desktop, node, node_address):
    page = desktop
    person = node.register("周大福")
    log_in(page, node_address)
    page.goto(f"{node_address}/people/{person.id}")
    pressed(page, "form[action$='/encounter'] button.main-tap")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.route("**/keep", lambda route: None)
    page.fill("#chief_complaint", "胸痛2小时")
    page.click("#refer")
    page.wait_for_url("**/refer?**")
    assert asked == ["beforeunload"]


def test_the_screen_locks_over_the_page_and_what_was_typed_stays(desktop, node, node_address):
    page = desktop
    page.refusals_expected = True
    person = node.register("周大福")
    log_in(page, node_address)
    page.evaluate(
        """id => { const form = document.createElement("form"); form.method = "post";
        form.action = `/people/${id}/encounter`; document.body.append(form); form.submit(); }""",
        person.id,
    )
    page.wait_for_url("**/encounters/**")
    page.fill("#chief_complaint", "头痛")
    page.click("#lock-now button")
    page.wait_for_selector("#unlock-dialog[open]")
    page.keyboard.press("Escape")
    assert page.is_visible("#unlock-dialog")
    page.fill("#unlock-secret", "wrong")
    page.press("#unlock-secret", "Enter")
    page.wait_for_selector("#unlock-trouble:not([hidden])")
    page.fill("#unlock-secret", PASSWORD)
    page.press("#unlock-secret", "Enter")
    page.wait_for_selector("#unlock-dialog:not([open])", state="attached")
    assert page.input_value("#chief_complaint") == "头痛"
    until(lambda: drafts(node)[0].form.get("chief_complaint") == ["头痛"])
