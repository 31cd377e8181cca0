"""The departments on the command line: the national list, the hospitals' own names from a table, the evaluation."""

import json

import pytest
from node_for_tests import LOGIN, PASSWORD, a_node

from cunyi.app import artefact_path, load_knowledge
from cunyi.authoring.scoring import split_of
from cunyi.cli import main
from cunyi.config import read_config
from cunyi.department_commands import read_hospital_table
from cunyi.domain.errors import UserError
from cunyi.journeys.hospital_names import with_own_names
from cunyi.reasoning.assess import assess

HEAD = "级别,科室,医院,本院名称,位置\n"
TABLE = (
    HEAD
    + "县,03.01,县人民医院,呼吸与危重症医学科,门诊楼3楼\n"
    + "县,急诊科,县人民医院,急诊医学中心,\n"
    + "乡镇,内科,云水镇卫生院,内儿科,一楼\n"
    + "乡镇,口腔科,云水镇卫生院,无,\n"
)


@pytest.fixture(scope="module")
def knowledge():
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge base was not built")
    return load_knowledge(path)


@pytest.fixture
def opened(tmp_path):
    with a_node(tmp_path / "node"):
        pass
    password = tmp_path / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    return ["--data", str(tmp_path / "node"), "--login", LOGIN, "--password-file", str(password)]


def test_the_list_has_codes_and_who_stands_in(knowledge, capsys):
    assert main(["department", "list"]) == 0
    printed = capsys.readouterr().out
    assert "03.01" in printed and "呼吸内科" in printed


def test_a_table_is_loaded_shown_used_and_taken_back(knowledge, opened, tmp_path, capsys):
    table = tmp_path / "hospitals.csv"
    table.write_bytes(TABLE.encode("gb18030"))
    assert main(["department", "map", str(table), *opened]) == 0
    assert "县级 2 个" in capsys.readouterr().out
    assert main(["department", "show", *opened]) == 0
    assert "内儿科" in capsys.readouterr().out
    assert main(["department", "unmap", "township", *opened]) == 0
    assert main(["department", "show", *opened]) == 0
    printed = capsys.readouterr().out
    assert "内儿科" not in printed and "急诊医学中心" in printed
    assert main(["audit", "verify", *opened]) == 0


def test_an_assessment_carries_the_own_names_and_falls_back_where_there_is_no_such_department(knowledge, tmp_path):
    names = {(own.level, own.department): own for own in read_hospital_table(TABLE.encode(), knowledge)}
    cough = with_own_names(assess({"chief_complaint": "咳嗽、咳黄痰3天", "age_years": 50}, knowledge), names, knowledge)
    assert cough.department.name == "县人民医院 呼吸与危重症医学科（门诊楼3楼）"
    assert cough.department.code == "03.01"
    assert cough.township_department.name == "云水镇卫生院 内儿科（一楼）"
    tooth = with_own_names(assess({"chief_complaint": "牙疼，蛀牙", "age_years": 30}, knowledge), names, knowledge)
    assert tooth.department.name == "口腔科", "the county hospital said nothing of it"
    assert (tooth.township_department.department, tooth.township_department.name) == ("general_practice", "全科医疗科")
    plain = assess({"chief_complaint": "牙疼，蛀牙", "age_years": 30}, knowledge)
    assert with_own_names(plain, {}, knowledge) is plain


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("科室,名称\n", "表头缺少"),
        (HEAD, "表里没有科室"),
        (HEAD + "市,03.01,市医院,呼吸科,\n", "第 2 行：级别要写"),
        (HEAD + "县,03.99,县医院,某科,\n", "第 2 行：不认识科室“03.99”"),
        (HEAD + "县,03.01,县医院,,\n", "没有这个科就写“无”"),
        (HEAD + "县,03.01,县医院,呼吸科,\n县,呼吸内科,县医院,胸病科,\n", "第 3 行：这个科室上面已经写过"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_row_by_row(knowledge, table, words):
    with pytest.raises(UserError) as told:
        read_hospital_table(table.encode(), knowledge)
    assert words in told.value.message


def test_a_code_that_several_share_is_that_of_the_general_one(knowledge):
    (own,) = read_hospital_table((HEAD + "县,04.01,县医院,普外一科,\n").encode("utf-8-sig"), knowledge)
    assert own.department == "general_surgery"


def dialogue(number, words, first):
    return {"id": number, "first_department": first, "second_department": "x", "content": [words, "去看皮肤科"]}


@pytest.fixture
def dialogues(tmp_path):
    path = tmp_path / "dialogues.jsonl"
    lines = [
        dialogue(1, "大腿起了红疙瘩很痒", "皮肤性病科"),
        dialogue(2, "脸上长青春痘怎么办", "美容"),
        dialogue(3, "月经推迟了", "妇产科"),
        dialogue(4, "你好，在吗", "外科"),
        dialogue(5, "咳嗽有痰", "五官科"),
    ]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    return path


def test_departments_are_evaluated_on_the_patients_words_alone(knowledge, dialogues, capsys):
    assert main(["evaluate", "--departments", str(dialogues), "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["accepted"]["hits"], report["own"]["hits"], report["cases"]) == (3, 2, 5)
    assert report["named"]["hits"] == 4
    assert report["confusions"] == {"五官科→内科": 1, "外科→没有科室": 1}
    assert report["misses"] == []


def test_single_consultations_are_listed_for_the_tune_half_alone(knowledge, dialogues, capsys):
    for split in ("tune", "hold"):
        assert main(["evaluate", "--departments", str(dialogues), "--split", split, "--json"]) == 0
        (report,) = json.loads(capsys.readouterr().out)
        assert report["cases"] == sum(split_of(str(number)) == split for number in range(1, 6))
        assert bool(report["misses"]) == (split == "tune" and report["accepted"]["hits"] < report["cases"])


def test_the_table_of_the_evaluation_is_readable(knowledge, dialogues, capsys):
    assert main(["evaluate", "--departments", str(dialogues)]) == 0
    printed = capsys.readouterr().out
    assert "一级科室正确" in printed and "60.0%" in printed


@pytest.mark.parametrize(("arguments", "words"), [([], "要写病例文件"), (["--departments", "/nowhere"], "读不了")])
def test_what_is_missing_is_told(knowledge, arguments, words, capsys):
    assert main(["evaluate", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_file_of_another_shape_is_told(knowledge, tmp_path, capsys):
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": 1, "gold": {}}', encoding="utf-8")
    assert main(["evaluate", "--departments", str(path)]) == 2
    assert "不能用来衡量科室" in capsys.readouterr().err
