"""The protocol without I/O: decides what to send, when, and what to make of the answer.

Nothing here opens a connection, waits or starts anything: what takes time is asked for by an effect
(`effects.py`), which one driver carries out with `await` and another one without. Both clients are
made of the same flows, so neither can do what the other does not.
"""
