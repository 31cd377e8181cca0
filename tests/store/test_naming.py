"""Search keys: people are found by any beginning of any part of their name, as it is read and as it is typed."""

from time import process_time

import pytest

from cunyi.store.naming import MOST_VARIANTS, name_keys, query_keys, sort_key


def finds(typed, name):
    """Whether a prefix search for what was typed comes upon the name."""
    keys = name_keys(name)
    return any(kind == asked and key.startswith(text) for asked, text in query_keys(typed) for kind, key in keys)


def test_the_name_and_its_suffixes_are_keys_in_characters_pinyin_and_initials():
    keys = name_keys("王小明")
    assert set(keys) == {
        ("name", "王小明"), ("name", "小明"), ("name", "明"),
        ("pinyin", "wangxiaoming"), ("pinyin", "xiaoming"), ("pinyin", "ming"),
        ("initials", "wxm"), ("initials", "xm"), ("initials", "m"),
    }  # fmt: skip
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        ("曾小明", "zengxiaoming", "zxm"),
        ("单田芳", "shantianfang", "stf"),
        ("区小明", "ouxiaoming", "oxm"),
        ("仇小明", "qiuxiaoming", "qxm"),
        ("解小明", "xiexiaoming", "xxm"),
        ("任小明", "renxiaoming", "rxm"),
        ("查小明", "zhaxiaoming", "zxm"),
        ("盖小明", "gexiaoming", "gxm"),
        ("盖小明", "gaixiaoming", "gxm"),
        ("尉迟小明", "yuchixiaoming", "ycxm"),
        ("万俟小明", "moqixiaoming", "mqxm"),
        ("长孙小明", "zhangsunxiaoming", "zsxm"),
        ("澹台小明", "tantaixiaoming", "ttxm"),
        ("单于小明", "chanyuxiaoming", "cyxm"),
        ("朴小明", "piaoxiaoming", "pxm"),
        ("翟小明", "zhaixiaoming", "zxm"),
        ("翟小明", "dixiaoming", "dxm"),
        ("乐小明", "yuexiaoming", "yxm"),
        ("乐小明", "lexiaoming", "lxm"),
        ("员小明", "yunxiaoming", "yxm"),
        ("覃小明", "qinxiaoming", "qxm"),
        ("覃小明", "tanxiaoming", "txm"),
        ("缪小明", "miaoxiaoming", "mxm"),
        ("冼小明", "xianxiaoming", "xxm"),
        ("万小明", "wanxiaoming", "wxm"),
        ("沈小明", "shenxiaoming", "sxm"),
        ("吕小明", "lvxiaoming", "lxm"),
        ("吕小明", "luxiaoming", "lxm"),
        ("李长生", "lichangsheng", "lcs"),
        ("李长生", "lizhangsheng", "lzs"),
        ("李乐", "liyue", "ly"),
        ("李小曾", "lixiaozeng", "lxz"),
    ],
)
def test_a_character_is_read_as_families_read_it(name, pinyin, initials):
    keys = name_keys(name)
    assert ("pinyin", pinyin) in keys
    assert ("initials", initials) in keys


def test_a_surname_is_also_found_by_its_commonest_reading():
    assert finds("ceng", "曾小明") and finds("danzeng", "单增曲珍") and finds("chagan", "查干")


@pytest.mark.parametrize(
    "typed",
    ["曾", "曾小", "小明", "明", "zeng", "ZengXiao", "zeng xiao", "xiaom", "zxm", "ＺＸ", "xm", "Zēng", "曾　小明"],
)
def test_one_person_is_found_by_every_beginning(typed):
    assert finds(typed, "曾小明")


@pytest.mark.parametrize("typed", ["曾明", "小张", "xz", "aoming", "mz"])
def test_what_begins_no_part_of_the_name_finds_nobody(typed):
    assert not finds(typed, "曾小明")


@pytest.mark.parametrize("typed", ["吐尔", "tuer", "买买提吐", "买买提·吐", "买买提•吐", "mmtt", "te"])
def test_a_long_name_is_found_from_each_of_its_parts(typed):
    assert finds(typed, "买买提·吐尔逊")


@pytest.mark.parametrize("typed", ["john", "SMITH", "js", "John Sm"])
def test_a_foreign_name_is_found_by_its_words(typed):
    assert finds(typed, "John Smith")
    assert not finds("ohn", "John Smith")


@pytest.mark.parametrize("typed", ["lü", "lǚ", "lv", "lu", "lvxiao", "lüxiao", "吕"])
def test_the_umlaut_is_found_in_every_typed_form(typed):
    assert finds(typed, "吕小明")


@pytest.mark.parametrize("typed", ["müller", "muller", "mvller"])
def test_the_umlaut_of_a_foreign_name_too(typed):
    assert finds(typed, "John Müller")


def test_a_character_without_reading_is_found_by_form_and_does_not_hide_the_rest():
    name = "王\uf000明"
    assert finds("\uf000", name) and finds("王\uf000", name) and finds("wangming", name) and finds("wm", name)


def test_a_private_use_character_of_the_national_standard_has_its_reading():
    assert finds("wangyan", "王\ue863")


def test_many_readings_do_not_multiply_without_end():
    keys = name_keys("乐长行·重乐朝·长乐重行朝乐")
    assert len(keys) == len(set(keys))
    longest = max(len(key) for kind, key in keys if kind == "initials")
    assert sum(kind == "initials" and len(key) == longest for kind, key in keys) <= MOST_VARIANTS
    assert ("initials", "lcxzlcclzxcl") in keys


def test_typed_letters_may_be_initials_or_pinyin_and_numbers_are_no_name():
    assert query_keys("ZXM") == (("initials", "zxm"), ("pinyin", "zxm"))
    assert query_keys("曾小") == (("name", "曾小"),)
    assert query_keys("xi'an") == (("initials", "xian"), ("pinyin", "xian"))
    assert [query_keys(text) for text in ("", "　", "%", "_", "13800000000", "曾1")] == [()] * 6


def test_lists_are_ordered_by_the_reading_of_the_surname():
    names = ["朱一", "单二", "欧阳三", "曾四", "区五", "李六", "连七", "尉迟八", "\uf000九"]
    assert sorted(names, key=sort_key) == [
        "李六",
        "连七",
        "区五",
        "欧阳三",
        "单二",
        "尉迟八",
        "曾四",
        "朱一",
        "\uf000九",
    ]
    assert sort_key("曾小明") == "zeng xiao ming"


def test_a_township_is_indexed_in_seconds():
    names = [f"{s}{a}{b}" for s in "曾李王张单区刘陈吕翟" for a in "明国文华长乐行志" * 9 for b in "永海春晓新金" * 12]
    began = process_time()
    keys = sum(len(name_keys(name)) for name in names)
    assert process_time() - began < 5 * len(names) / 50_000 + 1
    assert keys < 20 * len(names)
