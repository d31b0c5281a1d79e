"""A provider has one name, in Python and in SQL alike."""

from __future__ import annotations

import duckdb
import pytest

from outlay.facts.providers import provider_case_sql, provider_id


@pytest.mark.parametrize("name", [
    None, "", "  ", "openai", "OpenAI", " Amazon Web Services, Inc. ", "aws", "vertex_ai", "Google", "Mine", "gcp"])
def test_python_and_sql_agree(name):
    with duckdb.connect() as connection:
        sql = connection.execute(f"SELECT {provider_case_sql('name')} FROM (SELECT ? AS name)", [name]).fetchone()
    assert sql == (provider_id(name),)
