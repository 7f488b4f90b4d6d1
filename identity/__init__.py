"""Who calls, and what they may do: tokens, keys, author ids and roles."""
