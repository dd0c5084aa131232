"""Turning a report into something a person looks at."""
