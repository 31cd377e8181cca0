"""A small township lives for some days, then 25 faults come: whatever a page acknowledged is there, once, and hub and kits agree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cunyi.app import load_knowledge
from cunyi.simulation.faults import Fault
from cunyi.simulation.nodes import CHEAP_PASSWORDS
from cunyi.simulation.plan import Plan
from cunyi.simulation.telling import Told, simulate

RESIDENTS = int(os.environ.get("CUNYI_TEST_RESIDENTS", "500"))
FAULTS = int(os.environ.get("CUNYI_TEST_FAULTS", "25"))
CLINICS, DAYS = 3, 5


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    # Many log in, at many starts; what a password costs is measured elsewhere.
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(CHEAP_PASSWORDS, "1")
        yield simulate(_plan(tmp_path_factory.mktemp("township")), load_knowledge(), tell=lambda words: None)


def _plan(place: Path) -> Plan:
    return Plan(
        residents=RESIDENTS, clinics=CLINICS, doctors=6, days=DAYS, seed=7, place=place, database="sqlite", faults=FAULTS,
    )  # fmt: skip


def test_nothing_is_lost_doubled_or_different(told: Told) -> None:
    comparison = told.comparison
    assert (comparison.lost, comparison.doubled, comparison.apart) == ([], [], [])
    assert comparison.acknowledged == len(told.ledger.signatures) > 0
    assert comparison.records_compared > 0
    assert sum(len(people) for people in told.ledger.people.values()) == RESIDENTS + FAULTS
    assert all(words == "没有发现问题" for words in told.verified.values()), told.verified


def test_every_kind_of_fault_happened(told: Told) -> None:
    counts = told.ledger.counts
    assert sum(counts[f"fault: {fault}"] for fault in Fault) == FAULTS
    assert len(Fault) > FAULTS or all(counts[f"fault: {fault}"] for fault in Fault)


def test_a_broken_kit_came_back_and_a_lost_one_was_replaced(told: Told) -> None:
    assert len(told.events) == 2
    assert "restored from the backup" in told.events[0]
    assert "it destroyed its key and its data" in told.events[1]
    assert {"kit-1", "kit-2", "kit-3-new", "hub"} == set(told.verified)


def test_the_report_says_what_was_asked_for_and_what_came_of_it(told: Told) -> None:
    assert "**Nothing is lost, nothing is doubled.**" in told.report
    assert f"| residents | {RESIDENTS} |" in told.report
    assert "| sign | " in told.report
    assert "| hub | " in told.report
    # Nobody's name or number is in it.
    assert not any(f"{person}" in told.report for people in told.ledger.people.values() for person in people)


def test_an_empty_place_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cunyi.cli import main

    (tmp_path / "something").write_text("")
    assert main(["simulate", "township", "--keep", str(tmp_path)]) == 2
    assert "不是空的" in capsys.readouterr().err
