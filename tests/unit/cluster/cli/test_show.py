"""How the command reads its line."""

from __future__ import annotations

import pytest

from cluster.cli.show import route


@pytest.mark.parametrize(
    ("line", "video", "as_json"),
    [
        ("-abc", "-abc", False),
        ("-h8 --json", "-h8", True),
        ("--json --long", "--long", True),
        ("-- --json", "--json", False),
        ("v1", "v1", False),
    ],
)
def test_a_video_id_may_begin_with_a_dash(line: str, video: str, as_json: bool) -> None:
    params = route.make_context("route", line.split()).params
    assert params == {"video": video, "as_json": as_json}
