"""RT: the accuracy that we reach."""
