"""What writes the reference pages: one file for each kind of declaration that they are made from."""
