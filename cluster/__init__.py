"""Starts, stops and inspects a whole cluster on this machine; the `livecomments` command."""
