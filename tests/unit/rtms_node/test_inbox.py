from __future__ import annotations

from rtms_node.inbox import Inbox

EPOCH, OTHER = "testepoch001", "testepoch002"


def test_frames_come_out_in_order_once_the_hole_is_closed() -> None:
    inbox = Inbox(10)
    for seq in (5, 4, 7):
        inbox.hold(EPOCH, seq, b"%d" % seq)
    assert list(inbox.take_from(EPOCH, 4)) == [b"4", b"5"]
    assert len(inbox) == 1


def test_what_lies_below_is_forgotten() -> None:
    inbox = Inbox(10)
    inbox.hold(EPOCH, 4, b"4")
    assert list(inbox.take_from(EPOCH, 6)) == []
    assert len(inbox) == 0


def test_a_full_inbox_refuses_and_counts() -> None:
    inbox = Inbox(2)
    for seq in (4, 5, 6):
        inbox.hold(EPOCH, seq, b"")
    assert (len(inbox), inbox.dropped) == (2, 1)


def test_another_epoch_replaces_everything() -> None:
    inbox = Inbox(10)
    inbox.hold(EPOCH, 4, b"4")
    inbox.hold(OTHER, 9, b"9")
    assert list(inbox.take_from(OTHER, 9)) == [b"9"]
    inbox.hold(OTHER, 11, b"")
    assert list(inbox.take_from(EPOCH, 11)) == []
    assert len(inbox) == 0


def test_of_two_contents_neither_is_kept() -> None:
    inbox = Inbox(10)
    for frame in (b"4", b"4", b"other"):
        inbox.hold(EPOCH, 4, frame)
    assert (len(inbox), inbox.dropped) == (0, 1)


def test_what_is_not_stored_is_forgotten() -> None:
    inbox = Inbox(10)
    for seq in (4, 6, 9):
        inbox.hold(EPOCH, seq, b"")
    inbox.forget(5, 8)
    assert (len(inbox), inbox.last_held(), inbox.dropped) == (2, 9, 1)
