"""The conversation with a card reader, byte for byte, without a line: what the parser asks, hears and tells."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cunyi.devices.catalogue import drivers
from cunyi.devices.driver import Heard
from cunyi.devices.drivers.id_card.frames import FrameReader, command_frame
from cunyi.devices.drivers.id_card.parser import IdCardParser, make_parser
from cunyi.devices.simulation.card_text import encode_address, encode_card
from cunyi.devices.transports.replay import captures, replay
from cunyi.domain.case import Sex
from cunyi.domain.identity import IdentifierKind
from cunyi.domain.measurement import IdentityCard

BEGIN = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
DRIVER = next(driver for driver in drivers() if driver.id == "id_card")
STATUS, SAM, FIND, SELECT, READ, ADDRESS = (
    bytes.fromhex(f"AAAAAA9669{frame}")
    for frame in ("000311FFED", "000312FFEE", "0003200122", "0003200221", "0003300132", "0003300330")
)
FOUND = bytes.fromhex("AAAAAA9669 0008 00009F 00000000 97")
SELECTED = bytes.fromhex("AAAAAA9669 000C 000090 0000000000000000 9C")
READY = bytes.fromhex("AAAAAA9669 0004 000090 94")
NO_CARD = bytes.fromhex("AAAAAA9669 0004 000080 84")
NO_ADDRESS = bytes.fromhex("AAAAAA9669 0004 000091 95")
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
    valid_until=None,
)
ZENG = IdentityCard(
    kind=IdentifierKind.RESIDENT_ID,
    number="360731198506154025",
    name="曾小红",
    sex=Sex.FEMALE,
    birth_on=date(1985, 6, 15),
    ethnic_group="汉族",
    address="江西省赣州市于都县下坪村3号",
    issuer="于都县公安局",
    valid_from=date(2015, 1, 2),
    valid_until=date(2035, 1, 2),
)


def answer(status: int, data: bytes = b"") -> bytes:
    """An answer of the reader, put together as the protocol says."""
    body = (4 + len(data)).to_bytes(2) + bytes((0, 0, status)) + data
    check = 0
    for byte in body:
        check ^= byte
    return bytes.fromhex("AAAAAA9669") + body + bytes((check,))


def read_answer(card: IdentityCard) -> bytes:
    """The answer that carries a card and 1,024 bytes of photo."""
    return answer(0x90, bytes.fromhex("01000400") + encode_card(card) + bytes(1024))


def spoilt(frame: bytes) -> bytes:
    """The frame with a wrong check byte."""
    return frame[:-1] + bytes((frame[-1] ^ 0x01,))


class Talk:
    """A conversation on a clock of its own; `told` is everything that was heard."""

    def __init__(self, parser: IdCardParser | None = None) -> None:
        self.parser = parser or make_parser()
        self.now = BEGIN
        self.told: list[Heard] = []

    def begin(self) -> list[bytes]:
        return self._keep(self.parser.begin(self.now))

    def feed(self, *pieces: bytes) -> list[bytes]:
        return [frame for piece in pieces for frame in self._keep(self.parser.feed("line", piece, self.now))]

    def tick(self, seconds: float = 0.3) -> list[bytes]:
        self.now += timedelta(seconds=seconds)
        return self._keep(self.parser.tick(self.now))

    def _keep(self, heard: Heard) -> list[bytes]:
        self.told.append(heard)
        return [write.data for write in heard.replies]

    def ready(self) -> Talk:
        """A reader that works and was asked for a card."""
        assert self.begin() == [STATUS]
        assert self.feed(READY) == []
        assert self.tick() == [FIND]
        return self

    def read(self, card: IdentityCard, address: bytes = NO_ADDRESS) -> None:
        """The whole way of a card, from the question whether there is one."""
        assert self.feed(FOUND) == [SELECT]
        assert self.feed(SELECTED) == [READ]
        assert self.feed(read_answer(card)) == [ADDRESS]
        assert self.feed(address) == []

    @property
    def cards(self) -> list[IdentityCard]:
        return [card for heard in self.told for card in heard.cards]

    @property
    def words(self) -> list[str]:
        return [word for heard in self.told for word in (heard.state, heard.trouble) if word]


def test_the_frames_are_those_that_were_checked() -> None:
    assert command_frame(0x11, 0xFF) == STATUS
    assert command_frame(0x12, 0xFF) == SAM
    assert command_frame(0x20, 0x01) == FIND
    assert command_frame(0x20, 0x02) == SELECT
    assert command_frame(0x30, 0x01) == READ
    assert command_frame(0x30, 0x03) == ADDRESS
    assert [(found.status, found.data, found.sound) for found in FrameReader().feed(FOUND + SELECTED)] == [
        (0x9F, bytes(4), True),
        (0x90, bytes(8), True),
    ]
    frame = read_answer(LIU)
    assert len(frame) == 1295
    assert frame[5:7] == bytes.fromhex("0508")


def test_a_card_is_read_and_nothing_else_is_kept_of_it() -> None:
    talk = Talk().ready()
    talk.read(LIU)
    assert talk.cards == [LIU]
    assert talk.words == ["no_card", "reading", "lift_card"]
    assert "刘福生" not in repr([heard.cards for heard in talk.told])
    left = [value for name in vars(talk.parser) for value in [getattr(talk.parser, name)]]
    assert not any(isinstance(value, IdentityCard) for value in left)
    assert all(not vars(value).get("_buffer") for value in left if isinstance(value, FrameReader))


def test_an_address_written_later_takes_the_place_of_the_printed_one() -> None:
    talk = Talk().ready()
    talk.read(LIU, answer(0x90, encode_address("江西省赣州市于都县下坪村8号")))
    assert [card.address for card in talk.cards] == ["江西省赣州市于都县下坪村8号"]
    assert talk.cards[0].name == LIU.name


@pytest.mark.parametrize(
    "instead", [answer(0x41), answer(0x21), answer(0x90), b"", spoilt(NO_ADDRESS) * 3, FOUND, read_answer(LIU)]
)
def test_without_a_later_address_the_card_is_told_all_the_same(instead: bytes) -> None:
    talk = Talk().ready()
    talk.feed(FOUND, SELECTED, read_answer(LIU), instead)
    for _ in range(15):
        talk.tick()
    assert talk.cards == [LIU]


def test_a_card_left_lying_is_told_once_on_either_sort_of_reader() -> None:
    for while_lying in (NO_CARD, FOUND):
        talk = Talk().ready()
        talk.read(LIU)
        for _ in range(40):
            if talk.tick() == [FIND]:
                assert talk.feed(while_lying) == []
        assert talk.cards == [LIU]
        assert talk.words[:3] == ["no_card", "reading", "lift_card"]
        # Where the reader tells that the card still lies there, it is asked for until it is lifted.
        assert talk.words[3:] == (["no_card"] if while_lying == NO_CARD else [])


def test_after_lifting_the_next_card_is_read_and_the_same_one_too() -> None:
    talk = Talk().ready()
    talk.read(LIU)
    for card in (ZENG, LIU, LIU):
        assert talk.tick() == [FIND]
        talk.feed(FOUND)  # still lying
        for _ in range(4):
            assert talk.tick() == [FIND]
            talk.feed(NO_CARD)
        assert talk.tick() == [FIND]
        talk.read(card)
    assert talk.cards == [LIU, ZENG, LIU, LIU]


def test_a_card_that_is_lost_for_a_moment_is_not_told_twice_but_another_one_is() -> None:
    talk = Talk().ready()
    talk.read(LIU)
    talk.tick()
    talk.feed(FOUND)
    talk.tick()
    talk.feed(NO_CARD)
    talk.tick()
    talk.read(LIU)
    assert talk.cards == [LIU]
    talk.tick()
    talk.feed(NO_CARD)
    talk.tick()
    talk.read(ZENG)
    assert talk.cards == [LIU, ZENG]


@pytest.mark.parametrize("status", [0x41, 0x80, 0x81])
@pytest.mark.parametrize("step", [1, 2])
def test_a_card_pulled_away_is_asked_for_again(status: int, step: int) -> None:
    talk = Talk().ready()
    talk.feed(*(FOUND, SELECTED)[:step], answer(status))
    assert talk.words[-1] == "hold_still"
    assert talk.tick() == [FIND]
    talk.feed(NO_CARD)
    assert talk.words[-1] == "hold_still"  # stays to be read
    assert talk.tick() == [FIND]
    talk.read(LIU)
    assert talk.cards == [LIU]


@pytest.mark.parametrize("broken_off", [read_answer(LIU)[:700], answer(0x90, bytes.fromhex("01000400") + bytes(100))])
def test_an_answer_that_breaks_off_or_is_too_short_gives_no_card(broken_off: bytes) -> None:
    talk = Talk().ready()
    talk.feed(FOUND, SELECTED, broken_off)
    asked: list[bytes] = []
    while not asked:
        asked = talk.tick()
    assert asked == [FIND]
    assert talk.now - BEGIN < timedelta(seconds=3)
    assert talk.cards == []
    assert talk.words[-1] == "hold_still"
    talk.read(LIU)
    assert talk.cards == [LIU]


def test_a_wrong_checksum_is_told_and_asked_again() -> None:
    talk = Talk().ready()
    talk.feed(FOUND, SELECTED)
    assert talk.feed(spoilt(read_answer(LIU))) == []
    assert talk.tick() == [READ]
    assert talk.words[-1] == "wrong_checksum"
    talk.feed(read_answer(LIU), NO_ADDRESS)
    assert talk.cards == [LIU]
    assert talk.words[-1] == "lift_card"


def test_a_line_that_damages_everything_gives_up_the_card_and_goes_on() -> None:
    talk = Talk().ready()
    talk.feed(FOUND, SELECTED)
    asked = []
    for _ in range(3):
        talk.feed(spoilt(read_answer(LIU)))
        asked += talk.tick()
    assert asked == [READ, READ]
    assert talk.tick() == [FIND]
    assert talk.cards == []
    talk.read(LIU)
    assert talk.cards == [LIU]


def test_a_reader_that_is_silent_is_told_once_and_asked_until_it_answers() -> None:
    talk = Talk()
    assert talk.begin() == [STATUS]
    asked = [frame for _ in range(30) for frame in talk.tick()]
    assert set(asked) == {STATUS}
    assert len(asked) > 3
    assert talk.words == ["no_answer"]
    talk.feed(READY)
    assert talk.words == ["no_answer", "no_card"]
    assert talk.tick() == [FIND]
    talk.read(LIU)
    assert talk.cards == [LIU]


def test_a_clock_set_back_stops_nothing() -> None:
    talk = Talk().ready()
    talk.read(LIU)
    talk.now -= timedelta(days=400)
    assert talk.tick() == [FIND]
    talk.now -= timedelta(days=400)
    for _ in range(10):
        talk.tick()
    assert talk.words[-1] == "no_answer"


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (0x10, "not_understood"),
        (0x11, "not_understood"),
        (0x21, "command_refused"),
        (0x24, "reader_failed"),
        (0x31, "card_refused"),
        (0x32, "card_refused"),
        (0x33, "card_refused"),
        (0x40, "wrong_card"),
        (0x41, "hold_still"),
        (0x47, "hold_still"),
        (0x60, "self_test_failed"),
        (0x66, "not_authorised"),
        (0x80, "hold_still"),
        (0x81, "hold_still"),
        (0x91, "nothing_there"),
        (0x55, "reader_failed"),
    ],
)
def test_every_status_has_words_and_the_next_card_is_still_read(status: int, word: str) -> None:
    talk = Talk().ready()
    talk.feed(FOUND, SELECTED, answer(status))
    assert talk.words[-1] == word
    words = DRIVER.description.troubles[word]
    assert words.zh
    assert words.en
    assert talk.cards == []
    for _ in range(20):
        for frame in talk.tick():
            talk.feed(READY if frame == STATUS else NO_CARD)
    while talk.tick() != [FIND]:
        pass
    talk.read(LIU)
    assert talk.cards == [LIU]


def test_every_byte_of_a_status_is_answered_with_words_that_exist() -> None:
    described = DRIVER.description.states.keys() | DRIVER.description.troubles.keys()
    for step in range(4):
        for status in range(256):
            talk = Talk().ready()
            talk.feed(*(FOUND, SELECTED, read_answer(LIU))[:step], answer(status))
            for _ in range(8):
                talk.tick()
            assert set(talk.words) <= described
            assert len(talk.cards) == (1 if step == 3 else 0)


def test_a_card_of_an_unknown_layout_gives_nothing_and_is_not_read_again_and_again() -> None:
    text = bytearray(encode_card(LIU))
    text[248:250] = "Z".encode("utf-16-le")
    talk = Talk().ready()
    talk.feed(FOUND, SELECTED, answer(0x90, bytes.fromhex("01000400") + bytes(text) + bytes(1024)))
    assert talk.cards == []
    assert talk.words[-1] == "unknown_card"
    for _ in range(5):
        assert talk.tick() == [FIND]
        assert talk.feed(FOUND) == []


def test_what_no_word_describes_is_never_told() -> None:
    description = DRIVER.description
    assert set(description.states) == {"no_card", "reading", "lift_card"}
    assert description.serial is not None
    assert description.serial.baud == 115200
    assert 0 < description.tick_ms <= 300
    for words in (*description.states.values(), *description.troubles.values(), description.no_answer):
        assert words.zh != words.en


@pytest.mark.parametrize("name", sorted(captures("id_card")))
def test_the_captures_give_the_cards_that_stand_beside_them(name: str) -> None:
    beside = files("cunyi.devices.drivers.id_card") / "captures" / f"{name}.expected.json"
    replayed = replay(DRIVER, captures("id_card")[name])
    assert replayed.differences == ()
    assert replayed.cards == msgspec.json.decode(beside.read_bytes(), type=tuple[IdentityCard, ...])


def converse(talk: Talk, send: Callable[[bytes], list[bytes]], seconds: float = 40) -> None:
    """A reader on which a card lies answers through `send`, which says in what pieces its answers arrive."""
    answers = {STATUS: READY, FIND: FOUND, SELECT: SELECTED, READ: read_answer(LIU), ADDRESS: NO_ADDRESS}
    asked = talk.begin()
    while not talk.cards and talk.now - BEGIN < timedelta(seconds=seconds):
        while asked:
            asked = asked[1:] + talk.feed(*send(answers[asked[0]]))
        asked = talk.tick()


@given(st.integers(0, 2**32), st.integers(1, 700))
def test_pieces_of_any_size_give_the_card(seed: int, longest: int) -> None:
    chance = random.Random(seed)

    def send(frame: bytes) -> list[bytes]:
        pieces = []
        while frame:
            length = chance.randint(1, longest)
            pieces.append(frame[:length])
            frame = frame[length:]
        return pieces

    talk = Talk()
    converse(talk, send)
    assert talk.cards == [LIU]
    assert talk.words == ["no_card", "reading", "lift_card"]


noise = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"\xaa", b"\xaa\xaa\xaa\x96", b"\xaa\xaa\xaa\x96\x69", b"\xaa\xaa\xaa\x96\x69\x05\x08\x00"]),
    ),
    max_size=4,
).map(b"".join)


@given(st.lists(noise, min_size=1, max_size=12))
def test_garbage_between_the_answers_never_raises_and_the_card_is_still_read(noises: list[bytes]) -> None:
    left = list(noises)

    def send(frame: bytes) -> list[bytes]:
        return [(left.pop() if left else b"") + frame]

    talk = Talk()
    converse(talk, send)
    assert talk.cards == [LIU]


@given(st.lists(st.one_of(noise, st.none(), st.integers(0, 255)), max_size=60))
def test_nothing_that_arrives_raises_or_makes_up_a_card(steps: list[bytes | int | None]) -> None:
    talk = Talk()
    talk.begin()
    for step in steps:
        if step is None:
            talk.tick(0.7)
        else:
            talk.feed(answer(step) if isinstance(step, int) else step)
    assert talk.cards == []


@given(st.binary(min_size=1024, max_size=1400))
def test_a_card_of_any_bytes_gives_a_card_or_a_trouble(data: bytes) -> None:
    talk = Talk().ready()
    talk.feed(FOUND, SELECTED, answer(0x90, bytes.fromhex("01000400") + data))
    assert talk.cards or talk.words[-1] in {"unknown_card", "hold_still", "reading"}


def test_bytes_of_another_channel_are_not_listened_to() -> None:
    talk = Talk().ready()
    assert talk.parser.feed("2A35", FOUND, talk.now) == Heard()
