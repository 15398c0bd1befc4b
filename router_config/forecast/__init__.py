"""What is expected of the hours that come, from the usage of those that were, and when room will end.

Pure logic without a clock: moments are epoch seconds and passed in. Hours are numbered as the journal numbers its slots
of 3600 seconds: epoch seconds // 3600.
"""
