"""The demonstration's instruments: everything that can be tried there goes the way that real instruments go."""

from __future__ import annotations

import sys
import time

import pytest
from bench_for_tests import Page, wait_until
from node_for_tests import LOGIN, a_node

from cunyi.domain.device import Focus, Transport
from cunyi.domain.errors import UserError
from cunyi.domain.identity import check_digit
from cunyi.journeys import simulated_instruments
from cunyi.journeys.bench_events import EventKind
from cunyi.journeys.consulting import begin_draft
from cunyi.journeys.keeping_devices import devices
from cunyi.journeys.receiving import waiting_for
from cunyi.journeys.simulated_bench import open_simulated_bench
from cunyi.journeys.simulated_instruments import INSTRUMENTS
from cunyi.journeys.swiping import swipe

pytest.importorskip("bumble")
if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals on Windows", allow_module_level=True)

FIRST17 = "36073119650707002"


@pytest.fixture
def village(tmp_path):
    with a_node(tmp_path / "node") as node:
        yield node


def by_name(bench, name):
    return next(card_id for card_id, shown in bench.simulated.cards if shown == name)


def wait_for_lines(bench):
    wait_until(
        lambda: [one.answers for one in bench.status() if one.device.transport is Transport.SERIAL] == [True] * 3
    )


def test_every_instrument_measures_and_its_values_wait_in_the_encounter(village, mini):
    person = village.register("刘大山")
    draft = begin_draft(village.store, village.account, person.id, {})
    with open_simulated_bench(village.seat, mini, login=LOGIN) as bench:
        assert bench.simulated.left_out == ()
        assert {one.driver for one in INSTRUMENTS} | {"id_card"} == {one.device.driver for one in status(bench)}
        page = Page(bench, village.account.id, draft.id)
        bench.focus(Focus(account_id=village.account.id, draft_id=draft.id, person_id=person.id))
        wait_for_lines(bench)
        for instrument_id, words in bench.simulated.instruments:
            seen, began = len(page.events), time.monotonic()
            bench.simulated.measure(instrument_id)
            assert page.wait_for(EventKind.READING, after=seen)[1].draft_id == draft.id, words.zh
            assert time.monotonic() - began < 5
        readings = waiting_for(village.store, village.account, draft.id)
        kinds = {reading.kind.value for reading in readings}
        assert kinds == {instrument_id for instrument_id, _ in bench.simulated.instruments}
        assert [reading for reading in readings if reading.doubts or reading.earlier] == []
        items = {value.item for reading in readings for value in reading.values if value.value is not None}
        assert {"systolic_mmhg", "spo2_pct", "glucose_mmol_l", "temperature_c", "weight_kg"} <= items
        assert {"uric_acid", "total_cholesterol", "hemoglobin", "urine_protein"} <= items


def status(bench):
    wait_until(lambda: len(bench.status()) == len(INSTRUMENTS) + 1)
    return bench.status()


def test_a_villager_somebody_unknown_and_a_card_with_another_name_can_be_swiped(village, mini):
    person = village.register("任秋菊", identifier=FIRST17 + check_digit(FIRST17))
    with open_simulated_bench(village.seat, mini, login=LOGIN) as bench:
        assert [name for _, name in bench.simulated.cards] == [
            "任秋菊",
            "任秋菊（卡上的名字不同）",
            "宁远行（还没有建档）",
        ]
        page = Page(bench, village.account.id)
        wait_for_lines(bench)
        expected = {
            "任秋菊": (person.id, []),
            "任秋菊（卡上的名字不同）": (person.id, ["name"]),
            "宁远行（还没有建档）": (None, []),
        }
        for name, (person_id, differences) in expected.items():
            seen, began = len(page.events), time.monotonic()
            bench.simulated.swipe(by_name(bench, name))
            at, event = page.wait_for(EventKind.CARD, after=seen)
            assert at - began < 3
            card = bench.card(event.card_token)
            swiped = swipe(village.store, village.account, card, today=village.clock().date())
            assert (swiped.found and swiped.found.id) == person_id
            assert [difference.field for difference in swiped.differences] == differences


def test_a_second_start_uses_the_same_registered_instruments(village, mini):
    def registered():
        return {one.driver: (one.id, one.address, one.active) for one in devices(village.store, village.account)}

    with open_simulated_bench(village.seat, mini, login=LOGIN):
        first = registered()
    with open_simulated_bench(village.seat, mini, login=LOGIN) as bench:
        second = registered()
        wait_for_lines(bench)
    assert {driver: one[0] for driver, one in first.items()} == {driver: one[0] for driver, one in second.items()}
    assert first["id_card"][1] != second["id_card"][1], "a new pseudo-terminal"


def test_without_the_emulated_radio_the_rest_is_there_and_it_is_said(village, mini, monkeypatch):
    def not_installed():
        raise UserError("没有安装模拟蓝牙仪器的部分")

    with open_simulated_bench(village.seat, mini, login=LOGIN):
        pass
    monkeypatch.setattr(simulated_instruments, "simulated_radio", not_installed)
    with open_simulated_bench(village.seat, mini, login=LOGIN) as bench:
        assert [one for one, _ in bench.simulated.instruments] == ["hemoglobin", "urine"]
        assert "蓝牙" in bench.simulated.left_out[0].message
        wait_for_lines(bench)
        assert len(bench.status()) == 3


def test_what_cannot_be_done_is_said(village, mini):
    with open_simulated_bench(village.seat, mini, login=LOGIN) as bench:
        for wrong in (lambda: bench.simulated.measure("x"), lambda: bench.simulated.swipe("x")):
            with pytest.raises(UserError, match="请从列表里选"):
                wrong()
        wait_for_lines(bench)
        from cunyi.journeys.keeping_devices import change_device

        urine = next(one for one in devices(village.store, village.account) if one.driver == "urine_table")
        change_device(village.store, village.account, urine.id, active=False)
        bench.look_again()
        wait_until(lambda: len(bench.status()) == len(INSTRUMENTS))
        with pytest.raises(UserError, match="已停用或移除"):
            bench.simulated.measure("urine")
