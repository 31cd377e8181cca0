"""`cunyi device` as a user types it, against simulated instruments on real pseudo-terminals."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from cunyi.cli import main
from cunyi.devices.transports import serial_line
from cunyi.domain.case import Sex
from cunyi.domain.identity import IdentifierKind, check_digit
from cunyi.domain.measurement import IdentityCard
from cunyi.journeys import bench_search

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
FIRST17 = "36073119600505001"
NUMBER = FIRST17 + check_digit(FIRST17)
CARD = IdentityCard(
    kind=IdentifierKind.RESIDENT_ID,
    number=NUMBER,
    name="刘大山",
    sex=Sex.MALE,
    birth_on=date(1960, 5, 5),
    address="云上乡三号",
)


@pytest.fixture(autouse=True)
def no_knowledge(tmp_path, monkeypatch):
    """The commands need none; without it items are shown by their ids."""
    monkeypatch.setenv("CUNYI_KNOWLEDGE", str(tmp_path / "none.json"))
    monkeypatch.setenv("COLUMNS", "160")


def test_list_shows_every_driver_and_what_it_was_tried_on(capsys):
    assert main(["device", "list", "--drivers"]) == 0
    printed = capsys.readouterr().out
    for words in ("id_card", "ble_blood_pressure", "astm_analyser", "在真机上试过", "没有", "蓝牙", "串口"):
        assert words in printed


def test_list_shows_the_registered_instruments_of_a_node(tmp_path, capsys):
    from node_for_tests import LOGIN, PASSWORD, a_node

    from cunyi.journeys.keeping_devices import add_device

    with a_node(tmp_path / "node") as node:
        add_device(
            node.store, node.account, driver="id_card", transport="serial", address="/dev/ttyUSB7", name="门口读卡器"
        )
    password = tmp_path / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    command = ["device", "list", "--data", str(tmp_path / "node"), "--login", LOGIN, "--password-file", str(password)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "门口读卡器" in printed and "/dev/ttyUSB7" in printed


def test_list_without_a_node_says_what_to_do(tmp_path, capsys):
    assert main(["device", "list", "--data", str(tmp_path)]) == 2
    assert "cunyi init" in capsys.readouterr().err


def test_scan_shows_the_ports_and_says_that_there_is_no_bluetooth(capsys, monkeypatch):
    found = serial_line.FoundPort(path="/dev/ttyUSB9", description="USB Serial", usb="ffff:0001")
    monkeypatch.setattr(bench_search, "list_ports", lambda: [found])
    assert main(["device", "scan", "--seconds", "0.1"]) == 0
    told = capsys.readouterr()
    assert "/dev/ttyUSB9" in told.out
    assert "蓝牙" in told.out + told.err


def test_an_unknown_driver_is_answered_with_those_that_there_are(capsys):
    assert main(["device", "read", "no_such", "--port", "x"]) == 2
    assert "id_card" in capsys.readouterr().err


def test_a_driver_is_read_over_what_it_speaks(capsys):
    assert main(["device", "read", "id_card", "--address", "AA:BB:CC:DD:EE:FF"]) == 2
    assert "--port" in capsys.readouterr().err
    assert main(["device", "read", "ble_weight", "--port", "x"]) == 2
    assert "--address" in capsys.readouterr().err


@on_posix
@pytest.mark.parametrize("show", [False, True])
def test_read_prints_a_card_and_hides_whose_it_is_unless_asked(capsys, show):
    from cunyi.devices.simulation.card_reader import SimulatedCardReader

    with SimulatedCardReader() as reader:
        reader.put(CARD)
        command = ["device", "read", "id_card", "--port", reader.port, "--seconds", "20"]
        assert main([*command, *(["--show"] if show else [])]) == 0
    printed = capsys.readouterr().out
    for told in (NUMBER, "刘大山", "1960-05-05", "云上乡三号"):
        assert (told in printed) == show
    assert "男" in printed and "1960" in printed


@on_posix
def test_read_gives_up_with_what_to_do(capsys):
    assert main(["device", "read", "id_card", "--port", "/nowhere/port", "--seconds", "0.2"]) == 1
    assert "没有读到" in capsys.readouterr().err


def test_replay_plays_a_capture_of_the_driver_and_agrees(capsys):
    assert main(["device", "replay", "hemoglobin_meter", "stored_results"]) == 0
    printed = capsys.readouterr().out
    assert "hemoglobin" in printed and "132" in printed and "13.2 g/dL" in printed


def test_replay_says_where_the_driver_answers_otherwise(tmp_path, capsys):
    capture = tmp_path / "other.capture"
    capture.write_text(
        "origin: synthetic\nabout: it wants another answer\nnow: 2026-11-25T09:00:00+08:00\n"
        "+0.0 begin\n+0.1 > line 01 02\n",
        encoding="utf-8",
    )
    assert main(["device", "replay", "hemoglobin_meter", str(capture)]) == 1
    assert "line 5" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "nonsense", "\udcff"])
def test_replay_of_a_file_that_is_no_capture_is_told(tmp_path, capsys, content):
    path = tmp_path / "x.capture"
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert main(["device", "replay", "id_card", str(path)]) == 2
    assert "录制文件" in capsys.readouterr().err


def test_a_card_of_a_capture_is_hidden_unless_asked(capsys):
    assert main(["device", "replay", "id_card", "swipe"]) == 0
    hidden = capsys.readouterr().out
    assert main(["device", "replay", "id_card", "swipe", "--show"]) == 0
    shown = capsys.readouterr().out
    assert "*" in hidden and "*" not in shown


@on_posix
def test_a_simulated_analyser_can_be_read_by_another_program(capsys):
    command = [sys.executable, "-m", "cunyi.cli", "device", "simulate", "urine", "--once"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as simulator:
        port = simulator.stdout.readline().split()[-1]
        assert main(["device", "read", "urine_table", "--port", port, "--seconds", "30"]) == 0
        assert simulator.wait(30) == 0
    assert "urine_protein" in capsys.readouterr().out


@on_posix
def test_nobody_opens_the_simulated_port(capsys):
    assert main(["device", "simulate", "urine", "--once", "--wait", "0.3"]) == 2
    assert "还没有程序打开" in capsys.readouterr().err
    assert main(["device", "simulate", "ecg", "--once", "--wait", "0.3"]) == 1
    assert "与录制不符" in capsys.readouterr().err


def test_a_simulated_blood_pressure_goes_over_the_emulated_radio(capsys):
    pytest.importorskip("bumble")
    assert main(["device", "simulate", "blood-pressure"]) == 0
    printed = capsys.readouterr().out
    assert "systolic_mmhg" in printed and "158" in printed


def test_help_says_which_simulators_other_programs_can_use(capsys):
    with pytest.raises(SystemExit):
        main(["device", "simulate", "--help"])
    printed = capsys.readouterr().out
    assert "别的程序可以用" in printed and "别的程序连不上" in printed


def test_without_the_emulated_radio_it_is_said_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cunyi.devices.simulation.three_in_one", None)
    assert main(["device", "simulate", "weight"]) == 2
    assert "cunyi[simulation]" in capsys.readouterr().err
