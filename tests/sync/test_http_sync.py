"""A kit and its hub over HTTP: what arrives, what is refused at the door, and a line that is cut at any point of an exchange."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from clinic_day import count
from node_for_tests import PASSWORD, Clock
from tests.sync.served_township import (
    a_township,
    answering_nodes,
    people,
    running,
    set_address,
    signed_records,
    waiting,
)
from township_for_tests import HUB_LOGIN

from cunyi.app import create_app
from cunyi.config import Config
from cunyi.domain.organisation import NodeRole
from cunyi.interop.hub_http import MEDIA_TYPE
from cunyi.journeys.seat import Seat
from cunyi.store import schema
from cunyi.store.folder import Folder

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CUTS = int(os.environ.get("CUNYI_TEST_CUTS", "4"))
KILLS = int(os.environ.get("CUNYI_TEST_HUB_KILLS", "1"))


@pytest.fixture
def township(tmp_path):
    with a_township(tmp_path) as made:
        yield made


def agree(township, *kits):
    """Everybody has the same of everybody, and nothing twice."""
    for kit in kits:
        assert signed_records(kit.store) == signed_records(township.hub.store)
        assert people(kit.store) == people(township.hub.store)
        assert count(kit.store, schema.encounter) == count(township.hub.store, schema.encounter)


def test_the_door_takes_sealed_messages_and_nothing_else(township, mini):
    with running(create_app(Config(role=NodeRole.HUB), mini, seat=township.hub.seat)) as port:
        look_at_the_door(f"http://127.0.0.1:{port}")


def look_at_the_door(at):
    sealed = {"Content-Type": MEDIA_TYPE}
    for path in ("/sync", "/sync/enrol"):
        assert httpx.get(at + path).status_code == 405
        assert httpx.post(at + path, json={}).status_code == 415
        assert httpx.post(at + path, content=b"x", headers=sealed | {"Content-Encoding": "gzip"}).status_code == 415
        assert httpx.post(at + path, content=bytes(4_000_001), headers=sealed).status_code == 413
        for body in (b"", b"x", b"\x97", bytes(1000)):
            answer = httpx.post(at + path, content=body, headers=sealed)
            assert answer.status_code == 200 and answer.headers["content-type"] == MEDIA_TYPE
            assert "set-cookie" not in answer.headers and answer.content


def test_a_hub_that_nobody_opened_says_so(township):
    closed = Seat(clock=Clock(), cost=None, folder=Folder(township.folder / "hub"))
    with answering_nodes(closed) as port:
        kit = township.kit()
        set_address(kit.store, f"http://127.0.0.1:{port}")
        trouble = township.synchroniser(kit).contact().trouble
    assert trouble.told() == "中心现在不能回答；会自动再试，记录都在本机"


def test_two_kits_have_the_same_in_the_end(township):
    first, second = township.kit("first"), township.kit("second")
    for kit, name in ((first, "周大福"), (second, "曾小明")):
        kit.see(kit.register(name))
        township.synchroniser(kit).contact()
    township.synchroniser(first).contact()
    agree(township, first, second)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_line_that_is_cut_anywhere_loses_nothing_and_doubles_nothing(township, way):
    kit, other = township.kit("kit"), township.kit("other")
    names = map(chr, range(0x4E00, 0x4E00 + 2 * CUTS))
    synchroniser = township.synchroniser(kit)
    synchroniser.contact()
    kit.see(kit.register("周大福"))
    other.see(other.register("曾小明"))
    township.synchroniser(other).contact()
    township.proxy.passed = {"up": 0, "down": 0}
    synchroniser.contact()
    whole = township.proxy.passed[way]
    assert whole > 1000
    for step in range(CUTS):
        kit.see(kit.register(f"周{next(names)}"))
        other.see(other.register(f"曾{next(names)}"))
        setattr(township.proxy, way, None)
        township.synchroniser(other).contact()
        setattr(township.proxy, way, whole * step // CUTS)
        before = township.proxy.cuts
        synchroniser.contact()
        assert township.proxy.cuts > before
    setattr(township.proxy, way, None)
    assert not synchroniser.contact().trouble.sentence
    township.synchroniser(other).contact()
    assert waiting(kit.store) == 0
    assert count(township.hub.store, schema.document) == 2 + 2 * CUTS
    agree(township, kit, other)


class HubProcess:
    """A hub in a process of its own, to be killed."""

    def __init__(self, folder: Path) -> None:
        self.running = subprocess.Popen(
            [sys.executable, str(HERE / "hub_until_killed.py"), str(folder), HUB_LOGIN, PASSWORD],
            env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "PATH": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = self.running.stdout.readline()
        assert said, self.running.communicate()[1]
        self.port = int(said)

    def kill(self) -> None:
        self.running.kill()
        self.running.communicate()


def test_a_hub_that_is_killed_half_way_and_started_again_loses_nothing(township):
    kit = township.kit()
    township.synchroniser(kit).contact()
    township.hub.seat.close()
    chance = random.Random(7)
    synchroniser = township.synchroniser(kit)
    hub = HubProcess(township.folder / "hub")
    for step in range(KILLS):
        for name in "甲乙丙丁戊":
            kit.see(kit.register(f"周{name}{chr(0x4E00 + step)}"))
        township.proxy._to = hub.port
        township.proxy.up = chance.randrange(200, 12_000)
        synchroniser.contact()
        hub.kill()
        assert synchroniser.contact().trouble.sentence
        township.proxy.up = None
        hub = HubProcess(township.folder / "hub")
    township.proxy._to = hub.port
    assert not synchroniser.contact().trouble.sentence
    hub.running.kill()
    hub.running.communicate()
    seat = Seat(clock=lambda: datetime.now(UTC), cost=None, folder=Folder(township.folder / "hub"))
    seat.sign_in(HUB_LOGIN, PASSWORD)
    try:
        assert signed_records(seat.store) == signed_records(kit.store) and len(signed_records(seat.store)) == 5 * KILLS
        assert people(seat.store) == people(kit.store) and waiting(kit.store) == 0
    finally:
        seat.close()
