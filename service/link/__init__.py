"""Links: one long-lived HTTPS exchange between two processes, in which batches are handed over.

`Link` is the caller's end, for as long as there is such a peer; `Exchange` is one connection of it,
`Flight` what was sent on that connection and is not acknowledged. `LinkListener` is the callee's
end. See docs/protocol.md, decision 037.
"""
