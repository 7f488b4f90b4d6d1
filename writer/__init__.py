"""Comment management service: validate, number, store, hand over; history and heads."""
