"""Whether token limits are kept where providers count tokens that nobody sees, by tokenizers of their own."""
