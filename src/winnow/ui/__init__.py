"""The page for people who don't program. It talks to the API through the client, and to nothing else."""
