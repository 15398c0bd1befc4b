"""What a plan supposes: the requests, how long answers take, and which providers fail or are gone."""
