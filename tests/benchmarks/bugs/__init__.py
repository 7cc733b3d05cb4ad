"""Heals a file of small bugs, and judges the patches by the references."""
