"""The planner: how many machines a number of viewers needs, and where the design ends."""
