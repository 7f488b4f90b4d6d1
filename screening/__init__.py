"""The text rules of a comment: normal form, marks, links, filters. No I/O."""
