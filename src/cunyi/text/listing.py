"""Lists that go on over commas: 没有其他症状，比如胸痛、心悸 and 没有头痛，失眠或食欲不振等症状.

A plain denial ends at its comma (无发热，咳嗽3天); here are the clauses it does reach, since they say that the list goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cunyi.text.language import ABSENT, Language
from cunyi.text.scanning import Clause

_NONE: frozenset[int] = frozenset()
_DENIES = frozenset({"absent_before", "absent_before_sentence"})
_MOST_UNKNOWN = 6
_ALIKE = 2


def listed_denials(
    clauses: Sequence[Clause], text: str, language: Language, is_examination: Callable[[int], bool]
) -> frozenset[int]:
    """The numbers of the clauses that go on with what the clause before them denies.

    `is_examination` tells of a position whether an examination is written there: between two denials its bare signs that
    are worded like what was denied are denied too (无皮下出血，皮下结节，未触及肿大淋巴结), others are not (无发绀，桶状胸，无啰音).
    """
    found: set[int] = set()
    for number, clause in enumerate(clauses):
        if number in found or not clause.cues or not any(c.cue.kind in _DENIES for c in clause.cues):
            continue
        if not _ends_denied(clause, text, language):
            continue
        run = _run(number, clauses, text, language)
        if run and (
            _example(clause, clauses[run[0]], text, language)
            or _closes(clauses[run[-1]], text, language)
            or (is_examination(clause.start) and _is_between(run, clauses) and _alike(number, run, clauses, text))
        ):
            found.update(run)
    return frozenset(found) if found else _NONE


def _ends_denied(clause: Clause, text: str, language: Language) -> bool:
    """Whether a clause ends in what it denies: a finding, or a word for any of them (没有其他症状)."""
    denial = next(c for c in reversed(clause.cues) if c.cue.kind in _DENIES)
    if clause.asks or any(c.cue.kind == "end" and c.start > denial.end for c in clause.cues):
        return False
    end = text[clause.start : clause.end].rstrip()
    if end.endswith(language.general_words):
        return True
    last = max((match.end for match in clause.matches if match.end > denial.end), default=None)
    return last is not None and not text[last : clause.end].strip(" 了")


def _run(number: int, clauses: Sequence[Clause], text: str, language: Language) -> list[int]:
    """The clauses after one that hold nothing but members of its list, up to the one that closes it."""
    run: list[int] = []
    for later in range(number + 1, len(clauses)):
        clause = clauses[later]
        if clause.sentence != clauses[number].sentence or not _is_member(clause, text, language):
            break
        run.append(later)
        if _closes(clause, text, language):
            break
    while run and not clauses[run[-1]].matches:
        run.pop()
    return run


def _is_member(clause: Clause, text: str, language: Language) -> bool:
    if clause.asks or any(c.cue.kind in _DENIES for c in clause.cues):
        return False
    if not clause.matches:
        # A symptom that is not known stands in a list like any other.
        return not clause.cues and clause.end - clause.start <= _MOST_UNKNOWN
    if any(match.mode == ABSENT for match in clause.matches):
        return False
    rest = _rest(clause, text)
    return not rest or (language.list_words is not None and language.list_words.fullmatch(rest) is not None)


def _closes(clause: Clause, text: str, language: Language) -> bool:
    return language.list_close is not None and language.list_close.search(_rest(clause, text)) is not None


def _is_between(run: list[int], clauses: Sequence[Clause]) -> bool:
    """Whether the clause after a run denies again, in the same sentence."""
    after = run[-1] + 1
    return (
        after < len(clauses)
        and clauses[after].sentence == clauses[run[0]].sentence
        and any(c.cue.kind in _DENIES for c in clauses[after].cues[:1])
    )


def _alike(denied: int, run: list[int], clauses: Sequence[Clause], text: str) -> bool:
    """Whether every member of a run begins or ends as what was denied does (皮下出血, 皮下结节; 压痛, 反跳痛)."""
    words = [text[match.start : match.end] for match in clauses[denied].matches]
    members = [text[match.start : match.end] for number in run for match in clauses[number].matches]
    return all(any(member[:_ALIKE] == word[:_ALIKE] or member[-1] == word[-1] for word in words) for member in members)


def _example(denied: Clause, clause: Clause, text: str, language: Language) -> bool:
    """Whether a clause gives examples (比如) of what was denied; 如 and 像 only after a word for any illness."""
    first = text[clause.start : clause.end].lstrip()
    place = clause.end - len(first)
    cue = next((c for c in clause.cues if c.cue.kind == "example" and c.start == place), None)
    if cue is None:
        return False
    return cue.cue.value == "always" or text[denied.start : denied.end].rstrip().endswith(language.general_words)


def _rest(clause: Clause, text: str) -> str:
    """The words of a clause that belong to no finding and give no example."""
    places = [place for match in clause.matches for place in match.pieces]
    places += [(c.start, c.end) for c in clause.cues if c.cue.kind == "example"]
    rest = list(text[clause.start : clause.end])
    for start, end in places:
        rest[start - clause.start : end - clause.start] = [""] * (end - start)
    return "".join(rest).replace(" ", "")
