"""From examples to a promoted version: ingest, splitting, training, evaluation, gates, registry."""
