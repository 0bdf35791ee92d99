"""The HTTP edge: decode, call the runtime, encode."""
