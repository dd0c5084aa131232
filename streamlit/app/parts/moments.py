"""Moments as the API writes them, on the page in Korean time."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st


def korean(told: str) -> pd.Timestamp:
    """A moment in Korean time."""
    return pd.Timestamp(told).tz_convert("Asia/Seoul")


def minute(told: str) -> str:
    """A moment as words, to the minute."""
    return f"{korean(told):%Y-%m-%d %H:%M}"


def column(name: str) -> Any:
    """How a table shows a column of moments."""
    return st.column_config.DatetimeColumn(name, format="YYYY-MM-DD HH:mm")
