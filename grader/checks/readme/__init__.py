"""RD: the README against everything else."""
