"""Redis Pub/Sub: which channel a video's comments travel on, who publishes, who hears them."""

from pubsub.channels import Channels, channels_of
from pubsub.connection import RedisAway, fetch_receivers
from pubsub.publisher import Publisher
from pubsub.subscriber import Subscriber

__all__ = ["Channels", "Publisher", "RedisAway", "Subscriber", "channels_of", "fetch_receivers"]
