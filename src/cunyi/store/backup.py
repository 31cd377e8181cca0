"""Backups: one file with the encrypted database, its wrapped keys and the end of the audit log; checked before it is used."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, update

from cunyi.domain.errors import UserError
from cunyi.store import schema
from cunyi.store.engine import StoreFullError
from cunyi.store.folder import DATABASE, HEAD, KEYRING, Folder
from cunyi.store.signing import sm3
from cunyi.store.unit import Store, Writing

_FORMAT = 1
_MANIFEST = "manifest.json"
# Serials given out after the backup are not known; so many are passed over, so that none is given twice.
_SERIALS_PASSED_OVER = 200


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds (备份清单): the SM3 of each file, whose node it is, when it was made. Nothing of a patient."""

    format: int
    node: str
    made_at: datetime
    files: dict[str, str]


def back_up(store: Store, folder: Folder, target: Path) -> Manifest:
    """Writes a backup while the node goes on working; a file that was there is replaced only by a complete one.

    The database in it is encrypted with the node's own key.
    """
    with tempfile.TemporaryDirectory(dir=target.resolve().parent, prefix=".cunyi-backup-") as place:
        copy, head = Path(place, DATABASE), Path(place, HEAD)
        try:
            # Before the database: the end of the log may lag behind it, never lead.
            if folder.head.path.exists():
                shutil.copyfile(folder.head.path, head)
            _copy_database(store, copy)
            sources = {DATABASE: copy, KEYRING: folder.path / KEYRING, HEAD: head}
            manifest = Manifest(
                format=_FORMAT,
                node=store.node.id,
                made_at=store.clock(),
                files={name: sm3(path.read_bytes()).hex() for name, path in sources.items() if path.exists()},
            )
            draft = Path(place, "backup")
            with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as packed:
                packed.writestr(_MANIFEST, msgspec.json.encode(manifest))
                for name in manifest.files:
                    packed.write(sources[name], name)
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(draft, target)
        except (OSError, sqlcipher.OperationalError) as error:
            if _is_full(error):
                raise StoreFullError("磁盘已满，备份没有写成；请换一个地方（如 U 盘）再备份", field="disk") from None
            raise
    return manifest


def read_backup(source: Path) -> Manifest:
    """What a backup holds, after every file of it was checked. UserError says what is wrong with it."""
    try:
        with zipfile.ZipFile(source) as packed:
            manifest = msgspec.json.decode(packed.read(_MANIFEST), type=Manifest)
            for name, digest in manifest.files.items():
                if sm3(packed.read(name)).hex() != digest:
                    raise UserError(f"备份中的 {name} 与清单不符，备份已损坏；请用另一份备份", field="backup")
    except FileNotFoundError:
        raise UserError(f"没有这个文件：{source}", field="backup") from None
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, RuntimeError, struct.error, OSError):
        # What zipfile raises for bytes that were changed is not of one kind.
        raise UserError("这个文件不是完整的备份；请核对文件名，或用另一份备份", field="backup") from None
    if manifest.format != _FORMAT:
        raise UserError("这份备份是更新版本的程序做的；请升级程序再恢复", field="backup")
    if not {DATABASE, KEYRING} <= set(manifest.files) or set(manifest.files) - {DATABASE, KEYRING, HEAD}:
        raise UserError("备份里的文件不对；请用另一份备份", field="backup")
    return manifest


def restore(source: Path, folder: Folder, *, replace: bool, ready: Callable[[Folder], None]) -> Path | None:
    """Puts a backup in place. What was there is moved aside first, to the folder that is returned; never deleted.

    `ready` looks at what was unpacked before anything is moved; where it raises, everything stays as it was.
    """
    manifest = read_backup(source)
    aside = None
    if folder.is_set_up:
        if not replace:
            raise UserError(
                f"{folder.path} 里已有数据；确定要用备份代替就加 --replace（现有数据会移到旁边，不删除）", field="data"
            )
        aside = folder.path.with_name(f"{folder.path.name}.before-restore-{manifest.made_at:%Y%m%d%H%M%S}")
        count = 1
        while aside.exists():
            count += 1
            aside = aside.with_name(f"{aside.name}-{count}")
    incoming = folder.path.with_name(folder.path.name + ".restoring")
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True, mode=0o700)
    try:
        with zipfile.ZipFile(source) as packed:
            for name in manifest.files:
                with (incoming / name).open("wb") as file:
                    file.write(packed.read(name))
                    file.flush()
                    os.fsync(file.fileno())
        ready(Folder(incoming))
        if aside is not None:
            os.replace(folder.path, aside)
        elif folder.path.exists():
            _expect_empty(folder.path)
            folder.path.rmdir()
    except OSError as error:
        if _is_full(error):
            raise StoreFullError("磁盘已满，没有恢复；原来的数据没有动", field="disk") from None
        raise
    else:
        try:
            os.replace(incoming, folder.path)
        except OSError:
            if aside is not None:
                os.replace(aside, folder.path)
            raise
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return aside


def _expect_empty(path: Path) -> None:
    if any(path.iterdir()):
        raise UserError(f"{path} 里有别的文件；请换一个空文件夹再恢复", field="data")


def _is_full(error: Exception) -> bool:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return full or "disk is full" in str(error) or "disk I/O error" in str(error)


def pass_over_serials(writing: Writing) -> None:
    """After a restore: archive serials that may have been given out since the backup are not given again."""
    table = schema.serial_block
    for row in writing.connection.execute(table.select().where(table.c.organisation == writing.organisation)).all():
        reached = max(row.used_through, row.first - 1) + _SERIALS_PASSED_OVER
        writing.connection.execute(
            update(table)
            .where(
                table.c.organisation == row.organisation,
                table.c.village_code == row.village_code,
                table.c.first == row.first,
            )
            .values(used_through=min(row.last, reached))
        )


def check_integrity(connection: Connection) -> list[str]:
    """What the database engine itself finds wrong with its file, in its own words; empty for nothing."""
    if connection.dialect.name != "sqlite":
        return []
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA cipher_integrity_check")]
    found += [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
    found += [f"foreign key of {row[0]}" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
    return found


def _copy_database(store: Store, target: Path) -> None:
    # VACUUM INTO keeps the key of the source; it sees one state of the database and does not stop writers.
    with store.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        if raw.in_transaction:
            raw.execute("COMMIT")
        raw.execute("VACUUM INTO ?", (str(target),))
