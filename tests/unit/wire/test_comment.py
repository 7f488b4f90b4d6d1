from __future__ import annotations

import json
import time
import unicodedata

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import examples
from wire.comment import (
    MAX_AUTHOR,
    MAX_TEXT,
    Comment,
    NewComment,
    check_author,
    check_idempotency_key,
    encode_comment,
    parse_new_comment,
    timestamp,
)
from wire.errors import InvalidField, NotJson
from wire.json_text import printable

EPOCH = "abcdefghijkl"
# PropList.txt of Unicode 15, White_Space=Yes, written out again.
WHITE_SPACE = (
    "\u0009\u000a\u000b\u000c\u000d\u0020\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
CONTROLS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Cc"]

allowed = st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\n")
spaces = st.text(st.sampled_from(WHITE_SPACE), max_size=5)


def solid(limit: int) -> st.SearchStrategy[str]:
    """Text that trimming leaves alone."""
    return st.text(allowed, min_size=1, max_size=limit).filter(
        lambda text: text[0] not in WHITE_SPACE and text[-1] not in WHITE_SPACE
    )


def body(author: object = "ann", text: object = "hello", **more: object) -> bytes:
    return json.dumps({"author": author, "text": text} | more).encode()


def fault(raw: bytes) -> str:
    """The field that is refused."""
    with pytest.raises(InvalidField) as refused:
        parse_new_comment(raw)
    return refused.value.field


@given(solid(MAX_AUTHOR), solid(MAX_TEXT), spaces, spaces, st.booleans())
def test_what_is_accepted_comes_back_code_point_for_code_point(
    author: str, text: str, before: str, after: str, ascii_only: bool
) -> None:
    fields = {"author": before + author + after, "text": after + text + before}
    raw = json.dumps(fields, ensure_ascii=ascii_only).encode()
    new = parse_new_comment(raw)
    assert (new.author, new.text) == (author, text)
    stored = encode_comment(EPOCH, "v", 7, new, "2024-01-01T00:00:00.000Z")
    assert b"\n" not in stored
    assert b"\r" not in stored
    read = json.loads(stored)
    assert (read["author"], read["text"]) == (author, text)


@given(st.binary(max_size=200))
def test_any_bytes_are_either_a_comment_or_refused(raw: bytes) -> None:
    try:
        parse_new_comment(raw)
    except (NotJson, InvalidField) as exc:
        exc.detail.encode()  # can be sent


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=examples(50))
@given(json_values)
def test_any_json_is_either_a_comment_or_refused(value: object) -> None:
    with pytest.raises((NotJson, InvalidField)):
        parse_new_comment(json.dumps(value).encode())


@given(json_values)
def test_a_field_is_a_string_or_refused(value: object) -> None:
    raw = body(text=value)
    if isinstance(value, str):
        return
    with pytest.raises((NotJson, InvalidField)):
        parse_new_comment(raw)


@pytest.mark.parametrize("char", [c for c in CONTROLS if c not in "\t\n"])
def test_control_characters_are_refused_wherever_they_stand(char: str) -> None:
    assert fault(body(text=f"a{char}b")) == "text"
    assert fault(body(author=f"a{char}b")) == "author"
    if char not in WHITE_SPACE:
        assert fault(body(text=f"{char}b")) == "text"
        assert fault(body(text=f"a{char}")) == "text"


def test_tab_and_newline_are_kept_inside() -> None:
    assert parse_new_comment(body(text="a\tb\nc")).text == "a\tb\nc"


@pytest.mark.parametrize("text", ["\\ud800", "\\udfff", "x\\ud83dx", "\\ude00\\ud83d"])
def test_lone_surrogates_are_refused(text: str) -> None:
    assert fault(b'{"author":"a","text":"%s"}' % text.encode()) == "text"
    assert fault(b'{"author":"%s","text":"a"}' % text.encode()) == "author"


def test_a_pair_of_escaped_surrogates_is_one_character() -> None:
    assert parse_new_comment(b'{"author":"a","text":"\\ud83d\\ude00"}').text == "😀"


def test_surrogates_written_as_bytes_are_not_utf8() -> None:
    with pytest.raises(NotJson):
        parse_new_comment(b'{"author":"a","text":"\xed\xa0\x80"}')


@pytest.mark.parametrize(
    "text",
    [
        "\u200b",
        "\u202eabc",
        "\ufeffabc",
        "\u00ad",
        "e\u0301",
        "\u2028x\u2029",
        "\ufffe",
        "\U0010ffff",
    ],
)
def test_other_odd_characters_are_kept_as_they_came(text: str) -> None:
    new = parse_new_comment(body(text=f"[{text}]"))
    assert new.text == f"[{text}]"


def test_nothing_is_escaped_or_normalised() -> None:
    text = '<script>alert("&amp;")</script> e\u0301 \u00e9 ﬁ'
    assert parse_new_comment(body(text=text)).text == text


@pytest.mark.parametrize(("field", "limit"), [("author", MAX_AUTHOR), ("text", MAX_TEXT)])
def test_lengths_are_counted_in_code_points_after_trimming(field: str, limit: int) -> None:
    fits = {field: "  " + "😀" * limit + "\u3000"}
    assert getattr(parse_new_comment(body(**fits)), field) == "😀" * limit
    assert fault(body(**{field: "😀" * (limit + 1)})) == field


@pytest.mark.parametrize("empty", ["", " ", WHITE_SPACE, "\u3000\n"])
@pytest.mark.parametrize("field", ["author", "text"])
def test_nothing_but_white_space_is_empty(field: str, empty: str) -> None:
    assert fault(body(**{field: empty})) == field


@pytest.mark.parametrize("field", ["author", "text"])
@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["x"], {"a": "b"}])
def test_a_field_of_another_type_is_refused(field: str, value: object) -> None:
    assert fault(body(**{field: value})) == field


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"7", b"true", b"1.5"])
def test_json_that_is_no_object_is_refused(raw: bytes) -> None:
    assert fault(raw) == "body"


@pytest.mark.parametrize("field", ["author", "text"])
def test_a_missing_field_is_named(field: str) -> None:
    fields = {"author": "a", "text": "b"}
    del fields[field]
    assert fault(json.dumps(fields).encode()) == field


@pytest.mark.parametrize("field", ["seq", "id", "created_at", "video_id", "", "Author", "text "])
def test_unknown_fields_are_refused_and_named(field: str) -> None:
    assert fault(body(**{field: 1})) == field


def test_the_name_of_an_unknown_field_is_made_safe() -> None:
    raw = b'{"author":"a","text":"b","\\ud800\\u0000%s":1}' % (b"x" * 1_000)
    field = fault(raw)
    assert field.startswith("\\ud800\\x00xxx")
    assert len(field) < 100


@pytest.mark.parametrize(
    "raw",
    [
        b'{"author":"a","text":"b","text":"c"}',
        b'{"author":"a","author":"a","text":"b"}',
        b'{"author":"a","text":"b","te\\u0078t":"c"}',
        b'{"author":"a","text":{"x":1,"x":2}}',
    ],
)
def test_a_field_given_twice_is_refused(raw: bytes) -> None:
    assert fault(raw) == "body"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"nope",
        b"{'author':'a','text':'b'}",
        b'{"author":"a","text":"b"}x',
        b'{"author":"a","text":"b"}{"author":"a","text":"b"}',
        b'{"author":"a","text":"b",}',
        b'{"author":"a","text":"b" /* */}',
        b'{"author":"a","text":NaN}',
        b'{"author":"a","text":Infinity}',
        b'{"author":"a","text":-Infinity}',
        b'{"author":"a","text":"a\nb"}',
        b'{"author":"a","text":"a\x00b"}',
        b'{"author":"a","text":"\\x41"}',
        b'{"author":"a","text":01}',
        b'\xef\xbb\xbf{"author":"a","text":"b"}',
        '{"author":"a","text":"b"}'.encode("utf-16"),
        '{"author":"a","text":"b"}'.encode("utf-16-le"),
        '{"author":"a","text":"b"}'.encode("utf-32"),
        b'{"author":"a","text":"\xff"}',
        b'{"author":"a","text":"\xc0\x80"}',
        b'{"author":"a","text":"\xf4\x90\x80\x80"}',
    ],
)
def test_what_is_not_one_json_text_in_utf8_is_refused(raw: bytes) -> None:
    with pytest.raises(NotJson) as refused:
        parse_new_comment(raw)
    assert refused.value.detail.isprintable()


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"author":"a","text":' + b"[" * 8_000 + b"]" * 8_000 + b"}",
        b'{"author":"a","text":' + b"9" * 16_000 + b"}",
        b'{"author":"a","text":-' + b"9" * 16_000 + b"}",
        b'{"author":"a","text":1e999999999}',
        b'{"author":"a","text":' + b"[" * 16_000,
        b'{"' + b'a":1,"' * 2_000 + b'b":1}',
        b'{"author":"' + b"\\u0000" * 2_600 + b'","text":"b"}',
    ],
)
def test_hostile_json_is_refused_quickly(raw: bytes) -> None:
    def refuse() -> float:
        started = time.process_time()
        with pytest.raises((NotJson, InvalidField)):
            parse_new_comment(raw)
        return time.process_time() - started

    # The best of some: whatever else the process does, such as collecting garbage, counts too.
    assert min(refuse() for _ in range(5)) < 0.05


def test_the_public_json_has_its_fields_in_order() -> None:
    raw = encode_comment(EPOCH, "v", 7, NewComment("ann", "a\nb"), "2024-01-01T00:00:00.000Z")
    assert raw == (
        b'{"id":"abcdefghijkl-7","video_id":"v","seq":7,"author":"ann","text":"a\\nb",'
        b'"created_at":"2024-01-01T00:00:00.000Z"}'
    )
    assert msgspec.json.decode(raw, type=Comment).id == "abcdefghijkl-7"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.5, "2023-11-14T22:13:20.500Z"),
        (1_700_000_000.9999, "2023-11-14T22:13:20.999Z"),
        (4_102_444_800, "2100-01-01T00:00:00.000Z"),
    ],
)
def test_timestamps_are_rfc3339_in_utc_with_milliseconds(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


@pytest.mark.parametrize("key", ["a", "x" * 128, "A b~!", " "])
def test_good_idempotency_keys_are_given_back(key: str) -> None:
    assert check_idempotency_key(key) == key


@pytest.mark.parametrize("key", ["", "x" * 129, "é", "a\tb", "a\x7f", "a\n", "\u00a0"])
def test_other_idempotency_keys_are_refused(key: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_idempotency_key(key)
    assert refused.value.field == "Idempotency-Key"


@given(st.text())
def test_printable_gives_short_printable_ascii(text: str) -> None:
    shown = printable(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 400


def test_a_stored_comment_is_one_line_wherever_unicode_splits_lines() -> None:
    """Readers such as Python's `str.splitlines` split at more than CR and LF."""
    text = "a\nb\u2028c\u2029d \\u2028"
    raw = encode_comment("epoch0000001", "v", 1, NewComment("ann\u2028", text), "")
    assert len(raw.decode().splitlines()) == 1
    assert json.loads(raw)["text"] == text
    assert json.loads(raw)["author"] == "ann\u2028"


def test_without_a_token_a_comment_is_what_it_always_was() -> None:
    new = NewComment("ann", "hi")
    assert encode_comment("epoch0000001", "v", 1, new, "T") == (
        b'{"id":"epoch0000001-1","video_id":"v","seq":1,"author":"ann","text":"hi","created_at":"T"}'
    )


def test_what_a_token_proves_stands_at_the_end() -> None:
    new = NewComment("ann", "hi", "u_1", ("owner", "moderator"))
    raw = encode_comment("epoch0000001", "v", 1, new, "T")
    assert raw.endswith(b',"created_at":"T","author_id":"u_1","badges":["owner","moderator"]}')
    guest = encode_comment("epoch0000001", "v", 1, NewComment("ann", "hi", guest=True), "T")
    assert guest.endswith(b',"created_at":"T","guest":true}')


def test_an_author_that_is_known_may_be_left_out_and_not_be_another() -> None:
    assert parse_new_comment(b'{"text":"hi"}', "Ann") == NewComment("Ann", "hi")
    assert parse_new_comment(b'{"text":"hi","author":" Ann "}', "Ann") == NewComment("Ann", "hi")
    for author in ("ann", "Bob", "", "\u0410nn"):
        with pytest.raises(InvalidField) as caught:
            parse_new_comment(body(author=author), "Ann")
        assert caught.value.field == "author"
    with pytest.raises(InvalidField):
        parse_new_comment(b"{}", "Ann")


def test_a_name_is_checked_as_an_author_is() -> None:
    assert check_author(" Ann\t") == "Ann"
    for name in ("", " ", "a" * (MAX_AUTHOR + 1), "a\x07", "\ud800"):
        with pytest.raises(InvalidField):
            check_author(name)
