"""Whether a file may be edited under load: the edits, and what becomes of requests, counts, memory and time."""
