"""What happens to one group of incidents; knows nothing of Celery, brokers or Jira."""
