"""A folder of its own for the file that Streamlit runs, which takes what lies beside that file for pages."""
