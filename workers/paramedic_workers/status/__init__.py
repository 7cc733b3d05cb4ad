"""The state of the whole at a glance."""
