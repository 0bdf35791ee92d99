"""How it is learned and answered: one file per family, `bundle.py` for what stands on disk."""
