"""The keyring: whoever should, opens the database key; nobody else, from whatever the file is made to say."""

import base64
import copy
import errno
import json
import os
import pickle
import stat

import msgspec
import pytest

import cunyi.store.keyring as module
from cunyi.domain.errors import UserError
from cunyi.store.keyring import DatabaseKey, Keyring
from cunyi.store.passwords import Cost

CHEAP = Cost(time_cost=1, memory_kib=64)
LI, WANG = "li.jianguo", "王秀兰"
PASSPHRASE = "mountain-road-9"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keyring.json"


@pytest.fixture
def made(path):
    """A keyring with one user: the keyring, the key, the recovery code."""
    keyring, key, code = Keyring.create(path, cost=CHEAP)
    keyring.add(LI, PASSPHRASE, key)
    return keyring, key, code


@pytest.fixture
def derivations(monkeypatch):
    """Counts the expensive derivations."""
    counted = []
    derive = module.hash_secret_raw

    def count(**options):
        counted.append((options["time_cost"], options["memory_cost"], options["parallelism"]))
        return derive(**options)

    monkeypatch.setattr(module, "hash_secret_raw", count)
    return counted


def refused(call, *arguments):
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return caught.value


def edited(path, change):
    """The keyring as it is read after its file was changed by hand."""
    contents = json.loads(path.read_bytes())
    change(contents)
    path.write_text(json.dumps(contents))
    return Keyring.load(path)


def flipped(text):
    """Base64 text with one bit of its bytes changed."""
    raw = bytearray(base64.b64decode(text))
    raw[0] ^= 1
    return base64.b64encode(raw).decode()


# Opening


def test_a_user_opens_the_key_that_was_made(made, path):
    keyring, key, _ = made
    assert keyring.open(LI, PASSPHRASE) == key
    assert Keyring.load(path).open(LI, PASSPHRASE) == key


def test_two_users_open_the_same_key_each_with_their_own_passphrase(made, path):
    keyring, key, _ = made
    keyring.add(WANG, "青山绿水好人家呀", key)
    loaded = Keyring.load(path)
    assert loaded.open(LI, PASSPHRASE) == loaded.open(WANG, "青山绿水好人家呀") == key
    assert refused(loaded.open, WANG, PASSPHRASE).field == "password"


@pytest.mark.parametrize("wrong", ["", "mountain-road-8", "Mountain-road-9", PASSPHRASE + " ", "mountain-road-9\ud83d"])
def test_a_wrong_passphrase_is_refused_in_words(made, wrong):
    error = refused(made[0].open, LI, wrong)
    assert error.field == "password"
    assert error.message.startswith("用户名或口令不对")


def test_an_unknown_login_is_told_the_same_after_the_same_work(made, derivations):
    keyring, _, code = made
    wrong = refused(keyring.open, LI, "wrong-passphrase")
    work = list(derivations)
    derivations.clear()
    unknown = refused(keyring.open, "nobody", PASSPHRASE)
    assert (unknown.message, unknown.field) == (wrong.message, wrong.field)
    assert derivations == work == [(1, 64, 1)]
    assert refused(keyring.open, "nobody", code.replace("-", "")).field == "password"


def test_login_and_passphrase_are_the_same_from_every_keyboard(made):
    keyring, key, _ = made
    assert keyring.open("ＬＩ．Jianguo ", "ｍｏｕｎｔａｉｎ-road-９") == key
    assert keyring.has(" LI.JIANGUO")


def test_keys_and_codes_of_two_nodes_differ(tmp_path):
    _, first, first_code = Keyring.create(tmp_path / "a.json", cost=CHEAP)
    _, second, second_code = Keyring.create(tmp_path / "b.json", cost=CHEAP)
    assert first != second
    assert first_code != second_code


def test_the_randomness_that_is_given_makes_the_key(path):
    _, key, _ = Keyring.create(path, cost=CHEAP, random=lambda count: bytes(range(count)))
    assert key == DatabaseKey(bytes(range(32)))


def test_a_keyring_is_never_written_over_by_a_new_one(made, path):
    before = path.read_bytes()
    with pytest.raises(UserError) as caught:
        Keyring.create(path, cost=CHEAP)
    assert caught.value.field == "data"
    assert path.read_bytes() == before


# Users come and go


def test_a_changed_passphrase_takes_the_place_of_the_old_one(made, path):
    keyring, key, _ = made
    keyring.change(LI, "another-road-10", key)
    loaded = Keyring.load(path)
    assert loaded.open(LI, "another-road-10") == key
    assert refused(loaded.open, LI, PASSPHRASE).field == "password"
    assert len(json.loads(path.read_bytes())["slots"]) == 1


def test_a_removed_user_opens_nothing_and_the_others_still_do(made, path):
    keyring, key, _ = made
    keyring.add(WANG, "qing-shan-lv-shui", key)
    keyring.remove(LI)
    loaded = Keyring.load(path)
    assert not loaded.has(LI)
    assert loaded.has(WANG)
    assert refused(loaded.open, LI, PASSPHRASE).field == "password"
    assert loaded.open(WANG, "qing-shan-lv-shui") == key


def test_a_second_slot_and_a_slot_that_is_not_there_are_refused(made):
    keyring, key, _ = made
    assert refused(keyring.add, "LI.jianguo", "another-road-10", key).field == "login"
    assert keyring.open(LI, PASSPHRASE) == key
    assert refused(keyring.change, WANG, "another-road-10", key).field == "login"
    assert refused(keyring.remove, WANG).field == "login"


# What the file says and does not say


def test_neither_key_nor_login_nor_secrets_stand_in_the_file(made, path):
    keyring, key, code = made
    keyring.add(WANG, "qing-shan-lv-shui", key)
    data, raw = path.read_bytes(), bytes.fromhex(key.hex)
    hidden = [raw, raw.hex().encode(), raw.hex().upper().encode(), PASSPHRASE.encode(), code.encode(), LI.encode()]
    hidden += [base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")]
    hidden += [code.replace("-", "").encode(), WANG.encode(), json.dumps(WANG)[1:-1].encode(), b"jianguo"]
    for words in hidden:
        assert words not in data
    pieces = [base64.b64decode(v) for place in _envelopes(path) for v in place.values() if len(v) != 64]
    assert not any(raw in piece for piece in pieces)


def _envelopes(path):
    contents = json.loads(path.read_bytes())
    return [
        {name: place[name] for name in ("salt", "nonce", "wrapped")}
        for place in (*contents["slots"], contents["recovery"])
    ]


def test_one_login_has_another_slot_id_in_every_keyring(made, path, tmp_path):
    other, key, _ = Keyring.create(tmp_path / "other.json", cost=CHEAP)
    other.add(LI, PASSPHRASE, key)
    ids = {json.loads(file.read_bytes())["slots"][0]["slot"] for file in (path, tmp_path / "other.json")}
    assert len(ids) == 2


def test_no_salt_or_nonce_is_used_twice(made, path):
    keyring, key, _ = made
    keyring.add(WANG, PASSPHRASE, key)
    for part in ("salt", "nonce", "wrapped"):
        assert len({place[part] for place in _envelopes(path)}) == 3


def test_the_cost_of_the_keyring_is_used_for_every_slot(path, derivations):
    keyring, key, _ = Keyring.create(path, cost=Cost(time_cost=2, memory_kib=128, parallelism=2))
    Keyring.load(path).add(LI, PASSPHRASE, key)
    Keyring.load(path).open(LI, PASSPHRASE)
    assert derivations == [(2, 128, 2)] * 3
    assert not keyring.has(LI)


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_only_the_owner_may_read_the_file(made, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    made[0].change(LI, "another-road-10", made[1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# A file that was tampered with


def test_swapped_envelopes_open_nothing(made, path):
    keyring, key, _ = made
    keyring.add(WANG, PASSPHRASE, key)

    def swap(contents):
        first, second = contents["slots"]
        first["slot"], second["slot"] = second["slot"], first["slot"]

    swapped = edited(path, swap)
    assert refused(swapped.open, LI, PASSPHRASE).field == "password"
    assert refused(swapped.open, WANG, PASSPHRASE).field == "password"


def test_a_slot_does_not_open_as_recovery_nor_recovery_as_a_slot(path):
    keyring, key, code = Keyring.create(path, cost=CHEAP)
    canonical = code.replace("-", "")
    keyring.add(LI, canonical, key)

    def exchange(contents):
        slot, recovery = contents["slots"][0], contents["recovery"]
        for part in ("salt", "nonce", "wrapped"):
            slot[part], recovery[part] = recovery[part], slot[part]

    exchanged = edited(path, exchange)
    assert refused(exchanged.open, LI, canonical).field == "password"
    assert refused(exchanged.open_with_recovery, code).field == "recovery_code"


@pytest.mark.parametrize("part", ["wrapped", "nonce", "salt"])
def test_changed_bytes_of_an_envelope_open_nothing(made, path, part):
    code = made[2]

    def change(contents):
        contents["slots"][0][part] = flipped(contents["slots"][0][part])
        contents["recovery"][part] = flipped(contents["recovery"][part])

    tampered = edited(path, change)
    assert refused(tampered.open, LI, PASSPHRASE).field == "password"
    assert refused(tampered.open_with_recovery, code).field == "recovery_code"


def test_a_changed_cost_opens_nothing(made, path):
    tampered = edited(path, lambda contents: contents["kdf"].update(time_cost=2))
    assert refused(tampered.open, LI, PASSPHRASE).field == "password"


# A file that is missing or damaged


def test_a_missing_file_is_told_with_the_way_out(path):
    error = refused(Keyring.load, path)
    assert error.field == "keyring"
    assert "找不到" in error.message
    assert "备份" in error.message


def test_a_file_that_cannot_be_read_is_told(path):
    path.mkdir()
    error = refused(Keyring.load, path)
    assert error.field == "keyring"
    assert "读不出来" in error.message


def test_a_file_cut_short_anywhere_is_told_with_the_way_out(made, path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        error = refused(Keyring.load, path)
        assert error.field == "keyring"
        assert "已损坏" in error.message
        assert "备份" in error.message
        assert "恢复单" in error.message


def test_zeros_and_what_is_no_text_are_damage(path):
    for data in (b"\0" * 512, b"\xff\xfe{}", b'{"format":1,"\xff":2}', b"[]", b"null", b'{"format":"1"}'):
        path.write_bytes(data)
        assert "已损坏" in refused(Keyring.load, path).message


def test_every_byte_that_was_hit_is_damage_or_opens_the_right_key_or_nothing(made, path):
    _, key, _ = made
    whole = path.read_bytes()
    for place in range(len(whole)):
        hit = bytearray(whole)
        hit[place] ^= 0x04
        path.write_bytes(hit)
        try:
            assert Keyring.load(path).open(LI, PASSPHRASE) == key
        except UserError as error:
            assert error.field in {"keyring", "password"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda contents: contents.pop("salt"),
        lambda contents: contents.pop("kdf"),
        lambda contents: contents.pop("slots"),
        lambda contents: contents.pop("recovery"),
        lambda contents: contents.pop("format"),
        lambda contents: contents.update(format=0),
        lambda contents: contents["slots"][0].pop("wrapped"),
        lambda contents: contents["slots"][0].update(slot="li"),
        lambda contents: contents["slots"][0].update(nonce="AAAA"),
        lambda contents: contents["slots"][0].update(salt="not base64!"),
        lambda contents: contents["recovery"].update(wrapped=None),
        lambda contents: contents["kdf"].update(memory_kib=2_000_000_000),
        lambda contents: contents["kdf"].update(memory_kib=8, parallelism=4),
        lambda contents: contents["slots"].append(contents["slots"][0]),
    ],
)
def test_missing_and_impossible_fields_are_damage(made, path, spoil):
    contents = json.loads(path.read_bytes())
    spoil(contents)
    path.write_text(json.dumps(contents))
    error = refused(Keyring.load, path)
    assert error.field == "keyring"
    assert "已损坏" in error.message


def test_the_file_of_a_newer_program_asks_for_the_newer_program(path):
    path.write_text('{"format": 2, "something": "else"}')
    error = refused(Keyring.load, path)
    assert error.field == "keyring"
    assert "升级" in error.message


# A write that fails


def test_a_crash_while_writing_leaves_the_old_file(made, path, monkeypatch):
    keyring, key, code = made
    before = path.read_bytes()

    def crash(*_):
        raise OSError(errno.EIO, "crash")

    monkeypatch.setattr(os, "replace", crash)
    for change in (
        lambda: keyring.change(LI, "another-road-10", key),
        lambda: keyring.add(WANG, "another-road-10", key),
        lambda: keyring.remove(LI),
        lambda: keyring.new_recovery(key),
    ):
        with pytest.raises(OSError, match="crash"):
            change()
        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert keyring.open(LI, PASSPHRASE) == key
    assert keyring.open_with_recovery(code) == key
    assert not keyring.has(WANG)


def test_a_full_disk_is_told_and_leaves_the_old_file(made, path, monkeypatch):
    keyring, key, _ = made
    before = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    error = refused(keyring.change, LI, "another-road-10", key)
    assert error.field == "disk"
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_a_power_cut_left_behind_does_not_stop_the_next_change(made, path):
    keyring, key, _ = made
    path.with_name("keyring.json.new").write_bytes(b"{")
    keyring.change(LI, "another-road-10", key)
    assert Keyring.load(path).open(LI, "another-road-10") == key
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="folders are not opened elsewhere")
def test_the_file_is_on_the_disk_before_it_takes_its_place_and_the_folder_after(made, path, monkeypatch):
    keyring, key, _ = made
    steps = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor):
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_replace(source, target):
        steps.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    keyring.change(LI, "another-road-10", key)
    assert steps == ["file", "replace", "folder"]


# The recovery code


def test_the_recovery_code_opens_the_key_and_is_made_to_be_copied_by_hand(made, path):
    _, key, code = made
    groups = code.split("-")
    assert [len(group) for group in groups] == [4] * 7
    assert set(code) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ-")
    assert Keyring.load(path).open_with_recovery(code) == key


@pytest.fixture
def zeros(path):
    """A keyring whose recovery code has a 0 and a 1 in it."""
    keyring, key, code = Keyring.create(path, cost=CHEAP, random=lambda count: bytes([0] * (count - 1) + [1]))
    assert {"0", "1"} <= set(code)
    return keyring, key, code


@pytest.mark.parametrize(
    "typed",
    [
        lambda code: code.lower(),
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: code.replace("-", " － "),
        lambda code: code.replace("-", "—"),
        lambda code: f"\t{code}\r\n",
        lambda code: " ".join(code),
        lambda code: code.replace("0", "O"),
        lambda code: code.replace("0", "o"),
        lambda code: code.replace("1", "I"),
        lambda code: code.replace("1", "l"),
        lambda code: code.replace("1", "L").lower(),
        lambda code: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in code),
    ],
)
def test_the_recovery_code_is_read_however_it_is_typed(zeros, typed):
    keyring, key, code = zeros
    assert keyring.open_with_recovery(typed(code)) == key


def test_every_single_slip_and_every_exchange_is_told_before_the_derivation(made, derivations):
    keyring, _, printed = made
    code = printed.replace("-", "")
    slips = set()
    for place, character in enumerate(code):
        slips |= {code[:place] + other + code[place + 1 :] for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ"}
        for second in range(place + 1, len(code)):
            letters = list(code)
            letters[place], letters[second] = letters[second], character
            slips.add("".join(letters))
    slips.discard(code)
    assert len(slips) > 28 * 31
    for slip in slips:
        error = refused(keyring.open_with_recovery, slip)
        assert error.field == "recovery_code"
        assert "输错" in error.message
    assert derivations == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (lambda code: "", "现在是 0 个"),
        (lambda code: code[:-1], "现在是 27 个"),
        (lambda code: code + "7", "现在是 29 个"),
        (lambda code: "U" + code[1:], "第 1 个字符"),
        (lambda code: code[:5] + "*" + code[6:], "第 5 个字符"),
        (lambda code: code[:-1] + "王", "第 28 个字符"),
    ],
)
def test_other_mistakes_in_the_code_say_where_before_the_derivation(made, derivations, typed, words):
    error = refused(made[0].open_with_recovery, typed(made[2]))
    assert error.field == "recovery_code"
    assert words in error.message
    assert "恢复单" in error.message
    assert derivations == []


def test_the_code_of_another_node_is_refused(made, tmp_path):
    _, _, other = Keyring.create(tmp_path / "other.json", cost=CHEAP)
    error = refused(made[0].open_with_recovery, other)
    assert error.field == "recovery_code"
    assert "最近一次" in error.message


def test_a_new_recovery_code_ends_the_old_one(made, path):
    keyring, key, old = made
    new = keyring.new_recovery(key)
    assert new != old
    loaded = Keyring.load(path)
    assert loaded.open_with_recovery(new) == key
    assert refused(loaded.open_with_recovery, old).field == "recovery_code"
    assert loaded.open(LI, PASSPHRASE) == key


# The key in the program


def test_the_key_shows_in_no_text():
    raw = bytes(range(100, 132))
    key = DatabaseKey(raw)
    texts = [repr(key), str(key), f"{key}", f"{key!r}", "%s" % key, "{}".format(key), repr([key])]  # noqa: UP031, UP032
    for text in texts:
        assert raw.hex() not in text
        assert repr(raw) not in text
        assert raw.decode("latin-1") not in text
    assert not hasattr(key, "__dict__")


def test_the_key_is_neither_pickled_nor_copied_nor_encoded():
    key = DatabaseKey(bytes(32))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(key, protocol)
    for leak in (copy.copy, copy.deepcopy, json.dumps, msgspec.json.encode):
        with pytest.raises(TypeError):
            leak(key)


def test_keys_are_equal_by_their_bytes():
    assert DatabaseKey(bytes(32)) == DatabaseKey(bytes(32))
    assert DatabaseKey(bytes(32)) != DatabaseKey(bytes(31) + b"\1")
    assert DatabaseKey(bytes(32)) != bytes(32)
    assert DatabaseKey(bytes(32)).hex == "00" * 32
    with pytest.raises(TypeError):
        hash(DatabaseKey(bytes(32)))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_a_defect_that_does_not_show_it(length):
    with pytest.raises(ValueError) as caught:
        DatabaseKey(b"k" * length)
    assert "kk" not in str(caught.value)


def test_no_error_carries_a_secret(made):
    keyring, key, code = made
    for error in (
        refused(keyring.open, LI, "wrong-passphrase"),
        refused(keyring.add, LI, "other-passphrase", key),
        refused(keyring.open_with_recovery, code[:-1]),
    ):
        assert error.__cause__ is None
        for words in ("passphrase", LI, key.hex, code[:9]):
            assert words not in error.message
    assert key.hex not in repr(keyring)
