"""`python -m writer`."""

from __future__ import annotations

from service.runner import main
from writer.app import WriterService
from writer.config import Config

if __name__ == "__main__":
    main(Config.from_env, WriterService)
