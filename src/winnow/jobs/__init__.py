"""Tickets: work that is accepted for later and never lost: its queue, its workers, and what a job does."""
