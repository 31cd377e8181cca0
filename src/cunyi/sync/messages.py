"""Every message between two nodes. What a version cannot read it refuses as a whole; nothing in a message is ever skipped."""

from __future__ import annotations

from typing import Any

import msgspec

PROTOCOL = 1
OLDEST_SERVED = 1
# The largest piece of an attachment in one message.
PART_BYTES = 96 * 1024
# How much a batch may hold before it is compressed, where nobody says otherwise.
BATCH_BYTES = 200 * 1024


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Anything that stands in a sealed envelope (消息)."""


class SignedThing(msgspec.Struct, frozen=True, array_like=True):
    """A document or note as it was signed (签名原件): packed as it lies in the store, with its proof."""

    packed: bytes
    hash: bytes
    signature: bytes
    node: str


class TravellingChange(msgspec.Struct, frozen=True, array_like=True):
    """A change under way (在途变更). `signature` is that of `origin` over all but `signed`, which has its own; `at` in milliseconds.

    `kind` is plain text, so that a kind of a later version is seen and not mistaken.
    """

    id: str
    sequence: int
    kind: str
    subject: str
    origin: str
    at: int
    person: str | None
    body: bytes
    signature: bytes
    signed: SignedThing | None = None


class Item(msgspec.Struct, frozen=True, array_like=True):
    """The present state of one thing (现状): canonical JSON in `body`, or what was signed in `signed`."""

    kind: str
    subject: str
    body: bytes
    signed: SignedThing | None = None


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A piece of an attachment (附件片段), from `first_byte` on."""

    attachment: str
    first_byte: int
    data: bytes


class Outcomes(msgspec.Struct, frozen=True, array_like=True):
    """What became of one change (变更结果). `reason` is a Chinese sentence with slots, `values` fill them."""

    change: str
    outcome: str
    reason: str = ""
    values: dict[str, str] = {}


class Known(msgspec.Struct, frozen=True, array_like=True):
    """What the hub knows of itself and of the node that asks (中心所知).

    `epoch` is the hub's mark. `received` and `received_id` are the place and id of the last of the node's own changes that the hub
    took: a node that does not have it there was restored from a backup.
    """

    epoch: str
    sequence: int
    received: int
    received_id: str | None


class Place(msgspec.Struct, frozen=True, array_like=True):
    """How far a node is in the hub's log (下载位置): the epoch, the last place it has and the id of the change there.

    `marks` are earlier places with the ends of their ids: where a restored hub's log parts from the one that the node knows.
    """

    epoch: str = ""
    after: int = 0
    after_id: str | None = None
    marks: tuple[tuple[int, str], ...] = ()


# What a node asks.


class Push(Message, frozen=True, kw_only=True, tag=True):
    """Changes for the hub, oldest first (上传).

    `received_id` is what the node believes the hub took last of it. Where the hub knows better it takes nothing and says so:
    the node looks first whether it was restored from a backup. By `place` the hub finds out that it was restored itself.
    """

    place: Place
    received_id: str | None
    changes: tuple[TravellingChange, ...]


class Pull(Message, frozen=True, kw_only=True, tag=True):
    """What changed within the node's scope after a place in the hub's log (下载).

    `cursor` goes on with a first sync; `own` asks for what the node itself had sent, which it lost. `limit` bounds the answer in bytes.
    `waiting` and `refused` are how many changes of the node are not answered yet, or not taken.
    """

    place: Place
    first: bool = False
    cursor: str = ""
    own: bool = False
    limit: int = BATCH_BYTES
    waiting: int = 0
    refused: int = 0


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a node holds of one thing, in a few bytes (标记): the beginning of the hash of its bytes."""

    kind: str
    subject: str
    hash: bytes


class Offer(Message, frozen=True, kw_only=True, tag=True):
    """What a node holds, for a hub that was restored (重新提供): first the marks of it, then what the hub has otherwise or not at all;

    at last the people whom it follows.
    """

    epoch: str
    marks: tuple[Mark, ...] = ()
    items: tuple[Item, ...] = ()
    followed: tuple[str, ...] = ()


class GivePart(Message, frozen=True, kw_only=True, tag=True):
    """A piece of an attachment for the hub (上传附件)."""

    part: Part


class WantPart(Message, frozen=True, kw_only=True, tag=True):
    """Asks for a piece of an attachment (下载附件)."""

    attachment: str
    first_byte: int


class Find(Message, frozen=True, kw_only=True, tag=True):
    """Asks the hub who somebody is (中心查人): by a document number, or by name and birth date (ISO)."""

    by: str
    identifier: str = ""
    name: str = ""
    birth_on: str = ""


class Follow(Message, frozen=True, kw_only=True, tag=True):
    """Asks for everything of a person who is seen here (跟随居民); `reason` is written into the hub's log."""

    by: str
    person: str
    reason: str = ""


class Meet(Message, frozen=True, kw_only=True, tag=True):
    """What the hub has not answered yet, from one kit to another (巡诊包互传).

    The other takes it, and answers with what it has after the place `after` of its own log.
    """

    after: int
    limit: int = BATCH_BYTES
    changes: tuple[TravellingChange, ...] = ()


# What is answered.


class Pushed(Message, frozen=True, kw_only=True, tag=True):
    """What became of each change of a Push (上传结果). `states` are the things that now stand otherwise than the node believes."""

    known: Known
    outcomes: tuple[Outcomes, ...]
    states: tuple[Item, ...] = ()


class Page(Message, frozen=True, kw_only=True, tag=True):
    """What a Pull asked for (下载页): the node is then at `until`. `cursor` is not empty while a first sync goes on, `asked` the one before.

    `followed` are people who come because the node follows them.
    """

    known: Known
    first: bool
    asked: str
    after: int
    until: int
    until_id: str | None
    items: tuple[Item, ...]
    cursor: str = ""
    more: bool = False
    parts: tuple[Part, ...] = ()
    followed: tuple[str, ...] = ()


class Offered(Message, frozen=True, kw_only=True, tag=True):
    """That an Offer was kept, and which of the marks the hub wants to have whole (已收下): their places in the Offer."""

    known: Known
    wanted: tuple[int, ...] = ()


class PartTaken(Message, frozen=True, kw_only=True, tag=True):
    """How much of an attachment the hub now has (附件进度)."""

    attachment: str
    bytes_here: int
    complete: bool


class PartGiven(Message, frozen=True, kw_only=True, tag=True):
    """A piece of an attachment; empty where there is no more yet (附件片段)."""

    part: Part


class FoundPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Just enough to know whether it is the right person (查到的居民). The number is masked."""

    id: str
    name: str
    sex: str | None
    birth_on: str | None
    village_code: str
    village: str
    identifier: str


class Found(Message, frozen=True, kw_only=True, tag=True):
    """Who it could be (查找结果)."""

    people: tuple[FoundPerson, ...]


class Following(Message, frozen=True, kw_only=True, tag=True):
    """That everything of the person comes with the next Pull (将随下次下载)."""

    person: str


class Met(Message, frozen=True, kw_only=True, tag=True):
    """What the other kit has for this one (对方的变更): `until` is where the next Meet goes on.

    `taken` of the changes it was given were new there; `missing` are the pictures of which it has not all, with the bytes it has.
    """

    until: int
    more: bool
    changes: tuple[TravellingChange, ...]
    taken: int
    missing: tuple[tuple[str, int], ...] = ()


# Refusals. Each is an answer, sealed like any other.


class Unreadable(Message, frozen=True, kw_only=True, tag=True):
    """The message cannot be read (读不懂)."""


class UnknownNode(Message, frozen=True, kw_only=True, tag=True):
    """Whoever sent it is not enrolled here (未登记的节点)."""


class Forged(Message, frozen=True, kw_only=True, tag=True):
    """The seal is not that of the node it names (签名不符)."""


class Replayed(Message, frozen=True, kw_only=True, tag=True):
    """The counter was used before (重复的消息); `counter` is the last one that was."""

    counter: int


class Revoked(Message, frozen=True, kw_only=True, tag=True):
    """The node was revoked (已吊销): it destroys its key and its data."""

    reason: str


class OtherVersion(Message, frozen=True, kw_only=True, tag=True):
    """The versions of the exchange do not fit (版本不合): what is served here."""

    oldest: int
    newest: int


class NotAllowed(Message, frozen=True, kw_only=True, tag=True):
    """What was asked for is not the node's to have (不允许)."""

    reason: str
    values: dict[str, Any] = {}


Request = Push | Pull | Offer | GivePart | WantPart | Find | Follow | Meet
Refusal = Unreadable | UnknownNode | Forged | Replayed | Revoked | OtherVersion | NotAllowed
Answer = Pushed | Page | Offered | PartTaken | PartGiven | Found | Following | Met | Refusal
