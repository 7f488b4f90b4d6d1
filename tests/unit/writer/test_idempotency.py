from __future__ import annotations

from hashlib import blake2b

from wire.comment import NewComment
from writer.idempotency import body_digest


def test_without_an_author_id_a_digest_is_what_it_always_was() -> None:
    expected = blake2b(b"ann\0hi", digest_size=16).digest()
    assert body_digest(NewComment("ann", "hi")) == expected
    assert body_digest(NewComment("ann", "hi", guest=True)) == expected


def test_two_people_of_one_name_have_two_digests() -> None:
    digests = {body_digest(NewComment("ann", "hi", author_id)) for author_id in ("", "u_1", "u_2")}
    assert len(digests) == 3


def test_a_role_that_changed_changes_no_digest() -> None:
    plain = NewComment("ann", "hi", "u_1")
    assert body_digest(plain) == body_digest(NewComment("ann", "hi", "u_1", ("moderator",)))
