"""How the connection to an instrument stands, the same for every transport."""

from __future__ import annotations

from enum import StrEnum


class LineState(StrEnum):
    """How the connection to an instrument stands (连接状态)."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    LISTENING = "listening"
    LOST = "lost"
    NOT_ALLOWED = "not_allowed"
