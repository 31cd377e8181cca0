"""Finds the words of a normalised text: terms longest first, terms of several pieces, cues, item names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from cunyi.text.language import CLOSE, CONTEXT, TERM, TOGETHER, Cue, Language, Pattern, Word

# A blank between Chinese characters ends a line of talk; a full stop of either width ends a sentence.
_CLAUSE_END = re.compile(r"[，。；;！!？?…\n\r]|(?<![0-9]),|,(?![0-9])|(?<=[㐀-鿿])(?:[ \t]+|\.+)(?=[㐀-鿿]|$)")
_COMMAS = frozenset("，,")
_QUESTIONS = frozenset("？?")
_WIDEST_GAP = 8
_WIDEST_GAP_OVER_LIST = 3
_WIDEST_CLOSE_GAP = 5
_LIST_MARK = "、"
_DENIES_BEFORE = "absent_after"

Place = tuple[int, int]
_Hit = tuple[int, int, Word]
_Piece = tuple[int, int, tuple[int, ...]]


class Match(msgspec.Struct, frozen=True):
    """A term of a finding at a place; `mode` as in the language; `pieces` the places of its parts, in order."""

    finding: int
    mode: int
    start: int
    end: int
    pieces: tuple[Place, ...]


class PlacedCue(msgspec.Struct, frozen=True):
    """A cue at a place."""

    cue: Cue
    start: int
    end: int


class Clause(msgspec.Struct, frozen=True):
    """A stretch between commas or stops: its place, the sentence it belongs to, what was found in it."""

    start: int
    end: int
    sentence: int
    asks: bool
    matches: list[Match]
    cues: list[PlacedCue]
    negations: set[int]
    """Where a plain negation begins, those inside a longer word (没放屁) included."""


class Scan(msgspec.Struct, frozen=True):
    """Everything found in one text."""

    clauses: list[Clause]
    names: list[Place]


def scan(text: str, language: Language) -> Scan:
    """One pass of the automaton over a text, sorted into clauses. A word never crosses the end of a clause."""
    clauses = list(_clauses(text))
    names: list[Place] = []
    hits: list[_Hit] = []
    pieces: list[_Piece] = []
    current, final = 0, len(clauses) - 1
    clause = clauses[0]
    begins, ends = clause.start, clause.end
    for last, (length, is_name, parts, word) in language.automaton.iter(text):
        while last >= ends and current < final:
            if hits or pieces:
                _fill(clause, hits, pieces, text, language)
                hits, pieces = [], []
            current += 1
            clause = clauses[current]
            begins, ends = clause.start, clause.end
        end = last + 1
        start = end - length
        if start < begins:
            continue
        if parts:
            pieces.append((start, end, parts))
        if word is not None:
            hits.append((start, end, word))
            if is_name:
                names.append((start, end))
    if hits or pieces:
        _fill(clause, hits, pieces, text, language)
    return Scan(clauses, _outermost(names) if names else names)


def _clauses(text: str) -> Iterator[Clause]:
    start, sentence = 0, 0
    for match in _CLAUSE_END.finditer(text):
        mark = match.group()
        if match.start() > start:
            yield Clause(start, match.start(), sentence, mark in _QUESTIONS, [], [], set())
        start = match.end()
        if mark not in _COMMAS:
            sentence += 1
    yield Clause(start, len(text), sentence, False, [], [], set())


def _fill(clause: Clause, hits: list[_Hit], pieces: list[_Piece], text: str, language: Language) -> None:
    """Puts into a clause what was found in it. `pieces` are the words that are pieces, whatever else they are."""
    pseudo: list[Place] = []
    wholes: list[tuple[int, int, bool]] = []
    for start, end, word in hits:
        if word.opens_denial:
            clause.negations.add(start)
        if word.is_pseudo:
            pseudo.append((start, end))
        if word.is_whole or word.is_tail:
            wholes.append((start, end, word.is_tail))
    if wholes:
        if len(wholes) > 1:
            # Of two that overlap the longer is the word (3年前列腺炎: no 年前).
            wholes = [each for each in wholes if not _is_shorter(each, wholes)]
        hits = [hit for hit in hits if not _is_cut(hit[0], hit[1], wholes)]
        pieces = [hit for hit in pieces if not _is_cut(hit[0], hit[1], wholes)]
    if pseudo:
        pseudo = [place for place in pseudo if not _denies_term(place, hits, clause)]
        # The longer word wins: 不痛 in 不痛不痒 is no pseudo cue's business, 无 in 无明显诱因 is.
        hits = [hit for hit in hits if hit[:2] in pseudo or not _inside(hit[0], hit[1], pseudo)]
        pieces = [hit for hit in pieces if hit[:2] in pseudo or not _inside(hit[0], hit[1], pseudo)]
    terms: list[_Hit] = []
    cues: list[_Hit] = []
    # 糖尿病、高血压 is no 尿 and 血: inside a name of a past illness or a test no piece of a symptom is looked for.
    names: list[Place] = []
    for hit in hits:
        word = hit[2]
        if word.terms:
            terms.append(hit)
        if word.cues and not word.is_pseudo:
            cues.append(hit)
        if word.is_item:
            names.append(hit[:2])
    literals = _longest(terms)
    matches: list[Match] = []
    for start, end, word in literals:
        place = ((start, end),)
        matches += [Match(finding, mode, start, end, place) for finding, mode in word.terms]
        if word.is_past_illness:
            names.append(place[0])
    if pieces:
        matches += _patterns(_places_of(pieces, names), literals, text, language)
    if len(matches) > 1:
        matches.sort(key=_place_of)
    clause.matches.extend(matches)
    if cues:
        if pseudo:
            cues = [hit for hit in cues if not (hit[2].denies and _is_begun(hit[0], hit[1], pseudo, clause))]
        clause.cues.extend(_cues(cues, matches, pseudo, text, language))


def _is_cut(start: int, end: int, wholes: list[tuple[int, int, bool]]) -> bool:
    """Whether a hit is cut out of a longer word: inside it or over its edge (眼|黄斑), and does not hold all of it."""
    return any(
        a < end and start < b and (start > a or end < b) and (a <= start or not is_tail) for a, b, is_tail in wholes
    )


def _is_shorter(whole: tuple[int, int, bool], wholes: list[tuple[int, int, bool]]) -> bool:
    start, end, _ = whole
    return any(a < end and start < b and b - a > end - start for a, b, _ in wholes)


def _denies_term(place: Place, hits: list[_Hit], clause: Clause) -> bool:
    """Whether a word that looks like a denial and is none is one after all, of a longer term (没碰 in 没碰伤)."""
    start, end = place
    return start in clause.negations and any(
        a == start + 1 and b > end and word.terms and not word.only_context for a, b, word in hits
    )


def _is_begun(start: int, end: int, pseudo: list[Place], clause: Clause) -> bool:
    """Whether a cue ends in the beginning of words that look like a denial and are none (也没好转, 并无缓解)."""
    return any(start < a < end <= b and a in clause.negations for a, b in pseudo)


def _places_of(pieces: list[_Piece], names: list[Place]) -> dict[int, list[Place]]:
    """Where each piece stands, but for what is only part of a name."""
    sets: dict[int, list[Place]] = {}
    for start, end, numbers in pieces:
        if names and any(a <= start and end <= b and end - start < b - a for a, b in names):
            continue
        place = start, end
        for number in numbers:
            known = sets.get(number)
            if known is None:
                sets[number] = [place]
            else:
                known.append(place)
    return sets


def _place_of(match: Match) -> tuple[int, int, int, int]:
    return match.start, match.end, match.finding, match.mode


def _longest(hits: list[_Hit]) -> list[_Hit]:
    """Without words inside a longer one, and without the shorter of two that share one character (有吐|血)."""
    if len(hits) < 2:
        return hits
    kept: list[_Hit] = []
    for start, end, word in sorted(hits, key=lambda hit: (hit[0] - hit[1], -hit[0])):
        for a, b, longer in kept:
            if longer.only_context:
                # What counts only sometimes must not hide what always counts.
                continue
            if (a <= start and end <= b) or start == b - 1 or end - 1 == a:
                break
        else:
            kept.append((start, end, word))
    return kept


def _patterns(sets: dict[int, list[Place]], literals: list[_Hit], text: str, language: Language) -> list[Match]:
    """The terms of several pieces whose pieces are there, but for those said in one word or inside one."""
    patterns, present = language.patterns, sets.keys()
    possible = [
        pattern
        for first in present
        if (seconds := patterns.get(first)) is not None and not seconds.keys().isdisjoint(present)
        for second in seconds.keys() & present
        for pattern in seconds[second]
    ]
    if not possible:
        return []
    said = {role for _, _, word in literals for role in word.terms}
    found: dict[tuple[int, int], Match] = {}
    for pattern in possible:
        key = (pattern.finding, pattern.mode)
        if key in said or key in found:
            continue
        if len(pattern.pieces) > 2 and not all(piece in sets for piece in pattern.pieces[2:]):
            continue
        chain = _chain(pattern, sets, text, language)
        if chain is None:
            continue
        first_start, last_end = chain[0][0], chain[-1][1]
        # What counts only beside something else hides nothing.
        if not any(start <= first_start and last_end <= end for start, end, word in literals if not word.only_context):
            found[key] = Match(pattern.finding, pattern.mode, first_start, last_end, tuple(chain))
    return list(found.values())


def _chain(pattern: Pattern, sets: dict[int, list[Place]], text: str, language: Language) -> list[Place] | None:
    """Places for a pattern's pieces: in order with small gaps, or anywhere in the clause where the order is free."""
    if pattern.form == TOGETHER:
        chosen: list[Place] = []
        for piece in pattern.pieces:
            place = next((p for p in sets[piece] if all(p[1] <= a or b <= p[0] for a, b in chosen)), None)
            if place is None:
                return None
            chosen.append(place)
        return sorted(chosen)
    for first in sets[pattern.pieces[0]]:
        chain = _extend([first], pattern, sets, text, language)
        if chain is not None:
            return chain
    return None


def _extend(
    chain: list[Place], pattern: Pattern, sets: dict[int, list[Place]], text: str, language: Language
) -> list[Place] | None:
    if len(chain) == len(pattern.pieces):
        return chain
    end = chain[-1][1]
    for place in sets[pattern.pieces[len(chain)]]:
        if end <= place[0] <= end + _WIDEST_GAP and _may_stand_between(text[end : place[0]], pattern.form, language):
            longer = _extend([*chain, place], pattern, sets, text, language)
            if longer is not None:
                return longer
    return None


def _may_stand_between(gap: str, form: int, language: Language) -> bool:
    if form == CLOSE:
        # 头也不怎么疼: the words of one symptom stay one symptom over particles, degrees and negation.
        filler = language.filler
        return 0 < len(gap) <= _WIDEST_CLOSE_GAP and filler is not None and filler.fullmatch(gap) is not None
    if _LIST_MARK not in gap:
        return True
    first, _, following = gap.partition(_LIST_MARK)
    # 腰、腿疼 and 眼干、痛 share a part or a complaint; 眼酸、头痛 are two of each.
    return len(gap) <= _WIDEST_GAP_OVER_LIST and not (first and following)


def _cues(
    candidates: list[_Hit], matches: list[Match], pseudo: list[Place], text: str, language: Language
) -> list[PlacedCue]:
    """Cues that are no part of a longer word (无 in 无力) or longer cue (没 in 没有).

    Inside a term of absence (淋巴结不大) or of context they do speak, to the other findings of the clause; so do a
    relative or an allergy inside its own term (母亲高血压, 药物过敏), the 有 that begins a term (没有发烧有痰) and what denies the
    degree that does (不是特别痒).
    What stands in words of context (干咳没痰) does not deny what is before it. A denial of a while (没两天, 没走几步)
    denies nothing.
    """
    words = [piece for match in matches if match.mode == TERM for piece in match.pieces]
    context = [piece for match in matches if match.mode == CONTEXT for piece in match.pieces]
    taken = list(pseudo)
    placed: list[PlacedCue] = []
    for start, end, word in candidates if len(candidates) == 1 else sorted(candidates, key=_longest_first):
        if taken and _inside(start, end, taken):
            continue
        if (
            word.speaks_in_terms
            or (word.ends and any(match.start == start for match in matches))
            or not any(a < end and start < b and (a <= start or not word.is_partial) for a, b in words)
        ):
            taken.append((start, end))
            if word.denies and language.brief is not None and language.brief.match(text, end):
                continue
            quoted = bool(context) and _inside(start, end, context)
            for cue in word.cues:
                if not (quoted and cue.kind.startswith(_DENIES_BEFORE)):
                    placed.append(PlacedCue(cue, start, end))
    if len(placed) > 1:
        placed.sort(key=_start_of)
    return placed


def _longest_first(hit: _Hit) -> tuple[int, int]:
    return hit[0] - hit[1], hit[0]


def _start_of(placed: PlacedCue) -> tuple[int, int]:
    return placed.start, placed.end


def _inside(start: int, end: int, stretches: list[Place]) -> bool:
    return any(a <= start and end <= b for a, b in stretches)


def _outermost(places: list[Place]) -> list[Place]:
    kept: list[Place] = []
    for start, end in sorted(places, key=lambda p: (p[0], -p[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept
