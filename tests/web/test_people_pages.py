"""Finding, registering, changing and merging people: in requests and in the browser."""

import re
import time
from datetime import date
from pathlib import Path

import pytest
from litestar.testing import TestClient
from msgspec.structs import replace
from node_for_tests import PASSWORD, Node, log_in
from playwright.sync_api import Page, expect
from waiting import arrived, pressed

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.account import Role
from cunyi.domain.person import Person, PersonStatus, Programme, Relation
from cunyi.journeys.keeping_households import open_household
from cunyi.store.merging import merges_of
from cunyi.store.people import household_by_id, person_by_id, person_in_use, replace_person
from cunyi.web.gate import COOKIE

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
# Numbers of nobody: built by the rule for test villages.
WOMAN = "360731198506154025"
MAN = "36073119491231003X"
UPPER, LOWER = "360731101201", "360731101202"
FORM = {"name": "赖春妹", "village_code": UPPER, "sex": "female", "birth_on": "1970-02-03", "household_id": ""}


@pytest.fixture
def client(node: Node, mini):
    with TestClient(create_app(Config(), mini, seat=node.seat), raise_server_exceptions=False) as client:
        client.cookies.set(COOKIE, node.token)
        yield client


def seriously_wrong(page: Page) -> list[str]:
    assert AXE.exists(), "npm ci --ignore-scripts brings axe-core"
    arrived(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def stored(node: Node, person_id: str) -> Person:
    with node.store.reading() as connection:
        person = person_by_id(connection, node.account.organisation, person_id)
    assert person is not None
    return person


def everybody(client) -> str:
    return client.get("/people").text


def register(client, **changes):
    return client.post("/people/new", data={**FORM, **changes}, follow_redirects=False)


def registered(node: Node, client, **changes) -> Person:
    answer = register(client, **changes)
    assert answer.status_code == 303, answer.text
    return stored(node, answer.headers["location"].rsplit("/", 1)[1])


def edit(client, person: Person, **changes):
    """The whole form of a person sent again with some fields changed, as a browser would."""
    page = client.get(f"/people/{person.id}/edit").text
    sent: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page.split('id="person-form"')[1]):
        name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and (('type="checkbox"' not in tag and 'type="radio"' not in tag) or " checked" in tag):
            sent.setdefault(name[1], []).append(value[1] if value else "")
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)"[^>]* selected', options)
        sent[name] = [chosen[1] if chosen else ""]
    sent |= {name: value if isinstance(value, list) else [value] for name, value in changes.items()}
    return client.post(f"/people/{person.id}/edit", data=sent, follow_redirects=False)


def nurse(node: Node, client) -> None:
    node.seat.add_account(
        "system", login="nurse", name="护士", role=Role.NURSE, password="valley-road-7", areas=(UPPER,)
    )
    token, _ = node.seat.sign_in("nurse", "valley-road-7")
    client.cookies.set(COOKIE, token)


def test_people_are_found_by_what_is_said_and_their_papers_stay_masked(client, node):
    node.register("周大福", identifier=MAN, phone="13800138000", new_household="1", villager_group="三组")
    node.register("陈小燕", village_code=LOWER)
    assert "周大福" in everybody(client) and "陈小燕" in everybody(client)
    for words in ("周大", "zhoudafu", "zdf", "8000", "003X"):
        answer = client.post("/people/search", data={"words": words})
        assert "周大福" in answer.text and "陈小燕" not in answer.text, words
    assert "三组" in answer.text and "上坪村" in answer.text and "8000" in answer.text
    assert MAN not in answer.text and "13800138000" not in answer.text
    in_lower = client.post("/people/search", data={"words": "", "village": LOWER}).text
    assert "陈小燕" in in_lower and "周大福" not in in_lower


def test_two_of_one_name_age_and_village_are_told_apart_wherever_one_is_chosen(client, node):
    twins = [registered(node, client, name="周大福", birth_on="1960-02-03")]
    again = register(client, name="周大福", birth_on="1960-05-06")
    assert again.status_code == 400 and "1960-02-03 出生" in again.text, "the warning shows whom it means"
    assert "档案号尾号 00001" in again.text
    twins.append(registered(node, client, name="周大福", birth_on="1960-05-06", not_the_same=twins[0].id))
    for person in twins:
        client.post(f"/people/{person.id}/check-in", data={"why": "头晕"})
        client.post(f"/people/{person.id}/encounter", follow_redirects=False)
    search = client.post("/people/search", data={"words": "周大福"}).text
    today = client.get("/").text
    queue, drafts = today[today.index('id="queue"') :], today[today.index('id="drafts-title"') :]
    waiting = client.get("/preconsultations").text
    for where in (search, queue, drafts, waiting):
        for person in twins:
            assert f"{person.birth_on} 出生" in where and f"档案号尾号 {person.archive_code[-5:]}" in where
    for person in twins:
        encounter = client.post(f"/people/{person.id}/encounter").text
        for head in (client.get(f"/people/{person.id}").text, encounter, client.get(f"/people/{person.id}/refer").text):
            assert f"{person.birth_on} 出生" in head and f"档案编号 {person.archive_code}" in head


@pytest.mark.parametrize(
    ("typed", "ticked", "born"),
    [
        ("1953", "1", date(1953, 1, 1)),
        ("１９５３年", "1", date(1953, 1, 1)),
        ("72岁", "", None),
        ("72", "", None),
        ("七二", "1", ""),
        ("1953", "", ""),
        ("1953-06-15", "", date(1953, 6, 15)),
        ("0000", "1", ""),
        ("300", "", ""),
    ],
)
def test_a_year_or_an_age_will_do_where_the_day_is_not_known(client, node, typed, ticked, born):
    answer = register(client, birth_on=typed, birth_estimated=ticked)
    if born == "":
        assert answer.status_code == 400 and f'value="{typed}"' in answer.text, "what was typed stays"
        assert ("勾选“估计的" in answer.text) is (typed != "300"), "the way out is told"
        return
    assert answer.status_code == 303, answer.text
    person = stored(node, answer.headers["location"].rsplit("/", 1)[1])
    year = node.clock().astimezone().year - 72
    assert person.birth_on == (born or date(year, 1, 1))
    assert person.birth_estimated is (typed != "1953-06-15")
    shown = client.get(f"/people/{person.id}").text
    if person.birth_estimated:
        assert f"约 {person.birth_on.year} 年出生" in shown
        assert (
            f'name="birth_on" type="text" value="{person.birth_on.year}"'
            in client.get(f"/people/{person.id}/edit").text
        )


def test_the_birth_date_is_marked_as_needed_and_an_age_becomes_its_year(desktop, node, node_address):
    log_in(desktop, node_address)
    desktop.goto(f"{node_address}/people/new")
    assert "必填" in desktop.inner_text("label[for=birth_on]")
    desktop.fill("#birth_on", "72 岁")
    desktop.press("#birth_on", "Tab")
    year = node.clock().astimezone().year - 72
    expect(desktop.locator("#age-says")).to_have_text(f"72 岁：按 {year} 年出生记")
    expect(desktop.locator("#birth_on")).to_have_value(str(year))
    expect(desktop.locator("[name=birth_estimated]")).to_be_checked()
    # A number of papers says the very day.
    desktop.fill("#birth_on", "")
    desktop.fill("#identifier", WOMAN)
    expect(desktop.locator("#birth_on")).to_have_value("1985-06-15")
    expect(desktop.locator("[name=birth_estimated]")).not_to_be_checked()


def test_a_search_as_typed_gives_the_list_alone(client, node):
    node.register("周大福")
    answer = client.post("/people/search", data={"words": "zdf"}, headers={"HX-Request": "true"}).text
    assert answer.lstrip().startswith('<div id="results"') and "<html" not in answer


def test_nobody_found_leads_on_with_what_was_typed(client, node):
    answer = client.post("/people/search", data={"words": "赖春妹"}).text
    assert 'action="/people/new/begin"' in answer and 'name="words" value="赖春妹"' in answer
    assert 'name="name" type="text" value="赖春妹"' in client.post("/people/new/begin", data={"words": "赖春妹"}).text
    number = client.post("/people/new/begin", data={"words": WOMAN}).text
    assert f'name="identifier" value="{WOMAN}"' in number and 'name="name" type="text" value=""' in number


def test_more_than_thirty_are_said_to_be_more(client, node):
    for number in range(31):
        node.register(
            "王" + "一二三四五六七八九十"[number % 10] + "甲乙丙丁"[number // 10], birth_on=f"19{30 + number}-01-01"
        )
    answer = client.post("/people/search", data={"words": "wang"}).text
    assert answer.count('<a class="line"') == 30 and "还有更多人" in answer


def test_people_of_other_villages_are_found_only_when_asked_for(client, node):
    far = node.register("陈小燕", village_code=LOWER)
    nurse(node, client)
    assert "陈小燕" not in client.post("/people/search", data={"words": "cxy"}).text
    answer = client.post("/people/search", data={"words": "cxy", "everywhere": "yes"}).text
    assert "陈小燕" in answer and "不在您负责的村" in answer
    assert f'action="/people/{far.id}/check-in"' not in answer
    for page in ("edit", "household", "newborn"):
        to = client.get(f"/people/{far.id}/{page}", follow_redirects=False)
        assert to.status_code == 303 and to.headers["location"] == f"/people/{far.id}", "the record asks for the reason"
    reason = client.post(f"/people/{far.id}/open", data={"reason": "来就诊"}, follow_redirects=False)
    assert reason.status_code == 303
    assert "陈小燕" in client.get(f"/people/{far.id}/edit").text


def test_whoever_may_not_find_or_register_is_told(client, node):
    node.seat.add_account(
        "system", login="boss", name="院长", role=Role.MANAGER, password="valley-road-7", areas=(UPPER,)
    )
    token, _ = node.seat.sign_in("boss", "valley-road-7")
    client.cookies.set(COOKIE, token)
    for answer in (client.get("/people"), client.get("/people/new"), register(client)):
        assert answer.status_code == 403 and "系统管理员" in answer.text
    client.cookies.clear()
    assert client.get("/people", follow_redirects=False).headers["location"].startswith("/login")


def test_a_person_without_papers_is_registered_with_a_household(client, node):
    person = registered(node, client, household_id="new", villager_group="三组", phone="138 0013 8000")
    assert person.name == "赖春妹" and person.birth_on == date(1970, 2, 3) and person.phone == "13800138000"
    assert person.relation is Relation.HEAD and person.archive_code and not person.identifiers
    child = registered(
        node,
        client,
        name="赖小宝",
        birth_on="20150102",
        sex="male",
        household_id=person.household_id,
        relation="son",
        contact_name=["赖春妹", "赖公公"],
        contact_phone=["13800138000", ""],
        contact_relation=["母亲", "爷爷"],
        contact_guardian="0",
        insurance=["resident", "commercial"],
    )
    assert child.household_id == person.household_id and child.relation is Relation.SON
    assert [(c.name, c.guardian) for c in child.contacts] == [("赖春妹", True), ("赖公公", False)]
    assert [i.value for i in child.insurance] == ["resident", "commercial"]


def test_the_number_fills_in_what_was_left_empty(client, node):
    person = registered(node, client, identifier=MAN.lower(), birth_on="", sex="", name="周大福")
    assert person.birth_on == date(1949, 12, 31) and person.sex == "male" and person.identifiers[0].value == MAN


def test_bad_fields_come_back_filled_with_their_messages(client, node):
    bad = {
        "name": "赖3妹",
        "birth_on": "1970-02-31",
        "phone": "12",
        "identifier": "360731198506154026",
        "contact_name": "爸爸",
        "contact_phone": "abc",
        "note": "住在山上",
        "programmes": ["hypertension", "old_age"],
    }
    answer = register(client, **bad)
    assert answer.status_code == 400
    for field in ("name", "birth_on", "phone", "identifier", "contact_phone"):
        assert f'id="error-{field}"' in answer.text, field
    for words in ("赖3妹", "1970-02-31", 'value="12"', "360731198506154026", "爸爸", "abc", "住在山上"):
        assert words in answer.text, words
    assert answer.text.count(" checked> 高血压") == 1 and '<details class="more" open>' in answer.text
    assert len(re.findall(r"<[^>]* autofocus[ >]", answer.text)) == 1
    assert re.search(r'id="name"[^>]* autofocus', answer.text)
    assert "赖" not in everybody(client)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("village_code", ""),
        ("village_code", "440000000000"),
        ("sex", "both"),
        ("blood_group", "Q"),
        ("insurance", "gold"),
        ("household_id", "01a2b3c4-0000-7000-8000-000000000000"),
        ("household_id", "not a household"),
        ("note", "长" * 1001),
        ("birth_on", "2126-01-01"),
        ("birth_on", ""),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_lost(client, node, field, value):
    answer = register(client, **{field: value})
    assert answer.status_code == 400 and "还没有保存" in answer.text
    assert "赖春妹" in answer.text and 'class="field-error"' in answer.text
    assert "赖春妹" not in everybody(client)


def test_likely_duplicates_are_shown_first_and_only_those_that_were_seen_are_passed(client, node):
    known = node.register("赖春妹", birth_on="1970-02-03", sex="female")
    answer = register(client, note="住在山上")
    assert answer.status_code == 400 and f'href="/people/{known.id}"' in answer.text and "住在山上" in answer.text
    seen = re.search(r'name="not_the_same" value="([^"]+)"', answer.text)[1]
    assert seen == known.id
    other = registered(node, client, not_the_same=seen)
    again = register(client, not_the_same=seen)
    assert again.status_code == 400 and other.id in again.text, "one more who is alike is asked about again"


def test_the_number_of_a_registered_person_is_never_passed(client, node):
    known = node.register("周大福", identifier=MAN)
    answer = register(client, name="周大福", birth_on="", sex="", identifier=MAN, not_the_same=known.id)
    assert answer.status_code == 400 and "这个号码已经在另一份档案里" in answer.text
    assert 'name="not_the_same" value' not in answer.text.split('id="person-form"')[0]


def test_what_disagrees_with_the_papers_is_kept_only_after_a_look(client, node):
    sent = {"identifier": WOMAN, "birth_on": "1985-06-16", "sex": "male"}
    answer = register(client, **sent)
    assert answer.status_code == 400 and "按填写的保存" in answer.text
    checked = re.search(r'name="checked" value="([^"]+)"', answer.text)[1]
    assert register(client, **{**sent, "birth_on": "1985-06-17"}, checked=checked).status_code == 400
    person = registered(node, client, **sent, checked=checked)
    assert person.birth_on == date(1985, 6, 16) and person.sex == "male"


def test_a_number_is_read_while_it_is_typed(client, node):
    read = client.post("/people/read-identifier", data={"identifier": WOMAN, "birth_on": "", "sex": ""}).text
    assert 'data-birth-on="1985-06-15"' in read and 'data-sex="female"' in read and "data-use-number" not in read
    read = client.post("/people/read-identifier", data={"identifier": WOMAN, "birth_on": "1985-06-16"}).text
    assert "data-use-number" in read and "出生日期" in read and "性别" not in read
    assert "校验码" in client.post("/people/read-identifier", data={"identifier": WOMAN[:-1] + "6"}).text
    assert "data-sex" not in client.post("/people/read-identifier", data={"identifier": ""}).text
    known = node.register("周大福", identifier=MAN)
    read = client.post("/people/read-identifier", data={"identifier": MAN}).text
    assert f'href="/people/{known.id}"' in read
    assert known.id not in client.post("/people/read-identifier", data={"identifier": MAN, "person_id": known.id}).text


def test_a_newborn_begins_with_the_mother(client, node):
    mother = node.register("赖春妹", sex="female", birth_on="1998-01-01", new_household="1", phone="13800138000")
    page = client.get(f"/people/{mother.id}/newborn").text
    assert "赖春妹之婴" in page and f'name="mother_id" value="{mother.id}"' in page and "13800138000" in page
    assert re.search(rf'name="household_id" value="{mother.household_id}" checked', page)
    baby = registered(
        node,
        client,
        name="赖春妹之婴",
        birth_on=node.clock().date().isoformat(),
        mother_id=mother.id,
        household_id=mother.household_id,
    )
    assert baby.mother_id == mother.id and baby.household_id == mother.household_id


def test_the_form_of_a_person_sent_again_changes_nothing(client, node):
    person = node.register(
        "周大福",
        identifier=MAN,
        new_household="1",
        phone="13800138000",
        villager_group="三组",
        address="大屋场 5 号",
        contact_name=["周小明", "王芳"],
        contact_phone=["", "13900139000"],
        contact_guardian="1",
        insurance=["resident"],
        blood_group="AB",
        rhesus_positive="no",
        disabilities=["limb"],
        programmes=["old_age", "tuberculosis"],
        contract_doctor="李建国",
    )
    assert edit(client, person).status_code == 303
    after = stored(node, person.id)
    assert after.revision == person.revision + 1
    for name in person.__struct_fields__:
        if name != "revision":
            assert getattr(after, name) == getattr(person, name), name


def test_details_change_and_a_wrong_number_is_taken_away(client, node):
    person = node.register("周大福", identifier=MAN)
    answer = edit(client, person, status="moved_away", address="县城", taken_away=MAN, birth_on="1949-12-30")
    assert answer.status_code == 303, answer.text
    after = stored(node, person.id)
    assert after.status is PersonStatus.MOVED_AWAY and after.address == "县城" and after.identifiers == ()
    assert "周大福" not in client.post("/people/search", data={"words": "003X"}).text


def test_one_without_papers_is_identified_later(client, node):
    person = node.register("周大福", birth_on="1949-12-31")
    assert edit(client, person, identifier=MAN).status_code == 303
    assert stored(node, person.id).identifiers[0].value == MAN


def test_a_number_of_another_record_offers_to_merge(client, node):
    owner = node.register("周大富", identifier=MAN)
    person = node.register("周大福", birth_on="1949-12-31")
    answer = edit(client, person, identifier=MAN, note="住在山上")
    assert answer.status_code == 400 and "住在山上" in answer.text
    assert f'name="kept" value="{owner.id}"' in answer.text and f'name="replaced" value="{person.id}"' in answer.text
    assert stored(node, person.id).identifiers == ()


def test_a_record_changed_elsewhere_is_not_overwritten_unseen(client, node):
    person = node.register("周大福", address="老屋")
    assert edit(client, person, address="新屋").status_code == 303
    late = edit(client, person, phone="13800138000", address="老屋", revision="1")
    assert late.status_code == 400 and "刚才在别处改过" in late.text
    assert "13800138000" in late.text and 'name="revision" value="2"' in late.text
    named = re.search(r"不一样：.*?</p>", late.text, re.S)[0]
    assert "住址" in named and "电话" in named and "姓名" not in named
    assert stored(node, person.id).address == "新屋"
    assert edit(client, person, phone="13800138000", address="老屋", revision="2").status_code == 303
    assert stored(node, person.id).phone == "13800138000"


def test_whoever_may_not_see_a_programme_does_not_take_it_away(client, node):
    person = node.register("周大福", programmes=["tuberculosis", "old_age"])
    nurse(node, client)
    page = client.get(f"/people/{person.id}/edit").text
    assert "肺结核" not in page
    assert edit(client, person, programmes=["hypertension"]).status_code == 303
    assert set(stored(node, person.id).programmes) == {Programme.HYPERTENSION, Programme.TUBERCULOSIS}


def test_a_household_is_found_by_somebody_who_lives_there(client, node):
    head = node.register("周大福", new_household="1")
    node.register("周小满", birth_on="1990-01-01")
    answer = client.post("/people/new", data={**FORM, "household_words": "周", "step": "find_household"})
    assert answer.status_code == 200 and f'value="{head.household_id}"' in answer.text and "赖春妹" in answer.text
    assert "周小满" in answer.text and "还没有户" in answer.text
    fragment = client.post("/people/find-household", data={"household_words": "zdf", "household_id": "new"}).text
    assert f'value="{head.household_id}"' in fragment and 'value="new" checked' in fragment


def household(node, person):
    return open_household(node.store, node.account, person.id)


def test_members_join_leave_and_become_head(client, node):
    head = node.register("周大福", new_household="1")
    wife = node.register("赖春妹", sex="female")
    where = f"/people/{head.id}/household"

    def act(**fields):
        return client.post(where, data=fields, follow_redirects=False)

    assert "赖春妹" in act(step="find", words="lcm", relation="spouse").text
    assert act(step="join", member=wife.id, relation="spouse").status_code == 303
    shown = household(node, head)
    assert [member.name for member in shown.members] == ["周大福", "赖春妹"] and shown.members[1].relation == "spouse"
    assert act(step="head", member=wife.id).status_code == 303
    shown = household(node, head)
    assert shown.head_id == wife.id and shown.members[0].relation is Relation.HEAD and shown.members[1].relation is None
    assert act(step="leave", member=wife.id).status_code == 303
    assert household(node, wife).household is None and household(node, head).head_id is None
    assert "没有户主" in client.get(where).text
    assert (
        client.post(f"/people/{wife.id}/household", data={"step": "begin"}, follow_redirects=False).status_code == 303
    )
    assert household(node, wife).head_id == wife.id
    for bad in (
        {"step": "join", "member": head.id, "relation": ""},
        {"step": "join", "member": wife.id, "relation": "head"},
        {"step": "join", "member": wife.id, "relation": "king"},
        {"step": "join", "member": "nobody"},
        {"step": "burn"},
    ):
        answer = act(**bad)
        assert answer.status_code == 400 and 'class="field-error"' in answer.text


def test_a_head_who_died_is_not_made_head(client, node):
    head = node.register("周大福", new_household="1")
    dead = node.register("周老太", sex="female", household_id=head.household_id, status="died")
    answer = client.post(f"/people/{head.id}/household", data={"step": "head", "member": dead.id})
    assert answer.status_code == 400 and household(node, head).head_id == head.id


def merge_form(client, came_from, kept, replaced):
    page = client.post(f"/people/{came_from}/merge/preview", data={"kept": kept, "replaced": replaced}).text
    return page, re.findall(r'name="revision" value="(\d+)"', page)


def test_two_records_are_compared_merged_and_parted(client, node):
    kept = node.register("周大福", identifier=MAN, address="大屋场", note="说话慢")
    other = node.register("周大富", birth_on="1949-12-31", phone="13800138000", address="老屋", blood_group="A")
    assert other.id in client.get(f"/people/{kept.id}/merge").text, "those alike are offered by themselves"
    assert other.id in client.post(f"/people/{kept.id}/merge/search", data={"words": "8000"}).text
    page, revisions = merge_form(client, kept.id, kept.id, other.id)
    differs = re.findall(r'<tr class="differs"><th scope="row">\s*(\S+?)\s*<span', page)
    assert {"姓名", "住址", "电话", "证件"} <= set(differs) and "性别" not in differs
    assert MAN not in page and "13800138000" in page
    switched, _ = merge_form(client, kept.id, other.id, kept.id)
    assert switched.index("周大富") < switched.index("周大福")
    answer = client.post(
        f"/people/{kept.id}/merge",
        data={"kept": kept.id, "replaced": other.id, "revision": revisions, "reason": ""},
        follow_redirects=False,
    )
    assert answer.status_code == 303 and answer.headers["location"] == f"/people/{kept.id}"
    merged = stored(node, kept.id)
    assert (merged.name, merged.address, merged.phone, merged.blood_group) == ("周大福", "大屋场", "13800138000", "A")
    with node.store.reading() as connection:
        assert person_in_use(connection, merged.organisation, other.id) == merged
        done = merges_of(connection, merged.organisation, kept.id)
    assert client.post("/people/search", data={"words": "zhoudafu"}).text.count('<a class="line"') == 1
    answer = client.post(f"/merges/{done[0].id}/undo", follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == f"/people/{kept.id}"
    assert stored(node, kept.id).phone == "" and stored(node, other.id).replaced_by is None
    again = client.post(f"/merges/{done[0].id}/undo")
    assert again.status_code == 400 and "已经撤销" in again.text


def test_different_papers_need_a_reason_and_a_stale_comparison_is_shown_again(client, node):
    kept = node.register("周大福", identifier=MAN)
    other = node.register("赖春妹", identifier=WOMAN)
    page, revisions = merge_form(client, kept.id, kept.id, other.id)
    assert "同一种证件号码不同" in page
    sent = {"kept": kept.id, "replaced": other.id, "revision": revisions}
    answer = client.post(f"/people/{kept.id}/merge", data=sent)
    assert answer.status_code == 400 and 'id="error-reason"' in answer.text
    assert edit(client, other, phone="13800138000").status_code == 303
    answer = client.post(f"/people/{kept.id}/merge", data={**sent, "reason": "两次办证"})
    assert answer.status_code == 400 and "再看一遍" in answer.text and "两次办证" in answer.text
    assert stored(node, other.id).replaced_by is None


def test_a_record_without_a_number_takes_none_from_the_one_it_replaces(client, node):
    kept, other = node.register("周大福"), node.register("周大富")
    with node.store.writing(node.account.id, working_state=True) as writing:
        kept = replace_person(writing, replace(kept, archive_code=None))
    _, revisions = merge_form(client, kept.id, kept.id, other.id)
    sent = {"kept": kept.id, "replaced": other.id, "revision": revisions}
    assert client.post(f"/people/{kept.id}/merge", data=sent, follow_redirects=False).status_code == 303
    assert "周大福" in client.post("/people/search", data={"words": other.archive_code}).text


def test_only_a_doctor_merges(client, node):
    kept, other = node.register("周大福"), node.register("周大富")
    nurse(node, client)
    sent = {"kept": kept.id, "replaced": other.id}
    for answer in (
        client.get(f"/people/{kept.id}/merge"),
        client.post(f"/people/{kept.id}/merge/preview", data=sent),
        client.post(f"/people/{kept.id}/merge", data=sent),
    ):
        assert answer.status_code == 403


def test_a_search_answers_at_once(client, node):
    for number in range(120):
        node.register("王" + chr(0x4E00 + number), birth_on="1960-05-05", new_household="1")
    client.post("/people/search", data={"words": "wang"})
    begun = time.perf_counter()
    for _ in range(5):
        client.post("/people/search", data={"words": "wang"}, headers={"HX-Request": "true"})
    assert (time.perf_counter() - begun) / 5 < 0.1


# In the browser.


def test_the_same_list_again_does_not_move_under_a_finger(desktop, node, node_address):
    page = desktop
    node.register("周大福")
    log_in(page, node_address)
    page.goto(f"{node_address}/people")
    page.keyboard.type("zdf")
    page.wait_for_selector("#results[data-words=zdf] a.line")
    page.evaluate("document.querySelector('#results a.line').dataset.seen = 'yes'")
    with page.expect_response("**/people/search"):
        page.evaluate("htmx.trigger('#find', 'find')")
    page.wait_for_timeout(200)
    assert page.get_attribute("#results a.line", "data-seen") == "yes"
    page.fill("#words", "zd")
    page.wait_for_selector("#results[data-words=zd] a.line:not([data-seen])")


def test_register_find_edit_and_merge_in_the_browser(page, node, node_address):
    page.refusals_expected = True
    log_in(page, node_address)
    page.goto(f"{node_address}/people")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("赖春妹")
    page.click("#results button.main-tap")
    expect(page.locator("#name")).to_have_value("赖春妹")
    page.fill("#identifier", WOMAN)
    expect(page.locator("#birth_on")).to_have_value("1985-06-15")
    expect(page.locator("[name=sex][value=female]")).to_be_checked()
    page.fill("#phone", "12")
    page.select_option("#village_code", UPPER)
    assert seriously_wrong(page) == []
    page.press("#name", "Enter")
    expect(page.locator("#error-phone")).to_be_visible()
    expect(page.locator("#phone")).to_be_focused()
    expect(page.locator("#phone")).to_have_value("12")
    expect(page.locator("#identifier")).to_have_value(WOMAN)
    assert seriously_wrong(page) == []
    page.fill("#phone", "13800138000")
    page.click("#save")
    page.wait_for_url(re.compile(r"/people/[0-9a-f-]{36}$"))
    first = page.url.rsplit("/", 1)[1]
    twin = node.register("赖春梅", sex="female", birth_on="1985-06-15", address="老屋")

    page.goto(f"{node_address}/people")
    page.keyboard.type("lcm")
    expect(page.locator("#results a.line")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#results a.line").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#results a.line").nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#words")).to_be_focused()
    assert seriously_wrong(page) == []
    page.fill("#words", "8000")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/people/{first}")

    page.goto(f"{node_address}/people/{first}/edit")
    assert seriously_wrong(page) == []
    page.fill("#address", "新屋")
    page.click("#save")
    page.wait_for_url(f"**/people/{first}")
    assert stored(node, first).address == "新屋"

    page.goto(f"{node_address}/people/{first}/merge")
    assert seriously_wrong(page) == []
    page.click("main .list button")
    expect(page.locator("#merge")).to_be_visible()
    assert seriously_wrong(page) == []
    expect(page.locator("tr.differs", has_text="住址")).to_contain_text("不一致")
    page.click("#switch")
    expect(page.locator("table tbody tr").first.locator("td").first).to_contain_text("赖春梅")
    page.click("#merge")
    page.wait_for_url(f"**/people/{twin.id}")
    assert stored(node, first).replaced_by == twin.id


def test_what_the_number_says_never_replaces_what_was_typed(desktop, node, node_address):
    page = desktop
    log_in(page, node_address)
    page.goto(f"{node_address}/people/new")
    page.fill("#birth_on", "1985-06-16")
    page.fill("#identifier", WOMAN)
    expect(page.locator("[data-use-number]")).to_be_visible()
    expect(page.locator("#birth_on")).to_have_value("1985-06-16")
    expect(page.locator("[name=sex][value=female]")).to_be_checked()
    # A slow finger: nothing may take the button away while it is held down.
    page.locator("[data-use-number]").hover()
    page.mouse.down()
    page.wait_for_timeout(800)
    page.mouse.up()
    expect(page.locator("#birth_on")).to_have_value("1985-06-15")
    expect(page.locator("[data-use-number]")).to_have_count(0)
    page.fill("#identifier", MAN)
    expect(page.locator("#birth_on")).to_have_value("1949-12-31")
    expect(page.locator("[name=sex][value=male]")).to_be_checked()


def test_contacts_and_households_in_the_browser(desktop, node, node_address):
    page = desktop
    head = node.register("周大福", new_household="1")
    log_in(page, node_address)
    page.goto(f"{node_address}/people/new")
    page.fill("#name", "周小满")
    page.fill("#birth_on", "20150102")
    page.select_option("#village_code", UPPER)
    page.fill("#household_words", "zdf")
    page.click("#household-choices label:has-text('周大福')")
    page.select_option("#relation", "son")
    page.click("details.more summary")
    page.fill("#contact_name-0", "周大福")
    page.click("[data-add-contact]")
    page.fill("#contact_name-1", "赖春妹")
    page.locator("[name=contact_guardian]").nth(1).check()
    page.click("#save")
    page.wait_for_url(re.compile(r"/people/[0-9a-f-]{36}$"))
    person = stored(node, page.url.rsplit("/", 1)[1])
    assert person.household_id == head.household_id and person.relation is Relation.SON
    assert [(each.name, each.guardian) for each in person.contacts] == [("周大福", False), ("赖春妹", True)]
    page.goto(f"{node_address}/people/{head.id}/household")
    assert seriously_wrong(page) == []
    pressed(page, "button:has-text('设为户主')")
    with node.store.reading() as connection:
        assert household_by_id(connection, head.organisation, head.household_id).head_id == person.id


def test_somebody_is_put_in_the_queue_from_the_list(desktop, node, node_address):
    page = desktop
    person = node.register("周大福")
    log_in(page, node_address)
    page.goto(f"{node_address}/people")
    page.click("details.queue summary")
    page.fill(f"#why-{person.id}", "咳嗽")
    page.press(f"#why-{person.id}", "Enter")
    page.wait_for_url(f"{node_address}/")
    expect(page.locator("main")).to_contain_text("周大福")
    expect(page.locator("main")).to_contain_text("咳嗽")


def test_a_locked_screen_lets_the_search_go_on(desktop, node, node_address):
    page = desktop
    page.refusals_expected = True
    node.register("周大福")
    log_in(page, node_address)
    page.goto(f"{node_address}/people")
    for cookie in page.context.cookies():
        if cookie["name"] == COOKIE:
            node.seat.lock(cookie["value"])
    page.fill("#words", "zdf")
    page.wait_for_selector("#unlock-dialog[open]")
    page.fill("#unlock-secret", PASSWORD)
    page.press("#unlock-secret", "Enter")
    expect(page.locator("#results")).to_have_attribute("data-words", "zdf")
    expect(page.locator("#results a.line")).to_have_count(1)


def test_a_form_that_was_never_saved_is_brought_back(client, node):
    typed = {"name": "赖春妹", "phone": "138", "identifier": "3607", "village_code": UPPER}
    assert client.post("/people/typed", data=typed).status_code == 200
    page = client.get("/people/new").text
    assert "没有保存" in page and "赖春妹" not in page
    page = client.get("/people/new?typed=yes").text
    assert 'value="赖春妹"' in page and 'value="138"' in page and 'value="3607"' in page
    client.post("/people/typed/forget")
    assert "没有保存" not in client.get("/people/new").text
    person = node.register("周大福")
    client.post("/people/typed", data={"person_id": person.id, "address": "新屋", "name": "周大福"})
    assert 'value="新屋"' in client.get(f"/people/{person.id}/edit?typed=yes").text
    assert stored(node, person.id).address == ""


def test_what_is_typed_is_kept_without_saving(desktop, node, node_address):
    page = desktop
    log_in(page, node_address)
    page.goto(f"{node_address}/people/new")
    page.fill("#name", "赖春妹")
    expect(page.locator("#kept")).to_contain_text("已保存")
    page.goto(f"{node_address}/people/new")
    page.click("#typed-before a")
    expect(page.locator("#name")).to_have_value("赖春妹")
