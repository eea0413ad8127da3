"""The script that Streamlit runs: decides which pages there are and how they are grouped."""

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).parent

st.set_page_config(page_title="Driftdeck", page_icon=str(PAGES / "assets" / "icon.svg"), layout="wide")
st.logo(str(PAGES / "assets" / "logo.svg"), icon_image=str(PAGES / "assets" / "icon.svg"), size="large")
st.navigation(
    {
        "Watch": [
            st.Page("overview.py", title="Overview", icon=":material/monitoring:", default=True),
            st.Page("performance.py", title="Performance", icon=":material/speed:"),
            st.Page("drift.py", title="Drift", icon=":material/grid_on:"),
            st.Page("quality.py", title="Data quality", icon=":material/fact_check:"),
        ],
        "Act": [
            st.Page("versions.py", title="Versions", icon=":material/history:"),
            st.Page("compare.py", title="Compare", icon=":material/compare_arrows:"),
            st.Page("retraining.py", title="Retraining", icon=":material/model_training:"),
        ],
        "Run": [st.Page("activity.py", title="Activity", icon=":material/receipt_long:")],
    }
).run()
