"""`python -m writer`."""

from __future__ import annotations

from service.collector import collect_rarely
from service.runner import main
from writer.app import WriterService
from writer.config import Config

if __name__ == "__main__":
    collect_rarely()
    main(Config.from_env, WriterService)
