"""The pages. Each is a file that Streamlit runs; importing one draws nothing."""
