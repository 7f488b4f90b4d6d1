from __future__ import annotations

from coordination.remove_watches import RemoveWatches


def test_a_request_names_its_path_and_means_every_kind_of_watch() -> None:
    request = RemoveWatches("/ab", print)
    assert (request.type, request.serialize()) == (18, b"\0\0\0\3/ab\0\0\0\3")


def test_its_reply_makes_the_watchers_of_that_path_be_forgotten() -> None:
    forgotten: list[str] = []
    RemoveWatches("/ab", forgotten.append).deserialize(b"", 0)
    assert forgotten == ["/ab"]
