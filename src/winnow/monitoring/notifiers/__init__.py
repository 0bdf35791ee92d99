"""Notifiers: how people are told of alerts."""
