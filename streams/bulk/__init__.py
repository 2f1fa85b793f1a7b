"""Faust at the speed of batches: a fetched chunk is one stream event."""
