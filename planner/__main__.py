"""`python -m planner`: how many machines a number of viewers needs, and where the design ends."""

from planner.cli import main

if __name__ == "__main__":
    main(prog_name="python -m planner")
