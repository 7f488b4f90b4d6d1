"""`python -m rtms_node`: configuration from the environment (see rtms_node/config.py)."""

from rtms_node.app import NodeService
from rtms_node.config import Config
from service.runner import main

main(Config.from_env, NodeService)
