"""Wire formats that other people's clients already speak: one file for each."""
