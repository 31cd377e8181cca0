"""How safe the level of care is in people's own words: `python -m benchmarks.spoken`. Prints Markdown tables; needs no other file.

The first table is of complaints and of short notes of village doctors, which writers invented who saw neither the knowledge nor its
sentences, each with the mildest level that is safe and the gravest that is reasonable. Half of the misses of the first file were read;
none of the others. The second is of the knowledge's own sentences, each heard by a net that was learned without it (five parts).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from cunyi.app import load_knowledge
from cunyi.authoring.load import load_library
from cunyi.authoring.spoken_levels import Sentence, learn_alarms, sentences
from cunyi.domain.triage import TriageLevel
from cunyi.knowledge.patients import read_alarms
from cunyi.reasoning.assess import assess
from cunyi.reasoning.prepared import Knowledge

FILES = {
    "complaints": "spoken_complaints.jsonl",
    "complaints of later writers": "spoken_complaints_2.jsonl",
    "doctors' notes": "doctors_notes.jsonl",
}
KNOWLEDGE = Path(__file__).parents[1] / "knowledge"
PARTS = 5
GIVEN = "| of {what} | cases | safe and reasonable % | too mild % | by two levels or more % | too grave % |\n|---|---|---|---|---|---|"


class Told(NamedTuple):
    """A complaint in somebody's own words, or a doctor's note, and the levels that are right for it."""

    case: dict[str, object]
    least: TriageLevel
    most: TriageLevel


def main() -> None:
    """Prints both tables."""
    knowledge = load_knowledge()
    print(GIVEN.format(what="texts"))
    for name, file in FILES.items():
        lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
        told = [_told(json.loads(line)) for line in lines]
        print(_row(f"{name}, without the net", told, [_level(each, deaf(knowledge)) for each in told]))
        print(_row(f"{name}, with the net", told, [_level(each, knowledge) for each in told]))
    print()
    written = sentences(load_library(KNOWLEDGE))
    own = [each for each in written if each.weight == 1]
    told = [Told({"chief_complaint": each.text, "own_words": True}, each.level, each.level) for each in own]
    alone = [_level(each, deaf(knowledge)) for each in told]
    heard = np.array(alone)
    for part in range(PARTS):
        ears = hearing(knowledge, [s for n, s in enumerate(written) if s.weight < 1 or n % PARTS != part])
        for number in range(part, len(own), PARTS):
            heard[number] = _level(told[number], ears)
    print(GIVEN.format(what="sentences"))
    for level in sorted(TriageLevel, reverse=True):
        of = [n for n, each in enumerate(told) if each.least == level]
        chosen = [told[n] for n in of]
        print(_row(f"{level.code}, without the net", chosen, [alone[n] for n in of]))
        print(_row(f"{level.code}, with the net", chosen, [int(heard[n]) for n in of]))


def deaf(knowledge: Knowledge) -> Knowledge:
    """The same knowledge without the net."""
    learned = msgspec.structs.replace(knowledge.content.learned, alarms={})
    return msgspec.structs.replace(knowledge, content=msgspec.structs.replace(knowledge.content, learned=learned))


def hearing(knowledge: Knowledge, given: Sequence[Sentence]) -> Knowledge:
    """The same knowledge with a net learned from these sentences only."""
    alarms = read_alarms(learn_alarms(given, knowledge))
    learned = msgspec.structs.replace(knowledge.content.learned, alarms=alarms)
    return msgspec.structs.replace(knowledge, content=msgspec.structs.replace(knowledge.content, learned=learned))


def _told(row: dict[str, object]) -> Told:
    case = {
        "chief_complaint": row["text"],
        "sex": row["sex"],
        "age_years": row["age_years"],
        "own_words": row["own_words"],
    }
    known = {key: value for key, value in case.items() if value is not None}
    return Told(known, TriageLevel.from_code(str(row["least"])), TriageLevel.from_code(str(row["most"])))


def _level(told: Told, knowledge: Knowledge) -> int:
    return int(TriageLevel.from_code(assess({"id": "x", **told.case}, knowledge).triage.level))


def _row(what: str, told: Sequence[Told], given: Sequence[int]) -> str:
    least, most = (np.array([int(getattr(each, edge)) for each in told]) for edge in ("least", "most"))
    levels = np.array(given)
    shares = (
        (levels >= least) & (levels <= most),
        levels < least,
        levels <= least - 2,
        levels > most,
    )
    return f"| {what} | {len(told)} | " + " | ".join(f"{100 * share.mean():.0f}" for share in shares) + " |"


if __name__ == "__main__":
    main()
