"""Words of a list in a text: the longest at each place, two pieces close together, nothing across the end of a clause."""

import pytest

from cunyi.text.hint_words import HintFinder


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        (["牙", "牙套"], "想戴牙套", {"牙套": 2}),
        (["牙", "牙套"], "牙疼，想戴牙套", {"牙": 0, "牙套": 5}),
        (["长…疙瘩"], "手上长了好几个疙瘩", {"长…疙瘩": 2}),
        (["长…疙瘩"], "长了好几年，疙瘩不大", {}),
        (["长…疙瘩"], "长大以后才发现身上到处有小疙瘩", {}),
        (["长…疙瘩"], "疙瘩一直在长", {}),
        (["hpv"], "HPV阳性".lower(), {"hpv": 0}),
        (["备孕"], "", {}),
        ([], "备孕", {}),
        (["眼", "眼…痒"], "眼角很痒", {"眼": 0, "眼…痒": 0}),
    ],
)
def test_words_are_found(words, text, found):
    assert HintFinder(words, 8).find(text) == found


def test_upper_case_of_the_list_is_found_in_normalised_text():
    assert HintFinder(["HPV"], 8).find("hpv阳性") == {"HPV": 0}
