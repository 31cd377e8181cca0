"""A clinic that never has a line: everything goes and comes by files; the wrong file is told for what it is and loses nothing."""

from __future__ import annotations

import io
import os

import pytest
from clinic_day import in_folder
from node_for_tests import LOGIN, PASSWORD
from tests.sync.pictures import a_picture_in_a_thread
from tests.sync.served_township import a_township, link_of, people, set_address, signed_records, waiting
from township_for_tests import HUB_LOGIN, a_hub

from cunyi.cli import main
from cunyi.domain.errors import UserError
from cunyi.journeys.carrying_by_file import answer_file, take_answer, write_for_hub
from cunyi.journeys.revoking import revoke, wipe
from cunyi.store.attachments import attachments_of_thread, read_attachment


@pytest.fixture
def township(tmp_path):
    with a_township(tmp_path) as made:
        yield made


@pytest.fixture
def hub(township):
    return township.hub


@pytest.fixture
def kit(township):
    return township.kit()


def from_kit(kit) -> bytes:
    target = io.BytesIO()
    assert write_for_hub(kit.store, target) == len(target.getvalue())
    return target.getvalue()


def at_hub(hub, file: bytes) -> bytes:
    target = io.BytesIO()
    answer_file(hub.store, io.BytesIO(file), target)
    return target.getvalue()


def back(kit, file: bytes):
    return take_answer(kit.store, io.BytesIO(file), revoked=lambda reason: wipe(kit.seat, reason))


def there_and_back(kit, hub):
    return back(kit, at_hub(hub, from_kit(kit)))


def refused(work, *arguments) -> str:
    with pytest.raises(UserError) as told:
        work(*arguments)
    assert told.value.field == "file"
    return told.value.message


def test_one_file_there_and_one_back_is_a_whole_synchronisation(township, hub, kit, tmp_path):
    other = township.kit("other")
    for each, name in ((other, "曾小明"), (kit, "周大福")):
        for _ in range(3):
            each.see(each.register(f"{name}"))
    assert there_and_back(other, hub).waiting == 0
    taken = there_and_back(kit, hub)
    assert (taken.waiting, taken.refused, waiting(kit.store)) == (0, 0, 0)
    assert signed_records(kit.store) == signed_records(hub.store) and len(signed_records(kit.store)) == 6
    assert people(kit.store) == people(hub.store)
    assert link_of(kit.store).first_done
    there_and_back(other, hub)
    assert signed_records(other.store) == signed_records(hub.store)


def test_nothing_counts_as_sent_before_the_answer_was_taken(hub, kit):
    kit.see(kit.register("周大福"))
    before = waiting(kit.store)
    file = from_kit(kit)
    assert waiting(kit.store) == before
    answer = at_hub(hub, file)
    assert waiting(kit.store) == before
    back(kit, answer)
    assert waiting(kit.store) == 0


def test_a_stick_that_was_lost_costs_nothing(hub, kit):
    kit.see(kit.register("周大福"))
    at_hub(hub, from_kit(kit))
    kit.see(kit.register("曾小明"))
    there_and_back(kit, hub)
    there_and_back(kit, hub)
    assert waiting(kit.store) == 0 and signed_records(kit.store) == signed_records(hub.store)


def test_a_file_that_comes_twice_or_after_a_newer_one_is_told_and_changes_nothing(hub, kit):
    kit.see(kit.register("周大福"))
    first = from_kit(kit)
    kit.see(kit.register("曾小明"))
    second = from_kit(kit)
    answer = at_hub(hub, second)
    for old in (second, first):
        assert "以前处理过" in refused(at_hub, hub, old)
    back(kit, answer)
    assert waiting(kit.store) == 0 and signed_records(kit.store) == signed_records(hub.store)


def test_answers_taken_twice_or_in_the_wrong_order_change_nothing(hub, kit):
    kit.see(kit.register("周大福"))
    first = at_hub(hub, from_kit(kit))
    kit.see(kit.register("曾小明"))
    second = at_hub(hub, from_kit(kit))
    back(kit, second)
    state = people(kit.store), signed_records(kit.store), link_of(kit.store).after
    for old in (first, second, first):
        assert not back(kit, old).new
        assert (people(kit.store), signed_records(kit.store), link_of(kit.store).after) == state
    kit.see(kit.register("曾大山"))
    there_and_back(kit, hub)
    there_and_back(kit, hub)
    assert waiting(kit.store) == 0 and signed_records(kit.store) == signed_records(hub.store)


def test_the_wrong_file_is_told_for_what_it_is(township, hub, kit, tmp_path):
    other = township.kit("other")
    kit.see(kit.register("周大福"))
    out, foreign = from_kit(kit), from_kit(other)
    answer = at_hub(hub, out)
    with a_hub(tmp_path / "another hub", hub.clock) as another:
        assert refused(at_hub, another, out) == "这个文件是给另一台电脑的；请拿对文件"
    assert refused(back, kit, out) == "这是送往中心的文件，请在卫生院的中心打开"
    assert refused(at_hub, hub, answer) == "这是中心带回的文件，请在村卫生室的电脑上打开"
    assert refused(back, other, answer) == "这个文件是给另一台电脑的；请拿对文件"
    assert "不是中心" in refused(at_hub, kit, foreign)
    for work, store in ((at_hub, hub), (back, kit)):
        assert (
            refused(work, store, b"")
            == refused(work, store, b"PK\3\4 a photograph")
            == ("这不是同步文件；请选村医导出的那个文件")
        )
    assert waiting(kit.store) > 0
    back(kit, answer)
    assert waiting(kit.store) == 0


@pytest.mark.parametrize("spoil", ["cut", "changed"])
def test_a_spoiled_file_is_refused_as_a_whole(hub, kit, spoil):
    kit.see(kit.register("周大福"))

    def spoiled(file):
        half = len(file) // 2
        return file[:half] if spoil == "cut" else file[:half] + bytes([file[half] ^ 1]) + file[half + 1 :]

    out = from_kit(kit)
    words = "不完整" if spoil == "cut" else "损坏"
    assert words in refused(at_hub, hub, spoiled(out))
    assert signed_records(hub.store) == set()
    answer = at_hub(hub, out)
    before = waiting(kit.store)
    assert words in refused(back, kit, spoiled(answer))
    assert waiting(kit.store) == before
    back(kit, answer)
    assert waiting(kit.store) == 0


def test_a_stranger_s_file_is_not_opened(hub, tmp_path):
    alone = in_folder(tmp_path / "alone", hub.clock)
    with pytest.raises(UserError, match="还没有登记到中心"):
        write_for_hub(alone.store, io.BytesIO())
    alone.seat.close()


def test_a_revoked_kit_learns_it_from_its_file_too(hub, kit):
    kit.see(kit.register("周大福"))
    out = from_kit(kit)
    revoke(hub.store, hub.account, kit.store.node.id, reason="遗失")
    answer = at_hub(hub, out)
    assert signed_records(hub.store) == set()
    with pytest.raises(UserError, match="吊销"):
        back(kit, answer)
    assert kit.seat.revoked is not None and not kit.folder.database.exists()


def test_pictures_come_whole_by_file(township, hub, kit, tmp_path):
    other = township.kit("other")
    thread, data = a_picture_in_a_thread(kit, os.urandom(400_000))
    there_and_back(kit, hub)
    there_and_back(other, hub)
    for store in (hub.store, other.store):
        with store.reading() as connection:
            organisation = store.node.organisation
            (picture,) = attachments_of_thread(connection, organisation, thread)
            assert picture.is_whole and read_attachment(connection, organisation, picture.id) == data


def test_the_commands_carry_it(hub, kit, tmp_path, capsys):
    kit.see(kit.register("周大福"))
    stick = tmp_path / "stick"
    stick.mkdir()
    password = tmp_path / "password"
    password.write_text(PASSWORD)

    def run(*arguments, place="kit", login=LOGIN):
        opening = ["--data", str(tmp_path / place), "--login", login, "--password-file", str(password)]
        return main(["sync", *map(str, arguments), *opening])

    out, answer = stick / "out.sync", stick / "back.sync"
    assert run("--to-file", out) == 0 and out.stat().st_size > 500
    assert run("--answer-file", out, "--out", answer, place="hub", login=HUB_LOGIN) == 0
    assert run("--from-file", answer) == 0
    assert "还有 0 条等下一个文件，0 条被拒绝" in capsys.readouterr().out
    assert signed_records(kit.store) == signed_records(hub.store) != set()
    assert run("--answer-file", out, "--out", answer, place="hub", login=HUB_LOGIN) == 2
    assert run("--from-file", stick / "none.sync") == 2
    assert run("--answer-file", out) == 2
    assert sorted(path.name for path in stick.iterdir()) == ["back.sync", "out.sync"]
    assert run() == 0
    set_address(kit.store, "http://127.0.0.1:9")
    assert run() == 1
    told = capsys.readouterr()
    assert "送出" in told.out and "连不上中心" in told.out and "以前处理过" in told.err
