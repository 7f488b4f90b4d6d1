"""`python -m dispatcher`."""

from __future__ import annotations

from dispatcher.app import DispatcherService
from dispatcher.config import Config
from service.runner import main

if __name__ == "__main__":
    main(Config.from_env, DispatcherService)
