"""`python -m single`."""

from __future__ import annotations

from service.collector import collect_rarely
from service.runner import main
from single.app import SingleService
from single.config import Config

if __name__ == "__main__":
    collect_rarely()
    main(Config.from_env, SingleService)
