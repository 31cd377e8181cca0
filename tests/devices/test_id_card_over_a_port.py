"""A simulated card reader on a real port, listened to as a real one is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cunyi.devices.catalogue import drivers
from cunyi.devices.driver import Heard
from cunyi.domain.case import Sex
from cunyi.domain.identity import IdentifierKind
from cunyi.domain.measurement import IdentityCard

pytest.importorskip("termios", reason="a pseudo-terminal needs POSIX")

from cunyi.devices.simulation.card_reader import SimulatedCard, SimulatedCardReader
from cunyi.devices.simulation.card_text import encode_card
from cunyi.devices.transports.line_state import LineState
from cunyi.devices.transports.serial_line import listen_serial

DRIVER = next(driver for driver in drivers() if driver.id == "id_card")
LIU = IdentityCard(
    kind=IdentifierKind.RESIDENT_ID,
    number="360731195604121231",
    name="刘福生",
    sex=Sex.MALE,
    birth_on=date(1956, 4, 12),
    ethnic_group="畲族",
    address="江西省赣州市于都县上坪村石背组12号",
    issuer="于都县公安局",
    valid_from=date(2016, 5, 1),
    valid_until=date(2036, 5, 1),
)
MARY = IdentityCard(
    kind=IdentifierKind.FOREIGN_PERMANENT,
    number="CAN110081061501",
    name="玛丽",
    name_en="SMITH, MARY",
    sex=Sex.FEMALE,
    birth_on=date(1981, 6, 15),
    nationality="CAN",
    issuer="1500",
    valid_from=date(2018, 1, 1),
    valid_until=date(2028, 1, 1),
)


class Listener:
    """What the transport tells, and waiting until it has told something."""

    def __init__(self) -> None:
        self.cards: list[IdentityCard] = []
        self.words: list[str] = []
        self.lines: list[LineState] = []

    def hear(self, heard: Heard) -> None:
        self.cards += heard.cards
        self.words += [word for word in (heard.state, heard.trouble) if word]

    async def until(self, happened: Callable[[], bool], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, (self.words, self.lines, self.cards)
            await asyncio.sleep(0.02)

    async def card(self, count: int) -> IdentityCard:
        await self.until(lambda: len(self.cards) >= count)
        assert len(self.cards) == count
        return self.cards[-1]

    async def word(self, word: str) -> None:
        """Until it is told, counting from now."""
        said = len(self.words)
        await self.until(lambda: word in self.words[said:])

    async def finds(self, times: int = 3) -> None:
        """As long as it takes to look for a card several times."""
        await asyncio.sleep(times * DRIVER.description.tick_ms / 1000 + 0.1)


def listening(simulated: SimulatedCardReader, story: Callable[[Listener], Awaitable[None]]) -> None:
    """Plays a story while the port is listened to."""

    async def play() -> None:
        heard = Listener()
        task = asyncio.create_task(
            listen_serial(DRIVER, simulated.port, heard.hear, heard.lines.append, lambda: datetime.now(UTC))
        )
        try:
            await story(heard)
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(play())


@pytest.mark.parametrize("finds_again", [False, True])
def test_a_swipe_a_card_left_lying_and_the_next_card(finds_again: bool) -> None:
    async def story(heard: Listener) -> None:
        await heard.until(lambda: heard.words == ["no_card"])
        begun = time.monotonic()
        simulated.put(LIU)
        assert await heard.card(1) == LIU
        assert time.monotonic() - begun < 3
        await heard.finds(5)
        assert heard.cards == [LIU]
        simulated.lift()
        await heard.finds()
        simulated.put(MARY)
        assert await heard.card(2) == MARY
        simulated.lift()
        await heard.finds(5)
        simulated.put(MARY)
        assert await heard.card(3) == MARY
        assert "hold_still" not in heard.words

    with SimulatedCardReader(finds_again=finds_again) as simulated:
        listening(simulated, story)


def test_the_address_that_was_written_later_is_read() -> None:
    async def story(heard: Listener) -> None:
        simulated.put(LIU, latest_address="江西省赣州市于都县下坪村8号")
        assert (await heard.card(1)).address == "江西省赣州市于都县下坪村8号"

    with SimulatedCardReader() as simulated:
        listening(simulated, story)


def test_a_card_pulled_away_half_way_is_asked_for_again() -> None:
    async def story(heard: Listener) -> None:
        simulated.pull_half_way()
        simulated.put(LIU)
        await heard.word("hold_still")
        assert heard.cards == []
        simulated.put(LIU)
        assert await heard.card(1) == LIU

    with SimulatedCardReader() as simulated:
        listening(simulated, story)


def test_wrong_checksums_and_garbage_are_overcome() -> None:
    async def story(heard: Listener) -> None:
        await heard.until(lambda: heard.words == ["no_card"])
        simulated.garbage(b"\xaa\xaa\xaa\x96\x69\x05\x08" + bytes(range(256)))
        simulated.wrong_checksum(2)
        await heard.word("wrong_checksum")
        simulated.put(LIU)
        simulated.garbage("身份证".encode("gb18030"))
        assert await heard.card(1) == LIU

    with SimulatedCardReader() as simulated:
        listening(simulated, story)


def test_a_reader_unplugged_while_it_reads_comes_back() -> None:
    async def story(heard: Listener) -> None:
        simulated.unplug_half_way()
        simulated.put(LIU)
        await heard.until(lambda: LineState.LOST in heard.lines)
        simulated.plug()
        simulated.put(LIU)
        assert await heard.card(1) == LIU
        assert heard.lines[-1] is LineState.LISTENING

    with SimulatedCardReader() as simulated:
        listening(simulated, story)


def test_a_silent_reader_is_told_and_goes_on_when_it_wakes() -> None:
    async def story(heard: Listener) -> None:
        await heard.word("no_answer")
        simulated.silent = False
        simulated.put(LIU)
        assert await heard.card(1) == LIU

    with SimulatedCardReader() as simulated:
        simulated.silent = True
        listening(simulated, story)


def test_what_the_reader_refuses_is_told() -> None:
    async def story(heard: Listener) -> None:
        for number, (command, status, word) in enumerate(
            [("read", 0x41, "hold_still"), ("select", 0x81, "hold_still"), ("find", 0x66, "not_authorised")]
        ):
            simulated.answer_with(command, status)
            simulated.put(LIU)
            await heard.word(word)
            await heard.card(number + 1)
            simulated.lift()
            await heard.finds(5)

    with SimulatedCardReader() as simulated:
        listening(simulated, story)


def test_nothing_is_left_behind_and_no_holder_is_shown() -> None:
    with SimulatedCardReader() as simulated:
        port = Path(simulated.port)
        assert port.exists()
        simulated.put(LIU)
        simulated.unplug()
        assert not port.exists()
        simulated.plug()
        assert port.exists()
        assert "刘福生" not in repr(SimulatedCard(text=encode_card(LIU)))
    assert not port.parent.exists()
