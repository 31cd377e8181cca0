"""What stops a synchronisation and is told to a person. Nothing is lost by any of it."""

from __future__ import annotations

from cunyi.domain.errors import UserError


class NotEnrolledError(UserError):
    """This node belongs to no hub yet (尚未登记), or the hub does not know it."""


class OutdatedError(UserError):
    """The program here or there is too old for the other (程序版本不合)."""


class RevokedError(UserError):
    """The hub revoked this node (已吊销)."""


class NotBelievedError(UserError):
    """An answer that is not what was asked for, or not from whom it says (不可信的应答)."""


def not_enrolled() -> NotEnrolledError:
    """No link to a hub."""
    return NotEnrolledError("这台设备还没有登记到中心；请管理员在中心生成登记码，在“同步”页填写", field="hub")


def unknown_at_hub() -> NotEnrolledError:
    """The hub does not know this node."""
    return NotEnrolledError("中心不认识这台设备；请管理员核对登记，必要时重新登记。本机的记录都在", field="hub")


def outdated() -> OutdatedError:
    """Something that only a later program knows."""
    return OutdatedError(
        "本机的程序版本太旧，看不懂中心发来的内容；请更新程序后再同步。本机的记录都在，照常可用", field="hub"
    )


def other_version(oldest: int, newest: int, own: int) -> OutdatedError:
    """The hub speaks another version."""
    if own < oldest:
        return OutdatedError(
            "本机的程序版本太旧（同步协议 {own}，中心需要 {oldest}）；请更新程序后再同步。本机的记录都在，照常可用",
            field="hub",
            own=own,
            oldest=oldest,
        )
    return OutdatedError(
        "中心的程序版本比本机旧（中心的同步协议 {newest}，本机 {own}）；请联系管理员更新中心。本机的记录都在，照常可用",
        field="hub",
        own=own,
        newest=newest,
    )


def revoked(reason: str) -> RevokedError:
    """This node was revoked."""
    return RevokedError("这台设备已被中心吊销：{reason}", field="hub", reason=reason)


def not_believed() -> NotBelievedError:
    """The seal does not fit."""
    return NotBelievedError("收到的应答不是中心签发的，没有采用；请检查网络或联系管理员。本机的记录都在", field="hub")


def seal_not_accepted() -> NotBelievedError:
    """The hub does not accept the seal of this node."""
    return NotBelievedError("中心核对本机的签名不符，没有接收；请联系管理员核对登记。本机的记录都在", field="hub")


def not_allowed(sentence: str, values: dict[str, str]) -> UserError:
    """What the hub does not give, in its words."""
    return UserError(sentence, field="hub", **values)


def unknown_kit() -> NotEnrolledError:
    """Two kits do not know each other, or one was revoked."""
    return NotEnrolledError("两台设备互相不认识，或有一台已被停用；请两台都先和中心同步一次", field="hub")
