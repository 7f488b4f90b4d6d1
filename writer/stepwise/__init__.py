"""What stores without transactions over a whole video do step by step: see `ports`."""
