"""Backing up, restoring, checking: also while others write, with a damaged file, with a wrong password, on a full disk."""

from __future__ import annotations

import subprocess
import threading
import zipfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from clinic_day import MORNING, Desk, count, in_folder, misfits
from hypothesis import HealthCheck, given, settings
from node_for_tests import CHEAP, LOGIN, PASSWORD, Clock

from cunyi.domain.errors import UserError
from cunyi.journeys.safekeeping import bring_back, make_backup, verify
from cunyi.journeys.seat import Seat
from cunyi.store import schema
from cunyi.store.backup import read_backup
from cunyi.store.engine import StoreFullError
from cunyi.store.folder import Folder


def by_password(keyring):
    return keyring.open(LOGIN, PASSWORD)


@pytest.fixture
def saved(kit: Desk, tmp_path: Path) -> Path:
    kit.see(kit.register("曾小明"))
    make_backup(kit.store, kit.folder, tmp_path / "a.cunyi")
    return tmp_path / "a.cunyi"


def test_a_backup_comes_back_in_an_empty_folder(kit: Desk, saved: Path, tmp_path: Path) -> None:
    there = Folder(tmp_path / "other")
    found, aside = bring_back(saved, there, by_password, replace=False, clock=kit.clock)
    assert (found.records, found.problems, aside) == (1, (), None)
    seat = Seat(clock=kit.clock, cost=CHEAP, folder=there)
    seat.sign_in(LOGIN, PASSWORD)
    assert misfits(seat.store, there) == []
    seat.close()


def test_a_backup_comes_back_by_the_recovery_code(kit: Desk, saved: Path, tmp_path: Path) -> None:
    there = Folder(tmp_path / "other")
    found, _ = bring_back(
        saved, there, lambda keyring: keyring.open_with_recovery(kit.recovery_code), replace=False, clock=kit.clock
    )
    assert found.problems == ()


def test_what_was_there_is_moved_aside_and_not_deleted(kit: Desk, saved: Path) -> None:
    kit.see(kit.register("李桂花"))
    kit.seat.close()
    with pytest.raises(UserError, match="--replace"):
        bring_back(saved, kit.folder, by_password, replace=False, clock=kit.clock)
    found, aside = bring_back(saved, kit.folder, by_password, replace=True, clock=kit.clock)
    assert found.records == 1 and found.problems == ()
    old = Folder(aside).open(by_password(Folder(aside).keyring()), clock=kit.clock)
    assert count(old, schema.document) == 2
    old.close()


def test_a_wrong_password_leaves_everything_as_it_was(kit: Desk, saved: Path) -> None:
    before = sorted(path.name for path in kit.folder.path.parent.iterdir())
    with pytest.raises(UserError, match="用户名或口令不对"):
        bring_back(
            saved, kit.folder, lambda keyring: keyring.open(LOGIN, "bad-password-0"), replace=True, clock=kit.clock
        )
    assert sorted(path.name for path in kit.folder.path.parent.iterdir()) == before
    kit.register("李桂花")


def test_a_folder_with_other_files_is_left_alone(kit: Desk, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("x")
    with pytest.raises(UserError, match="请换一个空文件夹"):
        bring_back(saved, Folder(tmp_path / "papers"), by_password, replace=False, clock=kit.clock)
    assert [path.name for path in (tmp_path / "papers").iterdir()] == ["letter.txt"]
    assert not (tmp_path / "papers.restoring").exists()


def test_archive_numbers_are_not_given_twice_after_a_restore(kit: Desk, saved: Path) -> None:
    lost = kit.register("李桂花").archive_code
    kit.seat.close()
    bring_back(saved, kit.folder, by_password, replace=True, clock=kit.clock)
    seat = Seat(clock=kit.clock, cost=CHEAP, folder=kit.folder)
    token, me = seat.sign_in(LOGIN, PASSWORD)
    after = Desk(seat, me.account, token, kit.clock, kit.folder)
    assert after.register("王大山").archive_code > lost
    seat.close()


@pytest.fixture(scope="module")
def backup_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    place = tmp_path_factory.mktemp("backup")
    desk = in_folder(place / "node", Clock(MORNING))
    make_backup(desk.store, desk.folder, place / "a.cunyi")
    desk.seat.close()
    return (place / "a.cunyi").read_bytes()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.integers(0), bits=st.integers(1, 255), tail=st.booleans(), cut=st.booleans())
def test_a_damaged_backup_is_refused(
    backup_bytes: bytes, tmp_path: Path, where: int, bits: int, tail: bool, cut: bool
) -> None:
    size = len(backup_bytes)
    place = size - 1 - where % 700 if tail else where % size
    changed = backup_bytes[:place] + bytes([backup_bytes[place] ^ bits]) + backup_bytes[place + 1 :]
    (tmp_path / "b.cunyi").write_bytes(backup_bytes[:place] if cut else changed)
    try:
        read_backup(tmp_path / "b.cunyi")
    except UserError as told:
        assert "备份" in told.message
    else:
        # A byte of the container that carries nothing: what comes out is what went in.
        with zipfile.ZipFile(tmp_path / "b.cunyi") as packed:
            (tmp_path / "a.cunyi").write_bytes(backup_bytes)
            with zipfile.ZipFile(tmp_path / "a.cunyi") as whole:
                assert all(packed.read(name) == whole.read(name) for name in whole.namelist())


def test_a_backup_made_while_others_write_is_whole(kit: Desk, tmp_path: Path) -> None:
    person, stop, failed = kit.register("曾小明"), threading.Event(), []

    def work() -> None:
        try:
            while not stop.is_set():
                kit.see(person)
        except Exception as error:
            failed.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(6):
            make_backup(kit.store, kit.folder, tmp_path / f"{number}.cunyi")
    finally:
        stop.set()
        worker.join()
    assert failed == []
    for number in range(6):
        there = Folder(tmp_path / f"node{number}")
        found, _ = bring_back(tmp_path / f"{number}.cunyi", there, by_password, replace=False, clock=kit.clock)
        assert found.problems == ()


def test_checking_finds_planted_damage_in_the_file(kit: Desk) -> None:
    for name in ("曾小明", "李桂花"):
        kit.see(kit.register(name))
    key = by_password(kit.folder.keyring())
    kit.seat.close()
    data = bytearray(kit.folder.database.read_bytes())
    data[-2000] ^= 1
    kit.folder.database.write_bytes(bytes(data))
    try:
        store = kit.folder.open(key, clock=kit.clock)
        problems = verify(store, kit.folder).problems
    except UserError as told:
        problems = (told.message,)
    assert problems


_FULL = """
mount -t tmpfs -o size={size}k tmpfs {place} && exec {python} {script} {place}
"""


def on_a_small_disk(tmp_path: Path, size: int, script: str, **others: str) -> str:
    """Runs a script with a filesystem of `size` KiB of its own; what it printed."""
    import os
    import sys

    place, program = tmp_path / "small", tmp_path / "script.py"
    place.mkdir()
    program.write_text(script)
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{root / 'src'}:{root / 'tests'}", **others}
    command = _FULL.format(size=size, place=place, python=sys.executable, script=program)
    for flags in ("-m", "-rm"):
        allowed = subprocess.run(["unshare", flags, "true"], capture_output=True, check=False)
        if allowed.returncode == 0:
            done = subprocess.run(
                ["unshare", flags, "sh", "-c", command], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            return done.stdout
    pytest.skip("no private mounts are allowed here")


def test_a_full_disk_keeps_what_was_acknowledged_and_work_goes_on(tmp_path: Path) -> None:
    printed = on_a_small_disk(
        tmp_path,
        6_000,
        """
import sys
from pathlib import Path
from clinic_day import in_folder, misfits, count
from cunyi.store import schema
from cunyi.store.engine import StoreFullError
place = Path(sys.argv[1])
ballast = place / "ballast"
ballast.write_bytes(bytes(400_000))
desk = in_folder(place / "node")
person = desk.register("曾小明")
kept, refused = [], 0
for number in range(3_000):
    try:
        kept.append(desk.see(person, f"{number} " + "咳嗽" * 300).id)
    except StoreFullError as told:
        assert "磁盘已满" in told.message and "腾出空间" in told.message
        refused += 1
        if refused == 4:
            break
assert refused == 4, "the disk did not fill"
ballast.unlink()
after = desk.see(person, "复诊").id
with desk.store.reading() as connection:
    there = {row.id for row in connection.execute(schema.document.select())}
assert set(kept) | {after} <= there
print(len(kept), misfits(desk.store, desk.folder))
""",
    )
    number, _, problems = printed.strip().partition(" ")
    assert int(number) > 5 and problems == "[]"


def test_a_backup_to_a_full_disk_leaves_no_half_backup(tmp_path: Path) -> None:
    printed = on_a_small_disk(
        tmp_path,
        200,
        """
import os, sys
from pathlib import Path
from clinic_day import in_folder
from cunyi.journeys.safekeeping import make_backup
from cunyi.store.engine import StoreFullError
place = Path(sys.argv[1])
desk = in_folder(Path(os.environ["ELSEWHERE"]) / "node")
try:
    make_backup(desk.store, desk.folder, place / "a.cunyi")
except StoreFullError as told:
    print(told.message, os.listdir(place))
""",
        ELSEWHERE=str(tmp_path),
    )
    assert "备份没有写成" in printed and printed.strip().endswith("[]")


def test_a_limit_on_the_size_of_files_is_told_as_a_full_disk(kit: Desk) -> None:
    resource = pytest.importorskip("resource", reason="limits of a process are a thing of POSIX")
    import signal

    person = kit.register("曾小明")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = []
    try:
        largest = max(path.stat().st_size for path in kit.folder.path.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 60_000, before[1]))
        with pytest.raises(StoreFullError, match="腾出空间"):
            for _ in range(500):
                kept.append(kit.see(person, "咳嗽" * 500).id)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    kit.see(person)
    assert count(kit.store, schema.document) == len(kept) + 1
    assert misfits(kit.store, kit.folder) == []
