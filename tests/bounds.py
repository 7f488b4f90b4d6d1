"""What was measured of the bounds that docs/faults.md promises."""

from __future__ import annotations

from cluster.folder import CHECKOUT

# Every run adds to it; the tables in docs/faults.md are made from it by hand.
_FIGURES = CHECKOUT / ".livecomments" / "bounds.txt"


def record(figure: str) -> None:
    """Print a line and keep it."""
    print(figure)
    _FIGURES.parent.mkdir(exist_ok=True)
    with _FIGURES.open("a") as file:
        file.write(figure + "\n")
