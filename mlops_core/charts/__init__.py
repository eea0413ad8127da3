"""Records to figures; no Streamlit."""
