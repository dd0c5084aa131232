"""The settings of this process, read once."""

from __future__ import annotations

import streamlit as st

from reelsense.settings import Settings, load_settings


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """What the environment and `.env` say."""
    return load_settings()
