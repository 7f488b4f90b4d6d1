"""The store on Cassandra."""
