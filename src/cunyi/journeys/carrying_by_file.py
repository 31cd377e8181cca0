"""Synchronising by a file on a stick, for clinics that never have a line: one file to the hub, one back, everything in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import KnownNode, NodeState
from cunyi.interop.carried_file import (
    CarriedFileError,
    Direction,
    FileHeader,
    FileTrouble,
    new_header,
    read_file,
    write_file,
)
from cunyi.journeys.confirming import confirm_after_contact
from cunyi.store.columns import is_identity
from cunyi.store.known_nodes import is_hub, node_by_id
from cunyi.store.links import Link, counter_of, hub_link, link_by_id
from cunyi.store.outbox import count_refused, unsent_count
from cunyi.store.unit import SYSTEM, Store
from cunyi.sync.errors import not_enrolled
from cunyi.sync.hub_side import HubSide
from cunyi.sync.kit_side import KitSide

_TROUBLES = {
    FileTrouble.NOT_OURS: "这不是同步文件；请选村医导出的那个文件",
    FileTrouble.DAMAGED: "这个文件损坏了，或不是给这台电脑的；请从原来的电脑重新拷贝，再不行就重新导出",
    FileTrouble.CUT_SHORT: "这个文件不完整（拷贝时断了）；请从原来的电脑重新拷贝",
}
_ASK_AGAIN = "这个文件以前处理过，或比处理过的旧，没有再收什么；请在村卫生室重新导出一个文件"


class CarriedBack(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer from the hub left to do (带回结果): changes that wait still, changes that were refused; whether anything was `new`."""

    new: bool
    waiting: int
    refused: int


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """Whose file the hub answered (已处理的文件), with how many bytes."""

    node: KnownNode
    size: int


def write_for_hub(store: Store, target: BinaryIO, *, by: str = SYSTEM) -> int:
    """Writes everything that the hub does not have yet, and what is asked of it; the size. Nothing counts as sent by it."""
    link = _link(store)
    with store.writing(by) as writing:
        writing.audit(Action.SEND_CHANGES, subject=link.id, detail="写成文件")
    header = new_header(Direction.TO_HUB, store.node.id, link.id)
    return write_file(target, header, link.file_key, _kit(store, None).requests_for_file())


def answer_file(store: Store, source: BinaryIO, target: BinaryIO, *, by: str = SYSTEM) -> Answered:
    """What the hub does with a node's file: takes what is in it, and writes the answer for the way back.

    UserError where the file cannot be used; then nothing of it was taken, or it had been taken before.
    """
    organisation = store.node.organisation
    with store.reading() as connection:
        if not is_hub(connection, organisation):
            raise UserError("这台电脑不是中心，不能处理送往中心的文件；请在卫生院打开", field="file")
    header, messages = _read(store, source, Direction.TO_HUB)
    with store.reading() as connection:
        before = counter_of(connection, organisation, header.from_node)
        node = node_by_id(connection, organisation, header.from_node)
    assert node is not None
    with store.writing(by) as writing:
        writing.audit(Action.RECEIVE_CHANGES, subject=node.id, detail="文件")
    back = new_header(Direction.BACK, store.node.id, node.id, answers=header.mark)
    hub = HubSide(store)
    size = write_file(target, back, _key_of(store, node.id), (hub.answer(message, whole=True) for message in messages))
    with store.reading() as connection:
        if node.state is NodeState.ENROLLED and counter_of(connection, organisation, node.id) == before:
            raise UserError(_ASK_AGAIN, field="file")
    return Answered(node=node, size=size)


def take_answer(store: Store, source: BinaryIO, *, revoked: Callable[[str], None], by: str = SYSTEM) -> CarriedBack:
    """Takes the hub's answer. UserError where the file cannot be used; taken twice it changes nothing.

    `revoked` is called with the reason where the hub revoked this node, before the error that says so.
    """
    before = _how_far(_link(store))
    _, messages = _read(store, source, Direction.BACK)
    kit = _kit(store, revoked)
    with store.writing(by) as writing:
        writing.audit(Action.TAKE_CHANGES, subject=_link(store).id, detail="文件")
    for message in messages:
        kit.take(message)
    organisation = store.node.organisation
    with store.reading() as connection:
        left = CarriedBack(
            new=_how_far(_link(store)) != before,
            waiting=sum(unsent_count(connection, organisation).values()),
            refused=count_refused(connection, organisation),
        )
    if left.new:
        # An old file must not keep accounts in use for ever.
        confirm_after_contact(store)
    return left


def _read(store: Store, source: BinaryIO, direction: Direction) -> tuple[FileHeader, Iterator[bytes]]:
    def key_for(header: FileHeader) -> bytes:
        if header.direction is not direction:
            raise UserError(
                "这是中心带回的文件，请在村卫生室的电脑上打开"
                if header.direction is Direction.BACK
                else "这是送往中心的文件，请在卫生院的中心打开",
                field="file",
            )
        if header.to_node != store.node.id:
            raise UserError("这个文件是给另一台电脑的；请拿对文件", field="file")
        return _key_of(store, header.from_node)

    try:
        return read_file(source, key_for)
    except CarriedFileError as error:
        raise UserError(_TROUBLES[error.trouble], field="file") from None


def _key_of(store: Store, other: str) -> bytes:
    with store.reading() as connection:
        link = link_by_id(connection, store.node.organisation, other) if is_identity(other) else None
    if link is None or not link.file_key:
        raise UserError("写这个文件的电脑没有在这里登记；请先登记那台电脑", field="file")
    return link.file_key


def _link(store: Store) -> Link:
    with store.reading() as connection:
        link = hub_link(connection, store.node.organisation)
    if link is None:
        raise not_enrolled()
    return link


def _how_far(link: Link) -> Link:
    """How far the exchange with the hub got, whenever that was."""
    return msgspec.structs.replace(link, contact_at=None, counter=0)


def _kit(store: Store, revoked: Callable[[str], None] | None) -> KitSide:
    return KitSide(store, _no_line, revoked=revoked)


def _no_line(message: bytes) -> bytes:
    raise ConnectionError("carried by file")
