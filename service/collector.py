"""How often Python looks for objects that only refer to one another.

Everything else is freed at once, and what a post leaves behind is everything else. Python looks
after every 700 objects that became more. A writer in which thousands of posts wait has some ten
objects for each of them, gains and loses as many with each group, and so went over all of them
again and again, to find nothing: half of its CPU.
"""

from __future__ import annotations

import gc

# Bounds what can pile up between two looks, after errors for instance: at 100 to 200 bytes each a
# few MiB, and what these objects hold.
LOOK_AFTER_OBJECTS = 20_000


def collect_rarely() -> None:
    """For this process. How often older objects are looked at, counted in looks at new ones, stays
    as it is.
    """
    _, *older = gc.get_threshold()
    gc.set_threshold(LOOK_AFTER_OBJECTS, *older)
