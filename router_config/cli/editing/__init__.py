"""Changes of a user's files: litellm.yaml, .env."""
