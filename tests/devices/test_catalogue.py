"""Every driver of the program: described in both languages, with captures that say where they are from and replay as expected."""

import gc
import re
import sys
from datetime import datetime, timedelta, timezone
from importlib.resources import files

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.devices.catalogue import drivers
from cunyi.devices.driver import Words
from cunyi.devices.transports.replay import StepKind, captures, replay
from cunyi.domain.measurement import DeviceKind, IdentityCard, Measurement

DRIVERS = {driver.id: driver for driver in drivers()}
CAPTURES = [(driver_id, name) for driver_id in DRIVERS for name in captures(driver_id)]
HOME = files("cunyi.devices.drivers")
NOW = datetime(2026, 11, 25, 9, tzinfo=timezone(timedelta(hours=8)))
HAN = re.compile("[一-鿿]")


@pytest.fixture(scope="module")
def ranges(knowledge_root):
    found = {}
    for file in sorted((knowledge_root / "ranges").rglob("*.yaml")):
        found |= {item["id"]: item for item in yaml.safe_load(file.read_text(encoding="utf-8"))}
    return found


@pytest.mark.parametrize("driver_id", DRIVERS)
def test_a_driver_is_described(driver_id):
    description = DRIVERS[driver_id].description
    assert (HOME / driver_id / "driver.toml").is_file()
    assert (description.ble is None) != (description.serial is None)
    assert description.document
    words = [description.name, description.no_answer]
    for told in (description.states, description.troubles, description.flags):
        words += told.values()
    for one in words:
        assert isinstance(one, Words)
        assert HAN.search(one.zh)
        assert one.en and not HAN.search(one.en)


@pytest.mark.parametrize("driver_id", DRIVERS)
def test_its_folder_names_nothing_unknown(driver_id):
    """A misspelt field of driver.toml would be passed over in silence."""
    folder = HOME / driver_id
    written = msgspec.toml.decode((folder / "driver.toml").read_bytes())
    understood = msgspec.to_builtins(DRIVERS[driver_id].description)
    assert set(written) <= set(understood)
    for transport in ("ble", "serial"):
        assert set(written.get(transport) or {}) <= set(understood[transport] or {})


@pytest.mark.parametrize("driver_id", DRIVERS)
def test_its_items_are_those_of_the_knowledge(driver_id, ranges):
    assert set(DRIVERS[driver_id].description.items) <= set(ranges)


@pytest.mark.parametrize("driver_id", DRIVERS)
def test_it_has_two_captures_or_more_with_what_is_expected(driver_id):
    names = {file.name for file in (HOME / driver_id / "captures").iterdir()}
    found = {name.removesuffix(".capture") for name in names if name.endswith(".capture")}
    assert len(found) >= 2
    assert names == {f"{name}.capture" for name in found} | {f"{name}.expected.json" for name in found}


@pytest.mark.parametrize(("driver_id", "name"), CAPTURES)
def test_a_capture_replays_as_expected(driver_id, name, ranges):
    driver = DRIVERS[driver_id]
    capture = captures(driver_id)[name]
    assert capture.origin == "synthetic" or capture.origin.startswith("real, ")
    assert capture.steps[0].kind is StepKind.BEGIN
    replayed = replay(driver, capture)
    assert replayed.differences == ()
    card = driver.description.kind is DeviceKind.ID_CARD
    text = (HOME / driver_id / "captures" / f"{name}.expected.json").read_bytes()
    expected = msgspec.json.decode(text, type=list[IdentityCard] if card else list[Measurement])
    assert list(replayed.cards if card else replayed.measurements) == expected
    assert set(replayed.states) <= set(driver.description.states)
    assert set(replayed.troubles) <= set(driver.description.troubles)
    for measurement in replayed.measurements:
        assert set(measurement.flags) <= set(driver.description.flags)
        assert measurement.clock_at is None or measurement.clock_at.tzinfo is None
        for value in measurement.values:
            fits_the_knowledge(value, ranges, driver.description.items)


def fits_the_knowledge(value, ranges, items):
    known = ranges.get(value.item)
    if known is None:
        return  # an analyser's own test
    assert value.item in items
    assert value.unit == (known.get("unit") or "")
    if "scale" in known:
        assert value.value in {*known["scale"], None}
    else:
        assert value.value is None or isinstance(value.value, float)


def cut(capture_bytes, at, change):
    """The bytes cut into pieces, one of them changed."""
    pieces, last = [], 0
    for place in sorted({place % (len(capture_bytes) + 1) for place in at}):
        pieces.append(capture_bytes[last:place])
        last = place
    pieces.append(capture_bytes[last:])
    if change and pieces[0]:
        pieces[0] = change + pieces[0][len(change) :]
    return [piece for piece in pieces if piece]


@pytest.mark.parametrize("driver_id", DRIVERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_bytes_make_a_parser_fail(driver_id, data):
    """Captures with parts changed, lost and doubled, and garbage in between; every id it tells has words."""
    description = DRIVERS[driver_id].description
    parser = DRIVERS[driver_id].parser()
    heard = [parser.begin(NOW)]
    channels = list(description.ble.listen + description.ble.read) if description.ble else ["line"]
    every = [step for capture in captures(driver_id).values() for step in capture.steps if step.data]
    now = NOW
    for _ in range(data.draw(st.integers(1, 8))):
        now += timedelta(seconds=data.draw(st.sampled_from([0, 1, 40])))
        if data.draw(st.booleans()):
            heard.append(parser.feed(data.draw(st.sampled_from(channels)), data.draw(st.binary(max_size=40)), now))
        else:
            step = data.draw(st.sampled_from(every))
            for piece in cut(
                step.data, data.draw(st.lists(st.integers(0, 300), max_size=2)), data.draw(st.binary(max_size=2))
            ):
                heard.append(parser.feed(step.channel, piece, now))
        if data.draw(st.booleans()):
            heard.append(parser.tick(now))
    assert {one.state for one in heard} <= {*description.states, ""}
    assert {one.trouble for one in heard} <= {*description.troubles, ""}
    flags = {flag for one in heard for measurement in one.measurements for flag in measurement.flags}
    assert flags <= set(description.flags)


@pytest.mark.parametrize("driver_id", [driver_id for driver_id in DRIVERS if DRIVERS[driver_id].description.serial])
def test_a_line_may_deliver_its_bytes_in_any_pieces(driver_id):
    """Byte by byte or all at once between two answers: the same measurements, the same cards."""
    for capture in captures(driver_id).values():
        apart = [
            msgspec.structs.replace(step, data=bytes([byte]))
            for step in capture.steps
            for byte in (step.data if step.kind is StepKind.FROM_INSTRUMENT else [None])
            if byte is not None
        ]
        begin = [step for step in capture.steps if step.kind is not StepKind.FROM_INSTRUMENT]
        steps = sorted([*apart, *begin], key=lambda step: step.number)
        whole = replay(DRIVERS[driver_id], capture)
        pieces = replay(DRIVERS[driver_id], msgspec.structs.replace(capture, steps=tuple(steps)))
        assert pieces.measurements == whole.measurements
        assert pieces.cards == whole.cards
        assert b"".join(write.data for write in pieces.written) == b"".join(write.data for write in whole.written)


def kept(parser):
    """The bytes that a parser and everything it alone holds take in memory."""
    total, seen, waiting = 0, set(), list(vars(parser).values())
    while waiting:
        one = waiting.pop()
        if id(one) not in seen and not isinstance(one, type) and not callable(one):
            seen.add(id(one))
            total += sys.getsizeof(one)
            waiting += gc.get_referents(one)
    return total


@pytest.mark.parametrize("driver_id", DRIVERS)
@pytest.mark.parametrize("endless", [b"A", b"\r\n", b"\xaa\x55", b"\x02"], ids=["text", "lines", "AA 55", "STX"])
def test_memory_does_not_grow_with_what_is_no_message(driver_id, endless):
    description = DRIVERS[driver_id].description
    channel = description.ble.listen[0] if description.ble else "line"
    first = next(
        step for step in next(iter(captures(driver_id).values())).steps if step.kind is StepKind.FROM_INSTRUMENT
    )
    parser = DRIVERS[driver_id].parser()
    parser.begin(NOW)
    parser.feed(first.channel, first.data, NOW)
    before = kept(parser)
    for _ in range(200):
        parser.feed(channel, endless * (1000 // len(endless)), NOW)
    assert kept(parser) - before < 100_000
