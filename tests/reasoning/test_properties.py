"""What must hold for every case: order does not matter, more findings never make triage milder, same case same bytes."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.domain.triage import TriageLevel
from cunyi.reasoning.assess import assess

FINDINGS = [
    "chest_pain", "crushing_chest_pain", "cold_sweat", "cough", "fever", "chills", "crackles", "rhinorrhea", "weakness",
    "abdominal_pain", "history_hypertension", "smoking", "pregnancy",
]  # fmt: skip
STATUS = st.sampled_from(["present", "absent", "possible", "unknown"])


@st.composite
def cases(draw):
    statuses = draw(st.dictionaries(st.sampled_from(FINDINGS), STATUS, max_size=len(FINDINGS)))
    vitals = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "temperature_c": st.floats(35, 42),
                "systolic_mmhg": st.floats(60, 220),
                "spo2_pct": st.floats(70, 100),
            },
        )
    )
    return {
        "id": "p",
        "age_years": draw(st.none() | st.floats(0, 100)),
        "sex": draw(st.sampled_from([None, "male", "female"])),
        "month": draw(st.none() | st.integers(1, 12)),
        "findings": [{"finding": f, "status": s, "duration_days": 3} for f, s in statuses.items()],
        "vitals": vitals,
        "own_words": draw(st.booleans()),
    }


@settings(max_examples=150, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(mini, case, random):
    shuffled = list(case["findings"])
    random.shuffle(shuffled)
    assert assess(case, mini) == assess({**case, "findings": shuffled}, mini)


@settings(max_examples=400, deadline=None)
@given(cases(), st.sampled_from(FINDINGS))
def test_a_further_present_finding_never_makes_triage_milder(mini, case, finding):
    before = assess(case, mini)
    others = [f for f in case["findings"] if f["finding"] != finding]
    after = assess({**case, "findings": [*others, {"finding": finding, "status": "present"}]}, mini)
    assert TriageLevel.from_code(after.triage.level) >= TriageLevel.from_code(before.triage.level)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_the_same_case_gives_the_same_bytes(mini, case):
    first = msgspec.json.encode(assess(case, mini))
    assert first == msgspec.json.encode(assess(msgspec.json.decode(msgspec.json.encode(case)), mini))


@settings(max_examples=100, deadline=None)
@given(cases())
def test_unasked_red_flags_are_asked_first(mini, case):
    answer = assess(case, mini)
    assert answer.triage.provisional == bool(answer.triage.ask_first)
    assert [q.finding for q in answer.questions][: len(answer.triage.ask_first)] == answer.triage.ask_first
