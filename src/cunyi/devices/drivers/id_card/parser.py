"""Reading identity cards: find, select, read, ask for the latest address, and wait until the card is lifted."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta
from enum import Enum

import msgspec

from cunyi.devices.driver import Heard, Write
from cunyi.devices.drivers.id_card.frames import Answer, FrameReader, command_frame
from cunyi.devices.drivers.id_card.layouts import LATEST_ADDRESS_BYTES, TEXT_BYTES, read_card_text, read_latest_address
from cunyi.domain.measurement import IdentityCard

CHANNEL = "line"
_OK, _FOUND, _NO_CARD = 0x90, 0x9F, 0x80
_LENGTHS_BYTES = 4
_SELECTED_BYTES = 8
_LONGEST_DATA = 2400
_MOST_TRIES = 3
# An answer that has begun and gets no further was broken off.
_STALLED = timedelta(seconds=1)
# How long words that ask for something stay before the page says again that it waits for a card.
_TO_BE_READ = timedelta(seconds=3)
# A reader that finds a lying card again may lose it for a moment.
_FLICKER = timedelta(seconds=1)
_REST = timedelta(seconds=2)
_TROUBLES = {
    0x10: "not_understood",
    0x11: "not_understood",
    0x21: "command_refused",
    0x24: "reader_failed",
    0x31: "card_refused",
    0x32: "card_refused",
    0x33: "card_refused",
    0x40: "wrong_card",
    0x41: "hold_still",
    0x47: "hold_still",
    0x60: "self_test_failed",
    0x66: "not_authorised",
    0x80: "hold_still",
    0x81: "hold_still",
    0x91: "nothing_there",
}
_TRY_THE_SAME_AGAIN = frozenset({"not_understood", "wrong_checksum"})
# The same card would be refused again and again.
_UNTIL_LIFTED = frozenset({"card_refused", "wrong_card", "unknown_card", "nothing_there"})
_BAD_READER = frozenset({"self_test_failed", "not_authorised", "command_refused", "reader_failed"})


class Command(Enum):
    """A command to the reader (命令): its two bytes, how many milliseconds its answer may take and how long its data may be."""

    STATUS = (0x11, 0xFF, 1000, range(1))
    FIND = (0x20, 0x01, 1000, range(0))
    SELECT = (0x20, 0x02, 1500, range(_SELECTED_BYTES + 1))
    READ = (0x30, 0x01, 4000, range(_SELECTED_BYTES + 1, _LONGEST_DATA))
    LATEST_ADDRESS = (0x30, 0x03, 1500, (0, LATEST_ADDRESS_BYTES))

    def __init__(self, command: int, parameter: int, milliseconds: int, lengths: Container[int]) -> None:
        self.frame = command_frame(command, parameter)
        self.patience = timedelta(milliseconds=milliseconds)
        self.lengths = lengths


class IdCardParser:
    """The conversation with one reader (读卡器解析器). Of a card it keeps nothing but a number that tells it from the next."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._asked: Command | None = None
        self._tries = 0
        self._damaged = False
        self._sent_at = self._heard_at = datetime.min
        self._quiet_until: datetime | None = None
        self._rest_until: datetime | None = None
        self._ready = False
        self._told = ""
        self._card: IdentityCard | None = None
        self._reported: int | None = None
        self._lying = False
        self._flickered = False
        self._seen_at: datetime | None = None

    def begin(self, now: datetime) -> Heard:
        """Asks whether the reader works."""
        return self._ask(Command.STATUS, now)

    def feed(self, channel: str, data: bytes, now: datetime) -> Heard:
        """What these bytes of the line tell; those of another channel nothing."""
        if channel != CHANNEL:
            return Heard()
        self._heard_at = now
        return self._hear(self._frames.feed(data), now)

    def tick(self, now: datetime) -> Heard:
        """Looks for a card when nothing is under way; otherwise whether the answer is overdue."""
        if self._asked is None:
            if self._rest_until is not None and timedelta(0) < self._rest_until - now <= _REST:
                return Heard()
            self._rest_until = None
            return self._ask(Command.FIND if self._ready else Command.STATUS, now)
        if now < self._sent_at:
            # The clock was set back.
            self._sent_at = self._heard_at = now
        begun = self._frames.begun
        if self._damaged and not begun:
            return self._failed("wrong_checksum", now)
        stalled = begun and now - self._heard_at >= _STALLED
        if not stalled and now - self._sent_at < self._asked.patience:
            return Heard()
        while self._frames.begun:
            if answers := self._frames.give_up():
                return self._hear(answers, now)
        return self._unanswered(self._asked, now, broken_off=begun)

    def _hear(self, answers: list[Answer], now: datetime) -> Heard:
        """What some answers tell together. A damaged one may be noise before the answer: the next tick asks again."""
        told = Heard()
        for answer in answers:
            if not answer.sound:
                self._damaged = True
                continue
            one = self._answered(answer, now)
            told = Heard(
                cards=told.cards + one.cards,
                replies=told.replies + one.replies,
                state=one.state or told.state,
                trouble=one.trouble or told.trouble,
            )
        return told

    def _answered(self, answer: Answer, now: datetime) -> Heard:
        asked = self._asked
        if asked is None:
            return Heard()
        if answer.status == _OK:
            if len(answer.data) not in asked.lengths:
                # Late, and to another question.
                return Heard()
            return self._succeeded(asked, answer.data, now)
        if asked is Command.FIND and answer.status == _FOUND:
            return self._found(now)
        if answer.status == _FOUND:
            return Heard()
        if asked is Command.FIND and answer.status == _NO_CARD:
            self._asked = None
            self._lying = False
            return self._waiting(now)
        return self._failed(_TROUBLES.get(answer.status, "reader_failed"), now)

    def _succeeded(self, asked: Command, data: bytes, now: datetime) -> Heard:
        if asked is Command.SELECT:
            return self._ask(Command.READ, now)
        if asked is Command.READ:
            return self._read(data, now)
        if asked is Command.LATEST_ADDRESS:
            return self._report(read_latest_address(data), now)
        self._asked, self._ready = None, True
        return self._waiting(now)

    def _found(self, now: datetime) -> Heard:
        if self._lying:
            self._asked, self._seen_at = None, now
            return Heard()
        self._flickered = self._seen_at is not None and timedelta(0) <= now - self._seen_at < _FLICKER
        return msgspec.structs.replace(self._ask(Command.SELECT, now), state=self._tell("reading"))

    def _read(self, data: bytes, now: datetime) -> Heard:
        text_length = int.from_bytes(data[:2])
        text = data[_LENGTHS_BYTES : _LENGTHS_BYTES + text_length]
        if text_length != TEXT_BYTES or len(text) < TEXT_BYTES:
            return self._failed("hold_still", now)
        self._card = read_card_text(text)
        if self._card is None:
            return self._failed("unknown_card", now)
        if not self._card.address:
            return self._report("", now)
        return self._ask(Command.LATEST_ADDRESS, now)

    def _report(self, latest_address: str, now: datetime) -> Heard:
        card, self._card, self._asked = self._card, None, None
        if card is None:
            return Heard()
        if latest_address:
            card = msgspec.structs.replace(card, address=latest_address)
        mark = hash(card)
        again = self._flickered and mark == self._reported
        self._reported, self._lying, self._seen_at = mark, True, now
        self._quiet_until = now + _TO_BE_READ
        return Heard(cards=() if again else (card,), state=self._tell("lift_card"))

    def _failed(self, trouble: str, now: datetime) -> Heard:
        """Tries the same again where it was the line; otherwise tells and looks for the card anew."""
        asked = self._asked
        if asked is not None and trouble in _TRY_THE_SAME_AGAIN and self._tries < _MOST_TRIES:
            again = self._ask(asked, now, tries=self._tries + 1)
            return msgspec.structs.replace(again, trouble=self._tell(trouble))
        if asked is Command.LATEST_ADDRESS:
            # The address is extra; the card was read.
            return self._report("", now)
        self._asked = None
        if trouble in _UNTIL_LIFTED:
            self._lying = True
        if trouble in _BAD_READER:
            self._ready, self._rest_until = False, now + _REST
        self._quiet_until = now + _TO_BE_READ
        return Heard(trouble=self._tell(trouble))

    def _unanswered(self, asked: Command, now: datetime, *, broken_off: bool) -> Heard:
        self._frames.clear()
        if asked is Command.LATEST_ADDRESS:
            return self._report("", now)
        if broken_off:
            return self._failed("hold_still" if asked in (Command.SELECT, Command.READ) else "wrong_checksum", now)
        trouble = self._tell("no_answer")
        return msgspec.structs.replace(self._ask(Command.STATUS, now), trouble=trouble)

    def _waiting(self, now: datetime) -> Heard:
        """That a card may be put down, unless words that ask for something have just been said."""
        if self._quiet_until is not None and timedelta(0) < self._quiet_until - now <= _TO_BE_READ:
            return Heard()
        self._quiet_until = None
        return Heard(state=self._tell("no_card"))

    def _ask(self, command: Command, now: datetime, *, tries: int = 1) -> Heard:
        self._asked, self._tries, self._damaged = command, tries, False
        self._sent_at = self._heard_at = now
        return Heard(replies=(Write(CHANNEL, command.frame),))

    def _tell(self, word: str) -> str:
        """The id of a state or trouble, empty where it is what was told last."""
        said, self._told = self._told, word
        return "" if said == word else word


def make_parser() -> IdCardParser:
    """A parser for a new connection."""
    return IdCardParser()
