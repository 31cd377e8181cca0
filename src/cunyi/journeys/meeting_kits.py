"""Two kits that meet in the field: one shows its address and a code, the other types them, and both have what the other had."""

from __future__ import annotations

import secrets
import socket
import threading
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import NodeState
from cunyi.interop.hub_http import HubLine, LineSettings, NoAnswerError
from cunyi.interop.meeting_line import MEETING_PATH, Guest, Host, MeetingError, MeetingTrouble, refusal
from cunyi.journeys.access import require
from cunyi.journeys.seat import Seat
from cunyi.store.columns import is_identity
from cunyi.store.known_nodes import node_by_id
from cunyi.store.signing import is_signed
from cunyi.sync.meeting import Meeting, MeetingSide

_DIGITS = 8
_TRIES = 5
_SHOWN = timedelta(minutes=10)
_NOT_THE_OTHER = "那个地址回答的不是巡诊包；请核对对方页面上的地址"
_TROUBLES = {
    MeetingTrouble.NOT_OPEN: "对方没有在显示见面码；请对方先点“显示见面码”",
    MeetingTrouble.UNKNOWN_NODE: "两台电脑互相不认识，或有一台已被停用；请两台都先和卫生院同步一次",
    MeetingTrouble.NOT_PROVEN: "和对方的连接断了；请再连一次",
    MeetingTrouble.WRONG_CODE: "见面码不对；请对照对方的屏幕再输一遍",
    MeetingTrouble.TOO_MANY_TRIES: "见面码输错太多次，已经作废；请对方重新显示一个",
    MeetingTrouble.NOT_READABLE: _NOT_THE_OTHER,
}


class ShownCode(msgspec.Struct, frozen=True, kw_only=True):
    """The code that this kit shows (见面码), until when, and the kits that came meanwhile."""

    code: str
    until: datetime
    visitors: tuple[str, ...] = ()


class Visited(msgspec.Struct, frozen=True, kw_only=True):
    """What a visit to another kit brought (见面结果): its name, changes taken from it, changes given to it."""

    name: str
    taken: int
    given: int


class Meetings:
    """The kit's part in meetings (见面). A code lives in memory and for minutes; one is shown at a time."""

    def __init__(self, seat: Seat, *, port: int, host: str, public_host: str = "") -> None:
        self._seat = seat
        self._port, self._host, self._public_host = port, host, public_host
        self._turn = threading.Lock()
        self._open: Host | None = None
        self._shown: ShownCode | None = None

    def show(self, by: Account) -> ShownCode:
        """A new code, in place of one that was shown before."""
        require(by, Permission.FIND_PEOPLE)
        store = self._seat.store
        with store.writing(by.id) as writing:
            writing.audit(Action.MEET_NODE, detail="显示见面码")
        code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
        host = Host(store.node.id, code, _TRIES, store.key.sign, self._is_signed, self._answer)
        with self._turn:
            self._open = host
            self._shown = ShownCode(code=code, until=self._seat.now() + _SHOWN)
            return self._shown

    def hide(self) -> None:
        """Nobody can come in any more."""
        with self._turn:
            self._open = self._shown = None

    def shown(self) -> ShownCode | None:
        """The code that is shown now; None where none is, its time is over, or it was guessed at too often."""
        with self._turn:
            return self._shown if self._still_open() is not None else None

    def hear(self, message: bytes) -> bytes:
        """The answer to what another kit sent; a refusal while no code is shown."""
        with self._turn:
            host = self._still_open()
        return refusal(MeetingTrouble.NOT_OPEN) if host is None else host.hear(message)

    def visit(self, by: Account, address: str, code: str, settings: LineSettings) -> Visited:
        """Goes to the kit at an address, with the code that it shows. UserError says what is wrong; what was exchanged stays."""
        require(by, Permission.FIND_PEOPLE)
        store, place = self._seat.store, _address(address)
        digits = "".join(each for each in code if each.isdigit() and each.isascii())
        if len(digits) != _DIGITS:
            raise UserError("见面码是 {digits} 位数字；请对照对方的屏幕", field="code", digits=_DIGITS)
        with HubLine(place, settings, MEETING_PATH) as line:
            guest = Guest(store.node.id, store.key.sign, self._is_signed, line.send)
            try:
                other = guest.come_in(digits)
                with store.writing(by.id) as writing:
                    writing.audit(Action.MEET_NODE, subject=other)
                met = Meeting(store, guest.send, other).exchange()
            except MeetingError as error:
                field = (
                    "code" if error.trouble in (MeetingTrouble.WRONG_CODE, MeetingTrouble.TOO_MANY_TRIES) else "address"
                )
                raise UserError(_TROUBLES[error.trouble], field=field) from None
            except NoAnswerError:
                raise UserError(
                    "连不上 {address}；请确认两台电脑连在同一个 Wi-Fi 上，地址没有输错。已经交换的都在",
                    field="address",
                    address=place,
                ) from None
        return Visited(name=self._name(other), taken=met.taken, given=met.given)

    def addresses(self, asked_at: str = "") -> list[str]:
        """Where another kit on the same network finds this one, the likeliest first; empty where nobody can reach it.

        `asked_at` is the host that the reader's own browser used.
        """
        if _is_loopback(self._host):
            return []
        hosts = [self._public_host, asked_at, *_own_addresses()]
        if self._host not in ("0.0.0.0", "::"):
            hosts = [self._host]
        usable = dict.fromkeys(host for host in hosts if host and not _is_loopback(host))
        return [f"{host}:{self._port}" for host in usable]

    def _still_open(self) -> Host | None:
        over = self._shown is None or self._seat.now() >= self._shown.until
        if over or self._open is None or self._open.is_closed:
            self._open = self._shown = None
        return self._open

    def _answer(self, guest: str, message: bytes) -> bytes:
        name = self._name(guest)
        with self._turn:
            if self._shown is not None and name not in self._shown.visitors:
                self._shown = msgspec.structs.replace(self._shown, visitors=(*self._shown.visitors, name))
        return MeetingSide(self._seat.store).answer(message)

    def _is_signed(self, node_id: str, signature: bytes, data: bytes) -> bool:
        """Whether it is that of a node which the hub's directory has, and which was not revoked."""
        store = self._seat.store
        if not is_identity(node_id):
            return False
        with store.reading() as connection:
            known = node_by_id(connection, store.node.organisation, node_id)
        return known is not None and known.state is NodeState.ENROLLED and is_signed(known.public_key, signature, data)

    def _name(self, node_id: str) -> str:
        store = self._seat.store
        with store.reading() as connection:
            known = node_by_id(connection, store.node.organisation, node_id)
        return known.name if known is not None else ""


def _address(words: str) -> str:
    """An address as it was typed from the other's screen, with or without `http://`."""
    cleaned = words.strip().replace("：", ":").removeprefix("http://").rstrip("/")
    try:
        parts = urlsplit(f"http://{cleaned}")
        usable = bool(parts.hostname) and (parts.port or 1) > 0 and not parts.path and not parts.username
    except ValueError:
        usable = False
    if not usable or not cleaned.isascii():
        raise UserError("对方的地址要写成 192.168.1.8:8321 这样；请照对方的屏幕输入", field="address")
    return f"http://{cleaned}"


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _own_addresses() -> list[str]:
    """The addresses that this computer gives to its own name."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return []
    return [str(each[4][0]) for each in found]
