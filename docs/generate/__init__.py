"""Writes the reference pages from the code, and makes the repository's Markdown fit the site."""
