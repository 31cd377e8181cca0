"""The command for synchronising: once over the line, or by a file on a stick; for whoever looks after the computer."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from cunyi.config import read_config
from cunyi.domain.change import Outcome
from cunyi.domain.errors import UserError
from cunyi.node_commands import add_opening_options, now, open_records

if TYPE_CHECKING:
    from cunyi.journeys.seat import Seat

_OUTCOMES = {
    Outcome.NEW: "新增",
    Outcome.UPDATED: "更新",
    Outcome.IDENTICAL: "相同",
    Outcome.STALE: "已过时",
    Outcome.CONFLICT: "冲突（请在“同步”页决定）",
    Outcome.REFUSED: "拒绝（原因见“同步”页）",
}


def add_sync_commands(commands: Any) -> None:
    """Adds `cunyi sync` to the command line."""
    command = commands.add_parser("sync", help="与卫生院的中心同步一次；没有网络的，用 U 盘上的文件")
    ways = command.add_mutually_exclusive_group()
    ways.add_argument("--to-file", type=Path, metavar="文件", help="把要送往中心的写成一个加密文件，存到 U 盘")
    ways.add_argument("--from-file", type=Path, metavar="文件", help="收下中心带回的文件")
    ways.add_argument("--answer-file", type=Path, metavar="文件", help="在中心：处理村卫生室送来的文件，写出 --out")
    command.add_argument("--out", type=Path, metavar="文件", help="带回的文件写到哪里（与 --answer-file 一起用）")
    add_opening_options(command)
    command.set_defaults(run=_sync)


def _sync(options: argparse.Namespace) -> int:
    if (options.answer_file is None) != (options.out is None):
        raise UserError("--answer-file 和 --out 要一起写", field="--out")
    if options.to_file is not None:
        return _write_for_hub(options)
    if options.from_file is not None:
        return _take_answer(options)
    return _by_line(options) if options.answer_file is None else _answer_file(options)


def _by_line(options: argparse.Namespace) -> int:
    from cunyi.journeys.seat import Seat
    from cunyi.journeys.synchronising import Synchroniser
    from cunyi.store.passwords import Cost

    store, folder = open_records(options)
    config = read_config()
    seat = Seat(clock=now, cost=Cost(), folder=folder, store=store)
    synchroniser = Synchroniser(
        seat, settings=config.line, every_s=config.sync_every_s, folder=folder.path if folder else None
    )
    try:
        contact = synchroniser.contact()
    finally:
        seat.close()
    if contact is None:
        print("另一个程序正在同步；请稍后再看")
        return 1
    print(f"送出 {contact.sent} 条变更，收到 {contact.received} 条；{contact.bytes_sent + contact.bytes_received} 字节")
    for outcome, count in contact.outcomes.items():
        if count:
            print(f"  {_OUTCOMES[outcome]} {count}")
    if contact.trouble.sentence:
        print(contact.trouble.told())
        return 1
    return 0


def _write_for_hub(options: argparse.Namespace) -> int:
    from cunyi.journeys.carrying_by_file import write_for_hub

    store, _ = open_records(options)
    try:
        with _new_file(options.to_file, "--to-file") as target:
            size = write_for_hub(store, target)
    finally:
        store.close()
    print(f"已写成 {options.to_file}（{size} 字节，加密）。送到卫生院的中心处理，再把带回的文件收进来")
    return 0


def _answer_file(options: argparse.Namespace) -> int:
    from cunyi.journeys.carrying_by_file import answer_file

    store, _ = open_records(options)
    try:
        with _there(options.answer_file, "--answer-file") as source, _new_file(options.out, "--out") as target:
            answered = answer_file(store, source, target)
    finally:
        store.close()
    print(f"已收下“{answered.node.name}”的文件；带回的文件是 {options.out}（{answered.size} 字节，加密）")
    return 0


def _take_answer(options: argparse.Namespace) -> int:
    from cunyi.journeys.carrying_by_file import take_answer
    from cunyi.journeys.seat import Seat
    from cunyi.store.passwords import Cost

    store, folder = open_records(options)
    seat = Seat(clock=now, cost=Cost(), folder=folder, store=store)
    try:
        with _there(options.from_file, "--from-file") as source:
            taken = take_answer(store, source, revoked=lambda reason: _wiped(seat, reason))
    finally:
        seat.close()
    print("已收下。" if taken.new else "这个文件以前收过，里面没有新的。", end="")
    print(f"还有 {taken.waiting} 条等下一个文件，{taken.refused} 条被拒绝（原因见“同步”页）")
    return 0


def _wiped(seat: Seat, reason: str) -> None:
    from cunyi.journeys.revoking import wipe

    wipe(seat, reason)


@contextlib.contextmanager
def _there(path: Path, field: str) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as source:
            yield source
    except OSError as error:
        raise UserError(f"读不了 {path}：{error.strerror}；请核对 U 盘和路径", field=field) from error


@contextlib.contextmanager
def _new_file(path: Path, field: str) -> Iterator[BinaryIO]:
    """A file that is there when it is whole, and not before."""
    draft = path.with_name(path.name + ".partial")
    try:
        with draft.open("wb") as target:
            yield target
        draft.replace(path)
    except OSError as error:
        raise UserError(f"写不了 {path}：{error.strerror}；请核对 U 盘有没有空间", field=field) from error
    finally:
        draft.unlink(missing_ok=True)
