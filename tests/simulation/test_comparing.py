"""What is lost, doubled or different is found: a comparison that finds nothing must be worth something."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cunyi.simulation.comparing import Holding, compare
from cunyi.simulation.ledger import Ledger

AT = datetime(2026, 3, 2, tzinfo=UTC)


def holding(**changed: object) -> Holding:
    """What hub and kit hold where all is well."""
    whole = {
        "documents": {"d1": b"bytes"},
        "encounters": {"e1": [1]},
        "notes": {"n1": b"note"},
        "threads": {"t1": {"n1"}},
        "people": {"p1": b"person"},
        "papers": {"360731": ["p1"]},
    }
    return Holding(**(whole | changed))


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger()
    made.registered("kit-1", "p1")
    made.signed("kit-1", "e1", "p1", AT)
    return made


def test_nothing_is_found_where_all_is_well(ledger: Ledger) -> None:
    found = compare(holding(), {"kit-1": holding()}, ledger)
    assert found.good
    assert (found.records_compared, found.notes_compared, found.acknowledged) == (1, 1, 1)


@pytest.mark.parametrize(
    ("hub", "kit", "kind", "words"),
    [
        ({"documents": {}}, {}, "lost", "record d1 of kit-1 is not on the hub"),
        ({"documents": {"d1": b"others"}}, {}, "apart", "record d1 of kit-1 has other bytes"),
        ({"notes": {}, "threads": {}}, {}, "lost", "note n1 of kit-1 is not on the hub"),
        ({"notes": {"n1": b"note", "n2": b"more"}, "threads": {"t1": {"n1", "n2"}}}, {}, "apart", "thread t1"),
        ({"people": {}}, {}, "lost", "person p1"),
        ({"people": {"p1": b"other"}}, {}, "apart", "person p1 differs"),
        ({"encounters": {}}, {}, "lost", "acknowledged at kit-1, is not on the hub"),
        ({}, {"encounters": {}}, "lost", "is not at kit-1, which acknowledged it"),
        ({"encounters": {"e1": [1, 1]}}, {}, "doubled", "encounter e1"),
        ({"papers": {"360731": ["p1", "p2"]}}, {}, "doubled", "the same papers"),
        ({}, {"refused": ["person: why"]}, "lost", "refused: person: why"),
        ({}, {"waiting": 3}, "lost", "3 changes of kit-1 were never answered"),
    ],
)
def test_each_kind_of_harm_is_found(
    ledger: Ledger, hub: dict[str, object], kit: dict[str, object], kind: str, words: str
) -> None:
    found = compare(holding(**hub), {"kit-1": holding(**kit)}, ledger)
    assert not found.good
    assert any(words in each for each in getattr(found, kind))


def test_a_second_version_that_was_acknowledged_must_be_there(ledger: Ledger) -> None:
    ledger.signed("kit-1", "e1", "p1", AT)
    assert "signed 2 times" in compare(holding(), {"kit-1": holding()}, ledger).lost[0]


def test_people_who_were_merged_are_not_doubled(ledger: Ledger) -> None:
    merged = holding(papers={"360731": ["p1", "p2"]}, replaced={"p2"})
    assert compare(merged, {"kit-1": holding()}, ledger).good


def test_what_a_lost_kit_acknowledged_is_looked_for_on_the_hub(ledger: Ledger) -> None:
    assert compare(holding(), {}, ledger, gone=["kit-1"]).good
    assert compare(holding(encounters={}), {}, ledger, gone=["kit-1"]).lost
