"""The strict loader takes things as a clinician means them and reports the rest with its line."""

from pathlib import Path

import pytest

from cunyi.authoring.strict_yaml import read_yaml


def read(tmp_path: Path, text: str):
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path, "file.yaml")


@pytest.mark.parametrize("written", ["no", "yes", "on", "30:2", "0571", "2026-01-02", "1e3", "0x1F", "1_000"])
def test_words_that_yaml_would_turn_into_something_else_stay_as_written(tmp_path, written):
    raw, problems = read(tmp_path, f"key: {written}\n")
    assert raw["key"] == written
    assert problems == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [("true", True), ("false", False), ("null", None), ("12", 12), ("-3", -3), ("0.25", 0.25), (".5", 0.5)],
)
def test_only_truth_null_and_numbers_are_read_as_such(tmp_path, written, meant):
    raw, _ = read(tmp_path, f"key: {written}\n")
    assert raw["key"] == meant and type(raw["key"]) is type(meant)


def test_quoted_numbers_stay_text(tmp_path):
    raw, _ = read(tmp_path, 'key: "120"\n')
    assert raw["key"] == "120"


def test_a_full_width_comma_in_a_list_is_reported_with_its_line(tmp_path):
    _, problems = read(tmp_path, "name: x\nterms: [发热，咳嗽]\n")
    assert next(str(p) for p in problems).startswith("file.yaml:2: “发热，咳嗽”里有全角标点")


def test_full_width_punctuation_is_welcome_in_prose(tmp_path):
    _, problems = read(tmp_path, "why: 发热，咳嗽；气促：重。\n")
    assert problems == []


def test_full_width_digits_are_reported(tmp_path):
    _, problems = read(tmp_path, "below: ３８.５\n")
    assert "全角数字" in problems[0].message


def test_a_full_width_colon_in_a_key_is_reported(tmp_path):
    _, problems = read(tmp_path, "a：b: 1\n")
    assert "全角标点" in problems[0].message


def test_a_duplicate_key_is_reported_and_the_first_kept(tmp_path):
    raw, problems = read(tmp_path, "a: 1\nb: 2\na: 3\n")
    assert raw["a"] == 1
    assert problems[0].line == 3 and "重复" in problems[0].message


def test_broken_yaml_is_reported_with_its_line(tmp_path):
    raw, problems = read(tmp_path, "a: 1\n b: [2\n")
    assert raw is None
    assert problems[0].line >= 2


def test_a_file_in_another_encoding_is_reported(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_bytes("名称: 肺炎".encode("gb18030"))
    raw, problems = read_yaml(path, "file.yaml")
    assert raw is None and "UTF-8" in problems[0].message


def test_lines_are_remembered_for_keys_and_items(tmp_path):
    raw, _ = read(tmp_path, "a:\n  b:\n    - x\n    - y\n")
    assert raw["a"].lines["b"] == 2
    assert raw["a"]["b"].lines == [3, 4]
