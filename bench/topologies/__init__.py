"""The five topologies under one load: what each costs, in one table and some pictures."""
