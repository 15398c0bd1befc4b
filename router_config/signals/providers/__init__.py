"""The rules by which replies are read: one module a provider, and the common rules that they fall back to."""
