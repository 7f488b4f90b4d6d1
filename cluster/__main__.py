"""`python -m cluster` is the `livecomments` command where that is not installed: in containers."""

from cluster.cli import main

if __name__ == "__main__":
    main()
