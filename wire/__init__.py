"""The contract between the processes: comments, event ids, SSE text, endpoints, errors. No I/O."""
