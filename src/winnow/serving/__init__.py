"""The hot path: admission, batcher, loader, journal and the service that joins them."""
