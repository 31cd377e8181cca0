"""Packed documents: the same bytes again, also those packed by an earlier program; damage is told."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cunyi.domain.errors import UserError
from cunyi.store import packing

# Packed once and for all with dictionary 1: whoever changes that file makes every kept record unreadable.
KEPT = "AXj5jqXzN6tGy7pQ8/DU+bBcCqn7QXEFL0RxDfIp1QIAj1wyUw=="


@given(st.binary(max_size=3000))
def test_the_same_bytes_come_out(body: bytes) -> None:
    assert packing.unpack(packing.pack(body)) == body


def test_what_was_packed_with_the_first_dictionary_can_be_read_for_ever() -> None:
    body = '{"diagnoses":[{"name":"急性上呼吸道感染","icd10":"J06.9"}],"advice":"多饮水，注意休息"}'
    assert packing.unpack(base64.b64decode(KEPT)).decode() == body


@pytest.mark.parametrize("packed", [b"", b"\x02abc", b"\x01abc", base64.b64decode(KEPT)[:-3]])
def test_damage_is_told(packed: bytes) -> None:
    with pytest.raises(UserError, match="已损坏"):
        packing.unpack(packed)
