"""Two kits that meet: both are known, the code was typed, nobody in between learns or changes anything."""

from __future__ import annotations

import msgspec
import pytest

from cunyi.interop.meeting_line import Guest, Host, MeetingError, MeetingTrouble, Sealed, refusal
from cunyi.store.signing import NodeKey, is_signed

A, B, C = (f"01890000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))
CODE = "20480713"


class Two:
    """A host that shows its code and a guest, with everything that went between them."""

    def __init__(self, known=(A, B)) -> None:
        self.keys = {A: NodeKey.make(), B: NodeKey.make(), C: NodeKey.make()}
        self.directory = {node: self.keys[node].public for node in known}
        self.went = []
        self.host = Host(A, CODE, 3, self.keys[A].sign, self.verify, lambda guest, message: b"to " + message)

    def verify(self, node, signature, data):
        return node in self.directory and is_signed(self.directory[node], signature, data)

    def carry(self, message):
        answer = self.host.hear(message)
        self.went.append((message, answer))
        return answer

    def guest(self, node=B, carry=None, key=None):
        return Guest(node, (key or self.keys[node]).sign, self.verify, carry or self.carry)


def trouble(work, *arguments):
    with pytest.raises(MeetingError) as failed:
        work(*arguments)
    return failed.value.trouble


def test_a_guest_with_the_code_is_answered():
    two = Two()
    guest = two.guest()
    assert guest.come_in(CODE) == A
    assert [guest.send(word) for word in (b"one", b"two")] == [b"to one", b"to two"]
    seen = b"".join(part for pair in two.went for part in pair)
    assert b"one" not in seen and CODE.encode() not in seen


def test_nobody_is_answered_before_the_code():
    two = Two()
    assert trouble(two.guest().send, b"hello") is MeetingTrouble.NOT_PROVEN
    assert two.went == []


def test_the_code_can_be_guessed_at_three_times():
    two = Two()
    assert trouble(two.guest().come_in, "00000000") is MeetingTrouble.WRONG_CODE
    assert trouble(two.guest().come_in, "1") is MeetingTrouble.WRONG_CODE
    assert trouble(two.guest().come_in, "错") is MeetingTrouble.TOO_MANY_TRIES
    assert two.host.is_closed
    assert trouble(two.guest().come_in, CODE) is MeetingTrouble.TOO_MANY_TRIES


def test_a_node_that_is_not_in_the_directory_is_not_talked_to_and_costs_no_try():
    two = Two()
    for _ in range(5):
        assert trouble(two.guest(C).come_in, CODE) is MeetingTrouble.UNKNOWN_NODE
    assert trouble(two.guest(B, key=two.keys[C]).come_in, CODE) is MeetingTrouble.UNKNOWN_NODE
    assert two.guest().come_in(CODE) == A


def test_a_host_that_is_not_in_the_directory_does_not_learn_the_code():
    two = Two(known=(B,))
    assert trouble(two.guest().come_in, CODE) is MeetingTrouble.UNKNOWN_NODE
    assert len(two.went) == 1


def test_what_is_changed_on_the_way_is_noticed():
    two = Two()

    def changing(message):
        answer = bytearray(two.carry(message))
        answer[-1] ^= 1
        return bytes(answer)

    assert trouble(two.guest(carry=changing).come_in, CODE) is MeetingTrouble.UNKNOWN_NODE
    guest = two.guest()
    guest.come_in(CODE)
    guest._carry = changing
    assert trouble(guest.send, b"one") is MeetingTrouble.NOT_PROVEN


def test_a_message_that_is_played_again_is_not_answered():
    two = Two()
    guest = two.guest()
    guest.come_in(CODE)
    guest.send(b"one")
    again = two.went[-1][0]
    assert two.host.hear(again) == refusal(MeetingTrouble.NOT_PROVEN)
    assert two.host.hear(two.went[1][0]) == refusal(MeetingTrouble.NOT_PROVEN)
    # The guest is not disturbed by it.
    assert guest.send(b"two") == b"to two"


def test_an_answer_to_something_else_is_not_taken():
    two = Two()
    guest = two.guest()
    guest.come_in(CODE)
    guest.send(b"one")
    old = two.went[-1][1]
    guest._carry = lambda _: old
    assert trouble(guest.send, b"two") is MeetingTrouble.NOT_READABLE


def test_a_guest_whose_line_broke_comes_in_anew():
    two = Two()
    first = two.guest()
    first.come_in(CODE)
    second = two.guest()
    assert second.come_in(CODE) == A
    assert second.send(b"one") == b"to one"
    assert trouble(first.send, b"two") is MeetingTrouble.NOT_PROVEN


@pytest.mark.parametrize("message", [b"", b"\xff", b"{}", msgspec.msgpack.encode({"type": "opening"})])
def test_what_cannot_be_read_is_told(message):
    assert Two().host.hear(message) == refusal(MeetingTrouble.NOT_READABLE)


def test_keys_without_a_secret_are_refused():
    two = Two()
    opening = msgspec.msgpack.encode({"type": "opening", "guest": B, "key": bytes(32)})
    assert two.host.hear(opening) == refusal(MeetingTrouble.NOT_PROVEN)
    sealed = msgspec.msgpack.encode(Sealed(meeting=b"", number=0, data=b""))
    assert two.host.hear(sealed) == refusal(MeetingTrouble.NOT_PROVEN)


def test_many_who_begin_and_do_not_go_on_cost_little():
    two = Two()
    guest = two.guest()
    for _ in range(100):
        trouble(two.guest(carry=lambda message: two.host.hear(message)[:1]).come_in, CODE)
    assert guest.come_in(CODE) == A
    assert len(two.host._begun) <= 16
