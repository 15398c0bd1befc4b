"""Classes of agents under full overload: what is kept is kept, and what is not is used."""
