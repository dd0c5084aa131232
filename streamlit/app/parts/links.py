"""Ways from a page to the other services' own."""

from __future__ import annotations

import streamlit as st

from parts import api


def show() -> None:
    """To MLflow and Airflow, where it is known where they are."""
    try:
        links = api.get("/v1/services", check=False)["links"]
    except api.ApiProblem:
        return  # the page does without
    known = [(name, links[key]) for name, key in (("MLflow", "mlflow"), ("Airflow", "airflow"))]
    known = [(name, address) for name, address in known if address.startswith(("http://", "https://"))]
    if known:
        with st.container(horizontal=True):
            for name, address in known:
                st.link_button(name, address, icon=":material/open_in_new:")
