"""Runs of characters: the same words give the same codes, whatever stands around them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cunyi.text.grams import BITS, LONGEST, grams_of


def runs(text: str) -> set[str]:
    found = grams_of(text)
    return {text[s : s + n] for s, n in zip(found.starts.tolist(), found.lengths.tolist(), strict=True)}


def test_every_run_of_up_to_three_characters_and_none_across_punctuation():
    assert runs("头痛，发热") == {"头", "痛", "头痛", "发", "热", "发热"}
    assert "痛发" not in runs("头痛，发热") and "头痛三" in runs("头痛三天")


def test_any_number_counts_as_one_character():
    assert set(grams_of("发热38度").codes) == set(grams_of("发热5度").codes)
    assert set(grams_of("发热3天").codes) != set(grams_of("发热").codes)


def test_nothing_comes_of_nothing():
    for text in ("", "，。", " "):
        assert len(grams_of(text).codes) == 0


@given(st.text(alphabet="头痛发热咳嗽无，。 3", max_size=30), st.text(alphabet="头痛发热咳嗽无，。 3", max_size=30))
def test_a_text_keeps_its_codes_inside_a_longer_one(first, second):
    together = grams_of(f"{first}\n{second}")
    assert set(grams_of(first).codes) | set(grams_of(second).codes) == set(together.codes)
    assert ((together.codes >= 0) & (together.codes < 1 << BITS)).all()
    assert np.all(together.lengths <= LONGEST)
