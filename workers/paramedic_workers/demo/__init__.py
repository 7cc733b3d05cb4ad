"""The tour: a sample project, broken in several ways, healed through the real queue."""
