"""The jira sink: one ticket for each incident, kept as the incident is."""
