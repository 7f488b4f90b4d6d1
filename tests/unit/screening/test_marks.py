"""What people write passes; towers of marks do not."""

from __future__ import annotations

import pytest

from screening.marks import MAX_MARKS, check_marks
from wire.errors import TooManyMarks

ACUTE, ENCLOSED, JOINER = "\u0301", "\u20dd", "\u200d"


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",  # a family
        "\u2764\ufe0f\u200d\U0001f525" * 50,  # variation selectors and joiners
        "1\ufe0f\u20e3" * 100,  # keycaps
        "\U0001f1e9\U0001f1ea\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u0e19\u0e49\u0e33\u0e17\u0e35\u0e48\u0e1c\u0e39\u0e49",  # Thai
        "\u05d1\u05bc\u05b0\u05e8\u05b5\u05d0\u05e9\u05c1\u05b4\u0596\u05d9\u05ea",  # Hebrew
        "Tie\u0302\u0301ng Vie\u0323\u0302t",  # Vietnamese, decomposed
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u094d\u0937\u094d\u0930\u093f",  # Hindi
        "\u0f67\u0f71\u0f74\u0f83\u0f7f",  # Tibetan
        "e" + ACUTE * MAX_MARKS + "e" + ACUTE * MAX_MARKS,
    ],
)
def test_writing_passes(text: str) -> None:
    check_marks("text", text)


@pytest.mark.parametrize(
    "text",
    [
        "e" + ACUTE * (MAX_MARKS + 1),
        ACUTE * (MAX_MARKS + 1),
        "x" * 400 + "e" + (ACUTE + ENCLOSED) * 5,
        "e" + (ACUTE + JOINER) * (MAX_MARKS + 1),  # what does not show does not end a row
        "\U0001f469" + "\ufe0f" * (MAX_MARKS + 1),
    ],
)
def test_towers_are_refused(text: str) -> None:
    with pytest.raises(TooManyMarks) as refused:
        check_marks("author", text)
    assert refused.value.field == "author"
    assert (refused.value.status, refused.value.code) == (422, "marks")
    assert text not in str(refused.value)
