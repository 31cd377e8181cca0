"""The organisation of a county: read from a file that people write by hand, every mistake told, nothing kept by halves."""

from pathlib import Path

import pytest
from node_for_tests import Clock, a_node
from township_for_tests import CENTRE, HOSPITAL, LOWER, UPPER_CLINIC, a_hub

from cunyi.cli import main
from cunyi.domain.change import ChangeKind
from cunyi.domain.errors import InvalidFormError, NotAllowedError, UserError
from cunyi.domain.organisation import Capability, FacilityLevel
from cunyi.journeys.organisation_file import read_organisation
from cunyi.journeys.organising import known_areas, load_organisation, open_or_close, show_organisation, workplace
from cunyi.store import schema
from cunyi.store.facilities import facilities_for, facility_by_code, receive_facility
from cunyi.store.nodes import villages

EXAMPLE = Path(__file__).parents[2] / "docs" / "township-example.csv"
HEAD = "类别,代码,名称,级别,负责区划,电话,科室,路程,状态\n"
PLACES = "区划,360731,云水县,,,,,,\n区划,360731101,云水镇,,,,,,\n区划,360731101201,上坪村,,,,,,\n"


@pytest.fixture
def hub(tmp_path):
    with a_hub(tmp_path / "hub") as made:
        yield made


def troubles(data, knowledge):
    with pytest.raises(InvalidFormError) as refused:
        read_organisation(data.encode(), knowledge)
    return [error.message for error in refused.value.errors]


def test_the_example_of_the_documents_is_read(knowledge):
    found = read_organisation(EXAMPLE.read_bytes(), knowledge)
    assert len(found.areas) == 7 and len(found.facilities) == 5
    centre = next(each for each in found.facilities if each.code == "YS-T-01")
    assert (centre.organisation, centre.level, centre.catchment) == ("990101", FacilityLevel.TOWNSHIP, ("990101101",))
    assert Capability(department="pediatrics", note="周一、周三上午") in centre.capabilities
    assert centre.minutes_away["990101101202"] == 40 and centre.phone == "09901000101" and centre.open
    closed = found.facilities[-1]
    assert not closed.open and closed.closed_reason == "村医外出进修"


def test_a_table_from_excel_yaml_and_json_say_the_same(knowledge):
    table = (
        HEAD
        + PLACES
        + "机构,V-01,上坪卫生室,村,360731101201,0797-1234567,全科医疗科 中医科（周二）,360731101201=5,开诊\n"
    )
    yaml = """
areas:
  - {code: 360731, name: 云水县}
  - {code: 360731101, name: 云水镇}
  - code: 360731101201
    name: 上坪村
facilities:
  - code: V-01
    name: 上坪卫生室
    level: village
    catchment: [360731101201]
    phone: 0797-1234567
    departments: [general_practice, 中医科（周二）]
    minutes_away: {360731101201: 5}
    open: true
"""
    json = (
        '{"areas":[{"code":"360731","name":"云水县"},{"code":"360731101","name":"云水镇"},'
        '{"code":"360731101201","name":"上坪村"}],"facilities":[{"code":"V-01","name":"上坪卫生室","level":"village",'
        '"catchment":["360731101201"],"phone":"07971234567","departments":["全科医疗科","traditional_medicine（周二）"],'
        '"minutes_away":{"360731101201":5}}]}'
    )
    read = [read_organisation(data, knowledge) for data in (table.encode("gb18030"), yaml.encode(), json.encode())]
    assert read[0] == read[1] == read[2]


def test_every_mistake_is_told_by_line_and_column(knowledge):
    assert troubles(
        HEAD
        + PLACES
        + "区划,36073,少一位,,,,,,\n"
        + "区划,360731101201,又一次,,,,,,\n"
        + "区划,410101,外县,村,,,,,\n"
        + "机构,V 1,,诊所,360731999,12,飞行科,远,关\n",
        knowledge,
    ) == [
        "第 5 行“代码”：区划代码要写 2 位（省）、4 位（市）、6 位（县）、9 位（乡镇）或 12 位（村）数字",
        "第 6 行“代码”：这个代码上面已经写过",
        "第 7 行“代码”：不在本县（360731）；一个文件只写一个县",
        "第 7 行“级别”：区划只有代码和名称；这一格请空着",
        "第 8 行“代码”：机构编号只用数字、字母和短横，最多 40 位",
        "第 8 行“名称”：没有写；请补上",
        "第 8 行“级别”：级别要写“村”“乡镇”或“县”，不是“诊所”",
        "第 8 行“负责区划”：没有代码为 360731999 的区划；请先写上这一行区划",
        "第 8 行“电话”：电话要写 7 到 12 位数字（座机连区号）；请核对，没有就空着",
        "第 8 行“科室”：没有科室“飞行科”；写国家名录的名称，cunyi department list 可看全部",
        "第 8 行“路程”：路程要写成 村代码=分钟，如 360731101201=25",
        "第 8 行“状态”：状态要写“开诊”或“停诊”，不是“关”",
    ]
    assert troubles(HEAD + "医生,1,张三,,,,,,\n", knowledge) == ["第 2 行“类别”：类别要写“区划”或“机构”"]
    assert troubles("areas:\n  - {code: 360731, 名字: 云水县}\n", knowledge) == ["第 2 行“名字”：没有这一项；请删去"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "看不懂这个文件"),
        (HEAD.encode(), "没有区划，也没有机构"),
        ("姓名,电话\n张三,1\n".encode(), "看不懂这个文件"),
        ("类别,代码,姓名\n".encode(), "表头看不懂"),
        (b"areas: [", "第 1 行写法有误"),
        (b"people: []", "第 1 行看不懂"),
        (b"\xff\xfe\x00\x81", "看不懂文件的编码"),
    ],
)
def test_what_is_no_such_file_is_told_so(knowledge, data, told):
    with pytest.raises(UserError, match=told):
        read_organisation(data, knowledge)


def test_loading_again_changes_what_changed_and_leaves_what_is_not_in_the_file(hub, knowledge):
    before = show_organisation(hub.store)
    loaded = load_organisation(hub.store, before, hub.account)
    assert (loaded.changed_areas, loaded.changed_facilities, loaded.left) == (0, 0, ())
    data = "类别,代码,名称,级别,负责区划\n区划,360731101203,石桥村,,\n机构,V-03,石桥村卫生室,村,360731101203\n"
    county = hub.store.node.organisation
    found = read_organisation(data.encode(), knowledge, organisation=county, known=known_areas(hub.store))
    loaded = load_organisation(hub.store, found, hub.account)
    assert (loaded.changed_areas, loaded.changed_facilities, len(loaded.left)) == (1, 1, 4)
    with hub.store.reading() as connection:
        assert villages(connection, county)["360731101203"] == "石桥村"
        kinds = connection.execute(schema.change.select().order_by(schema.change.c.sequence.desc()).limit(2)).all()
        assert {row.kind for row in kinds} == {ChangeKind.AREA, ChangeKind.FACILITY}
        assert facility_by_code(connection, county, "V-03").revision == 1
    with pytest.raises(NotAllowedError):
        load_organisation(hub.store, found, hub.doctor("chen"))


def test_a_file_of_another_county_is_refused_whole(hub, knowledge):
    found = read_organisation(EXAMPLE.read_bytes(), knowledge)
    with pytest.raises(UserError, match="不在本县"):
        load_organisation(hub.store, found, hub.account)
    assert show_organisation(hub.store).facilities[0].code == HOSPITAL


def test_a_closed_facility_is_proposed_to_nobody(hub):
    def proposed(**needs):
        with hub.store.reading() as connection:
            return [each.code for each in facilities_for(connection, hub.store.node.organisation, LOWER, **needs)]

    assert proposed(department="emergency") == [CENTRE]
    assert proposed()[:2] == ["V-02", UPPER_CLINIC] and proposed()[-1] == HOSPITAL
    with pytest.raises(UserError, match="写明停诊的原因"):
        open_or_close(hub.store, hub.account, CENTRE, is_open=False)
    closed = open_or_close(hub.store, hub.account, CENTRE, is_open=False, reason="停电")
    assert (closed.revision, closed.closed_reason) == (2, "停电") and proposed(department="emergency") == []
    assert open_or_close(hub.store, hub.account, CENTRE, is_open=True).closed_reason == ""
    # What comes late from the hub does not undo what is newer.
    with hub.store.writing("system", working_state=True) as writing:
        assert not receive_facility(writing, closed)


def test_everybody_works_where_their_account_says(hub, tmp_path):
    assert workplace(hub.store, hub.doctor("chen", HOSPITAL)).name == "云水县人民医院"
    assert workplace(hub.store, hub.account).level is FacilityLevel.TOWNSHIP
    with a_node(tmp_path / "kit", Clock()) as kit:
        assert workplace(kit.store, kit.account).name == "上坪村卫生室"


def test_a_hub_is_made_and_its_organisation_loaded_on_the_command_line(knowledge, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("cunyi.app.load_knowledge", lambda path=None: knowledge)
    password = tmp_path / "password"
    password.write_text("mountain-road-9", encoding="utf-8")
    where = ["--data", str(tmp_path / "hub"), "--password-file", str(password), "--login", "guanli"]
    made = [
        "init",
        "--role",
        "hub",
        "--facility",
        "YS-T-01",
        "--organisation",
        str(EXAMPLE),
        "--name",
        "王院长",
        *where,
    ]
    assert main(made) == 0
    assert "cunyi serve --role hub" in capsys.readouterr().out
    bad = tmp_path / "bad.csv"
    bad.write_text("类别,代码,名称\n区划,990101101204,新村\n区划,99010110120,少一位\n", encoding="utf-8")
    assert main(["organisation", "load", str(bad), *where]) == 2
    told = capsys.readouterr().err
    assert "第 3 行“代码”" in told and "什么也没有载入" in told
    assert main(["organisation", "show", *where]) == 0
    printed = capsys.readouterr().out
    assert "石桥村卫生室" in printed and "新村" not in printed
    assert main(["node", "enrol-code", "--facility", "YS-V-01", *where]) == 0
    assert "990101101201" in capsys.readouterr().out
    assert main(["node", "list", *where]) == 0
    assert main(["init", "--hub", "http://far.example", "--code", "1", "--name", "x", *where]) == 2
    assert "https://" in capsys.readouterr().err
