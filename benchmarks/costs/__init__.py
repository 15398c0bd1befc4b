"""What a request, a command and a page cost: the measures of `python -m benchmarks.overhead`, by subject."""
