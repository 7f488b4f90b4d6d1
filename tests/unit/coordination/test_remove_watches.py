from __future__ import annotations

from types import SimpleNamespace

from coordination.remove_watches import RemoveWatches


def test_a_request_names_its_path_and_means_every_kind_of_watch() -> None:
    request = RemoveWatches("/ab", None)
    assert (request.type, request.serialize()) == (18, b"\0\0\0\3/ab\0\0\0\3")


def test_its_reply_makes_kazoo_forget_the_watchers_of_that_path() -> None:
    client = SimpleNamespace(_child_watchers={"/ab": 1, "/a": 2}, _data_watchers={"/b": 3})
    RemoveWatches("/ab", client).deserialize(b"", 0)
    assert (client._child_watchers, client._data_watchers) == ({"/a": 2}, {"/b": 3})
